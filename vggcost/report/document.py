"""What a command shows, as a value: tables and sentences for people, and the data beside them for programs.

A builder of this folder makes a `Document` once; each format renders any document and knows none of them.
"""

from __future__ import annotations

import os
import sys

from vggcost import units
from vggcost.printable import printable, printable_lines
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    Rows = Sequence[Mapping[str, Any]]
    Cells = list[list[str]]

EVERYWHERE, SCREEN, FILES = "everywhere", "screen", "files"
"""Where a block, a column or a note is shown; files are Markdown, LaTeX and HTML, which have room for all of it."""

LINE_COLUMNS = 100
"""The width that the screen keeps to where nobody says another."""

NARROWEST, WIDEST = 60, 200
"""A terminal that is narrower or wider gets tables of these widths."""


def line_columns() -> int:
    """The width that the screen keeps to: that of COLUMNS, or of the terminal, or LINE_COLUMNS."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given[:9]) > 0:
        width = int(given[:9])
    else:
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns or LINE_COLUMNS
        except (OSError, ValueError, AttributeError):  # a pipe, a file, a notebook's stream
            width = LINE_COLUMNS
    return min(max(width, NARROWEST), WIDEST)


FOLDED = "folded"
"""The key of a row that is True where the row has nothing to say: the screen leaves it out, files show all rows."""

TOTAL = "is_total"
"""The key of a row that is True in the last row of a table, which has the sums."""


class Column(Record):
    """A column: the key of its values in a row, its heading, and what its values are.

    kind is "count" (exact or with an SI prefix), "bytes", "share" (a part and its whole, in percent), "shape", "image"
    (a shape whose batch people are not shown), "pair" (height and width), "text", "number" (text set to the right),
    "code" (a formula as it is written down, which Markdown and HTML set as code) or "formula" (an expression of sympy,
    which LaTeX sets as mathematics). A column may leave where a table is wider than the screen; the highest `leaves`
    goes first, 0 always stays. One that `fills` has long texts, which the screen breaks into what the others leave of
    its width, where it is the last, and LaTeX into a paragraph. decimals are those of shares and of counts with a
    prefix, where a reader asks for a number of them; sums says whether its values add up to the table's last row.
    """

    key: str
    heading: str
    kind: str = "text"
    leaves: int = 0
    where: str = EVERYWHERE
    fills: bool = False
    decimals: int | None = None
    sums: bool = True

    def text(self, value: Any, human: bool) -> str:
        """The value as a person reads it, printable; an empty text for None.

        Texts that fill, and numbers with their unit, may have several lines, which are vggcost's own.
        """
        if value is None:
            return ""
        text = _TEXTS[self.kind](value, human, self.decimals)
        return printable_lines(text) if self.fills or self.kind == "number" else printable(text)

    @property
    def title(self) -> str:
        """The heading, printable: it may be a network's name."""
        return printable(self.heading)

    def plain(self, value: Any) -> Any:
        """The value as a program reads it: exact, in one cell; None for None."""
        if value is None:
            return None
        if self.kind in ("shape", "image", "pair"):
            return units.shape_text(value)
        if self.kind == "share":
            text = self.text(value, human=False)
            return float(text) if text else None
        return value

    @property
    def to_the_left(self) -> bool:
        """Whether its values are set to the left."""
        return self.kind not in ("count", "bytes", "share", "pair", "number")

    @property
    def adds_up(self) -> bool:
        """Whether the values of several rows may be added."""
        return self.sums and self.kind in ("count", "bytes")

    @property
    def is_code(self) -> bool:
        """Whether its values are formulas in the signs of a program."""
        return self.kind in ("code", "formula")


def _count_text(value: int, human: bool, decimals: int | None) -> str:
    return units.human(value, decimals) if human else units.exact(value)


def _bytes_text(value: int, human: bool, decimals: int | None) -> str:
    return units.human_bytes(value, decimals) if human else units.exact(value)


def _plain_text(value: Any, _human: bool, _decimals: int | None) -> str:
    return str(value)


_TEXTS: Mapping[str, Callable[[Any, bool, int | None], str]] = {
    "count": _count_text,
    "bytes": _bytes_text,
    "share": lambda value, _, decimals: units.percent(value[0], value[1], 1 if decimals is None else decimals),
    "shape": lambda value, *_: units.shape_text(value),
    "image": lambda value, *_: units.shape_text(value[1:]),
    "pair": lambda value, *_: units.pair_text(value),
    "text": _plain_text,
    "number": _plain_text,
    "code": _plain_text,
    "formula": _plain_text,
}


