"""The gradients of a training step: how many bytes, from which layer, and when in the step each is there."""

from __future__ import annotations

from vggcost.costs import training as step
from vggcost.costs.memory_totals import worst
from vggcost.formulas import memory
from vggcost.network.layers import Linear
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from vggcost.costs.table import Table
    from vggcost.costs.training import Training

FUSED_BYTES = 64 * 1024 * 1024
"""Gradients that are sent together [B], as Horovod's fusion buffer does; a larger one is sent alone."""


class Gradient(Record):
    """One layer's gradients.

    ready is the share of a step's work, forward and backward, that is done when they are there. features are the inputs
    of a linear layer, which stands in the classifier, and None for any other.
    """

    layer: str
    bytes: int
    ready: float
    features: int | None


class Bucket(Record):
    """Gradients that are sent in one all-reduce [B], and the share of a step's work that is done before them."""

    bytes: int
    ready: float


class StepWork(Record):
    """One GPU's step: its gradients in the order of the layers, its memory [B], and what a step is to a forward pass.

    linear_held_bytes: what the linear layers' weights, gradients and optimizer's state take.
    """

    gradients: tuple[Gradient, ...]
    gradient_bytes: int
    peak_bytes: int
    steps_of_forward: float
    linear_held_bytes: int

    @property
    def linear(self) -> tuple[Gradient, ...]:
        """Those of the classifier's linear layers."""
        return tuple(each for each in self.gradients if each.features is not None)


def work_of(counted: Table, element_bytes: int, training: Training) -> StepWork:
    """Return a step of a checked network at its batch; the time of a layer is taken to go by its multiplications.

    Raises:
        VggcostError: nothing learns.
    """
    lives = step.lived(counted, element_bytes, training, in_place=True)
    peak = int(worst(step.moments(counted, element_bytes, training, lives)))
    rows = list(zip(counted.rows, step.step_macs(counted, lives), strict=True))
    forward = sum(macs.forward for _, macs in rows)
    whole = forward + sum(macs.backward for _, macs in rows)
    done, found = forward, []
    for row, macs in reversed(rows):
        done += macs.backward
        if training.trains(row.layer):
            size = memory.tensor_bytes(row.params, element_bytes)
            features = row.layer.in_features if isinstance(row.layer, Linear) else None
            found.append(Gradient(row.name, size, done / whole, features))
    gradients = tuple(reversed(found))
    linear = sum(each.bytes for each in gradients if each.features is not None)
    held = linear + linear + step.state_bytes(linear, training)
    return StepWork(gradients, sum(each.bytes for each in gradients), peak, whole / forward, held)


def fused(gradients: Iterable[Gradient], most: int = FUSED_BYTES) -> tuple[Bucket, ...]:
    """Return what is sent together, from the last layer on: a bucket waits for the last of its gradients."""
    buckets: list[Bucket] = []
    for gradient in reversed(tuple(gradients)):
        if buckets and buckets[-1].bytes + gradient.bytes <= most:
            buckets[-1] = Bucket(buckets[-1].bytes + gradient.bytes, gradient.ready)
        else:
            buckets.append(Bucket(gradient.bytes, gradient.ready))
    return tuple(buckets)
