"""The layers of a network: frozen, generic over the kind of number, and blind to what fits what.

A shape is a tuple, batch first: (N, C, H, W) for feature maps, (N, F) for features. `apply` gives the output shape and
the ledger of one forward call. Sizes may be ints, int64 arrays or symbols; `vggcost.costs.table` checks before it
applies.
"""

from __future__ import annotations

from functools import cache

from vggcost.formulas import forward
from vggcost.network.ledger import Ledger
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    Size = Any
    """An int, an int64 array or a symbol."""
    Shape = tuple[Size, ...]
    Pair = tuple[int, int]
    Call = tuple[Callable[..., Any], dict[str, Any]]
    """A formula and the arguments it is called with."""
    Check = Callable[["Layer", Shape], None]


class Window(Record):
    """A sliding window, heights before widths: what the receptive field asks of a layer."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)


class Layer(Record):
    """A layer with the literature's name (``conv1_1``) and its path in the module (``features.0``), if it has one."""

    name: str
    path: str | None

    @property
    def kind(self) -> str:
        """The class name that torch.nn gives this layer."""
        return type(self).__name__

    def params_call(self) -> Call | None:
        """The formula of the parameters and its arguments; None where there is nothing to learn."""
        return None

    def macs_call(self, output: Shape) -> Call | None:  # noqa: ARG002  # the signature that subclasses fill
        """The formula of the multiply-accumulates and its arguments; None where there are none."""
        return None

    def takes(self) -> tuple[str, int, Size] | None:
        """What an input must have: its name, the axis, and how many; None where any input will do."""
        return None

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # the signature that subclasses fill
        """The window that slides over an input of this shape; None where every output sees the whole input."""
        return POINTWISE

    def params(self) -> Size:
        """Learned parameters [elements]."""
        call = self.params_call()
        return call[0](**call[1]) if call else 0

    def written(self, output: Shape) -> dict[str, str | None]:
        """The layer's own formulas, in letters (``params_formula``) and with its numbers (``params_numbers``)."""
        from vggcost.formulas.notation import in_letters, in_numbers

        texts: dict[str, str | None] = {}
        for name, call in (("params", self.params_call()), ("macs", self.macs_call(output))):
            texts[f"{name}_formula"] = in_letters(*call) if call else None
            texts[f"{name}_numbers"] = in_numbers(*call) if call else None
        return texts

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Return the output shape and the ledger for an input of this shape."""
        raise NotImplementedError

    def steps(self, shape: Shape, check: Check) -> Iterator[Step]:
        """Yield one step a primitive layer, each checked before it is applied."""
        check(self, shape)
        output, ledger = self.apply(shape)
        yield Step(self, shape, output, ledger)


class Step(Record):
    """One layer of a walk: what went in, what came out, what it did."""

    layer: Layer
    input: Shape
    output: Shape
    ledger: Ledger


POINTWISE = Window((1, 1), (1, 1), (0, 0))


@cache
def window_of(kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Window:
    """Return the window with these sides; a network has few that differ, and asks for each many times."""
    return Window(kernel, stride, padding, dilation)


def _product(shape: Shape) -> Size:
    total = shape[0]
    for size in shape[1:]:
        total = total * size
    return total


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

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, c_in, H, W) to (N, c_out, H', W')."""
        output = (shape[0], self.c_out, *_window_out(shape, self.window(shape)))
        formula, arguments = self.macs_call(output)
        elements = forward.image_elements(*output)
        bias_adds = elements if self.bias else 0
        return output, Ledger(conv_macs=formula(**arguments), conv_outputs=elements, conv_bias_adds=bias_adds)


def _window_out(shape: Shape, window: Window) -> tuple[Size, Size]:
    (kernel_h, kernel_w), (stride_h, stride_w) = window.kernel, window.stride
    (pad_h, pad_w), (dilation_h, dilation_w) = window.padding, window.dilation
    return (
        forward.window_out(shape[2], kernel_h, stride_h, pad_h, dilation_h),
        forward.window_out(shape[3], kernel_w, stride_w, pad_w, dilation_w),
    )


class BatchNorm2d(Layer):
    """Batch normalization over the channels of feature maps (torch.nn.BatchNorm2d), in eval mode."""

    channels: Size
    affine: bool = True

    def takes(self) -> tuple[str, int, Size]:
        """Its channels."""
        return "channels", 1, self.channels

    def params_call(self) -> Call:
        """A scale and a shift a channel."""
        return forward.batch_norm2d_params, {"channels": self.channels, "affine": int(self.affine)}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        elements = _product(shape)
        channels = shape[0] * shape[1]
        affine = int(self.affine)
        return shape, Ledger(
            batch_norm_elements=elements,
            batch_norm_affine_elements=affine * elements,
            batch_norm_channels=channels,
            batch_norm_affine_channels=affine * channels,
        )


