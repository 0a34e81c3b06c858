"""Products of tensors that are no layer of a VGG: of matrices, contractions, attention, bilinear layers."""

from __future__ import annotations

from vggcost.formulas import forward, sequences
from vggcost.network.layer import Layer
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Call, Shape, Size, Window


class MatMul(Layer):
    """A product of matrices, batched or not (torch.matmul): each output is one dot product of length `inner`."""

    inner: int
    output: Shape

    noun = "matrix product"
    family = "matmul_"
    counts_known = False
    structural = True

    def macs_call(self, output: Shape) -> Call:
        """One dot product an output element."""
        return sequences.contraction_macs, {"outputs": forward.elements(output), "inner": self.inner}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:  # noqa: ARG002  # two inputs, of which `output` is made
        """Two matrices to their product."""
        formula, arguments = self.macs_call(self.output)
        return self.output, Ledger(matmul_macs=formula(**arguments), matmul_outputs=forward.elements(self.output))


class Contraction(Layer):
    """Several tensors contracted pair by pair (torch.einsum, torch.linalg.multi_dot).

    pairs has for each contraction, in the order in which they are done, the elements of what comes out and the length
    of its dot products; pairs that are multiplied element by element are not among them.
    """

    operation: str
    pairs: tuple[tuple[int, int], ...]
    output: Shape

    noun = "contraction"
    family = "contraction_"
    counts_known = False
    structural = True

    @property
    def kind(self) -> str:
        """The operation's own name."""
        return self.operation

    def alike(self) -> tuple[str]:
        """The operation: sizes belong to an input, not to a network."""
        return (self.operation,)

    def macs_call(self, output: Shape) -> Call | None:  # noqa: ARG002  # what comes out in between counts as well
        """One dot product an output element, where there is one pair; None where no one formula has them all."""
        if len(self.pairs) != 1:
            return None
        ((outputs, inner),) = self.pairs
        return sequences.contraction_macs, {"outputs": outputs, "inner": inner}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:  # noqa: ARG002  # several inputs, of which `output` is made
        """Tensors to their contraction."""
        macs = sum(sequences.contraction_macs(outputs, inner) for outputs, inner in self.pairs)
        return self.output, Ledger(contraction_macs=macs)


class ScaledDotProductAttention(Layer):
    """Soft-max of queries times keys, times values (Vaswani et al. 2017; torch's scaled_dot_product_attention).

    The input is (..., queries, width), all heads and images before it; a mask, causal or not, reduces nothing.
    """

    keys: int
    width: int
    value_width: int

    noun = "scaled-dot-product attention"
    family = "attention_"
    counts_known = False
    structural = True

    def alike(self) -> tuple[int, int]:
        """Its widths: how many keys there are belongs to an input."""
        return self.width, self.value_width

    def macs_call(self, output: Shape) -> Call:
        """Two products of matrices a head."""
        return sequences.attention_macs, {
            "queries": forward.elements(output[:-1]),
            "keys": self.keys,
            "width": self.width,
            "value_width": self.value_width,
        }

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(..., queries, width) to (..., queries, value_width)."""
        output = (*shape[:-1], self.value_width)
        formula, arguments = self.macs_call(output)
        return output, Ledger(attention_macs=formula(**arguments))

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``scaled-dot-product attention of width 64``."""
        return f"{self.noun} of width {self.width}"


class Bilinear(Layer):
    """A bilinear form an output, of two inputs (torch.nn.Bilinear); both of its products count."""

    in_features: Size
    other_features: Size
    out_features: Size
    bias: bool = True

    noun = "bilinear layer"
    family = "bilinear_"
    counts_known = False
    weighted = structural = keeps_input = True

    def takes(self) -> tuple[str, int, Size]:
        """The features of its first input."""
        return "features", -1, self.in_features

    def params_call(self) -> Call:
        """A matrix an output, and a bias."""
        return sequences.bilinear_params, {
            "in_features": self.in_features,
            "other_features": self.other_features,
            "out_features": self.out_features,
            "bias": int(self.bias),
        }

    def macs_call(self, output: Shape) -> Call:
        """The first input times each matrix, times the second."""
        return sequences.bilinear_macs, {
            "batch": forward.elements(output[:-1]),
            "in_features": self.in_features,
            "other_features": self.other_features,
            "out_features": self.out_features,
        }

    def window(self, shape: Shape) -> Window | None:  # noqa: ARG002  # the same at every size
        """None: every output sees the whole input."""
        return None

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:
        """(N, in_features) to (N, out_features)."""
        output = (*shape[:-1], self.out_features)
        formula, arguments = self.macs_call(output)
        bias_adds = forward.elements(output) if self.bias else 0
        return output, Ledger(bilinear_macs=formula(**arguments), bilinear_bias_adds=bias_adds)

    def words(self, beside: Layer | None = None) -> str:  # noqa: ARG002  # the same beside any
        """``bilinear 20x30->40``."""
        return f"bilinear {self.in_features}x{self.other_features}->{self.out_features}"


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
