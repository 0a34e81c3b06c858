"""Order statistics, proven by counting every case rather than by sampling."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost.bench.statistics import (
    CONFIDENCE,
    compare,
    median_interval,
    relative_deviation,
    summary,
)

TIMES = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=60)


@pytest.mark.parametrize("n", range(1, 15))
def test_the_interval_holds_the_median_as_often_as_it_says_and_is_the_narrowest_that_does(n):
    # Each sample lies below or above the true median with 1/2: all 2**n patterns are equally likely.
    interval = median_interval(list(range(n)))
    covered = dict.fromkeys(range(1, n // 2 + 1), 0)
    for pattern in product((0, 1), repeat=n):
        below = sum(pattern)
        for k in covered:  # the k-th smallest is below the median and the k-th largest above
            covered[k] += k <= below <= n - k
    enough = [k for k, ways in covered.items() if Fraction(ways, 2**n) >= Fraction(str(CONFIDENCE))]
    if interval is None:
        assert not enough
    else:
        assert interval == (max(enough) - 1, n - max(enough))


def test_five_samples_are_too_few_and_six_are_enough():
    assert median_interval([1, 2, 3, 4, 5]) is None
    assert median_interval([6, 5, 4, 3, 2, 1]) == (1, 6)


@given(TIMES)
def test_the_interval_holds_the_samples_own_median(times):
    interval = median_interval(times)
    if interval is not None:
        assert interval[0] <= median(times) <= interval[1]


@given(TIMES)
def test_the_summary_is_ordered(times):
    numbers = summary(times)
    assert numbers.min_ns <= numbers.q1_ns <= numbers.median_ns <= numbers.q3_ns <= max(times)
    assert numbers.n == len(times)


def test_a_thousand_and_more_samples_do_not_overflow():
    assert median_interval(list(range(3000)))[0] > 1400


def test_nothing_measured_has_no_summary():
    assert summary([]) is None
    assert relative_deviation([]) is None
    assert summary([7]).spread == 0.0


def test_more_of_the_same_samples_bring_the_deviation_down():
    few, many = [95, 98, 100, 102, 105] * 6, [95, 98, 100, 102, 105] * 60
    assert relative_deviation(many) < relative_deviation(few)


@pytest.mark.parametrize(
    ("old", "new", "threshold", "word"),
    [
        (range(100, 130), range(200, 230), 0.01, "slower"),
        (range(200, 230), range(100, 130), 0.01, "faster"),
        (range(100, 130), range(101, 131), 0.01, "undecided"),
        (range(1000, 1030), range(1060, 1090), 0.01, "slower"),
        (range(1000, 1030), range(1060, 1090), 0.10, "undecided"),
        ([100] * 5, [900] * 5, 0.01, "undecided"),
        ([], [1] * 30, 0.01, "undecided"),
        ([0] * 30, [1] * 30, 0.01, "undecided"),
    ],
)
def test_compare(old, new, threshold, word):
    assert compare(list(old), list(new), threshold).word == word


@given(TIMES, TIMES)
def test_old_and_new_swapped_swap_the_word(old, new):
    opposite = {"faster": "slower", "slower": "faster", "undecided": "undecided"}
    assert compare(new, old).word == opposite[compare(old, new).word]
