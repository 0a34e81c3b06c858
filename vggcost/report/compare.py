"""Configurations side by side: the documents of ``vggcost compare`` and of a report's summary."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.rows import TEXTBOOK
from vggcost.record import Record
from vggcost.report.document import Column, Document, Grid, Listing, Text, line_columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.network.plan import Network

    Dicts = Sequence[Mapping[str, Any]]


class ComparedQuantity(Record):
    """One quantity of the comparison: its key in JSON, its name for people, its kind of value.

    A quantity that may be rounded is, where the table would be too wide for the screen.
    """

    key: str
    name: str
    kind: str
    may_round: bool = False


LINES = (
    ComparedQuantity("weight_layers", "weight layers", "count"),
    ComparedQuantity("conv_layers", "of them convolutions", "count"),
    ComparedQuantity("params", "parameters", "count"),
    ComparedQuantity("paper_params_millions", "paper's Table 2 [M]", "count"),
    ComparedQuantity("classifier_params", "classifier parameters", "count"),
    ComparedQuantity("classifier_share", "classifier share [%]", "number"),
    ComparedQuantity("weight_bytes", "weights [B]", "bytes", may_round=True),
    ComparedQuantity("macs", "MACs", "count", may_round=True),
    ComparedQuantity("flops", "FLOPs", "count", may_round=True),
    ComparedQuantity("weight_layer_output_bytes", "weight layers' outputs [B]", "bytes", may_round=True),
    ComparedQuantity("receptive_field", "receptive field", "pair"),
)
"""The rows of the comparison, in their order."""

_MEANINGS = "weight layers: convolutions and linear layers; receptive field: the last pool's, in pixels"
_ROUNDED = "MACs, FLOPs and bytes are rounded to fit {} columns; --format csv has every digit"
LEAVES = {
    "flops": 11,
    "classifier_share": 10,
    "weight_layer_output_bytes": 9,
    **dict.fromkeys(("paper_params_millions", "conv_layers", "receptive_field", "classifier_params"), 8),
    **dict.fromkeys(("weight_layers", "weight_bytes", "count"), 7),
}
"""What gives way in which order, where a network is a row and the screen is narrow."""


def distinct(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return the short name of each (short, full), and the full one where several have that short name.

    >>> distinct([("net.py:Net", "a/net.py:Net"), ("D", "D"), ("net.py:Net", "b/net.py:Net")])
    ['a/net.py:Net', 'D', 'b/net.py:Net']
    """
    shorts = [short for short, _ in names]
    return [full if shorts.count(short) > 1 else short for short, full in names]


def document(summaries: Dicts, header: str, *, human: bool) -> Document:
    """Return the comparison with a column a network; each summary is a `Cost.summary`."""
    notes = (_MEANINGS, *_no_totals(summaries))
    grid = _side_by_side(summaries, notes, human=human, rounding=human)
    rows = _one_a_row(summaries, notes)
    rows = rows.replace(columns=tuple(column.replace(leaves=LEAVES.get(column.key, 0)) for column in rows.columns))
    grid = grid.replace(narrow=rows)
    if not human:
        rounded = (*notes, _ROUNDED.format(line_columns()))
        grid = grid.replace(narrow=_side_by_side(summaries, rounded, human=False, rounding=True).replace(narrow=rows))
    return _document(summaries, header, grid.replace(shapes=True), human=human)


def summary_document(summaries: Dicts, header: str) -> Document:
    """Return the comparison with a row a network, for many networks."""
    return _document(summaries, header, _one_a_row(summaries, (_MEANINGS,)), human=False)


def _one_a_row(summaries: Dicts, notes: tuple[str, ...]) -> Grid:
    return Grid(_columns(summaries[0]["convention"]), summaries, notes=(Text(notes),))


def listed_columns(convention: str) -> tuple[Column, ...]:
    """The columns that a reader may ask for of a comparison."""
    columns = _columns(convention)
    more = (Column(key, key, "text") for key in ("convention", "unit", "count", "note"))
    known = {column.key for column in columns}
    return (*columns, *(column for column in more if column.key not in known))


def _columns(convention: str) -> tuple[Column, ...]:
    """A column a quantity, none of which adds up: networks side by side are no parts of a whole."""
    quantities = (Column(line.key, line.name, line.kind, sums=False) for line in _lines(convention))
    return (Column("name", "Network"), *quantities)


def header_line(
    networks: Sequence[Network], inputs: Sequence[tuple[int, ...]], dtypes: Sequence[str], convention_words: str
) -> str:
    """One line that says what the numbers of several networks mean; inputs and dtypes are also those of programs."""
    shapes = dict.fromkeys(units.shape_text(shape) for shape in inputs)
    classes = dict.fromkeys(str(each.variant.classes) for each in networks if each.variant.classifier)
    what = "VGG configurations" if len(networks) == len(inputs) else "Programs"
    if len(networks) < len(inputs) and networks:
        what = "VGG configurations and programs"
    of_all = "".join(f", {one} classes" for one in classes if len(classes) == 1 and len(networks) == len(inputs))
    kept = dict.fromkeys(dtypes)
    return (
        f"{what}{of_all};"
        f" input {next(iter(shapes)) if len(shapes) == 1 else 'of their own sizes'}"
        f" {next(iter(kept)) if len(kept) == 1 else 'in their own dtypes'}; {convention_words}"
    )


def _document(summaries: Dicts, header: str, grid: Grid, *, human: bool) -> Document:
    data = {"schema": "vggcost.compare/1", "networks": list(summaries)}
    columns = _columns(summaries[0]["convention"])
    listing = Listing(
        listed_columns(summaries[0]["convention"]),
        summaries,
        paper=tuple(column.key for column in columns),
        under="networks",
        turned=True,
    )
    blocks = (Text((header,), style="head"), grid)
    return Document(data, blocks, Grid(columns, summaries), human, listing=lambda: listing)


def _lines(convention: str) -> tuple[ComparedQuantity, ...]:
    """The rows of one comparison: a convention other than the textbook's has a row of its own, behind the FLOPs."""
    if convention == TEXTBOOK.name:
        return LINES
    after = 1 + next(i for i, line in enumerate(LINES) if line.key == "flops")
    return (*LINES[:after], ComparedQuantity("count", convention, "count", may_round=True), *LINES[after:])


def _no_totals(summaries: Dicts) -> list[str]:
    return [
        f"{summary['name']}: {summary['note']}"
        if summary["count"] is not None or summary["convention"] == TEXTBOOK.name
        else f"{summary['name']}: no total under {summary['convention']}: {summary['note']}"
        for summary in summaries
        if summary["note"] is not None or summary["count"] is None
    ]


def _side_by_side(summaries: Dicts, notes: tuple[str, ...], *, human: bool, rounding: bool) -> Grid:
    rows = []
    for line in _lines(summaries[0]["convention"]):
        rounded = rounding and line.may_round
        column = Column(line.key, line.name, line.kind)
        texts = {str(i): column.text(summary[line.key], human or rounded) for i, summary in enumerate(summaries)}
        rows.append({"line": line.name.removesuffix(" [B]") if rounded else line.name, **texts})
    columns = (
        Column("line", "Per network"),
        *(Column(str(i), summary["name"], "number") for i, summary in enumerate(summaries)),
    )
    return Grid(columns, rows, notes=(Text(notes),))
