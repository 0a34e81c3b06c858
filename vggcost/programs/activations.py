"""Which activations follow which convolution or linear layer, in a configuration and in a program."""

from __future__ import annotations

from vggcost.network.blocks import Add, Residual
from vggcost.network.products import MatMul

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.network.layer import Layer
    from vggcost.programs.reading import ProgramReading


def expected(layers: Sequence[Layer]) -> dict[str, str | None]:
    """Return the ReLU behind each convolution and linear layer outside of residual blocks, both by name."""
    found: dict[str, str | None] = {}
    last: str | None = None
    for layer in layers:
        if layer.weighted:
            last = layer.name
            found[last] = None
        elif isinstance(layer, Residual):
            last = None
        elif layer.activation and last is not None:
            found[last] = layer.name
    return found


def read(reading: ProgramReading) -> dict[int, tuple[str, ...]]:
    """Return the activations behind each convolution and linear layer of a program, by its place."""
    found: dict[int, tuple[str, ...]] = {}
    last: int | None = None
    for place, operation in enumerate(reading.operations):
        layer = operation.layer
        if layer.weighted:
            last = place
            found[place] = ()
        elif isinstance(layer, Add | MatMul):
            last = None
        elif last is not None and layer.activation:
            found[last] = (*found[last], layer.kind)
    return found
