from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from vggcost.schema import LENGTH, MISSING, UNKNOWN, WRONG, first_fault


class Leaf(Struct, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1, description="a size", extra={WRONG: "no size"})]


class Tree(Struct):
    leaves: Annotated[list[Annotated[Leaf | int, Meta(description="a leaf")]], Meta(min_length=1, description="leaves")]
    height: float | None = None
    best: Annotated[Leaf, Meta(description="the best leaf")] | UnsetType = UNSET


@pytest.mark.parametrize(
    ("document", "what", "place", "value", "description"),
    [
        ({}, MISSING, "leaves", None, "leaves"),
        ({"leaves": []}, LENGTH, "leaves", [], "leaves"),
        ({"leaves": {}}, WRONG, "leaves", {}, "leaves"),
        ({"leaves": [3, True]}, WRONG, "leaves[1]", True, "a leaf"),
        ({"leaves": [[]]}, WRONG, "leaves[0]", [], "a leaf"),
        ({"leaves": [{}]}, MISSING, "leaves[0].size", None, "a size"),
        ({"leaves": [{"size": 0}]}, WRONG, "leaves[0].size", 0, "a size"),
        ({"leaves": [3, {"size": 2.0}]}, WRONG, "leaves[1].size", 2.0, "a size"),
        ({"leaves": [{"size": 1, "sise": 2}]}, UNKNOWN, "leaves[0].sise", 2, "a leaf"),
        ({"leaves": [1], "best": None}, WRONG, "best", None, "the best leaf"),
        ({"leaves": [1], "height": "3"}, WRONG, "height", "3", ""),
        ({"leaves": [{"a - at `$.best.size": 1}]}, UNKNOWN, "leaves[0].a - at `$.best.size", 1, "a leaf"),
    ],
)
def test_the_first_fault_is_found_with_its_place(document, what, place, value, description):
    fault = first_fault(document, Tree)
    assert (fault.what, fault.place, fault.value, fault.description) == (what, place, value, description)


def test_what_the_types_take_has_no_fault():
    assert first_fault({"leaves": [1, {"size": 2}], "height": 3, "unknown": {}}, Tree) is None


def test_a_fault_knows_its_neighbours_and_what_its_type_says():
    fault = first_fault({"leaves": [{"size": "x"}]}, Tree)
    assert (fault.holder, fault.key, fault.known) == ("leaves[0]", "size", ("size",))
    assert fault.extra == {WRONG: "no size"}
    assert first_fault({}, Tree).known == ("leaves", "height", "best")
