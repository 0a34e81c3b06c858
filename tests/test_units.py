from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost import units
from vggcost.errors import VggcostError


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.000 k"),
        (999_949, "999.9 k"),
        (999_950, "1.000 M"),
        (138_357_544, "138.4 M"),
        (10**12, "1.000 T"),
        (10**18, "1.000 E"),
        (-1500, "-1.500 k"),
    ],
)
def test_si_prefixes_are_powers_of_1000(count, text):
    assert units.human(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.000 KiB"), (553_430_176, "527.8 MiB"), (2**40, "1.000 TiB")],
)
def test_iec_prefixes_are_powers_of_1024(count, text):
    assert units.human_bytes(count) == text


@given(st.integers(1, 10**30))
def test_a_rounded_count_is_within_half_a_last_digit(count):
    number, _, prefix = units.human(count).partition(" ")
    scale = 1000 ** units.SI_PREFIXES.index(prefix)
    digits = len(number.partition(".")[2])
    scaled = int(number.replace(".", "")) * scale
    assert abs(scaled - count * 10**digits) * 2 <= scale


def test_shares_are_rounded_from_the_exact_ratio():
    assert units.percent(1, 3) == "33.3"
    assert units.percent(1, 1) == "100.0"
    assert units.percent(1, 0) == ""


def test_an_unknown_dtype_names_the_nearest():
    with pytest.raises(VggcostError, match="nearest are float16"):
        units.dtype_bytes("flot16")
