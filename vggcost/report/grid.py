"""Any rows under named columns, as a terminal table, Markdown, LaTeX, HTML or CSV."""

from __future__ import annotations

from vggcost import units
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Rows = Sequence[Mapping[str, Any]]

TABULATE_FORMATS = {"table": "simple", "markdown": "pipe", "latex": "latex_booktabs", "html": "html"}
"""Our name of a format and tabulate's."""

FORMATS = ("table", "markdown", "csv", "json", "latex")
"""What --format takes on every command that prints rows."""

LINE_COLUMNS = 100
"""The width that a terminal table keeps to."""


class Column(Record):
    """A column: the key of its values in a row, its heading, and what its values are.

    kind is "count" (exact or human), "bytes", "shape", "pair" (height and width), "text" or "number" (text set to
    the right). A column may leave
    when a terminal table would be too wide; the highest `leaves` goes first, 0 always stays.
    """

    key: str
    heading: str
    kind: str = "text"
    leaves: int = 0

    def text(self, value: Any, human: bool) -> str:
        """The value as a person reads it; an empty text for None."""
        if value is None:
            return ""
        return _TEXTS[self.kind](value, human)


def _count_text(value: int, human: bool) -> str:
    return units.human(value) if human else units.exact(value)


def _bytes_text(value: int, human: bool) -> str:
    return units.human_bytes(value) if human else units.exact(value)


_TEXTS: Mapping[str, Callable[[Any, bool], str]] = {
    "count": _count_text,
    "bytes": _bytes_text,
    "shape": lambda value, _: units.shape_text(value),
    "pair": lambda value, _: units.pair_text(value),
    "text": lambda value, _: str(value),
    "number": lambda value, _: str(value),
}
_TO_THE_LEFT = ("text", "shape")


def grid(columns: Sequence[Column], rows: Rows, fmt: str, *, human: bool = False) -> str:
    """Return the rows as text, ending in a newline; fmt is a key of TABULATE_FORMATS or "csv".

    CSV holds the plain values, exact whatever `human` says.
    """
    if fmt == "csv":
        return _csv(columns, rows)
    from tabulate import tabulate

    cells = [[column.text(row.get(column.key), human) for column in columns] for row in rows]
    text = tabulate(
        cells,
        headers=[column.heading for column in columns],
        tablefmt=TABULATE_FORMATS[fmt],
        colalign=["left" if column.kind in _TO_THE_LEFT else "right" for column in columns] if cells else None,
        disable_numparse=True,
    )
    return "\n".join(line.rstrip() for line in str(text).split("\n")) + "\n"


def fitted(columns: Sequence[Column], rows: Rows, *, human: bool = False) -> tuple[str, list[Column]]:
    """Return a terminal table of at most LINE_COLUMNS columns where possible, and the columns that left for it."""
    kept = list(columns)
    left: list[Column] = []
    while True:
        text = grid(kept, rows, "table", human=human)
        first = max(kept, key=lambda column: column.leaves)
        if first.leaves == 0 or max(map(len, text.splitlines())) <= LINE_COLUMNS:
            return text, left
        kept.remove(first)
        left.append(first)


def wrapped(line: str) -> str:
    """Return a line in as many as LINE_COLUMNS takes, the further ones set in by two."""
    if len(line) <= LINE_COLUMNS:
        return line
    from textwrap import fill

    return fill(line, LINE_COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _csv(columns: Sequence[Column], rows: Rows) -> str:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        values = (row.get(column.key) for column in columns)
        writer.writerow(
            [
                units.shape_text(value) if column.kind in ("shape", "pair") and value is not None else value
                for column, value in zip(columns, values, strict=True)
            ]
        )
    return buffer.getvalue()