class LocalResponseNorm(Layer):
    """Local response normalization across channels (Krizhevsky et al. 2012, section 3.3; torch.nn.LocalResponseNorm).

    k, alpha and beta are AlexNet's, as the VGG paper's A-LRN takes them; they change no count. alpha multiplies the
    plain sum of squares, which torch divides by the size: its module takes alpha * size.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 2.0

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        elements = _product(shape)
        pixels = shape[0] * shape[2] * shape[3]
        return shape, Ledger(lrn_elements=elements, lrn_pixels=pixels, lrn_window_pixels=self.size * pixels)


class ReLU(Layer):
    """max(x, 0), element by element (torch.nn.ReLU)."""

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(relu_elements=_product(shape))


class MaxPool2d(Layer):
    """The largest value of each window (torch.nn.MaxPool2d, ceil_mode off)."""

    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def window(self, shape: Shape) -> Window:  # noqa: ARG002  # the same at every size
        """The pool's window."""
        return window_of(self.kernel, self.stride, self.padding, self.dilation)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, H', W')."""
        output = (shape[0], shape[1], *_window_out(shape, self.window(shape)))
        elements = forward.image_elements(*output)
        return output, Ledger(
            maxpool_inputs=_product(shape),
            maxpool_outputs=elements,
            maxpool_window_elements=elements * (self.kernel[0] * self.kernel[1]),
            maxpool_stride_elements=elements * (self.stride[0] * self.stride[1]),
        )


class AdaptiveAvgPool2d(Layer):
    """The mean over each cell of a fixed grid of outputs (torch.nn.AdaptiveAvgPool2d)."""

    output_size: Pair = (7, 7)

    def window(self, shape: Shape) -> Window | None:
        """The cell, where all cells are alike: the input's size is a multiple of the output's."""
        (height, width), (out_h, out_w) = shape[2:], self.output_size
        if height % out_h or width % out_w:
            return None
        cell = (height // out_h, width // out_w)
        return Window(cell, cell, (0, 0))

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, C, H, W) to (N, C, *output_size)."""
        output = (shape[0], shape[1], *self.output_size)
        return output, Ledger(adaptive_inputs=_product(shape), adaptive_outputs=_product(output))


class Flatten(Layer):
    """All but the batch in one row (torch.flatten(x, 1))."""

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # positions end here
        """None: an output element no longer has a place in the image."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, ...) to (N, F)."""
        return (shape[0], _product(shape[1:])), Ledger()


class Dropout(Layer):
    """Dropout (torch.nn.Dropout), which in eval mode hands its input on."""

    p: float = 0.5

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(dropout_elements=_product(shape))


class Linear(Layer):
    """A fully connected layer over the last axis (torch.nn.Linear)."""

    in_features: Size
    out_features: Size
    bias: bool = True

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
            "batch": _product(output[:-1]),
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
        elements = _product(output)
        bias_adds = elements if self.bias else 0
        return output, Ledger(linear_macs=formula(**arguments), linear_outputs=elements, linear_bias_adds=bias_adds)


class Softmax(Layer):
    """Soft-max over the last axis (torch.nn.Softmax(dim=-1))."""

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(softmax_elements=_product(shape), softmax_rows=_product(shape[:-1]))


class Add(Layer):
    """The addition at the end of a residual block (He et al. 2016, equation 1); other is the shortcut's shape."""

    other: Shape

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """Keep the shape."""
        return shape, Ledger(add_elements=_product(shape))


class Residual(Layer):
    """A residual block: body(x) + shortcut(x), where an empty shortcut is the identity (He et al. 2016, section 3)."""

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def params(self) -> Size:
        """Learned parameters of body and shortcut [elements]."""
        return sum(layer.params() for layer in (*self.body, *self.shortcut))

    def steps(self, shape: Shape, check: Check) -> Iterator[Step]:
        """The body's steps, the shortcut's, and the addition."""
        ends = []
        for branch in (self.body, self.shortcut):
            end = shape
            for step in walk(branch, shape, check):
                yield step  # at once, so that who walks can stop at the first layer that does not fit
                end = step.output
            ends.append(end)
        # An addition is no module: the path is the block's, whose parameters are those of its layers.
        yield from Add(self.name, None, ends[1]).steps(ends[0], check)

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """The addition's shape, and the ledger of all that leads to it."""
        steps = tuple(self.steps(shape, _anything_goes))
        return steps[-1].output, sum((step.ledger for step in steps), Ledger())


def _anything_goes(layer: Layer, shape: Shape) -> None:
    """Check nothing: symbols and arrays cannot be checked."""


def walk(layers: Iterable[Layer], shape: Shape, check: Check = _anything_goes) -> Iterator[Step]:
    """Yield one step a primitive layer, in execution order; check sees each layer and its input first."""
    for layer in layers:
        for step in layer.steps(shape, check):
            yield step
            shape = step.output
