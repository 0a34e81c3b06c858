"""What Keras's products of tensors do to shapes: one rule a class of layers or operations, without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.contractions import contracted
from vggcost.frameworks.keras.activations import ActivationRules
from vggcost.network import foreign_layers, products
from vggcost.units import shape_text

if TYPE_CHECKING:
    Ints = tuple[int, ...]
    Shapes = list[Ints]


class ProductRules(ActivationRules):
    """The rules of matrix products, contractions and attention."""

    def einsum_dense(self, layer: Any, shapes: Shapes) -> Ints:
        """A contraction of the input with a learned kernel, and an activation behind it."""
        outer = self.outward(shapes[0])
        kernel = tuple(map(int, layer.kernel.shape))
        try:
            _, output = contracted(layer.equation, [outer, kernel])
        except TypeError:
            problem = f"gets {shape_text(outer)} for {layer.equation} with a kernel of {shape_text(kernel)}"
            self.fail(layer, None, problem, (outer, kernel))
            return shapes[0]
        terms, _, wanted = layer.equation.partition("->")
        letters = terms.partition(",")[2].replace("...", "")
        inner = forward.elements(size for letter, size in zip(letters, kernel, strict=True) if letter not in wanted)
        pairs = ((forward.elements(output), inner),)
        made = products.Contraction("", None, "EinsumDense", pairs, output)
        self.emit(layer, made, shapes[0], self.inward(output), made.apply(outer)[1])
        return self._activated(layer, self.inward(output))

    def einsum(self, layer: Any, shapes: Shapes) -> Ints:
        """keras.ops.einsum, pair by pair from the left."""
        outer = [self.outward(shape) for shape in shapes]
        try:
            pairs, output = contracted(layer.subscripts, outer)
        except TypeError as error:
            self.fail(layer, None, f"gets {' and '.join(map(shape_text, outer))}: {error}", tuple(outer))
            return shapes[0]
        if not pairs:
            return self.free(layer, shapes[0], self.inward(output))
        made = products.Contraction("", None, "einsum", pairs, output)
        return self.emit(layer, made, shapes[0], self.inward(output), made.apply(outer[0])[1])

    def matmul(self, layer: Any, shapes: Shapes) -> Ints:
        """keras.ops.matmul and keras.ops.dot."""
        left, right = (self.outward(shape) for shape in shapes)
        inner = left[-1] if left else 1
        if type(layer).__name__ == "Dot":  # numpy's, which multiplies every row of one with every column of the other
            output = (*left[:-1], *right[:-2], *right[-1:]) if len(right) > 1 else left[:-1]
        else:
            batch = foreign_layers.broadcast(left[:-2], right[:-2])
            if batch is None or (len(right) > 1 and right[-2] != inner):
                problem = f"gets {shape_text(left)} and {shape_text(right)}, which do not go together"
                self.fail(layer, None, problem, (left, right))
            output = (*(batch or ()), *(left[-2:-1]), *(right[-1:] if len(right) > 1 else ()))
        return self._product(layer, shapes[0], output, inner)

    def _product(self, layer: Any, shape: Ints, output: Ints, inner: int, ending: str = "") -> Ints:
        made = products.MatMul("", None, inner, output)
        return self.emit(layer, made, shape, self.inward(output), made.apply(shape)[1], ending=ending)

    def dot(self, layer: Any, shapes: Shapes) -> Ints:
        """The layer Dot, over one axis of each of two inputs; or the operation of this name."""
        if not hasattr(layer, "axes"):
            return self.matmul(layer, shapes)
        left, right = (self.outward(shape) for shape in shapes)
        axes = layer.axes if isinstance(layer.axes, list | tuple) else (layer.axes, layer.axes)
        inner = left[axes[0] % len(left)]
        if right[axes[1] % len(right)] != inner:
            problem = f"gets {shape_text(left)} and {shape_text(right)}, whose contracted sizes differ"
            self.fail(layer, None, problem, (left, right))
        output = tuple(layer.compute_output_shape([left, right]))
        return self._product(layer, shapes[0], output, inner)

    def tensordot(self, layer: Any, shapes: Shapes) -> Ints:
        """keras.ops.tensordot over the last axes of one and the first of the other, or over axes by name."""
        left, right = (self.outward(shape) for shape in shapes)
        axes = layer.axes
        if isinstance(axes, int):
            axes = (list(range(len(left) - axes, len(left))), list(range(axes)))
        gone = [[each] if isinstance(each, int) else list(each) for each in axes]
        inner = forward.elements(left[axis] for axis in gone[0])
        output = (
            *(size for axis, size in enumerate(left) if axis not in {each % len(left) for each in gone[0]}),
            *(size for axis, size in enumerate(right) if axis not in {each % len(right) for each in gone[1]}),
        )
        return self._product(layer, shapes[0], output, inner)

    def attention(self, layer: Any, shapes: Shapes) -> Ints:
        """Attention and AdditiveAttention over a query, a value and a key, which is the value where there is none.

        Additive scores are sums of elements: there the product with the values alone is one of matrices.
        """
        query, value, key, *_ = (*shapes, shapes[1])
        if not len(query) == len(value) == len(key) == 3:
            texts = " and ".join(map(shape_text, shapes))
            self.fail(layer, None, f"takes steps of features and gets {texts}", tuple(shapes))
            return self.free(layer, query, query)
        keys, width, value_width = key[1], query[-1], value[-1]
        additive = type(layer).__name__ == "AdditiveAttention" or getattr(layer, "score_mode", "dot") != "dot"
        if additive:
            return self._product(layer, query, (*query[:-1], value_width), keys)
        return self._attend(layer, query, query, keys, width, value_width)

    def dot_product_attention(self, layer: Any, shapes: Shapes) -> Ints:
        """keras.ops.dot_product_attention over (batch, steps, heads, width)."""
        query, key, value = (self.outward(shape) for shape in shapes[:3])
        heads_first = (query[0], query[2], query[1], query[3])
        return self._attend(layer, query, heads_first, key[1], query[-1], value[-1])

    def _attend(self, layer: Any, query: Ints, whole: Ints, keys: int, width: int, value_width: int) -> Ints:
        made = products.ScaledDotProductAttention("", None, keys, width, value_width)
        output = (*query[:-1], value_width)
        shape = self.inward(query) if len(query) == 4 else query
        return self.emit(layer, made, shape, self.inward(output), made.apply(whole)[1])
