"""The kinds of layer that a VGG is made of, a class each, with all that other rooms ask of a kind."""

from __future__ import annotations

from vggcost import units
from vggcost.formulas import forward, windows
from vggcost.network import work
from vggcost.network.layer import Layer, Window, pool_words, window_of
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.network.layer import Call, Pair, Shape, Size
    from vggcost.network.work import Operator, Tensor


class Conv2d(Layer):
    """A 2-d convolution (torch.nn.Conv2d): kernel, stride and padding as (height, width)."""

    c_in: Size
    c_out: Size
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Pair = (1, 1)
    bias: bool = True
    groups: int = 1
    dilation: Pair = (1, 1)

    noun = "convolution"
    family = "conv_"
    weighted = structural = spatial = keeps_input = lowers = True

    def params_call(self) -> Call:
        """Weights, and one bias an output channel."""
        return forward.conv2d_params, {
            "c_in": self.c_in,
            "c_out": self.c_out,
            "kernel_h": self.kernel[0],
            "kernel_w": self.kernel[1],
            "bias": int(self.bias),
            "groups": self.groups,
        }

    def takes(self) -> tuple[str, int, Size]:
        """Its input channels."""
        return "channels", 1, self.c_in

    def macs_call(self, output: Shape) -> Call:
        """One dot product an output element."""
        return forward.conv2d_macs, {
            "batch": output[0],
            "c_in": self.c_in,
            "c_out": self.c_out,
            "kernel_h": self.kernel[0],
            "kernel_w": self.kernel[1],
            "h_out": output[2],
            "w_out": output[3],
            "groups": self.groups,
        }

    def window(self, shape: Shape) -> Window:  # noqa: ARG002  # the same at every size
        """The kernel."""
        return window_of(self.kernel, self.stride, self.padding, self.dilation)

    @property
    def winograd(self) -> bool:
        """3x3 at stride 1, neither grouped nor dilated: what libraries have Winograd kernels for."""
        return (self.kernel, self.stride, self.dilation, self.groups) == ((3, 3), (1, 1), (1, 1), 1)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, c_in, H, W) to (N, c_out, H', W')."""
        output = (shape[0], self.c_out, *self.window(shape).outputs(shape))
        formula, arguments = self.macs_call(output)
        elements = forward.elements(output)
        bias_adds = elements if self.bias else 0
        return output, Ledger(conv_macs=formula(**arguments), conv_outputs=elements, conv_bias_adds=bias_adds)

    def words(self, beside: Layer | None = None) -> str:
        """Kernel and channels, and what is unusual: ``3x3 512->512, stride 2``."""
        other = beside if isinstance(beside, Conv2d) else None
        words = f"{units.shape_text(self.kernel)} {self.c_in}->{self.c_out}"
        usual = (windows.centred_padding(self.kernel[0]), windows.centred_padding(self.kernel[1]))
        if self.stride != (1, 1) or (other and other.stride != self.stride):
            words += f", stride {units.pair_text(self.stride)}"
        if self.padding != usual or (other and other.kernel == self.kernel and other.padding != self.padding):
            words += f", padding {units.pair_text(self.padding)}"
        if self.dilation != (1, 1):
            words += f", dilation {units.pair_text(self.dilation)}"
        if self.groups != 1:
            words += f", {self.groups} groups"
        if other and other.bias != self.bias:
            words += ", with bias" if self.bias else ", without bias"
        return words


class BatchNorm2d(Layer):
    """Batch normalization over the channels of feature maps (torch.nn.BatchNorm2d), in eval mode."""

    channels: Size
    affine: bool = True

    noun = "batch normalization"
    family = "batch_norm_"
    structural = keeps_input = always_backward = True

    def takes(self) -> tuple[str, int, Size]:
        """Its channels."""
        return "channels", 1, self.channels

    def params_call(self) -> Call:
        """A scale and a shift a channel."""
        return forward.batch_norm2d_params, {"channels": self.channels, "affine": int(self.affine)}

    def tensors(self) -> tuple[Size, ...]:
        """Scales and shifts."""
        return (self.channels, self.channels) if self.affine else ()

    def counters(self) -> int:
        """The number of batches seen (torch's num_batches_tracked)."""
        return 1

    def buffers(self) -> Size:
        """The running mean and variance."""
        return forward.batch_norm2d_statistics(self.channels)

    def beside(self, output: Shape) -> tuple[Tensor, ...]:  # noqa: ARG002  # the same at every size
        """This batch's mean and inverse deviation."""
        return (("statistics", forward.batch_norm2d_statistics(self.channels), "statistic"),)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        elements = forward.elements(shape)
        channels = forward.elements(shape[:2])
        return shape, Ledger(
            batch_norm_elements=elements,
            batch_norm_affine_elements=elements if self.affine else 0,
            batch_norm_channels=channels,
            batch_norm_affine_channels=channels if self.affine else 0,
        )

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``batch normalization of 64 channels``."""
        return f"{self.noun} of {self.channels} channels{'' if self.affine else ', not affine'}"


class LocalResponseNorm(Layer):
    """Local response normalization across channels (Krizhevsky et al. 2012, section 3.3; torch.nn.LocalResponseNorm).

    k, alpha and beta are AlexNet's, as the VGG paper's A-LRN takes them; they change no count. alpha multiplies the
    plain sum of squares, which torch divides by the size: its module takes alpha * size.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0

    noun = "local response normalization"
    family = "lrn_"
    structural = spatial = keeps_input = True

    def alike(self) -> tuple[Any, ...]:
        """Its size: its constants change no count, and frameworks write them differently."""
        return (self.size,)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        pixels = forward.elements((shape[0], *shape[2:]))
        return shape, Ledger(
            lrn_elements=forward.elements(shape),
            lrn_pixels=pixels,
            lrn_window_pixels=forward.lrn_window_pixels(pixels, self.size),
        )

    def _padded(self, shape: Shape) -> Size:
        """Elements of the squares with zeros around the channels."""
        pixels = forward.elements((shape[0], *shape[2:]))
        return forward.lrn_padded_elements(pixels, shape[1], self.size)

    def kept(self, output: Shape) -> tuple[str, ...]:  # noqa: ARG002  # the same at every size
        """What the square, the pool, the power and the division keep."""
        return "input", "pool_input", "shifted", "powered"

    def forward_work(self, shape: Shape, output: Shape) -> tuple[Operator, ...]:
        """The square, the window's mean, the power, the division, and what they need on the way."""
        return work.response_norm_forward(forward.elements(output), self._padded(shape))

    def backward_work(self, shape: Shape, output: Shape) -> tuple[Operator, ...]:
        """Their derivatives."""
        return work.response_norm_backward(forward.elements(output), self._padded(shape))

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``local response normalization of size 5``."""
        return f"{self.noun} of size {self.size}"


class ReLU(Layer):
    """max(x, 0), element by element (torch.nn.ReLU)."""

    noun = "ReLU"
    family = "relu_"
    keeps_output = in_place = True

    @property
    def activation(self) -> bool:
        """It is the activation."""
        return True

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(relu_elements=forward.elements(shape))


class MaxPool2d(Layer):
    """The largest value of each window (torch.nn.MaxPool2d, ceil_mode off)."""

    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    noun = "max-pool"
    family = "maxpool_"
    structural = spatial = keeps_input = True

    def window(self, shape: Shape) -> Window:  # noqa: ARG002  # the same at every size
        """The pool's window."""
        return window_of(self.kernel, self.stride, self.padding, self.dilation)

    def beside(self, output: Shape) -> tuple[Tensor, ...]:
        """The place of each largest value, which torch writes, wanted or not."""
        return (("places", forward.elements(output), "place"),)

    def outputs(self, shape: Shape) -> tuple[Size, Size]:
        """The output's height and width [elements]."""
        return self.window(shape).outputs(shape)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H', W')."""
        output = (*shape[:2], *self.outputs(shape))
        elements = forward.elements(output)
        return output, Ledger(
            maxpool_inputs=forward.elements(shape),
            maxpool_outputs=elements,
            maxpool_window_elements=windows.window_elements(elements, *self.kernel),
            maxpool_stride_elements=windows.window_elements(elements, *self.stride),
        )

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``max-pool 2x2 of stride 2``."""
        return pool_words(self.noun, self.kernel, self.stride, self.padding)