class Text(Record):
    """Sentences, a line each; a line that begins with two spaces belongs to the one above it.

    style is "plain", "list" (files set an item a line) or "head" (the screen gives the last clause of a line that is
    too long a line of its own). What the screen breaks goes on behind `hang`.
    """

    lines: tuple[str, ...]
    style: str = "plain"
    hang: str = "  "
    where: str = EVERYWHERE

    def items(self) -> list[tuple[str, list[str]]]:
        """Each line with the lines that belong to it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith("  ") and found:
                found[-1][1].append(line.strip())
            else:
                found.append((line.strip(), []))
        return found


def left_out(gone: Sequence[Column]) -> str:
    """Say which columns the screen had no room for."""
    names = ", ".join(
        f"% of {column.key.removesuffix('_share')}" if column.kind == "share" else column.title for column in gone
    )
    return f"Left out to fit {line_columns()} columns: {names}; another --format shows them"


class Grid(Record):
    """Rows under named columns; a title stands above them, a legend below, and notes below that.

    left_out says which columns have left the screen, at the end of the legend, or of the notes where there is none.
    narrow is what the screen shows in its place where it is too wide and no column may leave. The rows of `equations`
    are a name and an expression, which LaTeX sets in an align*. A grid that `shapes` is the one that a reader shapes,
    see `vggcost.report.shaping`; caption and label are a paper's.
    """

    columns: tuple[Column, ...]
    rows: Rows
    title: str = ""
    legend: str = ""
    notes: tuple[Text, ...] = ()
    left_out: Callable[[Sequence[Column]], str] = left_out
    narrow: Grid | None = None
    equations: bool = False
    where: str = EVERYWHERE
    shapes: bool = False
    caption: str = ""
    label: str = ""

    def cells(self, human: bool) -> Cells:
        """The values as a person reads them."""
        return [[column.text(row.get(column.key), human) for column in self.columns] for row in self.rows]


class Shape(Record):
    """How a reader wants a table, in every format alike; None where nothing is asked for.

    columns are the JSON's names; `share` behind one is its share, as ``NAME_share`` is. rows is weights, all or blocks.
    sort is a column's name, counts with the largest first and texts from A to Z, or ``NAME:asc``, ``NAME:desc``.
    transpose sets a row a column. precision is the number of decimals of shares, and of counts with a prefix.
    """

    columns: tuple[str, ...] | None = None
    rows: str | None = None
    sort: str | None = None
    transpose: bool = False
    caption: str | None = None
    label: str | None = None
    precision: int | None = None


class Listing(Record):
    """What a reader may shape: every column that the rows have, by its name in JSON, and every row.

    The last row may be the total. under is where JSON has the rows, paper the columns that a paper has room for, where
    nobody asks for others. turned is whether the table is shown with a row a column. blocks name the block of each row,
    and are None where the rows are no layers. json_row makes JSON's row of one here, where the two differ.
    """

    columns: tuple[Column, ...]
    rows: Rows
    paper: tuple[str, ...]
    under: str = "layers"
    turned: bool = False
    blocks: Sequence[str] | None = None
    json_row: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None


class Document(Record):
    """A command's result.

    data is the JSON document, blocks are what people read (or a call that makes them, where CSV and JSON need not wait
    for what they do not need), record is the one table that is the CSV. human asks for prefixes in place of exact
    counts, for people alone. write_data makes the text of `data` where JSON's usual layout would not do. listing makes
    what a reader may shape, and shape is how; None: nothing.
    """

    data: Mapping[str, Any]
    blocks: tuple[Text | Grid, ...] | Callable[[], tuple[Text | Grid, ...]]
    record: Grid
    human: bool = False
    write_data: Callable[[Mapping[str, Any]], str] | None = None
    listing: Callable[[], Listing] | None = None
    shape: Shape | None = None

    def every_block(self) -> tuple[Text | Grid, ...]:
        """The blocks, made here where the document holds what makes them."""
        return self.blocks() if callable(self.blocks) else self.blocks

    def shown(self, place: str) -> Iterator[Text | Grid]:
        """Yield what stands in a place, SCREEN or FILES, with the columns, rows and notes that are for it."""
        for block in self.every_block():
            if block.where not in (EVERYWHERE, place):
                continue
            yield _text_of(block) if isinstance(block, Text) else _grid_of(block, place)

    def written(
        self, place: str, sentences: Callable[[Text], str], table: Callable[..., Iterable[str]], **how: bool
    ) -> Iterator[str]:
        """Yield what stands in a place as a format writes it, which says how its sentences and its tables are set."""
        for block in self.shown(place):
            if isinstance(block, Text):
                yield sentences(block)
            else:
                yield from table(block, human=self.human, **how)


def _text_of(text: Text) -> Text:
    lines = tuple(map(printable, text.lines))
    return text if lines == text.lines else text.replace(lines=lines)


def _grid_of(grid: Grid, place: str) -> Grid:
    here = (EVERYWHERE, place)
    rows = [row for row in grid.rows if not row.get(FOLDED)] if place == SCREEN else grid.rows
    return grid.replace(
        columns=tuple(column for column in grid.columns if column.where in here),
        rows=rows,
        title=printable(grid.title),
        caption=printable(grid.caption),
        legend=printable(grid.legend),
        narrow=None if grid.narrow is None else _grid_of(grid.narrow, place),
        notes=tuple(_text_of(note) for note in grid.notes if note.where in here),
    )


def total_row(totals: Mapping[str, Any]) -> dict[str, Any]:
    """The last row of a table."""
    return {"name": "total", **totals, TOTAL: True}
