"""A document on a terminal: tables that keep to its width, rows that cost nothing folded, sentences wrapped."""

from __future__ import annotations

from vggcost.report.document import SCREEN, Grid, Text, line_columns
from vggcost.report.tabulated import tabulate_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.report.document import Cells, Column, Document

LEAST_FILLING_COLUMNS = 24
"""A column that fills the width is no narrower than this where others may leave for it."""

LEAST_COLUMNS = 6
"""A column whose texts are broken, where nothing may leave, is no narrower than this."""


def render(document: Document) -> str:
    """Return what a terminal shows, in at most its columns."""
    return "\n".join(document.written(SCREEN, _lines, _table))


def wrapped(line: str, width: int | None = None, hang: str = "  ") -> str:
    """Return a line in as many as the width takes (None: the screen's), the further ones behind `hang`."""
    width = line_columns() if width is None else width
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
    if len(line) <= line_columns():
        return line
    first, *last = line.rsplit("; ", 1)
    width = line_columns()
    return "".join((wrapped(f"{first};" if last else first), *(f"\n{wrapped(f'  {part}', width)}" for part in last)))


def _table(grid: Grid, *, human: bool) -> Iterator[str]:
    """Yield a table with its title and legend, and its notes."""
    text, gone = _fitted(grid, human=human)
    while grid.narrow is not None and _width(text) > line_columns():
        grid = grid.narrow
        text, gone = _fitted(grid, human=human)
    said = [grid.left_out(gone)] if gone else []
    title = "".join(f"{wrapped(line)}\n" for line in (grid.title, grid.caption) if line)
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
        first = max(grid.columns, key=lambda column: column.leaves)
        text = _tabulated(grid.columns, _filled(grid, human=human))
        if _width(text) <= line_columns():
            return text, gone
        if first.leaves == 0:
            return text if grid.narrow is not None else _broken_to_fit(grid, human=human), gone
        grid = grid.replace(columns=tuple(column for column in grid.columns if column is not first))
        gone.append(first)


def _broken_to_fit(grid: Grid, *, human: bool) -> str:
    """A table that nothing may leave, its widest texts broken in pieces until it fits; numbers stay whole."""
    cells = _filled(grid, human=human)
    heads = [column.title for column in grid.columns]
    texts = [place for place, column in enumerate(grid.columns) if column.to_the_left]
    while True:
        text = _tabulated(grid.columns, cells, heads)
        over = _width(text) - line_columns()
        widths = {place: max(_width(row[place] or " ") for row in (heads, *cells)) for place in texts}
        widest = max(widths, key=widths.__getitem__, default=0)
        if over <= 0 or not widths or widths[widest] <= LEAST_COLUMNS:
            return text
        others = [width for place, width in widths.items() if place != widest and width < widths[widest]]
        width = max(LEAST_COLUMNS, widths[widest] - over, min(max(others, default=0), widths[widest] - 1))
        heads[widest] = _pieces(heads[widest], width)
        for row in cells:
            row[widest] = _pieces(row[widest], width)


def _pieces(text: str, width: int) -> str:
    from textwrap import wrap

    return "\n".join(piece for line in text.split("\n") for piece in wrap(line, width) or [""])


def _filled(grid: Grid, *, human: bool) -> Cells:
    """The cells; the long texts of a last column that fills are broken into what the others leave of the width."""
    cells = grid.cells(human)
    if not cells or not grid.columns[-1].fills:
        return cells
    others = _tabulated(grid.columns[:-1], [row[:-1] for row in cells])
    width = max(LEAST_FILLING_COLUMNS, line_columns() - 2 - _width(others))
    said: dict[str, str] = {}
    for row in cells:
        words = row[-1]
        said_by = said.setdefault(words, row[0])
        if said_by != row[0] and len(words) > width:
            row[-1] = f"as {said_by}"  # the same long text is said once
        else:
            row[-1] = "\n".join(wrapped(piece, width) for piece in words.split("\n"))
    return cells


def _tabulated(columns: tuple[Column, ...], cells: Cells, heads: list[str] | None = None) -> str:
    text = tabulate_loaded()(
        cells,
        headers=heads or [column.title for column in columns],
        tablefmt="simple",
        colalign=["left" if column.to_the_left else "right" for column in columns] if cells else None,
        disable_numparse=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in str(text).split("\n"))


def _width(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)
