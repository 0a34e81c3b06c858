"""Pools that no VGG has and other programs do."""

from __future__ import annotations

from vggcost.network.layer import POINTWISE, Layer
from vggcost.network.layers import MaxPool2d, pool_words
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Pair, Shape, Size, Window


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


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
