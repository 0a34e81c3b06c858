"""Training on several devices: what a ring all-reduce sends, what exchanging activations sends in its place, times."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.formulas.forward import N


def ring_steps(gpus: N) -> N:
    """Messages that each device sends one after the other in a ring all-reduce [1].

    Source: Patarasu & Yuan 2009, section 4: n - 1 to sum up a part each, n - 1 to hand the sums round.

    >>> ring_steps(16), ring_steps(1)
    (30, 0)
    """
    return 2 * (gpus - 1)


def ring_bytes(gpus: N, gradient_bytes: N) -> N:
    """Bytes that each device sends in a ring all-reduce [B], a part of a byte cut off.

    Source: Patarasu & Yuan 2009, section 4: each message is an n-th of the data.

    >>> ring_bytes(16, 553430176)      # the gradients of VGG-16 in float32
    1037681580
    """
    return ring_steps(gpus) * gradient_bytes // gpus


def transfer_time(sent: N, time_of_byte: N) -> N:
    """Time on the line [unit of time_of_byte], which is the reciprocal of the bytes a second.

    Source: Hockney 1994: a message takes latency + bytes / bandwidth.

    >>> transfer_time(1000, 3)
    3000
    """
    return sent * time_of_byte


def ring_latency(gpus: N, latency: N) -> N:
    """Time before the first byte of each of a ring's messages, together [unit of latency].

    Source: Hockney 1994; Patarasu & Yuan 2009, section 4.

    >>> ring_latency(16, 5)
    150
    """
    return ring_steps(gpus) * latency


def exchange_bytes(gpus: N, batch: N, features: N, element_bytes: N) -> N:
    """Bytes that each device sends where a linear layer's outputs are split over them [B].

    Each has the inputs of its own images and needs those of all, and sends the gradients of the others' back.
    Source: Krizhevsky 2014, section 4.

    >>> exchange_bytes(2, 64, 25088, 4)      # fc6 of VGG-16
    12845056
    """
    return ring_steps(gpus) * batch * features * element_bytes


def images_of_step(gpus: N, batch: N) -> N:
    """Images of one step of all devices [1], of which each takes a batch.

    Source: Krizhevsky 2014, section 3: data parallelism.

    >>> images_of_step(16, 64)
    1024
    """
    return gpus * batch


def saved_by_splitting(gpus: N, held: N) -> N:
    """Bytes that a device need not hold where what all of them hold is split over them [B], a part cut off.

    Source: Krizhevsky 2014, section 3: model parallelism.

    >>> saved_by_splitting(4, 1000)
    750
    """
    return held * (gpus - 1) // gpus
