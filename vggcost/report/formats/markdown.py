"""A document as Markdown, for a repository's page."""

from __future__ import annotations

import re

from vggcost.printable import printable
from vggcost.report.document import FILES, Text
from vggcost.report.tabulated import tabulate_loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.report.document import Document, Grid

_MARKS = re.compile(
    r"[\\`|<~$]"
    r"|(?<![^\s])\*(?!\s)|(?<=\S)\*"  # emphasis, but not a product that has its spaces
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word, as in conv1_1, it means nothing
    r"|\](?=[(\[:])"  # a link, or where one leads
    r"|(?<=\w):(?=//)|(?<=\bwww)\."  # an address
    r"|&(?=#?\w+;)"
)
"""What Markdown would read as more than itself."""

_FIRST = re.compile(
    r"^(?:[*+-]|#(?=#*(?:\s|$))|\d+[.)])(?=[\s#]|$)"  # an item, a heading
    r"|^[>\[]"  # a quotation; a box to tick, an address to be named
    r"|^[-=](?=[-=\s]*$)"  # a rule, or what makes the line above it a heading
)
"""What would make a line more than a sentence."""


def render(document: Document) -> str:
    """Return a pipe table for each grid, and the sentences as paragraphs or lists."""
    return "\n".join(document.written(FILES, _sentences, _table))


def escaped(text: str) -> str:
    r"""Return a text that shows as it is.

    >>> escaped("conv1_1 <b> 2*N*K a|b")
    'conv1_1 \\<b> 2\\*N\\*K a\\|b'
    """
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", printable(text.replace("\n", " ")))


def _code(text: str) -> str:
    """A formula, whose signs of multiplication would else be emphasis; an empty cell stays one."""
    if not text:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def _sentences(text: Text) -> str:
    if text.style == "list":
        return "".join(
            f"- {_line(line)}\n" + "".join(f"  - {_line(below)}\n" for below in lines) for line, lines in text.items()
        )
    return "".join(f"{_line(line.strip())}\n" for line in text.lines)


def _line(text: str) -> str:
    """A line that begins nothing, whatever its first word is: ``- conv4_3`` is a layer that is missing."""
    return _FIRST.sub(lambda first: f"{first[0][:-1]}\\{first[0][-1]}", escaped(text))


def _table(grid: Grid, *, human: bool) -> Iterator[str]:
    if grid.title:
        yield f"{_line(grid.title)}\n"
    if grid.caption or grid.label:
        anchor = f'<a id="{grid.label}"></a>' if grid.label else ""
        yield f"{anchor}{_line(grid.caption)}\n"
    cells = [
        [_code(cell) if column.is_code else escaped(cell) for column, cell in zip(grid.columns, row, strict=True)]
        for row in grid.cells(human)
    ]
    text = tabulate_loaded()(
        cells,
        headers=[escaped(column.title) for column in grid.columns],
        tablefmt="pipe",
        colalign=["left" if column.to_the_left else "right" for column in grid.columns] if cells else None,
        disable_numparse=True,
    )
    yield f"{text}\n"
    if grid.legend:
        yield f"{_line(grid.legend)}\n"
    if grid.notes:
        yield "".join(map(_sentences, grid.notes))
