"""A document as a piece of HTML, for a notebook or a page; names from other people's files are escaped."""

from __future__ import annotations

from html import escape

from vggcost.report.document import FILES, TOTAL, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.report.document import Column, Document, Grid


def render(document: Document, place: str = FILES, *, in_page: bool = False) -> str:
    """Return a table for each grid, and the sentences as paragraphs or lists, in ASCII whatever the page's encoding.

    place is whose columns and rows stand in it; a notebook shows what the SCREEN does. What is `in_page` leaves its
    looks to the page's style sheet: numbers are of the class n, and a table stands in a group that can be scrolled.
    """
    return in_ascii("".join(document.written(place, _sentences, _table, in_page=in_page)))


def in_ascii(text: str) -> str:
    """Return a piece of HTML with every other sign as its number."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


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


def _table(grid: Grid, *, human: bool, in_page: bool) -> Iterator[str]:
    if grid.title:
        yield _paragraph((grid.title,))
    left, right = ("", ' class="n"') if in_page else (' style="text-align: left"', ' style="text-align: right"')
    sides = [left if column.to_the_left else right for column in grid.columns]
    named = f' id="{escape(grid.label)}"' if grid.label else ""
    caption = f"<caption>{escape(grid.caption)}</caption>\n" if grid.caption else ""
    titles = [escape(column.title) for column in grid.columns]
    if in_page:
        yield f'<div class="scrolls" role="group" tabindex="0" aria-label="Table: {titles[0]}, ...">\n'
    yield f"<table{named}>\n{caption}<thead>\n"
    yield _row([_heading(side, title) for side, title in zip(sides, titles, strict=True)])
    yield "</thead>\n<tbody>\n"
    for row, cells in zip(grid.rows, grid.cells(human), strict=True):
        inner = [_cell(*pair) for pair in zip(grid.columns, cells, strict=True)]
        first = _tagged("th", f' scope="row"{sides[0]}', inner[0])
        rest = [_tagged("td", side, text) for side, text in zip(sides[1:], inner[1:], strict=True)]
        yield _row([first, *rest], ' class="total"' if in_page and row.get(TOTAL) else "")
    yield "</tbody>\n</table>\n"
    if in_page:
        yield "</div>\n"
    if grid.legend:
        yield _paragraph((grid.legend,))
    for note in grid.notes:
        yield _sentences(note)


def _cell(column: Column, text: str) -> str:
    return f"<code>{escape(text)}</code>" if column.is_code and text else escape(text)


def _heading(side: str, title: str) -> str:
    """The head of a column; one without a name is no head."""
    return _tagged("th", f' scope="col"{side}', title) if title else _tagged("td", side, "")


def _tagged(tag: str, words: str, inner: str) -> str:
    return f"<{tag}{words}>{inner}</{tag}>"


def _row(cells: list[str], words: str = "") -> str:
    return f"<tr{words}>{''.join(cells)}</tr>\n"
