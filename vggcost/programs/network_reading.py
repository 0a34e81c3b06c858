"""A network of ours read as a program is, so that what can be said of a program can be said of it."""

from __future__ import annotations

from vggcost import units
from vggcost.costs.memory import layer_buffer_bytes
from vggcost.costs.table import table
from vggcost.network import catalogue
from vggcost.network.blocks import Add, Residual
from vggcost.programs.reading import Operation, ProgramReading
from vggcost.programs.state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.costs.table import Row, Table
    from vggcost.network.plan import Network

DTYPE = "float32"
"""What a network of ours is stored in; a network file has no word for it."""


def read_network(target: str, kind: str, size: tuple[int, int] | None, batch: int) -> ProgramReading:
    """Return the reading of a configuration's name or a network file, at an image of this size or of its own.

    kind is what the reading calls its framework.

    Raises:
        VggcostError: there is none, or the image does not fit it.
    """
    plan = catalogue.named(target)
    network = catalogue.unfolded(plan, plan.variant, size or plan.size)
    shape = (batch, network.variant.in_channels, *network.image)
    return reading_of(table(network, shape), target, kind)


def reading_of(counted: Table, target: str, kind: str) -> ProgramReading:
    """Return the reading of a network that is counted already."""
    return ProgramReading(target, kind, (counted.input,), _operations(counted))


def operations_of(network: Network, shape: tuple[int, ...]) -> tuple[Operation, ...]:
    """Return what a network does with an input of this shape, batch first.

    Raises:
        VggcostError: a layer does not fit what reaches it.
    """
    return _operations(table(network, shape))


def _operations(counted: Table) -> tuple[Operation, ...]:
    joined = _joined(counted.network)
    return tuple(
        Operation(
            row.layer,
            row.input,
            row.output,
            _state(row),
            row.ledger,
            branch=joined[row.name] if isinstance(row.layer, Add) else 0,
        )
        for row in counted.rows
    )


def _state(row: Row) -> State:
    """What a layer of the network holds; running statistics are buffers, and so is how many batches they have seen."""
    size = units.dtype_bytes(DTYPE)
    buffers = int(row.layer.buffers()) + row.layer.counters()
    return State.of(row.params, size, DTYPE).replace(buffers=buffers, buffer_bytes=layer_buffer_bytes(row.layer, size))


def _joined(network: Network) -> dict[str, int]:
    """How many operations the addition at the end of each residual block joins."""
    return {
        layer.name: len(layer.body) + len(layer.shortcut) for layer in network.layers if isinstance(layer, Residual)
    }
