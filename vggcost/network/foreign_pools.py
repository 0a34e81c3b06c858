"""Pools that no VGG has and other programs do."""

from __future__ import annotations

from vggcost import units
from vggcost.formulas import forward, windows
from vggcost.network.layer import POINTWISE, Layer, Window, pool_words
from vggcost.network.layers import MaxPool2d
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Pair, Shape, Size
    from vggcost.network.work import Tensor

    Sides = tuple[int, ...]
    """A side an axis, outermost first."""


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


class AvgPool2d(Layer):
    """The mean of each window (torch.nn.AvgPool2d): no multiply-accumulate in the textbook's count."""

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    noun = "average-pool"
    no_family = "it multiplies and accumulates nothing"
    counts_known = False
    structural = spatial = keeps_input = True

    def window(self, shape: Shape) -> Window:  # noqa: ARG002  # the same at every size
        """The pool's window."""
        return POINTWISE.replace(kernel=self.kernel, stride=self.stride, padding=self.padding)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H', W')."""
        window = self.window(shape)
        sides = window.outputs_over_edge(shape) if self.ceil_mode else window.outputs(shape)
        output = (*shape[:2], *sides)
        return output, Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``average-pool 2x2 of stride 2``."""
        return pool_words(self.noun, self.kernel, self.stride, self.padding)


class PoolNd(Layer):
    """Another pool with a window, over one to three axes: the largest, mean or power mean of each window.

    operation is torch's name of it without the axes: MaxPool, AvgPool, LPPool, FractionalMaxPool. stride and padding
    have a side an axis, as the kernel has.
    """

    operation: str
    kernel: Sides
    stride: Sides
    padding: Sides
    dilation: Sides = ()
    ceil_mode: bool = False

    noun = "pool"
    no_family = "it multiplies and accumulates nothing"
    counts_known = False
    structural = keeps_input = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer: MaxPool3d."""
        return f"{self.operation}{len(self.kernel)}d"

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # a window has a height and a width
        """The window, where it has a height and a width; None elsewhere."""
        if len(self.kernel) != 2:
            return None
        (kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w) = self.kernel, self.stride, self.padding
        return Window((kernel_h, kernel_w), (stride_h, stride_w), (pad_h, pad_w))

    def beside(self, output: Shape) -> tuple[Tensor, ...]:
        """The place of each largest value, where it looks for one."""
        return (("places", forward.elements(output), "place"),) if "Max" in self.operation else ()

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, ...) to (N, C, ...)."""
        dilation = self.dilation or tuple(1 for _ in self.kernel)
        sides = zip(shape[2:], self.kernel, self.stride, self.padding, dilation, strict=True)
        output = (*shape[:2], *(_side(*side, ceil_mode=self.ceil_mode) for side in sides))
        return output, Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``MaxPool3d 2x2x2 of stride 2``."""
        stride = self.stride[0] if len(set(self.stride)) == 1 else units.shape_text(self.stride)
        return f"{self.kind} {units.shape_text(self.kernel)} of stride {stride}"


class AdaptivePoolNd(Layer):
    """Another pool to a fixed grid of outputs: over one or three axes, or the largest of each cell.

    operation is torch's name of it without the axes: AdaptiveAvgPool, AdaptiveMaxPool, FractionalMaxPool.
    """

    operation: str
    output_size: Sides

    noun = "adaptive pool"
    no_family = "it multiplies and accumulates nothing"
    counts_known = False
    structural = keeps_input = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer: AdaptiveAvgPool3d."""
        return f"{self.operation}{len(self.output_size)}d"

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # cells are not all alike
        """None: its cells need not be alike."""
        return None

    def beside(self, output: Shape) -> tuple[Tensor, ...]:
        """The place of each largest value, where it looks for one."""
        return (("places", forward.elements(output), "place"),) if "Max" in self.operation else ()

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, ...) to (N, C, *output_size)."""
        output = (*shape[:2], *self.output_size)
        return output, Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``AdaptiveAvgPool3d to 1x1x1``."""
        return f"{self.kind} to {units.shape_text(self.output_size)}"


def _side(size: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil_mode: bool) -> int:
    """Outputs along one axis [elements]; with ceil_mode a last window may reach over the edge."""
    if not ceil_mode:
        return windows.window_out(size, kernel, stride, padding, dilation)
    reaching = windows.window_out_over_edge(size, kernel, stride, padding, dilation)
    return min(reaching, windows.window_starts(size, stride, padding))


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
