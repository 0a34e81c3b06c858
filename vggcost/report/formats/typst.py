"""A document for a paper in Typst: tables and sentences, a part of a text, which needs no package.

Every text stands as a string, in which nothing but a quotation mark and a backslash means more than itself.
"""

from __future__ import annotations

from vggcost.report.document import FILES, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.report.document import Column, Document, Grid


def render(document: Document) -> str:
    """Return a table for each grid, and the sentences as paragraphs or lists; a caption or a label makes a figure."""
    return "\n".join(document.written(FILES, _sentences, _table))


def quoted(text: str) -> str:
    r"""Return a text as a string of Typst, in one line.

    >>> print(quoted('conv1_1 "x" \\ $1'))
    "conv1_1 \"x\" \\ $1"
    """
    kept = " ".join(text.split("\n"))
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _sentences(text: Text) -> str:
    if text.style == "list":
        items = "".join(f"  {quoted('; '.join((line, *below)))},\n" for line, below in text.items())
        return f"#list(\n{items})\n"
    return _paragraph(text.lines)


def _paragraph(lines: tuple[str, ...]) -> str:
    return " \\\n".join(f"#{quoted(line.strip())}" for line in lines) + "\n"


def _table(grid: Grid, *, human: bool) -> Iterator[str]:
    if grid.title:
        yield _paragraph((grid.title,))
    table = _cells(grid, human=human)
    if grid.caption or grid.label:
        caption = f"  caption: {quoted(grid.caption)},\n" if grid.caption else ""
        label = f" <{grid.label}>" if grid.label else ""
        yield f"#figure(\n{table},\n{caption})\n{label}\n".replace(")\n <", ") <")
    else:
        yield f"#{table}\n"
    if grid.legend:
        yield _paragraph((grid.legend,))
    for note in grid.notes:
        yield _sentences(note)


def _cells(grid: Grid, *, human: bool) -> str:
    """A table with the three rules of booktabs."""
    sides = ", ".join("left" if column.to_the_left else "right" for column in grid.columns)
    widths = ", ".join("1fr" if column.fills else "auto" for column in grid.columns)
    heads = ", ".join(quoted(column.title) for column in grid.columns)
    rows = "".join(
        f"  {', '.join(_cell(*pair) for pair in zip(grid.columns, cells, strict=True))},\n"
        for cells in grid.cells(human)
    )
    return (
        f"table(\n  columns: ({widths},),\n  align: ({sides},),\n  stroke: none,\n  table.hline(),\n"
        f"  table.header({heads}),\n  table.hline(stroke: 0.5pt),\n{rows}  table.hline(),\n)"
    )


def _cell(column: Column, text: str) -> str:
    return f"raw({quoted(text)})" if column.is_code and text else quoted(text)