class AdaptiveAvgPool2d(Layer):
    """The mean over each cell of a fixed grid of outputs (torch.nn.AdaptiveAvgPool2d)."""

    output_size: Pair = (7, 7)

    noun = "adaptive average-pool"
    family = "adaptive_"
    structural = spatial = True

    @property
    def keeps_input(self) -> bool:  # type: ignore[override]  # a plain flag elsewhere
        """Down to one pixel torch takes the mean, whose gradient needs no input (torch's adaptive_avg_pool2d)."""
        return self.output_size != (1, 1)

    def window(self, shape: Shape) -> Window | None:
        """The cell, where all cells are alike: the input's size is a multiple of the output's. None elsewhere."""
        (height, width), (out_h, out_w) = shape[2:], self.output_size
        if height % out_h or width % out_w:
            return None
        cell = (windows.adaptive_cell(height, out_h), windows.adaptive_cell(width, out_w))
        return Window(cell, cell, (0, 0))

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, *output_size)."""
        output = (*shape[:2], *self.output_size)
        return output, Ledger(adaptive_inputs=forward.elements(shape), adaptive_outputs=forward.elements(output))

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``adaptive average-pool to 7x7``."""
        return f"{self.noun} to {units.shape_text(self.output_size)}"


class Flatten(Layer):
    """All but the batch in one row (torch.flatten(x, 1))."""

    noun = "flatten"
    no_family = "it is a view"
    computes = False
    view = True

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # positions end here
        """None: an output element no longer has a place in the image."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, ...) to (N, F)."""
        return (shape[0], forward.elements(shape[1:])), Ledger()


