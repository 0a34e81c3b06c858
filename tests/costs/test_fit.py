"""The search for the largest value that fits, and the width factors that make a difference."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost.costs.fit import Bounds, Tried, WidthGrid, largest
from vggcost.errors import VggcostError
from vggcost.network.plan import Configuration, ResidualToken
from vggcost.network.unfold import conv_widths, width_factor


def searched(cost, limit, least, most, start, power, span=lambda value: (value, value)):
    """The pair that is found, and how often was counted."""
    asked = []

    def tried(value):
        assert least <= value <= most
        asked.append(value)
        return Tried(cost(value) <= limit, cost(value) / limit)

    return largest(tried, Bounds(least, most, start, power), span), len(asked)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 50), st.integers(1, 3)), min_size=1, max_size=4),
    st.integers(1, 10**12),
    st.integers(1, 300),
    st.integers(0, 3000),
    st.integers(1, 3000),
    st.integers(1, 2),
)
def test_the_boundary_is_found_whatever_the_costs(moments, limit, least, more, start, power):
    def cost(value):
        return max(fixed + rise * (value // step) ** power for fixed, rise, step in moments)

    most = least + more
    (low, high), _ = searched(cost, limit, least, most, min(max(start, least), most), power)
    fitting = [value for value in range(least, most + 1) if cost(value) <= limit]
    assert low == (fitting[-1] if fitting else None)
    assert high == (least + len(fitting) if len(fitting) < most + 1 - least else None)


@pytest.mark.parametrize(
    ("cost", "power"),
    [
        (lambda value: 553_430_176 + 26_292_224 * value, 1),
        (lambda value: 2_767_752_992 + 512 * value * value, 2),
        (lambda value: max(2_767_752_992, 10**6 * value), 1),
        (lambda value: value**5, 2),
        (lambda value: value.bit_length(), 2),
    ],
)
@pytest.mark.parametrize("limit", [30, 3 * 10**9, 10**17])
def test_few_values_are_counted(cost, power, limit):
    (low, high), times = searched(cost, limit, 1, 10**18, 1, power)
    assert low is None or cost(low) <= limit
    assert high is None or cost(high) > limit
    assert None in (low, high) or high == low + 1
    assert times <= 130  # bisection alone takes 60 of a range that large


@given(st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True), st.integers(1, 10**6))
def test_a_width_stands_for_all_factors_with_its_channels(widths, value):
    grid = WidthGrid(tuple(sorted(widths)))
    first, last = grid.span(value)
    assert first <= value <= last
    assert grid.channels(first) == grid.channels(value) == grid.channels(last)
    assert grid.channels(last + 1) != grid.channels(last)
    assert first == 1 or grid.channels(first - 1) != grid.channels(first)
    factor = Fraction(grid.factor(value))
    assert tuple(max(1, width * factor // 1) for width in grid.widths) == grid.channels(value)
    assert width_factor(grid.factor(value)) > 0


@pytest.mark.parametrize(
    ("widths", "value", "text"),
    [
        ((64, 128, 256, 512), 512, "1"),
        ((64, 128, 256, 512), 193, "0.377"),
        ((64, 128, 256, 512), 1, "0.001"),
        ((64, 128, 256, 512), 513, "1.002"),
        ((3,), 2, "0.7"),
        ((1,), 1, "1"),
        ((1,), 7, "7"),
    ],
)
def test_a_factor_has_as_few_decimals_as_it_can(widths, value, text):
    assert WidthGrid(widths).factor(value) == text


def test_widths_that_no_decimal_tells_apart_are_refused():
    grid = WidthGrid((10**17 - 3, 10**17))
    with pytest.raises(VggcostError, match=r"lie too close for a factor of 15 decimals; --solve batch or size"):
        grid.factor(grid.parts + 10**17 - 3)


def test_the_widths_of_a_plan_are_those_of_all_its_convolutions():
    plan = Configuration(
        "own", (64, "M", "conv1-32", "LRN", ResidualToken((7, 64), "conv1-64/2"), ResidualToken((9, 64)))
    )
    assert conv_widths(plan) == (7, 9, 32, 64)
    assert conv_widths(Configuration("none", ("M", "LRN"))) == ()
