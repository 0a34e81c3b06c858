"""What kind of layer the tensors of one part are, by their axes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward, windows
from vggcost.frameworks.checkpoints.parts import BIAS, MEAN, STEP, VARIANCE, WEIGHT
from vggcost.network.foreign_convolutions import ConvNd, ConvTransposeNd
from vggcost.network.foreign_layers import Free
from vggcost.network.layers import BatchNorm2d, Conv2d, Linear
from vggcost.network.sequences import GATES, Embedding, Recurrent
from vggcost.record import Record
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.frameworks.checkpoints.parts import StoredPart
    from vggcost.frameworks.checkpoints.stored import StoredTensor
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]

LAYOUTS: Mapping[str, tuple[int, int]] = {"OIHW": (0, 1), "HWIO": (1, 0), "OHWI": (0, 1)}
"""The layouts of a kernel, and where each has a matrix's outputs and inputs: torch's, Keras's and that of frameworks
that keep channels last. Kernels of one or three axes have as many sides in the place of H and W."""

_TRANSPOSED = re.compile(r"transpose|deconv|upconv")
"""What a transposed convolution is called, which a kernel of as many inputs as outputs does not tell."""


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
        if isinstance(self.layer, Linear):
            return int(self.layer.out_features)
        return int(self.layer.c_out) if isinstance(self.layer, Conv2d | ConvNd | ConvTransposeNd) else None

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
    if part.of(STEP) is not None:
        return StoredLayer(part.path, _recurrent(part), part)
    if kernel is not None and 3 <= len(kernel.shape) <= 5:
        return _convolution(part, kernel, bias, layout)
    if kernel is not None and len(kernel.shape) == 2:
        return _matrix(part, kernel, bias, layout)
    mean = part.of(MEAN)
    if mean is not None and part.of(VARIANCE) is not None and len(mean.shape) == 1:
        affine = kernel is not None and bias is not None
        return StoredLayer(part.path, BatchNorm2d(part.path, part.path, mean.shape[0], affine), part)
    return StoredLayer(part.path, Free(part.path, part.path, "Parameter"), part)


def _matrix(part: StoredPart, kernel: StoredTensor, bias: StoredTensor | None, layout: str) -> StoredLayer:
    """A linear layer, or a table of vectors where its name says so."""
    if "emb" in f"{part.path} {kernel.name}".lower() and bias is None:
        rows, width = kernel.shape
        return StoredLayer(part.path, Embedding(part.path, part.path, rows, width), part)
    outputs, inputs = (kernel.shape[axis] for axis in LAYOUTS[layout])
    made = Linear(part.path, part.path, inputs, outputs, bias is not None)
    return StoredLayer(part.path, made, part, _unfit(bias, outputs))


def _recurrent(part: StoredPart) -> Layer:
    """A recurrent layer, its cell by how many rows its states' weights have for each unit."""
    shapes = {tensor.name.rpartition(".")[2]: tensor.shape for _, tensor in part.tensors}
    first = next((name for name in shapes if name.startswith("weight_ih")), None)
    states = {name: shape for name, shape in shapes.items() if name.startswith("weight_hh")}
    if first is None or not states:
        return Free(part.path, part.path, "Parameter")
    rows, state = next(iter(states.values()))
    projected = next((shape for name, shape in shapes.items() if name.startswith("weight_hr")), None)
    hidden = projected[1] if projected else state
    cell = next((cell for cell, gates in GATES.items() if forward.elements((gates, hidden)) == rows), None)
    if cell is None:
        return Free(part.path, part.path, "Parameter")
    backward = [name for name in states if name.endswith("_reverse")]
    return Recurrent(
        part.path,
        part.path,
        cell,
        shapes[first][1],
        hidden,
        layers=len(states) - len(backward),
        directions=2 if backward else 1,
        projection=projected[0] if projected else 0,
        bias=any(name.startswith("bias") for name in shapes),
        single=not first.partition("_l")[2],
    )


def _convolution(part: StoredPart, kernel: StoredTensor, bias: StoredTensor | None, layout: str) -> StoredLayer:
    """A convolution over one to three axes; a transposed one where its bias, or its name, says so."""
    outputs, inputs, *sides = _turned(kernel.shape, layout)
    depthwise = layout == "HWIO" and "depthwise" in kernel.name.lower()
    if depthwise:  # Keras keeps several outputs of each channel apart from one another
        outputs = forward.elements((inputs, outputs))
    elif _TRANSPOSED.search(part.path.lower()) or (bias is not None and bias.shape == (inputs,) != (outputs,)):
        one, none = tuple(1 for _ in sides), tuple(0 for _ in sides)
        names = (part.path, part.path)
        made: Layer = ConvTransposeNd(*names, outputs, inputs, tuple(sides), one, none, none, bias is not None)
        return StoredLayer(part.path, made, part, _unfit(bias, inputs))
    fields: dict[str, Any] = {
        "c_in": inputs,
        "c_out": outputs,
        "kernel": tuple(sides),
        "stride": tuple(1 for _ in sides),
        "padding": tuple(windows.centred_padding(side) for side in sides),
        "bias": bias is not None,
        "groups": inputs if depthwise else 1,
    }
    kind = Conv2d if len(sides) == 2 else ConvNd
    return StoredLayer(part.path, kind(part.path, part.path, **fields), part, _unfit(bias, outputs))


def _turned(shape: Ints, layout: str) -> Ints:
    """A kernel's shape as outputs, inputs and sides."""
    if layout == "HWIO":
        return (shape[-1], shape[-2], *shape[:-2])
    return (shape[0], shape[-1], *shape[1:-1]) if layout == "OHWI" else shape


def _unfit(bias: StoredTensor | None, outputs: int) -> bool:
    return bias is not None and bias.shape != (outputs,)
