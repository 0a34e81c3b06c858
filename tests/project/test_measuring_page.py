"""The ten points of a measurement: each names its code and tests that fail without it, and both exist."""

from __future__ import annotations

import re

import pytest

POINT = re.compile(r"^\| (\d+) \| .* \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
CODE = re.compile(r"((?:`\w+`,? )*)(?:in )?`(bench/\w+\.py)`")
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def missing(page: str, checkout) -> list[str]:
    """What the page's table lacks: points, code of the package, and tests that stand in their files."""
    points = {number: cells for number, *cells in POINT.findall(page)}
    absent = [f"point {number}" for number in range(1, 11) if str(number) not in points]
    tests = checkout / "tests"
    for number, (where, cell) in points.items():
        code = CODE.findall(where)
        if not code:
            absent.append(f"code of point {number}")
        for names, file in code:
            path = checkout / "vggcost" / file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            absent += [
                f"{file}::{name}"
                for name in re.findall(r"\w+", names)
                if not re.search(rf"\b(?:def|class) {name}\b", text)
            ]
            if not text:
                absent.append(file)
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


def test_each_of_the_ten_points_names_code_and_tests_that_exist(checkout, page):
    assert missing(page, checkout) == []


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ("::test_passes_alternate`", "::test_passes_take_turns`", "bench/test_protocol.py::test_passes_take_turns"),
        ("`bench/test_nvml.py::", "`bench/test_nvmk.py::", "bench/test_nvmk.py::"),
        ("| 7 |", "| 70 |", "point 7"),
        ("`prepare`, `settle` in", "`prepare`, `settles` in", "bench/event_clock.py::settles"),
        ("`bench/nvml.py`", "`bench/nvmk.py`", "bench/nvmk.py"),
        ("`probe` in `bench/subjects.py`, `rates` in `bench/result.py`, `_check_settings` in `bench/session.py`",
         "probe", "code of point 9"),
        ("`against_torch/test_bench_session.py::test_weights_and_input_are_random_numbers_and_no_zeros`", "none",
         "a test of point 2"),
    ],
)  # fmt: skip
def test_a_point_without_its_code_or_test_is_found(checkout, page, old, new, lacks):
    assert old in page
    assert any(found.startswith(lacks) for found in missing(page.replace(old, new), checkout))
