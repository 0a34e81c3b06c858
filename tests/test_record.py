from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping, MutableMapping
from functools import cached_property

import numpy as np
import pytest
import sympy

from vggcost.record import Record


class Point(Record):
    x: int
    y: int = 2


class Other(Record):
    x: int
    y: int = 2


def test_fields_come_by_position_by_name_and_by_default():
    assert Point(1) == Point(x=1, y=2) == Point(1, 2)
    assert Point(1).y == 2


def test_records_of_different_kinds_are_never_equal():
    assert Point(1) != Other(1)
    assert hash(Point(1)) == hash(Point(1, 2))


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})]
)
def test_wrong_fields_are_refused(args, kwargs):
    with pytest.raises(TypeError):
        Point(*args, **kwargs)


def test_a_refusal_names_the_class_and_the_field():
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) missing 1 required positional argument: 'x'"):
        Point()


def test_a_subclass_has_its_own_fields_also_where_its_base_made_a_value_first():
    class Base(Record):
        x: int

    assert Base(1).x == 1

    class Derived(Base):
        y: int = 2

    assert Derived(1, 5) == Derived(x=1, y=5) != Derived(1)
    assert Base(1).x == 1


def test_a_record_is_frozen_and_replace_makes_a_copy():
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 5
    with pytest.raises(AttributeError):
        del point.x
    assert point.replace(x=5) == Point(5)
    assert point == Point(1)
    assert repr(point) == "Point(x=1, y=2)"


class Weighted(Record):
    name: str
    weights: Mapping[str, int] = {}
    layers: Mapping[str, int] | None = None


def test_a_mapping_is_a_read_only_copy():
    given = {"a": 1}
    row = Weighted("row", given)
    with pytest.raises(TypeError):
        row.weights["a"] = 2
    given["a"] = 3
    assert row.weights == {"a": 1}
    assert Weighted("row").weights == {}
    assert Weighted("row", given, {"b": 2}).layers == {"b": 2}
    with pytest.raises(TypeError):
        Weighted(name="row", layers={"b": 2}).layers["b"] = 3


def test_a_mapping_is_part_of_the_value():
    row = Weighted("row", {"a": 1, "b": 2})
    other = Weighted("row", {"b": 2, "a": 1})
    assert row == other
    assert hash(row) == hash(other)
    assert row != Weighted("row", {"a": 1})
    assert row.replace(name="other").weights == row.weights


def unpickled(row):
    return pickle.loads(pickle.dumps(row))  # noqa: S301  # written a moment ago


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, unpickled])
def test_a_copy_is_the_same_value_and_as_frozen(again):
    row = Weighted("row", {"a": 1})
    copied = again(row)
    assert copied == row
    with pytest.raises(TypeError):
        copied.weights["a"] = 2
    with pytest.raises(AttributeError):
        copied.name = "other"


def test_an_annotation_is_read_as_text_and_as_object():
    class Plain(Record):
        weights: Mapping[str, int]
        others: MutableMapping[str, int]

    class Evaluated(Record):
        __annotations__ = {"weights": Mapping[str, int], "name": str}

    assert Plain._mappings == Evaluated._mappings == ("weights",)


def test_arrays_are_compared_in_shape_and_element_by_element():
    def point(*values):
        return Point(np.array(values, dtype=np.int64), (1, np.array(values)))

    assert point(1, 2) == point(1, 2)
    assert point(1, 2) != point(1, 3)
    assert point(2, 2) != point(2)
    assert point(2) != Point(2, (1, 2))
    assert Point(2, (1, 2)) != point(2)
    assert Point(1, (1, np.array([1, 2]))) != Point(1, (1, np.array([1, 3])))
    assert Point(np.int64(3)) == Point(3)
    assert Point(sympy.Symbol("N") + 1) == Point(1 + sympy.Symbol("N"))


def test_a_cached_property_is_no_part_of_the_value():
    class Square(Record):
        side: int

        @cached_property
        def area(self) -> int:
            return self.side**2

    asked, fresh = Square(3), Square(3)
    assert asked.area == 9
    assert asked == fresh
    assert fresh == asked
    assert hash(asked) == hash(fresh)
    assert "area" not in repr(asked)
    assert "area" not in copy.copy(asked).__dict__


def test_a_record_is_matched_by_position():
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
        case _:
            pytest.fail("a Point is no Point")
