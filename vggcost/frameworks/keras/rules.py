"""What Keras's layers do to shapes: one rule a class, over built layers, without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.keras.products import ProductRules
from vggcost.frameworks.keras.sequences import SequenceRules
from vggcost.frameworks.keras.windows import WindowRules
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
    foreign_convolutions.ConvNd: {
        **dict.fromkeys(("Conv1D", "Conv3D"), "conv_nd"),
        "DepthwiseConv1D": "depthwise_1d",
        "SeparableConv1D": "separable_1d",
    },
    foreign_convolutions.ConvTransposeNd: dict.fromkeys(
        ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), "conv_transpose"
    ),
    foreign_pools.PoolNd: "Keras's pools over one or three axes are read as operations that multiply nothing",
    foreign_pools.AdaptivePoolNd: "Keras's adaptive pools are read as operations that multiply nothing",
    foreign_norms.BatchNorm3d: {"BatchNormalization": "batch_norm"},
    foreign_norms.InstanceNorm: "Keras writes it as a group normalization with a group a channel",
    foreign_norms.LayerNorm: {"LayerNormalization": "layer_norm"},
    foreign_norms.RMSNorm: {"RMSNormalization": "layer_norm"},
    products.MatMul: {"Matmul": "matmul", "Dot": "dot", "Tensordot": "tensordot"},
    products.Contraction: {"EinsumDense": "einsum_dense", "Einsum": "einsum"},
    products.ScaledDotProductAttention: {
        **dict.fromkeys(("Attention", "AdditiveAttention"), "attention"),
        "DotProductAttention": "dot_product_attention",
    },
    products.Bilinear: "Keras has no such layer",
    sequences.Recurrent: {
        **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN"), "recurrent"),
        **dict.fromkeys(("LSTMCell", "GRUCell", "SimpleRNNCell"), "recurrent_cell"),
    },
    sequences.Embedding: {"Embedding": "embedding"},
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


class Rules(WindowRules, ProductRules, SequenceRules):
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
        made = layers.Linear("", None, takes, layer.units, layer.use_bias)
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
        kind: type[layers.BatchNorm2d] = layers.BatchNorm2d if len(shape) == 4 else foreign_norms.BatchNorm1d
        made = (foreign_norms.BatchNorm3d if len(shape) == 5 else kind)("", None, channels, affine)
        outer = self.outward(shape)
        given = outer[layer.axis]
        # The ledger counts channels an image, wherever they stand.
        others = (size for axis, size in enumerate(outer) if axis not in (0, layer.axis % len(outer)))
        _, ledger = made.apply((outer[0], given, *others))
        if channels != given:
            self.fail(layer, made, f"takes {channels:,} channels and gets {given:,}", (outer,))
        self.emit(layer, made, shape, shape, ledger)
        return shape

    def group_norm(self, layer: Any, shapes: Shapes) -> Ints:
        """Group normalization; Keras writes a group a channel as -1."""
        shape = shapes[0]
        channels = self.outward(shape)[layer.axis]
        groups = int(layer.groups) if layer.groups > 0 else channels
        made = foreign_norms.GroupNorm("", None, groups, channels, bool(layer.center and layer.scale))
        self.emit(layer, made, shape, shape, Ledger())
        return shape

    def layer_norm(self, layer: Any, shapes: Shapes) -> Ints:
        """Layer normalization and its kin by the root mean square, over some axes of the model's own layout."""
        outer = self.outward(shapes[0])
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        normalized = tuple(outer[axis] for axis in axes)
        made: foreign_norms.LayerNorm = foreign_norms.RMSNorm("", None, normalized, shift=False)
        if hasattr(layer, "center"):
            made = foreign_norms.LayerNorm("", None, normalized, bool(layer.scale), bool(layer.center))
        self.emit(layer, made, shapes[0], shapes[0], Ledger())
        return shapes[0]

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
