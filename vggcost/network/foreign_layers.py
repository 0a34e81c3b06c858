"""Layers that no VGG has and other programs do: other pools, products of matrices, and work without MACs."""

from __future__ import annotations

from vggcost.network.layers import POINTWISE, BatchNorm2d, Layer, MaxPool2d
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layers import Pair, Shape, Window


class CeilMaxPool2d(MaxPool2d):
    """A max-pool whose last window may reach over the edge (torch.nn.MaxPool2d with ceil_mode on)."""

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer."""
        return "MaxPool2d"

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H', W')."""
        output = (shape[0], shape[1], *window_out(shape, self.window(shape), ceil_mode=True))
        elements = product(output)
        return output, Ledger(
            maxpool_inputs=product(shape),
            maxpool_outputs=elements,
            maxpool_window_elements=elements * (self.kernel[0] * self.kernel[1]),
            maxpool_stride_elements=elements * (self.stride[0] * self.stride[1]),
        )


class BatchNorm1d(BatchNorm2d):
    """Batch normalization over features (torch.nn.BatchNorm1d); (N, C) or (N, C, L)."""


class AvgPool2d(Layer):
    """The mean of each window (torch.nn.AvgPool2d): no multiply-accumulate in the textbook's count."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    def window(self, shape: Shape) -> Window:  # noqa: ARG002  # the same at every size
        """The pool's window."""
        return POINTWISE.replace(kernel=self.kernel, stride=self.stride, padding=self.padding)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H', W')."""
        return (shape[0], shape[1], *window_out(shape, self.window(shape), ceil_mode=self.ceil_mode)), Ledger()


class ZeroPad2d(Layer):
    """Zeros around each feature map (torch.nn.ZeroPad2d): left, right, top, bottom."""

    padding: tuple[int, int, int, int]

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H + top + bottom, W + left + right)."""
        left, right, top, bottom = self.padding
        return (shape[0], shape[1], shape[2] + top + bottom, shape[3] + left + right), Ledger()


class MatMul(Layer):
    """A product of matrices, batched or not (torch.matmul): each output is one dot product of length `inner`."""

    inner: int
    output: Shape

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:  # noqa: ARG002  # two inputs, of which `output` is made
        """Two matrices to their product."""
        elements = product(self.output)
        return self.output, Ledger(linear_macs=elements * self.inner, linear_outputs=elements)


class Free(Layer):
    """An operation that is known to do no multiply-accumulate: element-wise functions, means, joints, copies."""

    operation: str

    @property
    def kind(self) -> str:
        """The operation's own name."""
        return self.operation


class Uncounted(Layer):
    """An operation that vggcost has no formula for: it is listed, and never counted as zero in silence."""

    operation: str

    @property
    def kind(self) -> str:
        """The operation's own name."""
        return self.operation


class Idle(Layer):
    """A part of the model that owns parameters and that one forward call does not reach."""

    operation: str

    @property
    def kind(self) -> str:
        """The part's class name."""
        return self.operation


def product(shape: Shape) -> int:
    """Return the elements of a shape; 1 for the empty shape of a scalar."""
    total = 1
    for size in shape:
        total *= size
    return total


def window_out(shape: Shape, window: Window, *, ceil_mode: bool) -> Pair:
    """Return the output's height and width [elements] of a window over plain ints.

    With ceil_mode a last window may reach over the edge, as long as it begins inside the image or its left padding.
    Source: torch.nn.MaxPool2d, torch.nn.AvgPool2d.

    >>> window_out((1, 64, 55, 55), POINTWISE.replace(kernel=(2, 2), stride=(2, 2)), ceil_mode=True)
    (28, 28)
    """
    sides = []
    for axis in (0, 1):
        stride, padding = window.stride[axis], window.padding[axis]
        room = shape[2 + axis] + 2 * padding - window.dilation[axis] * (window.kernel[axis] - 1) - 1
        side = room // stride + 1
        if ceil_mode:
            side = -(-room // stride) + 1
            if (side - 1) * stride >= shape[2 + axis] + padding:
                side -= 1
        sides.append(side)
    return sides[0], sides[1]


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
