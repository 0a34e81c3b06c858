"""Rows that cost nothing, which the screen folds, and shares of a total."""

from __future__ import annotations

from vggcost.report.document import FOLDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Row = Mapping[str, Any]


def folded(rows: Sequence[Row], costs: Callable[[Row], bool], *, every_row: bool) -> list[dict[str, Any]]:
    """The rows, those that cost nothing marked as folded where not every row is asked for."""
    return [{**row, FOLDED: not every_row and not costs(row)} for row in rows]


def folded_words(rows: Sequence[Row]) -> tuple[int, str]:
    """How many rows are folded, and what they are: ``15 ReLU, 5 MaxPool2d``."""
    kinds: dict[str, int] = {}
    for row in rows:
        if row[FOLDED]:
            kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
    return sum(kinds.values()), ", ".join(f"{number} {kind}" for kind, number in kinds.items())


def share(part: int | None, whole: int | None) -> tuple[int, int] | None:
    """A part and its whole, which a column of shares shows in percent; None where there is nothing to share."""
    return None if part is None or not whole else (part, whole)


def pools(row: Row) -> bool:
    """Whether a layer is a pool behind which the image is smaller: where the shape changes, and why."""
    return "Pool" in row["kind"] and bool(row["output"]) and row["output"] != row["input"]


def per_image(row: Row) -> list[int] | None:
    """The output's shape without the batch, which the line above the table has."""
    return row["output"][1:] if row.get("output") else None
