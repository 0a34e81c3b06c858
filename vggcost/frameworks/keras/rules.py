"""What Keras's layers do to shapes: one rule a class, over built layers, without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward, windows
from vggcost.frameworks.keras.record import Recorder
from vggcost.network import (
    blocks,
    foreign_convolutions,
    foreign_layers,
    foreign_norms,
    foreign_pools,
    layers,
    products,
    sequences,
)
from vggcost.network.foreign_layers import Free
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]
    Shapes = list[Ints]

KINDS: Mapping[type[Layer], Mapping[str, str] | str] = {
    layers.Conv2d: {"Conv2D": "conv", "DepthwiseConv2D": "depthwise", "SeparableConv2D": "separable"},
    layers.BatchNorm2d: {"BatchNormalization": "batch_norm"},
    layers.LocalResponseNorm: "Keras has no such layer",
    layers.ReLU: {"ReLU": "relu", "Activation": "activation_layer"},
    layers.MaxPool2d: {"MaxPooling2D": "pool"},
    layers.AdaptiveAvgPool2d: {"GlobalAveragePooling2D": "global_pool"},
    layers.Flatten: {"Flatten": "flatten"},
    layers.Linear: {"Dense": "dense"},
    layers.Softmax: {"Softmax": "softmax", "Activation": "activation_layer"},
    layers.Dropout: {"Dropout": "dropout", "SpatialDropout2D": "dropout"},
    blocks.Add: {"Add": "add"},
    blocks.Residual: "it is read as its layers and its addition",
    foreign_pools.CeilMaxPool2d: "Keras's pools do not reach over the edge; padding takes the place of it",
    foreign_norms.BatchNorm1d: {"BatchNormalization": "batch_norm"},
    foreign_norms.GroupNorm: {"GroupNormalization": "group_norm"},
    foreign_pools.AvgPool2d: {"AveragePooling2D": "pool"},
    foreign_layers.ZeroPad2d: {"ZeroPadding2D": "zero_pad"},
    products.MatMul: "Keras's product of matrices is an operation without a rule, and so uncounted",
    **dict.fromkeys(
        (
            *(foreign_convolutions.ConvNd, foreign_convolutions.ConvTransposeNd, foreign_pools.PoolNd),
            *(foreign_pools.AdaptivePoolNd, foreign_norms.BatchNorm3d, foreign_norms.InstanceNorm),
            *(foreign_norms.LayerNorm, foreign_norms.RMSNorm, products.Contraction, products.Bilinear),
            *(products.ScaledDotProductAttention, sequences.Recurrent, sequences.Embedding),
        ),
        "Keras's layers of this kind have no rule, and so are uncounted",
    ),
    foreign_layers.Free: {
        "InputLayer": "input_layer",
        "Reshape": "reshape",
        "Concatenate": "concatenate",
        "GlobalMaxPooling2D": "global_pool",
    },
    foreign_layers.Uncounted: "it is what has no rule",
    foreign_layers.Idle: "it is never called",
}
"""A row a kind of layer: Keras's classes and operations that do it, each with the method of Rules that answers for it.

A sentence in place of them says why there are none.
"""

RULES: Mapping[str, str] = {
    name: method for row in KINDS.values() if not isinstance(row, str) for name, method in row.items()
}
"""Keras's layer classes and operations by name, each with its method of Rules."""


