"""What a training step holds beside weights and their gradients: what a real step of a CPU is compared with."""

from __future__ import annotations

from vggcost.costs import training as step
from vggcost.formulas import memory
from vggcost.formulas.forward import elements
from vggcost.network.layers import Conv2d
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training


SCALAR_BYTES = 8
"""A number of Python beside a tensor of a CPU becomes a tensor of one float64 while the operator runs."""


class BesideGradients(Record):
    """The worst moment of one step without weights, their gradients, buffers, input and optimizer state [B].

    least_bytes is what autograd and the operators hold. most_bytes has the copies of one convolution in it, which
    oneDNN makes on a CPU, in its own layout, while that layer's gradients are computed: of its weights' gradient, its
    output's and its input's; and one scalar.
    """

    least_bytes: int
    most_bytes: int


def beside_gradients(counted: Table, element_bytes: int, training: Training, *, in_place: bool) -> BesideGradients:
    """Return both bounds of one pass without checkpoints.

    A layer's gradients of weights are there from its first moment of the backward pass on.
    """
    rows = {row.name: row for row in counted.rows}
    lives = step.lived(counted, element_bytes, training, in_place=in_place)
    gradients, seen = 0, set()
    least = most = step.temporary_bytes(counted, element_bytes, training)
    for moment in lives.alive.moments:
        row = rows.get(moment.layer or "") if moment.phase == "backward" else None
        if row is not None and row.name not in seen:
            seen.add(row.name)
            gradients += memory.tensor_bytes(row.params, element_bytes) if training.trains(row.layer) else 0
        beside = moment.bytes - gradients
        copied = 0
        if row is not None and isinstance(row.layer, Conv2d):
            copied = memory.tensor_bytes(row.params + elements(row.input) + row.output_elements, element_bytes)
        least, most = max(least, beside), max(most, beside + copied)
    return BesideGradients(least, most + SCALAR_BYTES)
