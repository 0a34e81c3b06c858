"""The model's constants, fitted to published runs, and what it says of those that it was not fitted to."""

from __future__ import annotations

from itertools import combinations, product
from math import log
from statistics import fmean, median

from vggcost.fleet.gradients import fused, work_of
from vggcost.fleet.model import LOCAL, RDMA, TCP, Constants, step
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vggcost.fleet.gradients import Bucket
    from vggcost.fleet.published import Run

START = Constants(local=1.0, tcp=1.0, rdma=1.0, latency_s=1e-5, straggling=0.0)
"""What is assumed of what no run tells: the whole line, 10 us a message, no GPU slower than another."""

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)

CHOICES: Mapping[str, Sequence[float]] = {
    LOCAL: SHARES,
    TCP: SHARES,
    RDMA: SHARES,
    "latency_s": (0.0, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4),
    "straggling": (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06),
}
"""The values that are tried; five constants from so few runs deserve no more digits."""

AWAY_FROM_START = 0.0005
"""What a place away from `START` costs, of a squared relative error: a constant moves only where a run moves it."""


class Judged(Record):
    """One run: its efficiency, what the model says with its laboratory left out, and what it says fitted to all."""

    run: Run
    held_out: float
    fitted: float

    @property
    def error(self) -> float:
        """The relative error of the efficiency with the laboratory left out; above 0 where the model hopes too much."""
        return self.held_out / self.run.efficiency - 1


class Evaluation(Record):
    """The model against the published runs; the constants fitted to all of them, and with each laboratory left out."""

    judged: tuple[Judged, ...]
    constants: Constants
    without: Mapping[str, Constants]

    @property
    def errors(self) -> list[float]:
        """The sizes of the errors with the laboratory left out, the smallest first."""
        return sorted(abs(each.error) for each in self.judged)

    @property
    def median(self) -> float:
        """Half of the runs are nearer than this."""
        return median(self.errors)

    @property
    def mean(self) -> float:
        """The mean of the errors' sizes."""
        return fmean(self.errors)

    @property
    def median_over_networks(self) -> float:
        """The median of the runs over more than one machine."""
        return median(abs(each.error) for each in self.judged if each.run.link.transport != LOCAL)

    @property
    def band(self) -> float:
        """The error that all but two of the runs keep within."""
        return self.errors[-3]


def evaluated(runs: Sequence[Run]) -> Evaluation:
    """Return the model against these runs, each laboratory left out in its turn."""
    buckets = vgg16_buckets()
    everything = fitted(runs, buckets)
    labs = dict.fromkeys(run.lab for run in runs)
    without = {lab: fitted([run for run in runs if run.lab != lab], buckets) for lab in labs}
    judged = (
        Judged(run, efficiency(run, buckets, without[run.lab]), efficiency(run, buckets, everything)) for run in runs
    )
    return Evaluation(tuple(judged), everything, without)


def vgg16_buckets() -> tuple[Bucket, ...]:
    """Return the gradients of the network that the runs trained, as they are sent."""
    from vggcost.costs.table import table
    from vggcost.costs.training import Training
    from vggcost.costs.variants import unfolded
    from vggcost.network.catalogue import find

    network = unfolded(find("D"), {}, None)
    return fused(work_of(table(network, (1, 3, *network.image)), 4, Training()).gradients)


def efficiency(run: Run, buckets: Iterable[Bucket], constants: Constants) -> float:
    """Return what the model says of a run."""
    alone_s = run.batch / run.alone_images_per_s
    return alone_s / step(alone_s, run.gpus, buckets, run.link, constants).seconds


def fitted(runs: Sequence[Run], buckets: Sequence[Bucket]) -> Constants:
    """Return the constants of `CHOICES` whose squared logarithmic errors are least, two of them moved at a time."""

    def loss(places: Mapping[str, int]) -> float:
        constants = Constants(**{name: CHOICES[name][place] for name, place in places.items()})
        errors = (log(efficiency(run, buckets, constants) / run.efficiency) for run in runs)
        away = sum(abs(place - start[name]) for name, place in places.items())
        return sum(error * error for error in errors) + away * AWAY_FROM_START

    start = {name: values.index(getattr(START, name)) for name, values in CHOICES.items()}
    best, least = dict(start), loss(start)
    while True:
        before = least
        for names in combinations(CHOICES, 2):
            for chosen in product(*(range(len(CHOICES[name])) for name in names)):
                tried = {**best, **dict(zip(names, chosen, strict=True))}
                now = loss(tried)
                if now < least:
                    best, least = tried, now
        if least == before:
            return Constants(**{name: CHOICES[name][place] for name, place in best.items()})
