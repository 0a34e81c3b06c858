"""A document on a terminal: tables that keep to its width, rows that cost nothing folded, sentences wrapped."""

from __future__ import annotations

from vggcost.report.document import LINE_COLUMNS, SCREEN, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.report.document import Cells, Column, Document

LEAST_FILLING_COLUMNS = 36
"""A column that fills the width is no narrower than this, however wide the others are."""


def render(document: Document) -> str:
    """Return what a terminal shows, in at most LINE_COLUMNS columns where possible."""
    blocks: list[str] = []
    for block in document.shown(SCREEN):
        if isinstance(block, Text):
            blocks.append(_lines(block))
        else:
            blocks += _table(block, human=document.human)
    return "\n".join(blocks)


def wrapped(line: str, width: int = LINE_COLUMNS, hang: str = "  ") -> str:
    """Return a line in as many as the width takes, the further ones behind `hang`."""
    if len(line) <= width:
        return line
    from textwrap import fill

    return fill(line, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)


def _lines(text: Text) -> str:
    return "".join(
        f"{_headed(line) if text.style == 'head' else wrapped(line, hang=text.hang)}\n" for line in text.lines
    )


def _headed(line: str) -> str:
    """A line whose last clause keeps its words together, on a line of its own where it does not fit."""
    if len(line) <= LINE_COLUMNS:
        return line
    return ";\n  ".join(wrapped(part) for part in line.rsplit("; ", 1))


def _table(grid: Grid, *, human: bool) -> Iterator[str]:
    """Yield a table with its title and legend, and its notes."""
    text, gone = _fitted(grid, human=human)
    if grid.narrow is not None and _width(text) > LINE_COLUMNS:
        grid = grid.narrow
        text, gone = _fitted(grid, human=human)
    said = [grid.left_out(gone)] if gone else []
    title = f"{grid.title}\n" if grid.title else ""
    legend = f"{wrapped(' '.join((grid.legend, *said)))}\n" if grid.legend else ""
    yield title + text + legend
    notes = "".join(map(_lines, grid.notes))
    if said and not legend:
        notes += f"{wrapped(said[0])}\n"
    if notes:
        yield notes


def _fitted(grid: Grid, *, human: bool) -> tuple[str, list[Column]]:
    """Return the table within the width where columns may leave for it, and those that have left."""
    gone: list[Column] = []
    while True:
        text = _tabulated(grid.columns, _filled(grid, human=human))
        first = max(grid.columns, key=lambda column: column.leaves)
        if first.leaves == 0 or _width(text) <= LINE_COLUMNS:
            return text, gone
        grid = grid.replace(columns=tuple(column for column in grid.columns if column is not first))
        gone.append(first)


def _filled(grid: Grid, *, human: bool) -> Cells:
    """The cells; the long texts of a last column that fills are broken into what the others leave of the width."""
    cells = grid.cells(human)
    if not cells or not grid.columns[-1].fills:
        return cells
    others = _tabulated(grid.columns[:-1], [row[:-1] for row in cells])
    width = max(LEAST_FILLING_COLUMNS, LINE_COLUMNS - 2 - _width(others))
    said: dict[str, str] = {}
    for row in cells:
        words = row[-1]
        said_by = said.setdefault(words, row[0])
        if said_by != row[0] and len(words) > width:
            row[-1] = f"as {said_by}"  # the same long text is said once
        else:
            row[-1] = "\n".join(wrapped(piece, width) for piece in words.split("\n"))
    return cells


def _tabulated(columns: tuple[Column, ...], cells: Cells) -> str:
    from tabulate import tabulate

    text = tabulate(
        cells,
        headers=[column.title for column in columns],
        tablefmt="simple",
        colalign=["left" if column.to_the_left else "right" for column in columns] if cells else None,
        disable_numparse=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in str(text).split("\n"))


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))
