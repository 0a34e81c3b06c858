"""What an adapter reports: a tool's own numbers for one module and input, under one convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class ToolReading(Record):
    """A tool's total and, where it gives them, its counts by module path; a path that is not there counts 0."""

    convention: str
    total: int
    layers: Mapping[str, int] | None = None


def whole(value: float, what: str) -> int:
    """Return a tool's count as an int.

    Raises:
        ValueError: it is no whole number, or none at all.
    """
    if value is None or int(value) != value:
        raise ValueError(f"{what} is {value!r}, which is no whole number")
    return int(value)
