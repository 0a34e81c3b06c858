"""Which activations follow which convolution or linear layer, in a configuration and in a program."""

from __future__ import annotations

from vggcost.network.foreign_layers import Free, MatMul
from vggcost.network.layers import Add, Conv2d, Linear, ReLU, Residual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.network.layers import Layer
    from vggcost.programs.reading import ProgramReading

FUNCTIONS = frozenset(
    (
        *("relu6", "sigmoid", "tanh", "silu", "swish", "gelu", "elu", "leakyrelu", "hardswish", "hardsigmoid"),
        *("hardtanh", "softplus", "softsign", "mish", "selu", "celu", "prelu", "rrelu", "threshold", "logsigmoid"),
        *("clamp", "clip", "hardsilu", "relusquared", "squareplus", "exponential"),
    )
)
"""The functions of one element that stand where a ReLU may stand, in lower case without underscores."""


def expected(layers: Sequence[Layer]) -> dict[str, str | None]:
    """Return the ReLU behind each convolution and linear layer outside of residual blocks, both by name."""
    found: dict[str, str | None] = {}
    last: str | None = None
    for layer in layers:
        if isinstance(layer, Conv2d | Linear):
            last = layer.name
            found[last] = None
        elif isinstance(layer, Residual):
            last = None
        elif isinstance(layer, ReLU) and last is not None:
            found[last] = layer.name
    return found


def read(reading: ProgramReading) -> dict[int, tuple[str, ...]]:
    """Return the activations behind each convolution and linear layer of a program, by its place."""
    found: dict[int, tuple[str, ...]] = {}
    last: int | None = None
    for place, operation in enumerate(reading.operations):
        layer = operation.layer
        if isinstance(layer, Conv2d | Linear):
            last = place
            found[place] = ()
        elif isinstance(layer, Add | MatMul):
            last = None
        elif last is not None and _is_activation(layer):
            found[last] = (*found[last], layer.kind)
    return found


def _is_activation(layer: Layer) -> bool:
    if isinstance(layer, ReLU):
        return True
    return isinstance(layer, Free) and layer.operation.replace("_", "").lower() in FUNCTIONS
