"""A training run on a number of GPUs: step, efficiency, what binds, memory, time and price, for several numbers."""

from __future__ import annotations

from math import isclose

from vggcost.fleet.gradients import fused
from vggcost.fleet.model import step
from vggcost.formulas import collectives
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.fleet.calibration import Calibrated
    from vggcost.fleet.gradients import StepWork
    from vggcost.fleet.model import Cluster, FleetStep

BAND = 0.0917
"""The relative error that all but two of the published runs keep within, their laboratory left out; a test holds it."""

PAPER_EPOCHS = 74
"""Simonyan & Zisserman 2015, section 3.1: the run stopped after 74 epochs."""

PAPER_BATCH = 256
"""The same: images of one step of all GPUs."""

PAPER_IMAGES = 1_281_167
"""The training images of ILSVRC-2012 (Russakovsky et al. 2015, table 2)."""

HOUR_S = 3600
"""Seconds in an hour."""


class Wanted(Record):
    """What is asked of a fleet: numbers of GPUs, the images of a step of all, of an epoch, epochs, a price [1/h]."""

    gpus: tuple[int, ...]
    total_batch: int = PAPER_BATCH
    images: int = PAPER_IMAGES
    epochs: int = PAPER_EPOCHS
    price: float | None = None


class Scale(Record):
    """So many GPUs with a batch each.

    sent_bytes are those of each GPU in a step [B], effective_bytes_per_s what the ring gets of the line, None for one
    GPU; low and high the band of the efficiency; price that of the paper's run, None where nobody gives one.
    """

    gpus: int
    batch: int
    images: int
    step: FleetStep
    sent_bytes: int
    transport: str | None
    effective_bytes_per_s: float | None
    images_per_s: float
    efficiency: float
    low: float
    high: float
    epoch_s: float
    run_s: float
    epoch_price: float | None
    run_price: float | None


class Split(Record):
    """So many GPUs of which each has a part of the linear layers' outputs, in place of a copy of them.

    exchanged_bytes are those of activations and their gradients that each GPU sends, sent_bytes what is left of the
    all-reduce, saved_bytes what each GPU need not hold [B].
    """

    gpus: int
    exchanged_bytes: int
    sent_bytes: int
    whole_bytes: int
    saved_bytes: int
    seconds: float
    times_faster: float


class Fleet(Record):
    """What `vggcost fleet` says of a network.

    weak has a batch a GPU, strong the same images a step for all, of which None stands for less than an image a GPU.
    source says where the time of one GPU is from, notes what else is to be known of it.
    """

    network: Mapping[str, Any]
    input: tuple[int, ...]
    dtype: str
    optimizer: str
    work: StepWork
    cluster: Cluster
    calibrated: Calibrated
    source: str
    notes: tuple[str, ...]
    wanted: Wanted
    weak: tuple[Scale, ...]
    strong: tuple[tuple[int, Scale | None], ...]
    split: tuple[Split, ...]


def scales(work: StepWork, batch: int, cluster: Cluster, known: Calibrated, wanted: Wanted) -> tuple[Scale, ...]:
    """Return each number of GPUs with a batch each.

    Raises:
        VggcostError: they do not fit into one machine, and no link is given.
    """
    return tuple(_scale(work, gpus, batch, known.alone_s, cluster, known, wanted) for gpus in wanted.gpus)


def strong_scales(
    work: StepWork, batch: int, cluster: Cluster, known: Calibrated, wanted: Wanted
) -> Iterator[tuple[int, Scale | None]]:
    """Yield each number of GPUs with an equal part of the same images, None where that is no whole number of them.

    The time of one GPU is taken to go by its images.
    """
    for gpus in wanted.gpus:
        images, rest = divmod(wanted.total_batch, gpus)
        if rest or not images:
            yield gpus, None
        else:
            alone_s = known.alone_s / batch * images
            yield gpus, _scale(work, gpus, images, alone_s, cluster, known, wanted)


def _scale(
    work: StepWork, gpus: int, batch: int, alone_s: float, cluster: Cluster, known: Calibrated, wanted: Wanted
) -> Scale:
    link = cluster.between(gpus)
    taken = step(alone_s, gpus, fused(work.gradients), link, known.constants)
    images = collectives.images_of_step(gpus, batch)
    rate, efficiency = images / taken.seconds, alone_s / taken.seconds
    epoch_s = wanted.images / rate
    run_s = epoch_s * wanted.epochs
    by_second = None if wanted.price is None else gpus * wanted.price / HOUR_S
    own = known.steps_s.get(gpus) if alone_s == known.alone_s else None
    band = 0.0 if gpus == 1 or (own is not None and isclose(own, taken.seconds, rel_tol=1e-6)) else BAND
    return Scale(
        gpus=gpus,
        batch=batch,
        images=images,
        step=taken,
        sent_bytes=collectives.ring_bytes(gpus, work.gradient_bytes),
        transport=None if gpus == 1 else link.transport,
        effective_bytes_per_s=None if gpus == 1 else link.bytes_per_s * known.constants.share(link.transport),
        images_per_s=rate,
        efficiency=efficiency,
        low=efficiency / (1 + band),
        high=min(1.0, efficiency / (1 - band)),
        epoch_s=epoch_s,
        run_s=run_s,
        epoch_price=None if by_second is None else epoch_s * by_second,
        run_price=None if by_second is None else run_s * by_second,
    )


def splits(
    work: StepWork, batch: int, element_bytes: int, cluster: Cluster, known: Calibrated, weak: Sequence[Scale]
) -> Iterator[Split]:
    """Yield what splitting the linear layers over the GPUs would send and save, for each number of GPUs above 1.

    The exchange stands between the passes of the layers and is not hidden behind either.
    """
    others = tuple(each for each in work.gradients if each.features is None)
    left = sum(each.bytes for each in others)
    for scale in weak:
        if scale.gpus == 1 or not work.linear:
            continue
        link = cluster.between(scale.gpus)
        exchanged = sum(
            collectives.exchange_bytes(scale.gpus, batch, each.features or 0, element_bytes) for each in work.linear
        )
        taken = step(known.alone_s, scale.gpus, fused(others), link, known.constants)
        on_the_line = collectives.transfer_time(exchanged, 1 / link.bytes_per_s / known.constants.share(link.transport))
        waits = collectives.ring_latency(scale.gpus, known.constants.latency_s) * len(work.linear)
        seconds = taken.seconds + on_the_line + waits
        yield Split(
            gpus=scale.gpus,
            exchanged_bytes=exchanged,
            sent_bytes=collectives.ring_bytes(scale.gpus, left),
            whole_bytes=scale.sent_bytes,
            saved_bytes=collectives.saved_by_splitting(scale.gpus, work.linear_held_bytes),
            seconds=seconds,
            times_faster=scale.step.seconds / seconds,
        )
