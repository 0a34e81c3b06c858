"""Points of a space, and what the int door says of each: what the tests hold a sweep's rows against."""

from __future__ import annotations

from vggcost.conventions.counting import total
from vggcost.conventions.rows import convention as named
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network.unfold import unfold
from vggcost.results.memory import Memory
from vggcost.results.words import way_of
from vggcost.sweep.columns import NOTHING
from vggcost.sweep.rows import plan_of
from vggcost.sweep.space import unravelled

WORDS = {"accumulate": 1, "freeze": (), "implementation": None, "checkpoint": False, "master_weights": False}


def counted_at(space, index):
    """The table of one point in ints and its structure; the table is None where it cannot run."""
    structure, rest = divmod(index, space.grid)
    _, factor, size, classes, batch = unravelled(rest, space.grid_shape)
    point = space.structure(structure)
    plan, variant = plan_of(space, index), point.variant()
    if space.values["width"][factor] is not None:
        variant = variant.replace(width=space.values["width"][factor])
    if space.values["classes"][classes] is not None:
        variant = variant.replace(classes=space.values["classes"][classes])
    image = space.values["size"][size] or plan.size
    try:
        counted = table(unfold(plan, variant, image), (space.values["batch"][batch], variant.in_channels, *image))
    except VggcostError:
        counted = None
    return counted, point


def int_door(space, index, convention):
    """The columns of one point in ints, None where it cannot run."""
    counted, point = counted_at(space, index)
    if counted is None:
        return None
    training = point.dtype != "int8"
    way = way_of({**WORDS, "training": training, "optimizer": point.values["optimizer"]})
    memory = Memory(counted, point.dtype, way(counted), in_place=True).totals
    count = total(named(convention), counted)
    return {
        "params": counted.params,
        "macs": counted.macs,
        "flops": counted.flops,
        "count": NOTHING if count is None else count,
        "weight_bytes": memory.weight_bytes,
        "output_bytes": memory.output_bytes,
        "inference_bytes": memory.peak_bytes,
        "saved_bytes": memory.saved_bytes if training else NOTHING,
        "training_bytes": memory.training_peak_bytes if training else NOTHING,
    }
