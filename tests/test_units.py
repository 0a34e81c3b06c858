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


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GiB", 25_769_803_776),
        ("24GB", 24_000_000_000),
        (" 24 GB ", 24_000_000_000),
        ("1.5GiB", 1_610_612_736),
        ("0.1GiB", 107_374_182),  # 107,374,182.4: a part of a byte holds nothing
        ("25,769,803,776 B", 25_769_803_776),
        ("7kB", 7000),
        ("7KB", 7000),
        ("7KiB", 7168),
        ("3MB", 3_000_000),
        ("3MiB", 3_145_728),
        ("2TB", 2 * 10**12),
        ("2TiB", 2**41),
        ("1PB", 10**15),
        ("1PiB", 2**50),
        ("1EB", 10**18),
    ],
)
def test_memory_is_read_with_its_unit(text, size):
    assert units.read_bytes(text, "--memory") == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("24", "--memory is '24', without a unit; write 24GB (24,000,000,000 B) or 24GiB (25,769,803,776 B)"),
        ("24Gb", "and Gb is bits; write 24GB (24,000,000,000 B) or 24GiB (25,769,803,776 B)"),
        ("24 gb", "and gb is bits; write 24GB"),
        ("1.5G", "and 'G' is no unit of memory; write 1.5GB (1,500,000,000 B) or 1.5GiB (1,610,612,736 B)"),
        ("512m", "write 512MB (512,000,000 B) or 512MiB (536,870,912 B)"),
        ("24 gib", "and gib is bits"),
        ("24 apples", "and 'apples' is no unit of memory"),
        ("0GiB", "--memory is 0GiB; give at least 1B"),
        ("0.1B", "--memory is 0.1B; give at least 1B"),
        ("-1GiB", "--memory is '-1GiB'; give a number with its unit"),
        ("1EiB", "above the limit of 10^18 B"),
        ("9" * 70 + "GiB", "give a number with its unit"),
        ("1,00GB", "give a number with its unit"),
        ("٣GB", "give a number with its unit"),
        ("", "--memory is ''; give a number with its unit"),
    ],
)
def test_memory_without_its_unit_is_refused_and_never_guessed(text, words):
    with pytest.raises(VggcostError) as caught:
        units.read_bytes(text, "--memory")
    assert words in str(caught.value)
