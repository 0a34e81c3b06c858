"""Memory of a network before anything is built: one forward, one training step, and the largest batch that fits.

Not counted: the libraries' workspaces, the device's context and the allocator's rounding.
"""

from __future__ import annotations

from vggcost.formulas import forward, memory
from vggcost.network.layer import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.costs.table import Table
    from vggcost.network.layer import Layer, Shape

PLACE_BYTES = 8
"""torch's max-pool writes the place of each largest value as int64."""


def peak_bytes(counted: Table, element_bytes: int, *, backward: bool = False) -> int:
    """Return the memory at the worst moment of one forward, or of one training step [B].

    A forward holds the weights, the network's input, and while a layer runs its input, its output and what waits for a
    later layer: inside a residual block the block's input. A training step holds weights and gradients, what autograd
    keeps, and two gradients on their way. Buffers of batch normalization are among the weights.
    """
    if backward:
        params, buffers, image = _held_bytes(counted, element_bytes)
        largest = memory.tensor_bytes(max(row.output_elements for row in counted.rows), element_bytes)
        return memory.training_peak(params, buffers, image, kept_bytes(counted, element_bytes), largest)
    return max(layer_peak_bytes(counted, element_bytes))


def layer_peak_bytes(counted: Table, element_bytes: int) -> Iterator[int]:
    """Yield the memory of a forward while each layer runs [B]: weights, the network's input, the activations alive."""
    params, buffers, image = _held_bytes(counted, element_bytes)
    for alive in alive_bytes(counted, element_bytes):
        yield memory.inference_peak(params, buffers, image, alive)


def _held_bytes(counted: Table, element_bytes: int) -> tuple[int, int, int]:
    """Return what a forward holds before it begins [B]: parameters, buffers, the network's input."""
    params = memory.tensor_bytes(counted.params, element_bytes)
    image = memory.tensor_bytes(forward.elements(counted.input), element_bytes)
    return params, _buffer_bytes(counted, element_bytes), image


def alive_bytes(counted: Table, element_bytes: int) -> Iterator[int]:
    """Yield the activations that are alive while each layer runs [B], the places of a max-pool's maxima among them."""
    waiting = (tensors for layer, shape in _units(counted) for tensors in layer.waiting(shape))
    for row, tensors in zip(counted.rows, waiting, strict=True):
        alive = memory.alive_at(
            forward.elements(row.input), row.output_elements, sum(forward.elements(shape) for shape in tensors)
        )
        places = memory.tensor_bytes(row.layer.places(row.output), PLACE_BYTES)
        yield memory.tensor_bytes(alive, element_bytes) + places


def _units(counted: Table) -> Iterator[tuple[Layer, Shape]]:
    """Yield the network's own layers, a residual block as one, each with the shape that reaches it."""
    shape: Shape = counted.input
    for layer in counted.network.layers:
        yield layer, shape
        *_, last = walk((layer,), shape)
        shape = last.output


def kept_bytes(counted: Table, element_bytes: int) -> int:
    """Return what autograd keeps of the activations for the backward pass, the network's input among them [B].

    Each kind of layer says whether its input or its output is kept, and what beside them. A tensor that two layers keep
    is one tensor.
    """
    kept = places = 0
    held = False  # whether the tensor that reaches this layer is counted already
    for row in counted.rows:
        layer = row.layer
        if layer.keeps_input and not held:
            kept += forward.elements(row.input)
            held = True
        if layer.keeps_output:
            kept += row.output_elements
        kept += layer.kept_beside(row.output)
        places += layer.places(row.output)
        if not layer.view:
            held = layer.keeps_output
    return memory.tensor_bytes(kept, element_bytes) + memory.tensor_bytes(places, PLACE_BYTES)


def largest_batch(counted: Table, element_bytes: int, free: int, *, backward: bool = False) -> int:
    """Return the largest batch whose estimate is at most this [B]; 0 where not even one image fits.

    The estimate is weights + batch * (what one image takes), so two points give the line.
    """
    params = memory.tensor_bytes(counted.params, element_bytes)
    buffers = _buffer_bytes(counted, element_bytes)
    fixed = memory.fixed_in_training(params, buffers) if backward else params + buffers
    image = memory.bytes_of_one_image(peak_bytes(counted, element_bytes, backward=backward), fixed, counted.input[0])
    return max(0, memory.largest_batch(free, fixed, image))


def _buffer_bytes(counted: Table, element_bytes: int) -> int:
    elements: int = sum(row.layer.buffers() for row in counted.rows)
    return memory.tensor_bytes(elements, element_bytes)
