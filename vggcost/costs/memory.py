"""Memory of a network before anything is built: one forward, one training step, and the largest batch that fits.

Not counted: the libraries' workspaces, the device's context and the allocator's rounding.
"""

from __future__ import annotations

from itertools import groupby

from vggcost.costs.liveness import Lifetimes
from vggcost.costs.storages import Widths
from vggcost.formulas import memory
from vggcost.network.layers import MaxPool2d

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.network.layer import Layer, Shape
    from vggcost.network.plan import Network

COUNTER_BYTES = 8
"""torch counts the batches that a normalization has seen in int64."""

STATISTIC_BYTES = 4
"""torch keeps a batch's mean and deviation in float32 where the elements are narrower."""


def widths_of(element_bytes: int, low_bytes: int) -> Widths:
    """Return the widths of a network whose elements have so many bytes, and under torch.autocast its products."""
    return Widths(element_bytes, max(element_bytes, STATISTIC_BYTES), low=low_bytes)


def buffer_bytes(counted: Table, element_bytes: int) -> int:
    """Return the bytes of a network's buffers [B]."""
    return sum(layer_buffer_bytes(row.layer, element_bytes) for row in counted.rows)


def layer_buffer_bytes(layer: Layer, element_bytes: int) -> int:
    """Return the bytes of a layer's buffers [B]: running statistics, and how many batches they have seen."""
    statistics: int = memory.tensor_bytes(layer.buffers(), element_bytes)
    return statistics + memory.tensor_bytes(layer.counters(), COUNTER_BYTES)


def blocks_of(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Split a list of layers behind each max-pool; one without a pool has no blocks."""
    blocks: list[list[Layer]] = [[]]
    for layer in layers:
        blocks[-1].append(layer)
        if isinstance(layer, MaxPool2d):
            blocks.append([])
    return [block for block in blocks if block] if len(blocks) > 1 else []


def lived(
    counted: Table,
    element_bytes: int,
    batch: int | None = None,
    *,
    training: bool,
    in_place: bool,
    low_bytes: int = 0,
    **options: Any,
) -> Lifetimes:
    """Return one forward call of a checked network, and where training one backward pass, at its batch or another.

    low_bytes are those of an element in the precision of torch.autocast, 0 without it; options are further ones of
    `vggcost.costs.liveness.Lifetimes`.
    """
    shape = (batch or counted.input[0], *counted.input[1:])
    widths = widths_of(element_bytes, low_bytes)
    return lived_in(widths, counted.network, shape, training=training, in_place=in_place, **options)


def lived_in(widths: Widths, network: Network, shape: Shape, *, training: bool, **options: Any) -> Lifetimes:
    """Return one forward call of a network, and where training one backward pass; widths and sizes may be symbols."""
    lives = Lifetimes((layers for _, layers in network.stages()), shape, widths, training=training, **options)
    if training:
        lives.backward()
    return lives


def in_use_bytes(counted: Table, element_bytes: int, *, backward: bool = False, in_place: bool = True) -> int:
    """Return the memory at the worst moment of one forward, or of one training step without an optimizer [B].

    Weights, buffers and the network's input are in it; in_place as in `vggcost.costs.liveness.Lifetimes`.
    """
    return max(_moments(counted, element_bytes, None, backward=backward, in_place=in_place))


def _moments(counted: Table, element_bytes: int, batch: int | None, *, backward: bool, in_place: bool) -> Iterator[int]:
    """Yield all the memory in use at each moment [B]."""
    lives = lived(counted, element_bytes, batch, training=backward, in_place=in_place)
    yield from _with_held(counted, element_bytes, lives, (moment.bytes for moment in lives.alive.moments))


def layer_in_use_bytes(counted: Table, element_bytes: int, *, in_place: bool = True) -> Iterator[int]:
    """Yield the memory of a forward while each layer runs [B]: weights, the network's input, the activations alive."""
    lives = lived(counted, element_bytes, training=False, in_place=in_place)
    yield from _with_held(counted, element_bytes, lives, live_by_layer(lives))


def layer_live_bytes(counted: Table, element_bytes: int, *, in_place: bool = True) -> Iterator[int]:
    """Yield the activations that are alive while each layer runs [B], its own temporary tensors among them.

    The network's input, which its caller holds, is none of them.
    """
    yield from live_by_layer(lived(counted, element_bytes, training=False, in_place=in_place))


def live_by_layer(lives: Lifetimes) -> Iterator[int]:
    """Yield the worst moment of each layer in the forward call [B]."""
    for _, moments in groupby(lives.alive.moments, lambda moment: moment.layer):
        yield max(moment.bytes for moment in moments)


def largest_batch(
    counted: Table, element_bytes: int, free: int, *, backward: bool = False, in_place: bool = True
) -> int:
    """Return the largest batch whose estimate is at most this [B]; 0 where not even one image fits.

    Every moment's memory is fixed + batch * (what one image takes), so two batches give its line.
    """
    one, two = (tuple(_moments(counted, element_bytes, n, backward=backward, in_place=in_place)) for n in (1, 2))
    lines = zip(one, two, strict=True)  # each rises, for the input is in all of them
    fits = (memory.largest_batch(free, first, memory.bytes_of_one_image(first, second)) for first, second in lines)
    return max(0, min(fits))


def _with_held(counted: Table, element_bytes: int, lives: Lifetimes, alive: Iterable[int]) -> Iterator[int]:
    """Yield what is alive at each moment with weights, buffers and the network's input [B]."""
    params = memory.tensor_bytes(counted.params, element_bytes)
    buffers, image = buffer_bytes(counted, element_bytes), lives.image.storage.bytes
    for moment in alive:
        yield memory.in_use(params, buffers, image, moment)
