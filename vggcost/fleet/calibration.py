"""One's own measurements in place of the published ones: the time of one GPU, and what the line costs."""

from __future__ import annotations

from math import exp, log

from vggcost.errors import VggcostError
from vggcost.fleet.model import LOCAL, Constants, step
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vggcost.fleet.gradients import Bucket
    from vggcost.fleet.model import Cluster
    from vggcost.fleet.words import MeasuredSpeed

DEFAULTS = Constants(local=0.5, tcp=0.5, rdma=1.0, latency_s=2e-5, straggling=0.035)
"""What `vggcost.fleet.evaluation` fits to the published runs, all of them."""

LEAST_SHARE = 1e-6
"""A line of which less than this is used is another line."""

HALVINGS = 200
"""More than a float has digits."""


class Calibrated(Record):
    """The time of one GPU's step alone [s], the constants, and the measured step of each number of GPUs [s]."""

    alone_s: float
    constants: Constants
    steps_s: Mapping[int, float]


def calibrated(
    measured: Sequence[MeasuredSpeed], batch: int, buckets: Sequence[Bucket], cluster: Cluster
) -> Calibrated:
    """Return what measurements with a batch a GPU say: one alone of the time, each further one of the line it used.

    Where a run is faster than the default constants say of a whole line, GPUs wait less for the slowest.

    Raises:
        VggcostError: none is given, a number of GPUs twice, or a run that the model cannot be.
    """
    ordered = sorted(measured, key=lambda each: each.gpus)
    if len({each.gpus for each in ordered}) < len(ordered):
        raise VggcostError("--measured gives a number of GPUs twice; give each once")
    steps = [each.gpus * batch / each.images_per_s for each in ordered]
    first = ordered[0]
    alone_s = steps[0] if first.gpus == 1 else _alone(first, steps[0], buckets, cluster)
    found: dict[str, list[Constants]] = {}
    for each, seconds in zip(ordered[1:], steps[1:], strict=True):
        transport = cluster.between(each.gpus).transport
        found.setdefault(transport, []).append(_constants(each, seconds, alone_s, buckets, cluster))
    constants = DEFAULTS
    for transport, several in found.items():
        share = exp(_mean([log(each.share(transport)) for each in several]))
        constants = constants.replace(**{transport: share})
    everyone = [each.straggling for several in found.values() for each in several]
    if everyone:
        constants = constants.replace(straggling=_mean(everyone))
    return Calibrated(alone_s, constants, {each.gpus: seconds for each, seconds in zip(ordered, steps, strict=True)})


def _alone(each: MeasuredSpeed, seconds: float, buckets: Sequence[Bucket], cluster: Cluster) -> float:
    """The time of one GPU from a run of several."""
    link = cluster.between(each.gpus)
    if step(0.0, each.gpus, buckets, link, DEFAULTS).seconds >= seconds:
        raise VggcostError(
            f"--measured {_words(each)} is faster than the line lets {each.gpus} GPUs be; check the link, or measure"
            " one GPU too: --measured 1=RATE"
        )
    return _where(lambda alone: step(alone, each.gpus, buckets, link, DEFAULTS).seconds, seconds, 0.0, seconds)


def _constants(
    each: MeasuredSpeed, seconds: float, alone_s: float, buckets: Sequence[Bucket], cluster: Cluster
) -> Constants:
    """The constants by which a run takes so long: another share of the line, else less waiting for the slowest."""
    link = cluster.between(each.gpus)

    def taken(share: float, straggling: float) -> float:
        constants = DEFAULTS.replace(**{link.transport: share}, straggling=straggling)
        return step(alone_s, each.gpus, buckets, link, constants).seconds

    if taken(1.0, 0.0) > seconds:
        which = "--local-link" if link.transport == LOCAL else "--link"
        raise VggcostError(
            f"--measured {_words(each)} is faster than {each.gpus} GPUs can be over the whole line, each as fast as one"
            f" alone; check {which}, and that --measured has the total of all GPUs at --batch a GPU"
        )
    if taken(1.0, DEFAULTS.straggling) > seconds:
        straggling = _where(lambda value: taken(1.0, value), seconds, 0.0, DEFAULTS.straggling)
        return DEFAULTS.replace(**{link.transport: 1.0}, straggling=straggling)
    if taken(LEAST_SHARE, DEFAULTS.straggling) < seconds:
        raise VggcostError(
            f"--measured {_words(each)} is slower than any use of the line explains; check that it is the total of all"
            " GPUs at --batch a GPU"
        )
    # A share falls as the time rises, so that its reciprocal is looked for.
    times = _where(lambda value: taken(1 / value, DEFAULTS.straggling), seconds, 1.0, 1 / LEAST_SHARE)
    return DEFAULTS.replace(**{link.transport: 1 / times})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)  # statistics would load decimals and fractions


def _where(rising: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Where a function that rises reaches a value."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return high


def _words(each: MeasuredSpeed) -> str:
    return f"{each.gpus}={each.images_per_s:g}img/s"
