"""Layers that no VGG has and other programs do, and that multiply nothing; and what is no layer at all."""

from __future__ import annotations

from vggcost.network.layer import Layer
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Shape

ACTIVATIONS = frozenset(
    (
        *("relu6", "sigmoid", "tanh", "silu", "swish", "gelu", "elu", "leakyrelu", "hardswish", "hardsigmoid"),
        *("hardtanh", "softplus", "softsign", "mish", "selu", "celu", "prelu", "rrelu", "threshold", "logsigmoid"),
        *("clamp", "clip", "hardsilu", "relusquared", "squareplus", "exponential"),
    )
)
"""The functions of one element that stand where a ReLU may stand, in lower case without underscores."""


class ZeroPad2d(Layer):
    """Zeros around each feature map (torch.nn.ZeroPad2d): left, right, top, bottom."""

    padding: tuple[int, int, int, int]

    noun = "zero padding"
    no_family = "it copies"

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H + top + bottom, W + left + right)."""
        left, right, top, bottom = self.padding
        return (shape[0], shape[1], shape[2] + top + bottom, shape[3] + left + right), Ledger()


class Free(Layer):
    """An operation that is known to do no multiply-accumulate: element-wise functions, means, joints, copies."""

    operation: str

    no_family = "it stands for many operations, none of which multiplies and accumulates"
    counts_known = False

    @property
    def kind(self) -> str:
        """The operation's own name."""
        return self.operation

    @property
    def activation(self) -> bool:
        """Whether its name is that of a function that stands where a ReLU may stand."""
        return self.operation.replace("_", "").lower() in ACTIVATIONS


class Uncounted(Layer):
    """An operation that vggcost has no formula for: it is listed, and never counted as zero in silence."""

    operation: str

    no_family = "there is no formula for it"
    structural = True

    @property
    def kind(self) -> str:
        """The operation's own name."""
        return self.operation


class Idle(Layer):
    """A part of the model that owns parameters and that one forward call does not reach."""

    operation: str

    no_family = "it is never called"
    structural = True

    @property
    def kind(self) -> str:
        """The part's class name."""
        return self.operation

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``Linear, which is never used``."""
        return f"{self.kind}, which is never used"


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""


def broadcast(one: Shape, other: Shape) -> Shape | None:
    """Return the shape that two shapes broadcast to, None where they do not.

    >>> broadcast((1, 64, 1, 1), (64, 7, 7))
    (1, 64, 7, 7)
    """
    length = max(len(one), len(other))
    pairs = zip((1,) * (length - len(one)) + one, (1,) * (length - len(other)) + other, strict=True)
    output = []
    for mine, its in pairs:
        if mine != its and 1 not in (mine, its):
            return None
        output.append(its if mine == 1 else mine)
    return tuple(output)