class Linear(Layer):
    """A fully connected layer over the last axis (torch.nn.Linear)."""

    in_features: Size
    out_features: Size
    bias: bool = True

    noun = "linear layer"
    family = "linear_"
    weighted = structural = keeps_input = input_for_weights_alone = lowers = True

    def params_call(self) -> Call:
        """A weight a pair, and one bias an output."""
        return forward.linear_params, {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "bias": int(self.bias),
        }

    def takes(self) -> tuple[str, int, Size]:
        """Its input features."""
        return "features", -1, self.in_features

    def macs_call(self, output: Shape) -> Call:
        """One dot product an output element."""
        return forward.linear_macs, {
            "batch": forward.elements(output[:-1]),
            "in_features": self.in_features,
            "out_features": self.out_features,
        }

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # the same at every size
        """None: every output sees the whole input."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, in_features) to (N, out_features)."""
        output = (*shape[:-1], self.out_features)
        formula, arguments = self.macs_call(output)
        elements = forward.elements(output)
        bias_adds = elements if self.bias else 0
        return output, Ledger(linear_macs=formula(**arguments), linear_outputs=elements, linear_bias_adds=bias_adds)

    def words(self, beside: Layer | None = None) -> str:
        """``linear 25,088->4,096``, and its bias where that is unusual."""
        unlike = isinstance(beside, Linear) and beside.bias != self.bias
        words = f"linear {self.in_features:,}->{self.out_features:,}"
        return words + ("" if self.bias and not unlike else " with bias" if self.bias else " without bias")


class Softmax(Layer):
    """Soft-max over the last axis (torch.nn.Softmax(dim=-1))."""

    noun = "soft-max"
    family = "softmax_"
    keeps_output = True

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(softmax_elements=forward.elements(shape), softmax_rows=forward.elements(shape[:-1]))


class Dropout(Layer):
    """Dropout (torch.nn.Dropout), which in eval mode hands its input on."""

    p: float = 0.5

    noun = "dropout"
    family = "dropout_"
    computes = False

    def beside(self, output: Shape) -> tuple[Tensor, ...]:
        """The mask, of the network's own elements; it is one byte an element in CUDA's fused kernel."""
        return (("mask", forward.elements(output), "element"),)

    def forward_work(self, shape: Shape, output: Shape) -> tuple[Operator, ...]:  # noqa: ARG002  # as it is called
        """The mask first, and by it the product."""
        return work.Operator(self.beside(output)), work.Operator((("output", forward.elements(output), "element"),))

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(dropout_elements=forward.elements(shape))


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
