"""Layers that no VGG has and other programs do: other pools, products of matrices, and work without MACs."""

from __future__ import annotations

from vggcost.formulas import forward
from vggcost.network.layer import POINTWISE, Layer
from vggcost.network.layers import BatchNorm2d, MaxPool2d, pool_words
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Call, Pair, Shape, Size, Window

ACTIVATIONS = frozenset(
    (
        *("relu6", "sigmoid", "tanh", "silu", "swish", "gelu", "elu", "leakyrelu", "hardswish", "hardsigmoid"),
        *("hardtanh", "softplus", "softsign", "mish", "selu", "celu", "prelu", "rrelu", "threshold", "logsigmoid"),
        *("clamp", "clip", "hardsilu", "relusquared", "squareplus", "exponential"),
    )
)
"""The functions of one element that stand where a ReLU may stand, in lower case without underscores."""


class CeilMaxPool2d(MaxPool2d):
    """A max-pool whose last window may reach over the edge (torch.nn.MaxPool2d with ceil_mode on)."""

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer."""
        return "MaxPool2d"

    def outputs(self, shape: Shape) -> tuple[Size, Size]:
        """The output's height and width [elements]."""
        return self.window(shape).outputs_over_edge(shape)

    def words(self, beside: Layer | None = None) -> str:
        """``max-pool 2x2 of stride 2, ceil mode``."""
        return f"{super().words(beside)}, ceil mode"


class BatchNorm1d(BatchNorm2d):
    """Batch normalization over features (torch.nn.BatchNorm1d); (N, C) or (N, C, L)."""


class GroupNorm(Layer):
    """Normalization over groups of channels (Wu & He 2018; torch.nn.GroupNorm); (N, C, ...)."""

    groups: int
    channels: Size
    affine: bool = True

    noun = "group normalization"
    no_family = "no VGG has it, so what tools count of it was not looked at"
    counts_known = False
    structural = keeps_input = True

    def takes(self) -> tuple[str, int, Size]:
        """Its channels."""
        return "channels", 1, self.channels

    def params_call(self) -> Call:
        """A scale and a shift a channel, as batch normalization has them."""
        return forward.batch_norm2d_params, {"channels": self.channels, "affine": int(self.affine)}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``group normalization of 64 channels in 8 groups``."""
        affine = "" if self.affine else ", not affine"
        return f"{self.noun} of {self.channels} channels in {self.groups} groups{affine}"


class AvgPool2d(Layer):
    """The mean of each window (torch.nn.AvgPool2d): no multiply-accumulate in the textbook's count."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    noun = "average-pool"
    no_family = "no VGG has it, so what tools count of it was not looked at"
    counts_known = False
    structural = spatial = keeps_input = True

    def window(self, shape: Shape) -> Window:  # noqa: ARG002  # the same at every size
        """The pool's window."""
        return POINTWISE.replace(kernel=self.kernel, stride=self.stride, padding=self.padding)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H', W')."""
        window = self.window(shape)
        sides = window.outputs_over_edge(shape) if self.ceil_mode else window.outputs(shape)
        return (*shape[:2], *sides), Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``average-pool 2x2 of stride 2``."""
        return pool_words(self.noun, self.kernel, self.stride, self.padding)


class ZeroPad2d(Layer):
    """Zeros around each feature map (torch.nn.ZeroPad2d): left, right, top, bottom."""

    padding: tuple[int, int, int, int]

    noun = "zero padding"
    no_family = "it copies"

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H + top + bottom, W + left + right)."""
        left, right, top, bottom = self.padding
        return (shape[0], shape[1], shape[2] + top + bottom, shape[3] + left + right), Ledger()


class MatMul(Layer):
    """A product of matrices, batched or not (torch.matmul): each output is one dot product of length `inner`."""

    inner: int
    output: Shape

    noun = "matrix product"
    family = "linear_"
    counts_known = False
    structural = True

    def macs_call(self, output: Shape) -> Call:
        """One dot product an output element."""
        return forward.linear_macs, {"batch": forward.elements(output), "in_features": self.inner, "out_features": 1}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:  # noqa: ARG002  # two inputs, of which `output` is made
        """Two matrices to their product."""
        formula, arguments = self.macs_call(self.output)
        return self.output, Ledger(linear_macs=formula(**arguments), linear_outputs=forward.elements(self.output))


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
