"""The memory of a whole network, number by number: ints, arrays and symbols by one function."""

from __future__ import annotations

from vggcost.costs import memory as costs
from vggcost.costs import training as step
from vggcost.formulas.forward import flops, flops_of_passes
from vggcost.formulas.memory import tensor_bytes
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vggcost.costs.liveness import Lifetimes
    from vggcost.costs.storages import Moment
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training
    from vggcost.network.layer import Size


class MemoryTotals(Record):
    """The whole [B]; see docs/memory.md for what each is. What belongs to training is None where none is asked for.

    peak_bytes are the activations alive at the worst moment of one forward call without gradients, with neither
    weights nor input; training_peak_bytes is all that a training step holds at its worst moment.
    """

    weight_bytes: int
    buffer_bytes: int
    input_bytes: int
    output_bytes: int
    weight_layer_output_bytes: int
    peak_bytes: int
    saved_bytes: int | None = None
    gradient_bytes: int | None = None
    optimizer_bytes: int | None = None
    master_weight_bytes: int | None = None
    training_peak_bytes: int | None = None
    forward_flops: int | None = None
    backward_flops: int | None = None
    step_flops: int | None = None


def worst(moments: Iterable[Moment]) -> Size:
    """Return the bytes of the worst of these moments, in ints."""
    return max(moment.bytes for moment in moments)


def totals_of(
    counted: Table,
    element_bytes: int,
    forward: Lifetimes,
    trained: tuple[Training, Lifetimes] | None = None,
    largest: Callable[[Iterable[Moment]], Size] = worst,
) -> MemoryTotals:
    """Return a network's numbers out of one forward call, and out of one training step with how it is done.

    The sizes are of any kind of number; largest takes the maximum over moments of that kind.

    Raises:
        VggcostError: a training step of a network without parameters.
    """
    inference = MemoryTotals(
        weight_bytes=tensor_bytes(counted.params, element_bytes),
        buffer_bytes=costs.buffer_bytes(counted, element_bytes),
        input_bytes=forward.image.storage.bytes,
        output_bytes=sum(forward.output_bytes.values()),
        weight_layer_output_bytes=sum(forward.output_bytes[row.name] for row in counted.rows if row.layer.weighted),
        peak_bytes=largest(forward.alive.moments),
    )
    if trained is None:
        return inference
    training, lives = trained
    peak = largest(step.moments(counted, element_bytes, training, lives))
    macs = tuple(step.step_macs(counted, lives))
    gradients = step.trainable_bytes(counted, element_bytes, training)
    ahead, back = (flops(sum(getattr(row, name) for row in macs)) for name in ("forward", "backward"))
    return inference.replace(
        saved_bytes=lives.saved_bytes,
        gradient_bytes=gradients,
        optimizer_bytes=step.state_bytes(gradients, training),
        master_weight_bytes=step.master_weight_bytes(gradients, training) if training.master_weights else None,
        training_peak_bytes=peak,
        forward_flops=ahead,
        backward_flops=back,
        step_flops=flops_of_passes(ahead + back, training.accumulate),
    )
