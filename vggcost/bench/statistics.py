"""Order statistics of timings: what is said of samples whose distribution nobody knows.

Nothing here assumes a normal distribution; timings have a hard floor and a long tail.
"""

from __future__ import annotations

from fractions import Fraction
from statistics import median, quantiles
from typing import TYPE_CHECKING

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONFIDENCE = 0.95
"""How often an interval of this room holds the true median, at least."""


class Summary(Record):
    """Median, quartiles, minimum and number of some timings [ns]."""

    median_ns: int
    q1_ns: int
    q3_ns: int
    min_ns: int
    n: int

    @property
    def spread(self) -> float:
        """Interquartile range over median; 0 where the median is 0."""
        return (self.q3_ns - self.q1_ns) / self.median_ns if self.median_ns else 0.0


def summary(samples_ns: Sequence[int]) -> Summary | None:
    """Return the order statistics of timings [ns]; None where there are none.

    >>> summary([30, 10, 20, 40, 50])
    Summary(median_ns=30, q1_ns=20, q3_ns=40, min_ns=10, n=5)
    """
    if not samples_ns:
        return None
    if len(samples_ns) == 1:
        only = samples_ns[0]
        return Summary(only, only, only, only, 1)
    q1, middle, q3 = quantiles(samples_ns, n=4, method="inclusive")
    return Summary(round(middle), round(q1), round(q3), min(samples_ns), len(samples_ns))


def extent(values: Iterable[int | None]) -> dict[str, float] | None:
    """Return minimum, median and maximum of what was read; None where nothing was.

    >>> extent([1410, None, 1395, 1400])
    {'min': 1395, 'median': 1400, 'max': 1410}
    """
    known = [value for value in values if value is not None]
    return {"min": min(known), "median": median(known), "max": max(known)} if known else None


def percentile(samples_ns: Sequence[int], percent: int) -> int | None:
    """Return the timing that this many percent of them do not exceed [ns], as the quartiles are reckoned.

    >>> percentile(range(101), 90)
    90
    """
    if len(samples_ns) < 2:
        return samples_ns[0] if samples_ns else None
    return round(quantiles(samples_ns, n=100, method="inclusive")[percent - 1])


def median_interval(samples_ns: Sequence[int], confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Return two samples that hold the true median between them with at least this confidence; None for too few.

    The number of samples below the true median is binomial with p = 1/2, whatever the distribution, so the k-th
    smallest and the k-th largest sample bracket it with probability 1 - 2*P(fewer than k below).
    Source: Conover 1999, Practical Nonparametric Statistics, section 3.2.

    >>> median_interval([5, 1, 4, 2, 3, 6])
    (1, 6)
    >>> median_interval([5, 1, 4, 2, 3]) is None      # five samples bracket their median in 93.75% of cases only
    True
    """
    n = len(samples_ns)
    allowed = Fraction(1 - confidence) / 2 * 2**n
    ways, below, k = 1, 0, 0
    while k < n:
        below += ways  # exact: the ways in which at most k of n samples fall below the median
        if below > allowed:
            break
        ways = ways * (n - k) // (k + 1)
        k += 1
    if k == 0:
        return None
    ordered = sorted(samples_ns)
    return ordered[k - 1], ordered[n - k]


def relative_deviation(samples_ns: Sequence[int]) -> float | None:
    """Return half the width of the median's interval over the median: how far off the median may be.

    It falls with the square root of the number of samples; None where there are too few to say.
    """
    interval = median_interval(samples_ns)
    if interval is None:
        return None
    middle = median(samples_ns)
    return (interval[1] - interval[0]) / 2 / middle if middle else 0.0


class MedianComparison(Record):
    """NEW over OLD: the ratio of the medians, an interval for it, and the word that follows from the interval."""

    ratio: float | None
    low: float | None
    high: float | None
    word: str


FASTER, SLOWER, UNDECIDED = "faster", "slower", "undecided"


def compare(old_ns: Sequence[int], new_ns: Sequence[int], threshold: float = 0.0) -> MedianComparison:
    """Say whether NEW is faster or slower than OLD by more than the threshold (0.01 is 1%), or that it is undecided.

    Each median's interval holds with 1 - (1 - CONFIDENCE)/2, so both hold together with CONFIDENCE, and then the true
    ratio lies within [new low/old high, new high/old low]. The word is given only where that whole interval lies
    beyond the threshold.

    >>> compare(range(100, 140), range(200, 240)).word
    'slower'
    """
    each = 1 - (1 - CONFIDENCE) / 2
    old, new = median_interval(old_ns, each), median_interval(new_ns, each)
    if not old_ns or not new_ns or not median(old_ns):
        return MedianComparison(None, None, None, UNDECIDED)
    ratio = median(new_ns) / median(old_ns)
    if old is None or new is None or not old[0]:
        return MedianComparison(ratio, None, None, UNDECIDED)
    low, high = new[0] / old[1], new[1] / old[0]
    word = SLOWER if low > 1 + threshold else FASTER if high < 1 - threshold else UNDECIDED
    return MedianComparison(ratio, low, high, word)