_UNNAMED: Mapping[str, Any] = {"name": "", "path": None}
"""A layer while it is planned; the recorder names it."""


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

    def global_pool(self, layer: Any, shapes: Shapes) -> Ints:
        """The mean or the largest of each feature map."""
        shape = shapes[0]
        if type(layer).__name__ == "GlobalMaxPooling2D":
            return self.free(layer, shape, shape[:2] if not layer.keepdims else (*shape[:2], 1, 1))
        made = layers.AdaptiveAvgPool2d("", None, (1, 1))
        output, ledger = made.apply(shape)
        output = tuple(output) if layer.keepdims else tuple(output[:2])
        self.emit(layer, made, shape, output, ledger)
        return output

    def dense(self, layer: Any, shapes: Shapes) -> Ints:
        """A fully connected layer over the last axis of the model's own layout."""
        shape = shapes[0]
        takes = int(layer.kernel.shape[0])
        made = layers.Linear(**_UNNAMED, in_features=takes, out_features=layer.units, bias=layer.use_bias)
        inner = self.outward(shape)  # a Dense works on the last axis of the model's own layout
        _, ledger = made.apply(inner)
        output = self.inward((*inner[:-1], layer.units))
        if inner[-1] != takes:
            self.fail(layer, made, f"takes {takes:,} features and gets {inner[-1]:,}", (inner,))
        self.emit(layer, made, shape, output, ledger)
        return self._activated(layer, output)

    def batch_norm(self, layer: Any, shapes: Shapes) -> Ints:
        """Batch normalization; its running statistics are no parameters."""
        shape = shapes[0]
        affine = bool(layer.center and layer.scale)
        channels = int(layer.moving_mean.shape[0])
        kind = layers.BatchNorm2d if len(shape) == 4 else foreign_norms.BatchNorm1d
        made = kind("", None, channels, affine)
        _, ledger = made.apply(shape)
        if channels != shape[1]:
            self.fail(layer, made, f"takes {channels:,} channels and gets {shape[1]:,}", (self.outward(shape),))
        self.emit(layer, made, shape, shape, ledger)
        return shape

    def group_norm(self, layer: Any, shapes: Shapes) -> Ints:
        """Group normalization; Keras writes a group a channel as -1."""
        shape = shapes[0]
        groups = int(layer.groups) if layer.groups > 0 else shape[1]
        made = foreign_norms.GroupNorm("", None, groups, shape[1], bool(layer.center and layer.scale))
        self.emit(layer, made, shape, shape, Ledger())
        return shape

    def zero_pad(self, layer: Any, shapes: Shapes) -> Ints:
        """Zeros around each feature map."""
        (top, bottom), (left, right) = layer.padding
        made = foreign_layers.ZeroPad2d("", None, (left, right, top, bottom))
        output, ledger = made.apply(shapes[0])
        self.emit(layer, made, shapes[0], tuple(output), ledger)
        return tuple(output)

    def flatten(self, layer: Any, shapes: Shapes) -> Ints:
        """All but the batch in one row."""
        made = layers.Flatten("", None)
        output, ledger = made.apply(shapes[0]) if len(shapes[0]) > 1 else ((*shapes[0], 1), Ledger())
        self.emit(layer, made, shapes[0], tuple(output), ledger)
        return tuple(output)

    def reshape(self, layer: Any, shapes: Shapes) -> Ints:
        """Another shape of as many elements."""
        wanted = tuple(layer.target_shape)
        elements = forward.elements(shapes[0][1:])
        known = forward.elements(tuple(side for side in wanted if side != -1))
        target = tuple(elements // known if side == -1 else side for side in wanted)
        if forward.elements(target) != elements:
            problem = f"cannot turn {shape_text(self.outward(shapes[0])[1:])} into {shape_text(wanted)}"
            self.fail(layer, None, problem, (self.outward(shapes[0]),))
        return self.free(layer, shapes[0], self.inward((shapes[0][0], *target)))

    def dropout(self, layer: Any, shapes: Shapes) -> Ints:
        """Dropout, which hands its input on."""
        made = layers.Dropout("", None, float(layer.rate))
        self.emit(layer, made, shapes[0], shapes[0], made.apply(shapes[0])[1])
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
            made = blocks.Add("", None, first)
            return self.emit(layer, made, first, first, made.apply(first)[1] * len(others))
        output = self.outward(first)
        for shape in map(self.outward, others):
            joined = foreign_layers.broadcast(output, shape)
            if joined is None:
                problem = f"gets {shape_text(output)} and {shape_text(shape)}, which do not go together"
                self.fail(layer, blocks.Add("", None, shape), problem, (output, shape))
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
        made: Layer = Free("", None, name)
        ledger = Ledger()
        if name in ("relu", "softmax"):
            made = layers.ReLU("", None) if name == "relu" else layers.Softmax("", None)
            ledger = made.apply(shape if len(shape) > 1 else (1, *shape))[1]
        self.emit(layer, made, shape, shape, ledger, ending=ending)
        return shape


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


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)
