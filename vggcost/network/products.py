"""Products of tensors that were not learned, and of learned ones that are no layer of a VGG."""

from __future__ import annotations

from vggcost.formulas import forward
from vggcost.network.layer import Layer
from vggcost.network.ledger import Ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.network.layer import Call, Shape


class MatMul(Layer):
    """A product of matrices, batched or not (torch.matmul): each output is one dot product of length `inner`."""

    inner: int
    output: Shape

    noun = "matrix product"
    family = "linear_"
    counts_known = False
    structural = True

    def macs_call(self, output: Shape) -> Call:
        """One dot product an output element."""
        return forward.linear_macs, {"batch": forward.elements(output), "in_features": self.inner, "out_features": 1}

    def apply(self, shape: Shape) -> tuple[Shape, Ledger]:  # noqa: ARG002  # two inputs, of which `output` is made
        """Two matrices to their product."""
        formula, arguments = self.macs_call(self.output)
        return self.output, Ledger(linear_macs=formula(**arguments), linear_outputs=forward.elements(self.output))


KINDS: tuple[type[Layer], ...] = tuple(
    kind for kind in tuple(vars().values()) if isinstance(kind, type) and kind.__module__ == __name__
)
"""Every kind of this module, in the order in which it stands here."""
