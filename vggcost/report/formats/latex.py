"""A document for a paper: booktabs tables and sentences, a part of a text that loads booktabs and amsmath.

A table with a caption or a label is a float of its own, with its notes below it.
"""

from __future__ import annotations

import re

from vggcost.report.document import FILES, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
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


_NUMBER = re.compile(r"[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?")
"""A number that siunitx reads."""


def render(document: Document, *, siunitx: bool = False) -> str:
    """Return a tabular for each grid, an align* for equations, and the sentences as text.

    siunitx: whether columns of numbers are its S columns.
    """
    return "\n".join(document.written(FILES, _sentences, _table, siunitx=siunitx))


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


def _table(grid: Grid, *, human: bool, siunitx: bool) -> Iterator[str]:
    if grid.title:
        yield _paragraph((grid.title,))
    if grid.caption or grid.label:
        yield _float(grid, human=human, siunitx=siunitx)
        return
    yield _equations(grid) if grid.equations else f"\\noindent\n{_tabular(grid, human=human, siunitx=siunitx)}"
    yield from _below(grid)


def _below(grid: Grid) -> Iterator[str]:
    if grid.legend:
        yield _paragraph((grid.legend,))
    for note in grid.notes:
        yield _sentences(note)


def _float(grid: Grid, *, human: bool, siunitx: bool) -> str:
    r"""A float: captions stand above tables, notes below; \small and close, for a layer has five columns."""
    caption = f"\\caption{{{escaped(grid.caption)}}}\n" if grid.caption else ""
    label = f"\\label{{{grid.label}}}\n" if grid.label else ""
    notes = "\n".join(_below(grid))
    below = (
        f"\n\\smallskip\n\\begin{{minipage}}{{\\linewidth}}\n\\footnotesize\n{notes}\\end{{minipage}}\n"
        if notes
        else ""
    )
    return (
        f"\\begin{{table}}\n\\centering\n\\small\n\\setlength{{\\tabcolsep}}{{4pt}}\n{caption}{label}"
        f"{_tabular(grid, human=human, siunitx=siunitx)}{below}\\end{{table}}\n"
    )


def _tabular(grid: Grid, *, human: bool, siunitx: bool) -> str:
    cells = [[_cell(column, row, human) for column in grid.columns] for row in grid.rows]
    sides = [_side(column) for column in grid.columns]
    heads = [escaped(column.title) for column in grid.columns]
    if siunitx:
        for place, column in enumerate(grid.columns):
            values = [line[place] for line in cells if line[place]]
            if column.to_the_left or not values or not all(map(_NUMBER.fullmatch, values)):
                continue
            sides[place] = _numbers_side(values)
            heads[place] = f"{{{heads[place]}}}"  # no number
            for line in cells:
                line[place] = line[place].replace(",", "")
    head, *rows = [" & ".join(line) + " \\\\\n" for line in (heads, *cells)]
    return (
        f"\\begin{{tabular}}{{{''.join(sides)}}}\n\\toprule\n{head}\\midrule\n"
        f"{''.join(rows)}\\bottomrule\n\\end{{tabular}}\n"
    )


def _numbers_side(values: Sequence[str]) -> str:
    """An S column as wide as its longest number, with the separators that all other formats have."""
    wholes, tails = zip(*(value.replace(",", "").lstrip("+-").partition(".")[::2] for value in values), strict=True)
    sign = "+" if any(value[0] in "+-" for value in values) else ""
    digits = f"{sign}{max(map(len, wholes))}.{max(map(len, tails))}"
    return f"S[table-format={digits},group-separator={{,}},group-minimum-digits=4]"


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
