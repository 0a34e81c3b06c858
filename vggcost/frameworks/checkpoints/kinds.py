"""What kind of layer the tensors of one part are, by their axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.formulas import forward, windows
from vggcost.frameworks.checkpoints.parts import BIAS, MEAN, VARIANCE, WEIGHT
from vggcost.network.foreign_layers import Free
from vggcost.network.layers import BatchNorm2d, Conv2d, Linear
from vggcost.record import Record
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.frameworks.checkpoints.parts import StoredPart
    from vggcost.frameworks.checkpoints.stored import StoredTensor
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]

LAYOUTS: Mapping[str, tuple[tuple[int, int, int, int], tuple[int, int]]] = {
    "OIHW": ((0, 1, 2, 3), (0, 1)),
    "HWIO": ((3, 2, 0, 1), (1, 0)),
    "OHWI": ((0, 3, 1, 2), (0, 1)),
}
"""Where a layout has a kernel's output channels, input channels, height and width, and a matrix's outputs and inputs:
torch's, Keras's and that of frameworks that keep channels last in both."""


class StoredLayer(Record):
    """A layer of a file; odd: its bias is not as long as its outputs are many, so that the layout may be another."""

    path: str
    layer: Layer
    part: StoredPart
    odd: bool = False

    @property
    def gives(self) -> int | None:
        """Channels or features of its output; None where it is no layer of known kind."""
        if isinstance(self.layer, BatchNorm2d):
            return int(self.layer.channels)
        if isinstance(self.layer, Conv2d | Linear):
            return int(self.layer.c_out if isinstance(self.layer, Conv2d) else self.layer.out_features)
        return None

    @property
    def words(self) -> str:
        """The layer in words, or the shapes of its tensors: ``3x3 64->128``."""
        if not isinstance(self.layer, Free):
            return self.layer.words()
        return ", ".join(shape_text(tensor.shape) or "1" for _, tensor in self.part.tensors)


def layer_of(part: StoredPart, layout: str) -> StoredLayer:
    """Return the layer that a part's tensors make where their axes are laid out so.

    A kernel alone says neither stride nor padding: they are taken to be 1 and what keeps the size. Groups are not told
    either: c_in is that of one group.
    """
    kernel, bias = part.of(WEIGHT), part.of(BIAS)
    if kernel is not None and len(kernel.shape) == 4:
        return _convolution(part, kernel, bias, layout)
    if kernel is not None and len(kernel.shape) == 2 and "emb" not in part.path.lower():
        outputs, inputs = (kernel.shape[axis] for axis in LAYOUTS[layout][1])
        made: Layer = Linear(part.path, part.path, inputs, outputs, bias is not None)
        return StoredLayer(part.path, made, part, _unfit(bias, outputs))
    mean = part.of(MEAN)
    if mean is not None and part.of(VARIANCE) is not None and len(mean.shape) == 1:
        affine = kernel is not None and bias is not None
        return StoredLayer(part.path, BatchNorm2d(part.path, part.path, mean.shape[0], affine), part)
    return StoredLayer(part.path, Free(part.path, part.path, "Parameter"), part)


def _convolution(part: StoredPart, kernel: StoredTensor, bias: StoredTensor | None, layout: str) -> StoredLayer:
    outputs, inputs, height, width = (kernel.shape[axis] for axis in LAYOUTS[layout][0])
    depthwise = layout == "HWIO" and "depthwise" in kernel.name.lower()
    if depthwise:  # Keras keeps several outputs of each channel apart from one another
        outputs = forward.elements((inputs, outputs))
    made = Conv2d(
        part.path,
        part.path,
        inputs,
        outputs,
        (height, width),
        padding=(windows.centred_padding(height), windows.centred_padding(width)),
        bias=bias is not None,
        groups=inputs if depthwise else 1,
    )
    return StoredLayer(part.path, made, part, _unfit(bias, outputs))


def _unfit(bias: StoredTensor | None, outputs: int) -> bool:
    return bias is not None and bias.shape != (outputs,)
