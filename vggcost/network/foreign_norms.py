"""Normalizations that no VGG has and other programs do."""

from __future__ import annotations

from vggcost import units
from vggcost.formulas import forward, norms
from vggcost.network.layer import Layer
from vggcost.network.layers import BatchNorm2d
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Call, Shape, Size


class BatchNorm1d(BatchNorm2d):
    """Batch normalization over features (torch.nn.BatchNorm1d); (N, C) or (N, C, L)."""


class BatchNorm3d(BatchNorm2d):
    """Batch normalization over the channels of volumes (torch.nn.BatchNorm3d); (N, C, D, H, W)."""


class GroupNorm(Layer):
    """Normalization over groups of channels (Wu & He 2018; torch.nn.GroupNorm); (N, C, ...)."""

    groups: int
    channels: Size
    affine: bool = True

    noun = "group normalization"
    no_family = "it multiplies and accumulates nothing"
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


class InstanceNorm(Layer):
    """Normalization of each feature map by itself (Ulyanov et al. 2016; torch.nn.InstanceNorm2d); (N, C, ...).

    axes is how many sizes a feature map has.
    """

    axes: int
    channels: Size
    affine: bool = False

    noun = "instance normalization"
    no_family = "it multiplies and accumulates nothing"
    counts_known = False
    structural = keeps_input = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer: InstanceNorm2d."""
        return f"InstanceNorm{self.axes}d"

    def takes(self) -> tuple[str, int, Size]:
        """Its channels."""
        return "channels", 1, self.channels

    def params_call(self) -> Call:
        """A scale and a shift a channel, where it is affine."""
        return forward.batch_norm2d_params, {"channels": self.channels, "affine": int(self.affine)}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``instance normalization of 64 channels``."""
        return f"{self.noun} of {self.channels} channels{', affine' if self.affine else ''}"


class LayerNorm(Layer):
    """Normalization over the last axes (Ba et al. 2016; torch.nn.LayerNorm), normalized being their sizes."""

    normalized: tuple[Size, ...]
    affine: bool = True
    shift: bool = True

    noun = "layer normalization"
    no_family = "it multiplies and accumulates nothing"
    counts_known = False
    structural = keeps_input = True

    def takes(self) -> tuple[str, int, Size]:
        """Its features, along the last axis."""
        return "features", -1, self.normalized[-1]

    @property
    def learns(self) -> bool:
        """Whether it has scale and shift."""
        return self.affine

    def params_call(self) -> Call:
        """A scale and a shift an element of the last axes, where it has them."""
        return norms.layer_norm_params, {
            "elements": forward.elements(self.normalized),
            "scale": int(self.affine),
            "bias": int(self.shift),
        }

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger()

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``layer normalization of 768``."""
        return f"{self.noun} of {units.shape_text(self.normalized)}{'' if self.affine else ', not affine'}"


class RMSNorm(LayerNorm):
    """Division by the root mean square over the last axes (Zhang & Sennrich 2019; torch.nn.RMSNorm)."""

    noun = "RMS normalization"


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
