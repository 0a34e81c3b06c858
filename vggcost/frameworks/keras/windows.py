"""What Keras's convolutions and pools do to shapes: one rule a class, over built layers, without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import convolutions, windows
from vggcost.frameworks.keras.activations import ActivationRules
from vggcost.network import foreign_convolutions, foreign_pools, layers
from vggcost.units import shape_text

if TYPE_CHECKING:
    Ints = tuple[int, ...]
    Shapes = list[Ints]

_UNNAMED: dict[str, Any] = {"name": "", "path": None}
"""A layer while it is planned; the recorder names it."""


class WindowRules(ActivationRules):
    """The rules of layers with a window."""

    def conv(self, layer: Any, shapes: Shapes) -> Ints:
        """A convolution, grouped or not."""
        c_in = int(layer.kernel.shape[2]) * layer.groups
        made = layers.Conv2d(
            **_UNNAMED,
            c_in=c_in,
            c_out=layer.filters,
            kernel=_pair(layer.kernel_size),
            stride=_pair(layer.strides),
            padding=(0, 0),
            bias=layer.use_bias,
            groups=layer.groups,
            dilation=_pair(layer.dilation_rate),
        )
        return self._activated(layer, self._slide(layer, made, shapes[0]))

    def depthwise(self, layer: Any, shapes: Shapes) -> Ints:
        """One kernel a channel, or several."""
        c_in = int(layer.kernel.shape[2])
        made = layers.Conv2d(
            **_UNNAMED,
            c_in=c_in,
            c_out=c_in * layer.depth_multiplier,
            kernel=_pair(layer.kernel_size),
            stride=_pair(layer.strides),
            padding=(0, 0),
            bias=layer.use_bias,
            groups=c_in,
            dilation=_pair(layer.dilation_rate),
        )
        return self._activated(layer, self._slide(layer, made, shapes[0]))

    def separable(self, layer: Any, shapes: Shapes) -> Ints:
        """A depthwise convolution and a 1x1 convolution behind it: two rows."""
        c_in = int(layer.depthwise_kernel.shape[2])
        middle = c_in * layer.depth_multiplier
        depthwise = layers.Conv2d(
            **_UNNAMED,
            c_in=c_in,
            c_out=middle,
            kernel=_pair(layer.kernel_size),
            stride=_pair(layer.strides),
            padding=(0, 0),
            bias=False,
            groups=c_in,
            dilation=_pair(layer.dilation_rate),
        )
        shape = self._slide(layer, depthwise, shapes[0], ".depthwise", only=("depthwise_kernel",))
        pointwise = layers.Conv2d(
            **_UNNAMED, c_in=middle, c_out=layer.filters, kernel=(1, 1), padding=(0, 0), bias=layer.use_bias
        )
        return self._activated(layer, self._slide(layer, pointwise, shape, ".pointwise", padding="valid"))

    def _slide(
        self,
        layer: Any,
        made: Any,
        shape: Ints,
        ending: str = "",
        padding: str | None = None,
        only: tuple[str, ...] = (),
    ) -> Ints:
        """Emit a layer whose window slides over an image, padded as Keras pads."""
        if len(shape) != 4:
            self.fail(layer, made, f"takes feature maps and gets {shape_text(shape)}", (shape,))
            return shape
        total = _padding(padding or layer.padding, made, shape)
        room = (shape[0], shape[1], shape[2] + total[0], shape[3] + total[1])
        output, ledger = made.apply(room)
        problem = None
        takes = getattr(made, "c_in", shape[1])
        if takes != shape[1]:
            problem = f"takes {takes:,} channels and gets {shape[1]:,}"
        elif min(output[2:]) < 1:
            problem = (
                f"has a window of {shape_text(made.kernel)} that does not fit its input of {shape_text(shape[2:])}"
            )
        if problem:
            self.fail(layer, made, problem, (self.outward(shape),))
            output = (*output[:2], max(1, output[2]), max(1, output[3]))
        named = made.replace(padding=(total[0] // 2, total[1] // 2))
        self.emit(layer, named, shape, output, ledger, only=only, ending=ending)
        return tuple(output)

    def pool(self, layer: Any, shapes: Shapes) -> Ints:
        """A pool with a window."""
        kernel, stride = _pair(layer.pool_size), _pair(layer.strides)
        largest = type(layer).__name__ == "MaxPooling2D"
        made = (
            layers.MaxPool2d("", None, kernel, stride) if largest else foreign_pools.AvgPool2d("", None, kernel, stride)
        )
        return self._slide(layer, made, shapes[0])

    def conv_nd(self, layer: Any, shapes: Shapes) -> Ints:
        """A convolution over one or three axes, grouped or not."""
        axes = len(layer.kernel_size)
        made = foreign_convolutions.ConvNd(
            **_UNNAMED,
            c_in=int(layer.kernel.shape[axes]) * layer.groups,
            c_out=layer.filters,
            kernel=tuple(layer.kernel_size),
            stride=tuple(layer.strides),
            padding=tuple(0 for _ in range(axes)),
            bias=layer.use_bias,
            groups=layer.groups,
            dilation=tuple(layer.dilation_rate),
        )
        return self._activated(layer, self._slide_nd(layer, made, shapes[0]))

    def depthwise_1d(self, layer: Any, shapes: Shapes) -> Ints:
        """One kernel a channel, or several, over one axis."""
        return self._activated(
            layer, self._slide_nd(layer, _depthwise_1d(layer, layer.kernel, layer.use_bias), shapes[0])
        )

    def separable_1d(self, layer: Any, shapes: Shapes) -> Ints:
        """A depthwise convolution and one of a single element behind it, over one axis: two rows."""
        depthwise = _depthwise_1d(layer, layer.depthwise_kernel, bias=False)
        shape = self._slide_nd(layer, depthwise, shapes[0], ".depthwise", only=("depthwise_kernel",))
        pointwise = foreign_convolutions.ConvNd(
            **_UNNAMED,
            c_in=depthwise.c_out,
            c_out=layer.filters,
            kernel=(1,),
            stride=(1,),
            padding=(0,),
            bias=layer.use_bias,
        )
        return self._activated(layer, self._slide_nd(layer, pointwise, shape, ".pointwise", padding="valid"))

    def conv_transpose(self, layer: Any, shapes: Shapes) -> Ints:
        """A transposed convolution over one to three axes, whose output is as large as Keras says."""
        axes = len(layer.kernel_size)
        if len(shapes[0]) != axes + 2:
            self.fail(layer, None, f"takes feature maps and gets {shape_text(shapes[0])}", (self.outward(shapes[0]),))
            return self.free(layer, shapes[0], shapes[0])
        maps = self.maps(layer, self.outward(shapes[0]))
        c_in = int(layer.kernel.shape[axes + 1])
        outer = tuple(layer.compute_output_shape(self.outward(shapes[0])))
        output = self.maps(layer, outer)
        cut = [
            _cut(*sides)
            for sides in zip(maps[2:], output[2:], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
        ]
        made = foreign_convolutions.ConvTransposeNd(
            **_UNNAMED,
            c_in=c_in,
            c_out=layer.filters,
            kernel=tuple(layer.kernel_size),
            stride=tuple(layer.strides),
            padding=tuple(padding for padding, _ in cut),
            extra=tuple(extra for _, extra in cut),
            bias=layer.use_bias,
            dilation=tuple(layer.dilation_rate),
        )
        if maps[1] != c_in:
            self.fail(layer, made, f"takes {c_in:,} channels and gets {maps[1]:,}", (self.outward(shapes[0]),))
        self.emit(layer, made, shapes[0], self.inward(outer), made.apply(maps)[1])
        return self._activated(layer, self.inward(outer))

    def maps(self, layer: Any, outer: Ints) -> Ints:
        """A shape of the layer's own layout with its channels first, over however many axes."""
        if layer.data_format == "channels_last":
            return (outer[0], outer[-1], *outer[1:-1])
        return outer

    def _slide_nd(
        self,
        layer: Any,
        made: Any,
        shape: Ints,
        ending: str = "",
        padding: str | None = None,
        only: tuple[str, ...] = (),
    ) -> Ints:
        """Emit a convolution over one or three axes, padded as Keras pads."""
        if len(shape) != len(made.kernel) + 2:
            self.fail(layer, made, f"takes feature maps and gets {shape_text(shape)}", (shape,))
            return self.free(layer, shape, shape)
        maps = self.maps(layer, shape)
        total = _padding_nd(padding or layer.padding, made, maps)
        output, ledger = made.apply((*maps[:2], *(side + more for side, more in zip(maps[2:], total, strict=True))))
        problem = None
        if made.c_in != maps[1]:
            problem = f"takes {made.c_in:,} channels and gets {maps[1]:,}"
        elif min(output[2:]) < 1:
            problem = f"has a window of {shape_text(made.kernel)} that does not fit its input of {shape_text(maps[2:])}"
        if problem:
            self.fail(layer, made, problem, (shape,))
            output = (*output[:2], *(max(1, side) for side in output[2:]))
        own = (output[0], *output[2:], output[1]) if layer.data_format == "channels_last" else output
        named = made.replace(padding=tuple(side // 2 for side in total))
        self.emit(layer, named, shape, own, ledger, only=only, ending=ending)
        return tuple(own)


def _padding(padding: str, made: Any, shape: Ints) -> tuple[int, int]:
    """Rows and columns of zeros that Keras adds in all: for ``same``, so that the output has ceil(input / stride)."""
    if padding != "same":
        return 0, 0
    window = made.window(shape)
    total = []
    for axis in (0, 1):
        size, stride = shape[2 + axis], window.stride[axis]
        total.append(max(0, windows.same_padding(size, window.kernel[axis], stride, window.dilation[axis])))
    return total[0], total[1]


def _padding_nd(padding: str, made: Any, maps: Ints) -> Ints:
    """Zeros that Keras adds along each axis in all; ``causal`` ones stand before the first element."""
    sides = zip(maps[2:], made.kernel, made.stride, made.dilation or tuple(1 for _ in made.kernel), strict=True)
    if padding == "same":
        return tuple(max(0, windows.same_padding(*side)) for side in sides)
    if padding == "causal":
        return tuple(windows.window_reach(kernel, dilation) - 1 for _, kernel, _, dilation in sides)
    return tuple(0 for _ in made.kernel)


def _depthwise_1d(layer: Any, kernel: Any, bias: bool) -> foreign_convolutions.ConvNd:
    c_in = int(kernel.shape[1])
    return foreign_convolutions.ConvNd(
        **_UNNAMED,
        c_in=c_in,
        c_out=c_in * layer.depth_multiplier,
        kernel=(_pair(layer.kernel_size)[0],),
        stride=(_pair(layer.strides)[0],),
        padding=(0,),
        bias=bias,
        groups=c_in,
        dilation=(_pair(layer.dilation_rate)[0],),
    )


def _cut(size: int, output: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """What is cut off on either side of a transposed convolution's output, and what is added at its end."""
    beyond = output - convolutions.transposed_out(size, kernel, stride, 0, 0, dilation)
    padding = max(0, 1 - beyond) // 2
    return padding, beyond + padding + padding


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)
