"""Configurations side by side: one a column on the screen, one an object in JSON."""

from __future__ import annotations

from vggcost import units
from vggcost.record import Record
from vggcost.report.grid import LINE_COLUMNS, Column, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class Line(Record):
    """One quantity of the comparison: its key in JSON, its name on the screen, its kind of value.

    A quantity that may be rounded is, where the table would be too wide for the screen.
    """

    key: str
    name: str
    kind: str
    may_round: bool = False


LINES = (
    Line("weight_layers", "weight layers", "count"),
    Line("conv_layers", "of them convolutions", "count"),
    Line("params", "parameters", "count"),
    Line("paper_params_millions", "paper's Table 2 [M]", "count"),
    Line("classifier_params", "classifier parameters", "count"),
    Line("classifier_share", "classifier share [%]", "number"),
    Line("weight_bytes", "weights [B]", "bytes", may_round=True),
    Line("macs", "MACs", "count", may_round=True),
    Line("flops", "FLOPs", "count", may_round=True),
    Line("activation_bytes", "activations [B]", "bytes", may_round=True),
    Line("receptive_field", "receptive field", "pair"),
)
"""The rows of the comparison, in their order."""


def lines_of(documents: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """The rows of one comparison: a convention other than the textbook's has a row of its own, behind the FLOPs."""
    convention = documents[0]["convention"]
    if convention == "mac":
        return LINES
    after = 1 + next(i for i, line in enumerate(LINES) if line.key == "flops")
    return (*LINES[:after], Line("count", convention, "count", may_round=True), *LINES[after:])


def comparison(documents: Sequence[Mapping[str, Any]], header: str, fmt: str, *, human: bool = False) -> str:
    """Return the comparison as text; each document has a name and a value for every line."""
    if fmt == "json":
        import json

        return json.dumps({"schema": "vggcost.compare/1", "networks": list(documents)}, indent=2) + "\n"
    if fmt == "csv":
        return grid(
            (Column("name", "name"), *(Column(line.key, line.name) for line in lines_of(documents))),
            _plain(documents),
            fmt,
        )
    body = _side_by_side(documents, fmt, human=human, rounding=human)
    if fmt == "latex":
        return f"% {header}\n{body}"
    notes = f"\n{_NOTES}\n" + "".join(
        f"{document['name']}: no total under {document['convention']}: {document['note']}\n"
        for document in documents
        if document["count"] is None
    )
    if fmt == "table" and not human and max(map(len, body.splitlines())) > LINE_COLUMNS:
        body = _side_by_side(documents, fmt, human=False, rounding=True)
        notes += f"MACs, FLOPs and bytes are rounded to fit {LINE_COLUMNS} columns; --format csv has every digit\n"
    return f"{header}\n\n{body}{notes}"


_NOTES = "activations: outputs of convolutions and linear layers; receptive field: the last pool's, in pixels"


def _side_by_side(documents: Sequence[Mapping[str, Any]], fmt: str, *, human: bool, rounding: bool) -> str:
    rows = [
        {
            "line": line.name.removesuffix(" [B]") if rounding and line.may_round else line.name,
            **{
                str(i): _text(line, document, human or (rounding and line.may_round))
                for i, document in enumerate(documents)
            },
        }
        for line in lines_of(documents)
    ]
    columns = (
        Column("line", "Per network"),
        *(Column(str(i), document["name"], "number") for i, document in enumerate(documents)),
    )
    return grid(columns, rows, fmt)


def _text(line: Line, document: Mapping[str, Any], human: bool) -> str:
    return Column(line.key, line.name, line.kind).text(document[line.key], human)


def _plain(documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**document, "receptive_field": document["receptive_field"] and units.shape_text(document["receptive_field"])}
        for document in documents
    ]


def summary_markdown(documents: Sequence[Mapping[str, Any]], header: str) -> str:
    """Return the comparison with a row a network, for many networks."""
    columns = (Column("name", "Network"), *(Column(line.key, line.name, line.kind) for line in lines_of(documents)))
    return f"{header}\n\n{grid(columns, documents, 'markdown')}\n{_NOTES}\n"
