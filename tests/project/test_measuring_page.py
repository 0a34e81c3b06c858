"""The ten points of a measurement: each names tests that fail without it, and those tests exist."""

from __future__ import annotations

import re

import pytest

POINT = re.compile(r"^\| (\d+) \| .* \| ([^|]*) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def missing(page: str, tests) -> list[str]:
    """What the page's table lacks: points, and tests that stand in the files under tests."""
    points = POINT.findall(page)
    absent = [f"point {number}" for number in range(1, 11) if str(number) not in dict(points)]
    for number, cell in points:
        named = TEST.findall(cell)
        if not named:
            absent.append(f"a test of point {number}")
        for file, name in named:
            path = tests / file
            if not path.is_file() or f"\ndef {name}(" not in path.read_text(encoding="utf-8"):
                absent.append(f"{file}::{name}")
    return absent


@pytest.fixture
def page(checkout):
    return (checkout / "docs/measuring.md").read_text(encoding="utf-8")


def test_each_of_the_ten_points_names_tests_that_exist(checkout, page):
    assert missing(page, checkout / "tests") == []


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ("::test_passes_alternate`", "::test_passes_take_turns`", "bench/test_protocol.py::test_passes_take_turns"),
        ("`bench/test_nvml.py::", "`bench/test_nvmk.py::", "bench/test_nvmk.py::"),
        ("| 7 |", "| 70 |", "point 7"),
        ("`against_torch/test_bench_session.py::test_weights_and_input_are_random_numbers_and_no_zeros`", "none",
         "a test of point 2"),
    ],
)  # fmt: skip
def test_a_point_without_its_test_is_found(checkout, page, old, new, lacks):
    assert old in page
    assert any(found.startswith(lacks) for found in missing(page.replace(old, new), checkout / "tests"))
