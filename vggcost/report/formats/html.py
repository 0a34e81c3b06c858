"""A document as a piece of HTML, for a notebook or a page; names from other people's files are escaped."""

from __future__ import annotations

from html import escape

from vggcost.report.document import FILES, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.report.document import Column, Document, Grid


def render(document: Document, place: str = FILES) -> str:
    """Return a table for each grid, and the sentences as paragraphs or lists, in ASCII whatever the page's encoding.

    place is whose columns and rows stand in it; a notebook shows what the SCREEN does.
    """
    return "".join(document.written(place, _sentences, _table)).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _sentences(text: Text) -> str:
    if text.style == "list":
        return f"<ul>\n{''.join(_item(line, below) for line, below in text.items())}</ul>\n"
    return _paragraph(text.lines)


def _item(line: str, below: list[str]) -> str:
    inner = f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in below)}</ul>" if below else ""
    return f"<li>{escape(line)}{inner}</li>\n"


def _paragraph(lines: tuple[str, ...]) -> str:
    inside = "<br>\n".join(escape(line.strip()) for line in lines)
    return f"<p>{inside}</p>\n"


def _table(grid: Grid, *, human: bool) -> Iterator[str]:
    if grid.title:
        yield _paragraph((grid.title,))
    sides = [
        ' style="text-align: left"' if column.to_the_left else ' style="text-align: right"' for column in grid.columns
    ]
    named = f' id="{escape(grid.label)}"' if grid.label else ""
    caption = f"<caption>{escape(grid.caption)}</caption>\n" if grid.caption else ""
    yield f"<table{named}>\n{caption}<thead>\n"
    yield _row("th", sides, [escape(column.title) for column in grid.columns])
    yield "</thead>\n<tbody>\n"
    for cells in grid.cells(human):
        yield _row("td", sides, [_cell(*pair) for pair in zip(grid.columns, cells, strict=True)])
    yield "</tbody>\n</table>\n"
    if grid.legend:
        yield _paragraph((grid.legend,))
    for note in grid.notes:
        yield _sentences(note)


def _cell(column: Column, text: str) -> str:
    return f"<code>{escape(text)}</code>" if column.is_code and text else escape(text)


def _row(tag: str, sides: list[str], cells: list[str]) -> str:
    inside = "".join(f"<{tag}{side}>{cell}</{tag}>" for side, cell in zip(sides, cells, strict=True))
    return f"<tr>{inside}</tr>\n"
