"""What ``like`` names, and what is other in a program: by a network file's keys, in the words of `vggcost check`."""

from __future__ import annotations

from vggcost import units
from vggcost.costs.table import table_if_it_runs
from vggcost.lock.comparison import compared
from vggcost.lock.facts import entry_of
from vggcost.network import catalogue
from vggcost.network.layers import Softmax
from vggcost.network.ledger import Ledger
from vggcost.programs.network_reading import DTYPE, reading_of
from vggcost.programs.pieces import is_pool, network_pieces, program_pieces
from vggcost.programs.reading import Operation, ProgramReading
from vggcost.programs.state import State
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.lock.comparison import Comparison
    from vggcost.lock.entry import Entry
    from vggcost.network.layer import Layer
    from vggcost.network.plan import Configuration, Network


BOUND_BY_A_NAME = frozenset(("classifier", "head", "width"))
"""What ``like`` holds a model to beside the layers, where it is a name: all else is the model's own."""

OF_THE_CLASSIFIER = frozenset(("adaptive_pool", "classes", "head", "softmax"))
"""Keys of a network file that say that there is a classifier."""


class Standard(Record):
    """What ``like`` names: a configuration, and the keys of a network file that bind a model to it.

    written: it is such a file, and no name.
    """

    configuration: Configuration
    bound: frozenset[str]
    written: bool = False

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the image that it insists on [pixels]; None where it does not."""
        return self.configuration.size if "size" in self.bound else None


def standard(like: str) -> Standard:
    """Return what a name or a network file holds a model to.

    Raises:
        VggcostError: there is none.
    """
    configuration, keys = catalogue.written(like)
    if not keys:
        batch_norm = catalogue.resolve(like)[1]
        return Standard(configuration, BOUND_BY_A_NAME | ({"batch_norm"} if batch_norm else set()))
    bound = keys | {"width"}  # features are as wide as they are written
    return Standard(configuration, bound | {"classifier"} if keys & OF_THE_CLASSIFIER else bound, written=True)


def held(reading: ProgramReading, network: Network, wanted: Standard) -> Comparison | None:
    """Return what is other in a program than in a network file; None where it is a name that is wanted.

    network is the configuration in the variant that comes nearest, in which only what is bound is the file's own. A
    file has no word for names, for what is frozen, and for layers that neither learn nor activate nor pool, as dropout:
    these are left out, and so is on which side of a pool an activation stands.
    """
    if not wanted.written:
        return None
    configuration, bound = wanted.configuration, wanted.bound
    image, channels = reading.image, reading.inputs[0][min(1, len(reading.inputs[0]) - 1)]
    size = configuration.size if "size" in bound or image is None else image
    shape = (reading.inputs[0][0], network.variant.in_channels, *size)
    counted = table_if_it_runs(network, shape)
    known = counted is not None and image is not None and not reading.weights_alone
    if counted is None:
        operations = tuple(_at_no_input(piece.layer) for piece in network_pieces(network.layers))
        written = ProgramReading(reading.program, reading.framework, (shape,), operations)
    else:
        written = reading_of(counted, reading.program, reading.framework)
    softmax = "softmax" in bound and not reading.weights_alone
    after = _entry(reading, softmax=softmax)
    before = _entry(written, softmax=softmax)
    given = (shape[0], shape[1] if "in_channels" in bound else channels, *size)
    before = before.replace(inputs=(given,) if image is not None and not reading.weights_alone else after.inputs)
    if reading.weights_alone:
        before = before.replace(layers=tuple(each for each in before.layers if each.params))
    if not known:
        before = before.replace(layers=tuple(each.replace(output=None, macs=None) for each in before.layers))
    return compared(before.replace(stems=after.stems), after, names=False)


def _at_no_input(layer: Layer) -> Operation:
    """A layer of a network that does not run at the program's input."""
    return Operation(layer, None, None, State.of(layer.params(), units.dtype_bytes(DTYPE), DTYPE), Ledger())


def _entry(reading: ProgramReading, *, softmax: bool) -> Entry:
    """The facts that a network file has words for."""
    entry = entry_of("network", reading.replace(operations=tuple(_spoken_of(reading, softmax=softmax))))
    layers = tuple(each.replace(params_trainable=each.params) for each in entry.layers)
    return entry.replace(layers=layers, totals={"params": reading.params})


def _place_of_activation(found: list[Operation]) -> int:
    """Where an activation is put: before the pools in front of it, where none stands there."""
    place = len(found)
    while place and is_pool(found[place - 1].layer):
        place -= 1
    return len(found) if not place or found[place - 1].layer.activation else place


def _spoken_of(reading: ProgramReading, *, softmax: bool) -> list[Operation]:
    pieces = {piece.operation: piece for piece in program_pieces(reading)}
    found: list[Operation] = []
    for place, operation in enumerate(reading.operations):
        layer = operation.layer
        if place in pieces:
            found.append(operation.replace(layer=pieces[place].layer))
        elif layer.activation:
            found.insert(_place_of_activation(found), operation)
        elif softmax and isinstance(layer, Softmax):
            found.append(operation)
    return found
