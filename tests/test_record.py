from __future__ import annotations

import pytest

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


def test_a_record_is_frozen_and_replace_makes_a_copy():
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 5
    with pytest.raises(AttributeError):
        del point.x
    assert point.replace(x=5) == Point(5)
    assert point == Point(1)
    assert repr(point) == "Point(x=1, y=2)"
