"""A document for a paper: booktabs tables and sentences, a part of a text that loads booktabs and amsmath."""

from __future__ import annotations

import re

from vggcost.report.document import FILES, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from vggcost.report.document import Column, Document, Grid

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # behind the end of a row it would begin an option
    "*": "{*}",  # and there this, too, would be a part of that end
    "`": r"\textasciigrave{}",
    "-": "-{}",  # before another: an option's name, no dash
    "'": "'{}",  # the same: two would be a quotation mark
    ",": ",{}",  # the same in some encodings of fonts
    "\n": " ",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_SPECIAL = re.compile(r"([-',])(?=\1)|(?<!\S)\*|[\\~^<>|\[`\n&%$#_{}]")


def render(document: Document) -> str:
    """Return a tabular for each grid, an align* for equations, and the sentences as text."""
    blocks: list[str] = []
    for block in document.shown(FILES):
        if isinstance(block, Text):
            blocks.append(_sentences(block))
        else:
            blocks += _table(block, human=document.human)
    return "\n".join(blocks)


def escaped(text: str) -> str:
    r"""Return a text that is set as it is.

    >>> escaped("conv1_1, 50 % & more")
    'conv1\\_1, 50 \\% \\& more'
    """
    return _SPECIAL.sub(lambda sign: _ESCAPES[sign[0]], text)


def _sentences(text: Text) -> str:
    if text.style == "list":
        items = "".join(f"  \\item {escaped('; '.join((line, *below)))}\n" for line, below in text.items())
        return f"\\begin{{itemize}}\n{items}\\end{{itemize}}\n"
    return _paragraph(text.lines)


def _paragraph(lines: tuple[str, ...]) -> str:
    return "\\noindent " + " \\\\\n".join(escaped(line.strip()) for line in lines) + "\n"


def _table(grid: Grid, *, human: bool) -> Iterator[str]:
    if grid.title:
        yield _paragraph((grid.title,))
    yield _equations(grid) if grid.equations else _tabular(grid, human=human)
    if grid.legend:
        yield _paragraph((grid.legend,))
    for note in grid.notes:
        yield _sentences(note)


def _tabular(grid: Grid, *, human: bool) -> str:
    heads = [column.title for column in grid.columns]
    cells = ([_cell(column, row, human) for column in grid.columns] for row in grid.rows)
    head, *rows = [" & ".join(line) + " \\\\\n" for line in (map(escaped, heads), *cells)]
    sides = "".join(map(_side, grid.columns))
    return (
        f"\\noindent\n\\begin{{tabular}}{{{sides}}}\n\\toprule\n{head}\\midrule\n"
        f"{''.join(rows)}\\bottomrule\n\\end{{tabular}}\n"
    )


def _side(column: Column) -> str:
    if column.fills:
        return r"p{0.4\linewidth}"
    return "l" if column.to_the_left else "r"


def _cell(column: Column, row: Mapping[str, Any], human: bool) -> str:
    value = row.get(column.key)
    if column.kind == "formula" and value is not None:
        import sympy

        return f"${sympy.latex(value)}$"
    return escaped(column.text(value, human))


def _equations(grid: Grid) -> str:
    import sympy

    name, form = grid.columns
    lines = [
        rf"  \text{{{escaped(name.text(row[name.key], human=False))}}} &= {sympy.latex(row[form.key])}"
        for row in grid.rows
    ]
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"
