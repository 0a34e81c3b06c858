"""Convolutions that no VGG has and other programs do: over one or three axes, and transposed ones over one to three."""

from __future__ import annotations

from vggcost import units
from vggcost.formulas import convolutions, forward, windows
from vggcost.network.layer import Layer
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Call, Shape, Size, Window

    Sides = tuple[int, ...]
    """A side an axis, outermost first."""


class ConvNd(Layer):
    """A convolution over one or three axes (torch.nn.Conv1d, torch.nn.Conv3d), with a kernel side an axis."""

    c_in: Size
    c_out: Size
    kernel: Sides
    stride: Sides
    padding: Sides
    bias: bool = True
    groups: int = 1
    dilation: Sides = ()

    noun = "convolution"
    family = "conv_"
    weighted = structural = keeps_input = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer: Conv1d or Conv3d."""
        return f"Conv{len(self.kernel)}d"

    def params_call(self) -> Call:
        """Weights, and one bias an output channel."""
        return convolutions.conv_params, _channels(self)

    def takes(self) -> tuple[str, int, Size]:
        """Its input channels."""
        return "channels", 1, self.c_in

    def macs_call(self, output: Shape) -> Call:
        """One dot product an output element."""
        arguments = {**_channels(self), "batch": output[0], "positions": forward.elements(output[2:])}
        del arguments["bias"]
        return convolutions.conv_macs, arguments

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # a window has a height and a width
        """None: its sides are not a height and a width."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, c_in, ...) to (N, c_out, ...)."""
        sides = zip(shape[2:], self.kernel, self.stride, self.padding, _each(self.dilation, self.kernel), strict=True)
        output = (shape[0], self.c_out, *(windows.window_out(*side) for side in sides))
        formula, arguments = self.macs_call(output)
        elements = forward.elements(output)
        bias_adds = elements if self.bias else 0
        return output, Ledger(conv_macs=formula(**arguments), conv_outputs=elements, conv_bias_adds=bias_adds)

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """Kernel and channels, and what is unusual: ``3x3x3 64->64, stride 2``."""
        return _words(self)


class ConvTransposeNd(Layer):
    """A transposed convolution over one to three axes (torch.nn.ConvTranspose2d), with a kernel side an axis.

    extra is what torch calls output_padding: rows that the output has at its end beyond the last window.
    """

    c_in: Size
    c_out: Size
    kernel: Sides
    stride: Sides
    padding: Sides
    extra: Sides
    bias: bool = True
    groups: int = 1
    dilation: Sides = ()

    noun = "transposed convolution"
    family = "transposed_"
    counts_known = False
    weighted = structural = keeps_input = True

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer: ConvTranspose2d."""
        return f"ConvTranspose{len(self.kernel)}d"

    def params_call(self) -> Call:
        """Weights, and one bias an output channel."""
        return convolutions.transposed_conv_params, _channels(self)

    def takes(self) -> tuple[str, int, Size]:
        """Its input channels."""
        return "channels", 1, self.c_in

    def inputs(self, output: Shape) -> Shape:
        """The sizes of the input that yields an output of this shape, axis by axis."""
        dilation = _each(self.dilation, self.kernel)
        room = (size - extra for size, extra in zip(output[2:], self.extra, strict=True))
        sides = zip(room, self.kernel, self.stride, self.padding, dilation, strict=True)
        return tuple(windows.window_out(*side) for side in sides)

    def macs_call(self, output: Shape) -> Call:
        """Every input times every kernel."""
        arguments = {**_channels(self), "batch": output[0], "positions": forward.elements(self.inputs(output))}
        del arguments["bias"]
        return convolutions.transposed_conv_macs, arguments

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # it spreads where a window gathers
        """None: an input is spread over a window of outputs."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, c_in, ...) to (N, c_out, ...)."""
        dilation = _each(self.dilation, self.kernel)
        sides = zip(shape[2:], self.kernel, self.stride, self.padding, self.extra, dilation, strict=True)
        output = (shape[0], self.c_out, *(convolutions.transposed_out(*side) for side in sides))
        formula, arguments = self.macs_call(output)
        elements = forward.elements(output)
        return output, Ledger(
            transposed_macs=formula(**arguments),
            transposed_outputs=elements,
            transposed_bias_adds=elements if self.bias else 0,
        )

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``transposed 2x2 64->32, stride 2``."""
        return f"transposed {_words(self)}"


def _channels(layer: ConvNd | ConvTransposeNd) -> dict[str, Size]:
    return {
        "c_in": layer.c_in,
        "c_out": layer.c_out,
        "kernel": forward.elements(layer.kernel),
        "bias": int(layer.bias),
        "groups": layer.groups,
    }


def _each(dilation: Sides, kernel: Sides) -> Sides:
    """A dilation an axis; none where it is left away."""
    return dilation or tuple(1 for _ in kernel)


def _words(layer: ConvNd | ConvTransposeNd) -> str:
    words = f"{units.shape_text(layer.kernel)} {layer.c_in}->{layer.c_out}"
    centred = isinstance(layer, ConvNd)
    usual = tuple(windows.centred_padding(side) if centred else 0 for side in layer.kernel)
    ones = tuple(1 for _ in layer.kernel)
    dilation = _each(layer.dilation, layer.kernel)
    options = (("stride", layer.stride, ones), ("padding", layer.padding, usual), ("dilation", dilation, ones))
    for name, value, plain in options:
        if value != plain:
            words += f", {name} {value[0] if len(set(value)) == 1 else units.shape_text(value)}"
    return words + (f", {layer.groups} groups" if layer.groups != 1 else "")


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
