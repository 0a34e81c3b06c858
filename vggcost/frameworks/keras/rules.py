"""What Keras's layers do to shapes: one rule a class, over built layers, without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.keras.record import Recorder
from vggcost.network import foreign_layers, layers
from vggcost.network.foreign_layers import Free, product
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    Ints = tuple[int, ...]
    Shapes = list[Ints]

RULES: dict[str, str] = {
    "InputLayer": "input_layer",
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "SeparableConv2D": "separable",
    "Dense": "dense",
    "MaxPooling2D": "pool",
    "AveragePooling2D": "pool",
    "GlobalAveragePooling2D": "global_pool",
    "GlobalMaxPooling2D": "global_pool",
    "BatchNormalization": "batch_norm",
    "ZeroPadding2D": "zero_pad",
    "Flatten": "flatten",
    "Reshape": "reshape",
    "Dropout": "dropout",
    "SpatialDropout2D": "dropout",
    "Activation": "activation_layer",
    "ReLU": "relu",
    "Softmax": "softmax",
    "Add": "add",
    "Concatenate": "concatenate",
}
"""Keras's layer classes and operations by name, each with the method of Rules that answers for it."""


class Rules(Recorder):
    """One method a layer class: a built layer and its inputs' shapes in, its output's shape out, the rest recorded."""

    def input_layer(self, layer: Any, shapes: Shapes) -> Ints:
        """An Input: the shapes that it fixes must be those that come."""
        own = tuple(layer.batch_shape)
        shape = self.outward(shapes[0])
        fits = len(own) == len(shape) and all(mine in (None, its) for mine, its in zip(own, shape, strict=True))
        if not fits:
            takes = "x".join("any" if side is None else str(side) for side in own[1:])
            self.fail(layer, None, f"takes {takes} and gets {shape_text(shape[1:])}", (shape,))
            self.free(layer, shapes[0], shapes[0])
        return shapes[0]

    def conv(self, layer: Any, shapes: Shapes) -> Ints:
        """A convolution, grouped or not."""
        c_in = int(layer.kernel.shape[2]) * layer.groups
        made = layers.Conv2d(
            "",
            None,
            c_in,
            layer.filters,
            _pair(layer.kernel_size),
            _pair(layer.strides),
            (0, 0),
            layer.use_bias,
            layer.groups,
            _pair(layer.dilation_rate),
        )
        return self._activated(layer, self._slide(layer, made, shapes[0], ("_kernel", "kernel", "bias")))

    def depthwise(self, layer: Any, shapes: Shapes) -> Ints:
        """One kernel a channel, or several."""
        c_in = int(layer.kernel.shape[2])
        made = layers.Conv2d(
            "",
            None,
            c_in,
            c_in * layer.depth_multiplier,
            _pair(layer.kernel_size),
            _pair(layer.strides),
            (0, 0),
            layer.use_bias,
            c_in,
            _pair(layer.dilation_rate),
        )
        return self._activated(layer, self._slide(layer, made, shapes[0], ("kernel", "bias")))

    def separable(self, layer: Any, shapes: Shapes) -> Ints:
        """A depthwise convolution and a 1x1 convolution behind it: two rows."""
        c_in = int(layer.depthwise_kernel.shape[2])
        middle = c_in * layer.depth_multiplier
        depthwise = layers.Conv2d(
            "",
            None,
            c_in,
            middle,
            _pair(layer.kernel_size),
            _pair(layer.strides),
            (0, 0),
            False,
            c_in,
            _pair(layer.dilation_rate),
        )
        shape = self._slide(layer, depthwise, shapes[0], ("depthwise_kernel",), ".depthwise")
        pointwise = layers.Conv2d("", None, middle, layer.filters, (1, 1), (1, 1), (0, 0), layer.use_bias)
        return self._activated(
            layer, self._slide(layer, pointwise, shape, ("pointwise_kernel", "bias"), ".pointwise", padding="valid")
        )

    def _slide(
        self, layer: Any, made: Any, shape: Ints, weights: tuple[str, ...], ending: str = "", padding: str | None = None
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
        params = self.claim(layer, *weights) if weights else 0
        self.emit(
            layer,
            made.replace(padding=(total[0] // 2, total[1] // 2)),
            shape,
            output,
            ledger,
            params=params,
            ending=ending,
        )
        return tuple(output)

    def pool(self, layer: Any, shapes: Shapes) -> Ints:
        """A pool with a window."""
        kernel, stride = _pair(layer.pool_size), _pair(layer.strides)
        largest = type(layer).__name__ == "MaxPooling2D"
        made = (
            layers.MaxPool2d("", None, kernel, stride)
            if largest
            else foreign_layers.AvgPool2d("", None, kernel, stride)
        )
        return self._slide(layer, made, shapes[0], ())

    def global_pool(self, layer: Any, shapes: Shapes) -> Ints:
        """The mean or the largest of each feature map."""
        shape = shapes[0]
        if type(layer).__name__ == "GlobalMaxPooling2D":
            return self.free(layer, shape, shape[:2] if not layer.keepdims else (*shape[:2], 1, 1))
        made = layers.AdaptiveAvgPool2d("", None, (1, 1))
        output, ledger = made.apply(shape)
        output = tuple(output) if layer.keepdims else tuple(output[:2])
        self.emit(layer, made, shape, output, ledger, params=0)
        return output

    def dense(self, layer: Any, shapes: Shapes) -> Ints:
        """A fully connected layer over the last axis of the model's own layout."""
        shape = shapes[0]
        takes = int(layer.kernel.shape[0])
        made = layers.Linear("", None, takes, layer.units, layer.use_bias)
        inner = self.outward(shape)  # a Dense works on the last axis of the model's own layout
        _, ledger = made.apply(inner)
        output = self.inward((*inner[:-1], layer.units))
        if inner[-1] != takes:
            self.fail(layer, made, f"takes {takes:,} features and gets {inner[-1]:,}", (inner,))
        self.emit(layer, made, shape, output, ledger, params=self.claim(layer))
        return self._activated(layer, output)

    def batch_norm(self, layer: Any, shapes: Shapes) -> Ints:
        """Batch normalization; its running statistics are no parameters."""
        shape = shapes[0]
        affine = bool(layer.center and layer.scale)
        channels = int(layer.moving_mean.shape[0])
        kind = layers.BatchNorm2d if len(shape) == 4 else foreign_layers.BatchNorm1d
        made = kind("", None, channels, affine)
        _, ledger = made.apply(shape)
        params = self.claim(layer, "gamma", "beta")
        self.statistics += self.claim(layer)
        if channels != shape[1]:
            self.fail(layer, made, f"takes {channels:,} channels and gets {shape[1]:,}", (self.outward(shape),))
        self.emit(layer, made, shape, shape, ledger, params=params)
        return shape

    def zero_pad(self, layer: Any, shapes: Shapes) -> Ints:
        """Zeros around each feature map."""
        (top, bottom), (left, right) = layer.padding
        made = foreign_layers.ZeroPad2d("", None, (left, right, top, bottom))
        output, ledger = made.apply(shapes[0])
        self.emit(layer, made, shapes[0], tuple(output), ledger, params=0)
        return tuple(output)

    def flatten(self, layer: Any, shapes: Shapes) -> Ints:
        """All but the batch in one row."""
        made = layers.Flatten("", None)
        output, ledger = made.apply(shapes[0]) if len(shapes[0]) > 1 else ((*shapes[0], 1), Ledger())
        self.emit(layer, made, shapes[0], tuple(output), ledger, params=0)
        return tuple(output)

    def reshape(self, layer: Any, shapes: Shapes) -> Ints:
        """Another shape of as many elements."""
        wanted = tuple(layer.target_shape)
        elements = product(shapes[0][1:])
        known = product(tuple(side for side in wanted if side != -1))
        target = tuple(elements // known if side == -1 else side for side in wanted)
        if product(target) != elements:
            problem = f"cannot turn {shape_text(self.outward(shapes[0])[1:])} into {shape_text(wanted)}"
            self.fail(layer, None, problem, (self.outward(shapes[0]),))
        return self.free(layer, shapes[0], self.inward((shapes[0][0], *target)))

    def dropout(self, layer: Any, shapes: Shapes) -> Ints:
        """Dropout, which hands its input on."""
        made = layers.Dropout("", None, float(layer.rate))
        self.emit(layer, made, shapes[0], shapes[0], made.apply(shapes[0])[1], params=0)
        return shapes[0]

    def activation_layer(self, layer: Any, shapes: Shapes) -> Ints:
        """An activation as a layer."""
        return self._activation(layer, layer.activation.__name__, shapes[0])

    def relu(self, layer: Any, shapes: Shapes) -> Ints:
        """max(x, 0)."""
        return self._activation(layer, "relu", shapes[0])

    def softmax(self, layer: Any, shapes: Shapes) -> Ints:
        """Soft-max over the last axis."""
        return self._activation(layer, "softmax", shapes[0])

    def add(self, layer: Any, shapes: Shapes) -> Ints:
        """A sum: feature maps of one shape are a residual addition, the rest is element-wise and broadcasts."""
        first, *others = shapes
        if not others:
            return self.free(layer, first, first)
        if all(shape == first for shape in others):
            made = layers.Add("", None, first)
            return self.emit(layer, made, first, first, made.apply(first)[1] * len(others))
        output = self.outward(first)
        for shape in map(self.outward, others):
            joined = foreign_layers.broadcast(output, shape)
            if joined is None:
                problem = f"gets {shape_text(output)} and {shape_text(shape)}, which do not go together"
                self.fail(layer, layers.Add("", None, shape), problem, (output, shape))
            output = joined or output
        return self.free(layer, first, self.inward(output))

    def concatenate(self, layer: Any, shapes: Shapes) -> Ints:
        """Joined along an axis of the model's own layout."""
        outer = [self.outward(shape) for shape in shapes]
        axis = layer.axis % len(outer[0])
        output = (*outer[0][:axis], sum(shape[axis] for shape in outer), *outer[0][axis + 1 :])
        if len({(*shape[:axis], *shape[axis + 1 :]) for shape in outer}) > 1:
            texts = " and ".join(map(shape_text, outer))
            self.fail(layer, None, f"gets {texts}, which differ in more than axis {axis}", tuple(outer))
        return self.free(layer, shapes[0], self.inward(output))

    def _activated(self, layer: Any, shape: Ints) -> Ints:
        """Emit the activation that a layer has in it."""
        name = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if name != "linear":
            self._activation(layer, name, shape, f".{name}")
        return shape

    def _activation(self, layer: Any, name: str, shape: Ints, ending: str = "") -> Ints:
        made: layers.Layer = Free("", None, name)
        ledger = Ledger()
        if name in ("relu", "softmax"):
            made = layers.ReLU("", None) if name == "relu" else layers.Softmax("", None)
            ledger = made.apply(shape if len(shape) > 1 else (1, *shape))[1]
        self.emit(layer, made, shape, shape, ledger, params=0, ending=ending)
        return shape


FREE = frozenset(
    (
        *(
            "LeakyReLU",
            "PReLU",
            "ELU",
            "Relu",
            "Relu6",
            "Sigmoid",
            "Tanh",
            "Silu",
            "Gelu",
            "Multiply",
            "Subtract",
            "Maximum",
        ),
        *("Average", "Rescaling", "Normalization", "Permute", "Identity", "LayerNormalization", "UnitNormalization"),
        *("GaussianNoise", "GaussianDropout", "Cropping2D", "Transpose", "GetItem", "Divide", "Mean", "Max"),
    )
)
"""Layers and operations that keep to element-wise work, means and copies: no multiply-accumulates."""


def _padding(padding: str, made: Any, shape: Ints) -> tuple[int, int]:
    """Rows and columns of zeros that Keras adds in all: for ``same``, so that the output has ceil(input / stride)."""
    if padding != "same":
        return 0, 0
    window = made.window(shape)
    total = []
    for axis in (0, 1):
        size, stride = shape[2 + axis], window.stride[axis]
        reach = (-(-size // stride) - 1) * stride + window.dilation[axis] * (window.kernel[axis] - 1) + 1
        total.append(max(0, reach - size))
    return total[0], total[1]


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)
