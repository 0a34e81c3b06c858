"""A model that was read, as a person or a program wants it: its rows, and the sentences that say what it is."""

from __future__ import annotations

from vggcost import units
from vggcost.record import Record
from vggcost.report.grid import LINE_COLUMNS, Column, fitted, grid, wrapped
from vggcost.report.layer_table import convention_words, weights_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

COLUMNS = (
    Column("name", "Layer"),
    Column("kind", "Kind"),
    Column("path", "Path"),
    Column("source", "Source"),
    Column("input", "Input", "shape"),
    Column("output", "Output", "shape"),
    Column("params", "Parameters", "count"),
    Column("macs", "MACs", "count"),
    Column("flops", "FLOPs", "count"),
    Column("count", "Count", "count"),
    Column("note", "Note"),
)
"""The columns of the machine-readable formats, whose keys are also those of the JSON."""


class AuditView(Record):
    """What a reader asked to see: every row, also those that cost nothing; counts with SI prefixes."""

    every_row: bool = False
    human: bool = False


def audit_csv(document: Mapping[str, Any]) -> str:
    """Every row and a last one with the totals, exact."""
    return grid(COLUMNS, [*document["layers"], _total(document)], "csv")


def audit_markup(document: Mapping[str, Any], view: AuditView, fmt: str, lines: Sequence[str]) -> str:
    """Every row and the totals in Markdown, LaTeX or HTML, and the sentences under it."""
    columns = [column for column in COLUMNS if column.key != "count" or document["convention"] != "mac"]
    body = grid(columns, [*document["layers"], _total(document)], fmt, human=view.human)
    head = header_line(document)
    if fmt == "html":
        from html import escape

        text = "<br>\n".join(map(escape, (weights_line(document), *lines)))
        return f"<p>{escape(head)}</p>\n{body}<p>{text}</p>\n"
    below = [weights_line(document), *lines]
    if fmt == "latex":
        return f"% {head}\n{body}" + "".join(f"% {line}\n" for line in below)
    items = "".join(f"- {line.strip()}\n" if not line.startswith("  ") else f"  - `{line.strip()}`\n" for line in below)
    return f"{head}\n\n{body}\n{items}"


def header_line(document: Mapping[str, Any]) -> str:
    """One line that says what was read, and what every number below it means."""
    network = document["network"]
    shapes = ", ".join(units.shape_text(shape) for shape in document["inputs"])
    return (
        f"{network['name']} ({network['framework']}); input {shapes} {document['dtype']}; {convention_words(document)}"
    )


def audit_screen(document: Mapping[str, Any], view: AuditView, lines: Sequence[str]) -> str:
    """The terminal's table, rows that cost nothing folded, and the sentences under it."""
    layers, total = document["layers"], _total(document)
    shown = [row for row in layers if view.every_row or _costs(row)]
    rows = [_with_shares(row, total) for row in (*shown, total)]
    table, left = fitted(_screen_columns(rows, document["convention"]), rows, human=view.human)
    below = [weights_line(document)]
    if len(shown) < len(layers):
        kinds: dict[str, int] = {}
        for row in layers:
            if not _costs(row):
                kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
        what = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        number = len(layers) - len(shown)
        below.append(f"Folded: {number} row{'s' if number > 1 else ''} without cost ({what}); --all shows them")
    if left:
        names = ", ".join(column.heading for column in left)
        below.append(f"Left out to fit {LINE_COLUMNS} columns: {names}; another --format shows them")
    head = wrapped(header_line(document))
    return "\n".join((f"{head}\n", table, *map(wrapped, below), "", *map(wrapped, lines))) + "\n"


def _screen_columns(rows: Sequence[Mapping[str, Any]], convention: str) -> list[Column]:
    total_is_open = rows[-1]["macs"] is None
    columns = [
        Column("name", "Layer"),
        Column("path", "Path", leaves=3),
        Column("line", "Source", leaves=2),
        Column("image_output", "Output", "shape"),
        Column("params", "Parameters", "count"),
        Column("params_share", "%", "number"),
        Column("macs", "MACs", "count"),
        Column("flops", "FLOPs", "count", leaves=4),
        Column("macs_share", "%", "number"),
        Column("count", convention, "count"),
        Column("note", "Note", leaves=1),
    ]
    if convention == "mac":
        columns = [column for column in columns if column.key != "count"]
    if all(row.get("path") in (None, row["name"]) for row in rows):
        columns = [column for column in columns if column.key != "path"]
    if not any(row.get("line") for row in rows):
        columns = [column for column in columns if column.key != "line"]
    if total_is_open:
        columns = [column for column in columns if column.key != "macs_share"]
    if not any(row.get("note") for row in rows):
        columns = [column for column in columns if column.key != "note"]
    return columns


def _line(source: str | None) -> str | None:
    """A source as a table has room for it: a file far away by its name alone; the other formats have its path."""
    if source is None or not source.startswith(("/", "\\")):
        return source
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def _costs(row: Mapping[str, Any]) -> bool:
    """Whether a row has something to say: parameters, counts, or why it has none."""
    return bool(row["params"] or row["macs"] or row["count"] or (row["count"] is None and row["note"] != "not reached"))


def _with_shares(row: Mapping[str, Any], total: Mapping[str, Any]) -> dict[str, Any]:
    macs, whole = row["macs"], total["macs"]
    return {
        **row,
        "line": _line(row.get("source")),
        "image_output": row["output"][1:] if row.get("output") else None,
        "params_share": units.percent(row["params"], total["params"]),
        "macs_share": "" if macs is None or whole is None else units.percent(macs, whole),
    }


def _total(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "total", **document["totals"]}
