"""What holds each line of the memory: each names tests that exist, and every number that is defined has its line."""

from __future__ import annotations

import re

import pytest

LINE = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
KEY = re.compile(r"`(\w+_(?:bytes|flops))`")


def missing(page: str, checkout) -> list[str]:
    """Lines without a test, tests that do not stand in their files, and keys that are defined and held by no line."""
    defined, held = page.split("## What holds each line\n")
    lines = [line for line in LINE.findall(held) if line[0] not in ("line", "---")]
    absent = [f"a test of {name}" for name, _, tests in lines if not TEST.findall(tests)]
    for file, name in TEST.findall(held):
        path = checkout / "tests" / file
        if not path.is_file() or f"\ndef {name}(" not in path.read_text(encoding="utf-8"):
            absent.append(f"{file}::{name}")
    table = defined[defined.index("| key | what it is |") :].split("\n\n")[0]
    keys = {key for row in table.splitlines() for key in KEY.findall(row.split("|")[1])}
    return absent + sorted(keys - {key for name, *_ in lines for key in KEY.findall(name)})


@pytest.fixture
def page(checkout):
    return (checkout / "docs/memory.md").read_text(encoding="utf-8")


def test_each_line_names_tests_that_exist(checkout, page):
    assert missing(page, checkout) == []


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ("::test_a_walk_that_is_wrong_is_found`", "::test_a_walk`", "against_torch/test_lifetimes.py::test_a_walk"),
        ("`costs/test_arrays.py::", "`costs/test_array.py::", "costs/test_array.py::"),
        ("`results/test_fit.py::test_the_answer_fits_and_the_next_value_does_not`", "none", "a test of answers"),
        ("| `saved_bytes` | `torch", "| kept | `torch", "saved_bytes"),
    ],
)  # fmt: skip
def test_a_line_without_its_test_is_found(checkout, page, old, new, lacks):
    assert old in page
    assert any(found.startswith(lacks) for found in missing(page.replace(old, new), checkout))
