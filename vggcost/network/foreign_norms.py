"""Normalizations that no VGG has and other programs do."""

from __future__ import annotations

from vggcost.formulas import forward
from vggcost.network.layer import Layer
from vggcost.network.layers import BatchNorm2d
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Call, Shape, Size


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

    @property
    def learns(self) -> bool:
        """Whether it has scale and shift."""
        return self.affine

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


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
