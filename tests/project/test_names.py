"""A class name stands for one thing."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import vggcost


def named_twice(sources: list[str]) -> list[str]:
    """Public class names that modules define more than once, at their top level."""
    names = Counter(
        node.name
        for source in sources
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    return sorted(name for name, times in names.items() if times > 1)


@pytest.mark.torch  # for its time
def test_no_public_class_name_stands_twice_in_the_package():
    sources = [path.read_text() for path in Path(vggcost.__file__).parent.rglob("*.py")]
    assert len(sources) > 100
    assert named_twice(sources) == []


def test_a_second_one_is_found():
    assert named_twice(["class Reading: ...", "class Reading: ...", "class _Own: ...", "class _Own: ..."]) == [
        "Reading"
    ]
