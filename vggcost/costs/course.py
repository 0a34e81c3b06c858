"""A training step moment by moment, each part by part; the worst of them."""

from __future__ import annotations

from vggcost.costs.memory import buffer_bytes
from vggcost.costs.training import (
    gradients_before,
    lived,
    master_weight_bytes,
    moments,
    state_bytes,
    trainable_bytes,
    updates,
)
from vggcost.formulas import memory
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from vggcost.costs.liveness import Lifetimes
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training

EVERY_MOMENT = range(1_000_000_000)
"""The places of all moments that a step can have."""


class Peak(Record):
    """The worst moment, or another one, part by part [B]; the parts sum to the whole.

    phase is "forward", "backward", "recompute" or "step", layer what runs. live_gradient_bytes, live_cast_bytes
    and live_saved_bytes are what is there at that moment of the weights' gradients, of their casts to the low precision
    of torch.autocast, and of what autograd keeps beside these and the input; working_bytes all else: outputs and
    gradients on their way, temporary tensors.
    """

    phase: str
    layer: str | None
    weight_bytes: int
    buffer_bytes: int
    input_bytes: int
    optimizer_bytes: int
    live_gradient_bytes: int
    live_saved_bytes: int
    working_bytes: int
    live_cast_bytes: int = 0
    master_weight_bytes: int = 0

    @property
    def bytes(self) -> int:
        """All of it [B]."""
        return sum(getattr(self, name) for name in self._fields if name.endswith("_bytes"))


def peak(counted: Table, element_bytes: int, training: Training, *, in_place: bool, low_bytes: int = 0) -> Peak:
    """Return a step's worst moment; low_bytes as in `vggcost.costs.memory.lived`.

    Raises:
        VggcostError: nothing learns.
    """
    lives = lived(counted, element_bytes, training, in_place=in_place, low_bytes=low_bytes)
    everything = tuple(moments(counted, element_bytes, training, lives))
    place = max(range(len(everything)), key=lambda index: everything[index].bytes)
    (found,) = course(counted, element_bytes, training, in_place=in_place, low_bytes=low_bytes, places=(place,))
    return found


def course(
    counted: Table,
    element_bytes: int,
    training: Training,
    *,
    in_place: bool,
    low_bytes: int = 0,
    places: Container[int] = EVERY_MOMENT,
) -> Iterator[Peak]:
    """Yield a step's moments in their order, each part by part; places are those of the moments that are wanted.

    Their sums are the bytes of `moments`; low_bytes as in `vggcost.costs.memory.lived`.

    Raises:
        VggcostError: nothing learns.
    """
    lives = lived(counted, element_bytes, training, in_place=in_place, watched=places, low_bytes=low_bytes)
    yield from course_of(counted, element_bytes, training, lives, places)


def course_of(
    counted: Table, element_bytes: int, training: Training, lives: Lifetimes, places: Container[int] = EVERY_MOMENT
) -> Iterator[Peak]:
    """Yield the moments of a walk that watched these places; its sizes may be symbols. See `course`.

    Raises:
        VggcostError: nothing learns.
    """
    gradients = trainable_bytes(counted, element_bytes, training)
    held = {
        "weight_bytes": memory.tensor_bytes(counted.params, element_bytes),
        "buffer_bytes": buffer_bytes(counted, element_bytes),
        "input_bytes": lives.image.storage.bytes,
        "optimizer_bytes": state_bytes(gradients, training),
        "master_weight_bytes": master_weight_bytes(gradients, training),
    }
    before, updating = gradients_before(gradients, training), updates(counted, element_bytes, training)
    for place, moment in enumerate(moments(counted, element_bytes, training, lives)):
        working = next(updating) if moment.phase == "step" else 0
        if place not in places:
            continue
        if moment.phase == "step":
            yield Peak("step", None, **held, live_gradient_bytes=gradients, live_saved_bytes=0, working_bytes=working)
            continue
        seen = lives.alive.seen[place]
        yield Peak(
            moment.phase,
            moment.layer,
            **held,
            live_gradient_bytes=before + sum(each.bytes for each, _ in seen if each.of_weights),
            live_saved_bytes=sum(each.bytes for each, kept in seen if kept and not each.cast),
            working_bytes=sum(each.bytes for each, kept in seen if not (kept or each.of_weights or each.cast)),
            live_cast_bytes=sum(each.bytes for each, _ in seen if each.cast),
        )
