"""Fresh processes as what is sampled: how far a network's time moves from one process to the next.

Autotuning, the placement of memory and clocks are settled once a process, so the forwards of one process know nothing
of that spread, however many they are. Each process is one observation here, its median.
"""

from __future__ import annotations

from functools import cache
from math import atan, cos, exp, fsum, inf, log, pi, sin, sqrt, tan
from statistics import fmean, median, variance
from typing import TYPE_CHECKING, Any

from vggcost.bench.statistics import CONFIDENCE, FASTER, SLOWER, UNDECIDED, MedianComparison

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_PROCESSES = 2
"""Below it there is no spread between processes."""


def by_process(measured: Mapping[str, Any], samples_ns: Sequence[int]) -> list[Sequence[int]]:
    """Return the samples of each process [ns]: measured is their pass, which says how many each has given.

    A pass that says nothing of it is of one process.

    >>> by_process({"n_by_process": [2, 1]}, [10, 11, 20])
    [[10, 11], [20]]
    """
    parts, begin = [], 0
    for count in measured.get("n_by_process") or [len(samples_ns)]:
        parts.append(samples_ns[begin : begin + count])
        begin += count
    return [part for part in parts if part]


def compare_processes(
    old_ns: Sequence[Sequence[int]], new_ns: Sequence[Sequence[int]], threshold: float = 0.0, comparisons: int = 1
) -> MedianComparison:
    """Say whether NEW is faster or slower than OLD by more than the threshold, by the spread between processes.

    Each process counts once, with the logarithm of its median [ns]. The interval for the ratio is Welch's, which lets
    both sides spread differently. It is one of `comparisons` whose intervals hold all together with CONFIDENCE
    (Bonferroni: each with 1 - (1 - CONFIDENCE)/comparisons, whatever they have to do with one another).

    Sources: Welch 1947, Biometrika 34, 28-35; Dunn 1961, JASA 56, 52-64.

    Raises:
        ValueError: a side has fewer than LEAST_PROCESSES processes.

    >>> compare_processes([[100], [101], [99]], [[150], [151], [149]]).word
    'slower'
    """
    if min(len(old_ns), len(new_ns)) < LEAST_PROCESSES:
        raise ValueError(f"{len(old_ns)} and {len(new_ns)} processes; a spread needs {LEAST_PROCESSES}")
    medians = [[median(samples) for samples in side] for side in (old_ns, new_ns)]
    if not all(medians[0]) or not all(medians[1]):
        return MedianComparison(None, None, None, UNDECIDED)  # a time of 0 has no logarithm, and no ratio
    old, new = ([log(time) for time in side] for side in medians)
    apart = fmean(new) - fmean(old)
    errors = [variance(side) / len(side) for side in (old, new)]
    each = 1 - (1 - CONFIDENCE) / comparisons
    half = _quantile(each, _freedom(errors, (len(old), len(new)))) * sqrt(sum(errors)) if sum(errors) else 0.0
    low, high = (exp(end) if end < 700 else inf for end in (apart - half, apart + half))
    word = SLOWER if low > 1 + threshold else FASTER if high < 1 - threshold else UNDECIDED
    if high == inf:
        return MedianComparison(exp(apart), None, None, UNDECIDED)  # two processes that say nothing
    return MedianComparison(exp(apart), low, high, word)


def _freedom(errors: Sequence[float], counts: Sequence[int]) -> float:
    """Return Welch's degrees of freedom, which are seldom whole."""
    below = fsum(error**2 / (count - 1) for error, count in zip(errors, counts, strict=True))
    # Never fewer than the smaller side's own, but for the rounding of floats.
    return max(min(counts) - 1.0, sum(errors) ** 2 / below)


def _quantile(confidence: float, freedom: float) -> float:
    """Return Student's t for degrees of freedom that need not be whole.

    Between two whole ones the line over 1/freedom is taken. t bends upwards over 1/freedom, so the line lies above it,
    and the interval is rather too wide.
    """
    below = int(freedom)
    part = (1 / below - 1 / freedom) / (1 / below - 1 / (below + 1))
    return (1 - part) * student_quantile(confidence, below) + part * student_quantile(confidence, below + 1)


def student_within(t: float, freedom: int) -> float:
    """Return the probability that Student's t of so many degrees of freedom lies within -t and t.

    Source: Abramowitz & Stegun 1964, 26.7.3 and 26.7.4, finite sums for whole degrees of freedom.

    >>> round(student_within(2.776445, 4), 6)
    0.95
    """
    return _within(atan(t / sqrt(freedom)), freedom)


def _within(angle: float, freedom: int) -> float:
    odd = freedom % 2
    term, total = (cos(angle) if odd else 1.0), 0.0
    for number in range(2 + odd, freedom + 1, 2):
        total += term
        term *= (number - 1) / number * cos(angle) ** 2
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


@cache
def student_quantile(confidence: float, freedom: int) -> float:
    """Return the t within whose two signs Student's t lies with this confidence.

    >>> round(student_quantile(0.95, 8), 4)
    2.306
    """
    low, high = 0.0, pi / 2
    for _ in range(60):  # halves of an angle below 2: to the last digit of a float
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return tan(low) * sqrt(freedom)
