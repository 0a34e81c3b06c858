"""How much memory a bench will take, before anything is built, and the largest batch that should fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vggcost.costs.table import Row, Table

NOT_COUNTED = "the libraries' workspaces, the device's context and the allocator's rounding come on top"

INDEX_BYTES = 8
"""torch's max-pool writes the place of each largest value as int64, wanted or not."""


def peak_bytes(counted: Table, element_bytes: int, *, backward: bool = False) -> int:
    """Return the memory at the worst moment of one forward, or of one training step [B].

    A forward holds the weights, the network's input, and the largest pair of a layer's input and output. A training
    step holds weights and gradients, what autograd keeps, and two gradients on their way. Buffers of
    batch normalization are among the weights. Not counted: workspaces, contexts, the allocator's rounding.
    """
    weights = counted.params
    buffers = 2 * sum(row.params // 2 for row in counted.rows if row.kind == "BatchNorm2d")
    network_input = _elements(counted.input) * element_bytes
    if backward:
        largest = max(_elements(row.output) for row in counted.rows) * element_bytes
        kept = kept_bytes(counted, element_bytes)
        return (2 * weights + buffers) * element_bytes + network_input + kept + 2 * largest
    moments = (
        (_elements(row.input) + _elements(row.output)) * element_bytes + _index_bytes(row) for row in counted.rows
    )
    return (weights + buffers) * element_bytes + network_input + max(moments)


def kept_bytes(counted: Table, element_bytes: int) -> int:
    """Return what autograd keeps of the activations for the backward pass, the network's input among them [B].

    Convolutions, linear layers, pools and normalizations keep their input, ReLU and soft-max what they put out, a
    max-pool also the places of its maxima, dropout a mask, for which a whole element is reckoned (it is one byte in
    CUDA's fused kernel). A tensor that two layers keep is one tensor.
    """
    kept = 0
    held = False  # whether the tensor that reaches this layer is counted already
    for row in counted.rows:
        if row.kind in KEEP_INPUT and not held:
            kept += _elements(row.input) * element_bytes
            held = True
        if row.kind in KEEP_OUTPUT:
            kept += _elements(row.output) * element_bytes
        if row.kind == "Dropout":
            kept += _elements(row.output) * element_bytes  # the mask
        if row.kind == "BatchNorm2d":
            kept += 2 * row.input[1] * element_bytes  # this batch's mean and deviation
        if row.kind != "Flatten":
            held = row.kind in KEEP_OUTPUT
        kept += _index_bytes(row)
    return kept


KEEP_INPUT = ("Conv2d", "Linear", "MaxPool2d", "AdaptiveAvgPool2d", "BatchNorm2d", "LocalResponseNorm")
KEEP_OUTPUT = ("ReLU", "Softmax")


def _index_bytes(row: Row) -> int:
    return _elements(row.output) * INDEX_BYTES if row.kind == "MaxPool2d" else 0


def largest_batch(counted: Table, element_bytes: int, free: int, *, backward: bool = False) -> int:
    """Return the largest batch whose estimate is at most this [B]; 0 where not even one image fits.

    The estimate is weights + batch * (what one image takes), so two points give the line.
    """
    batch = counted.input[0]
    here = peak_bytes(counted, element_bytes, backward=backward)
    weights = counted.params * (2 if backward else 1)
    weights += 2 * sum(row.params // 2 for row in counted.rows if row.kind == "BatchNorm2d")
    fixed = weights * element_bytes
    image = (here - fixed) // batch
    return max(0, (free - fixed) // image)


def _elements(shape: tuple[int, ...]) -> int:
    elements = 1
    for size in shape:
        elements *= size
    return elements
