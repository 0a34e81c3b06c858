"""A network's cost, layer by layer, as a person or a program wants it."""

from __future__ import annotations

from vggcost import units
from vggcost.record import Record
from vggcost.report.grid import LINE_COLUMNS, Column, fitted, grid, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Dicts = Sequence[Mapping[str, Any]]

LAYER_COLUMNS = (
    Column("name", "Layer"),
    Column("kind", "Kind"),
    Column("path", "Path"),
    Column("input", "Input", "shape"),
    Column("output", "Output", "shape"),
    Column("params", "Parameters", "count"),
    Column("macs", "MACs", "count"),
    Column("flops", "FLOPs", "count"),
    Column("count", "Count", "count"),
)
"""The columns of the machine-readable formats, whose keys are also those of the JSON."""

FORMULA_COLUMNS = (
    Column("params_formula", "Parameters in letters"),
    Column("params_numbers", "with numbers"),
    Column("macs_formula", "MACs in letters"),
    Column("macs_numbers", "with numbers"),
)
ACTIVATION_COLUMNS = (
    Column("output_elements", "Elements", "count"),
    Column("output_bytes", "Bytes", "bytes"),
)
FIELD_COLUMNS = (
    Column("receptive_field", "Receptive field", "pair"),
    Column("stride", "Stride", "pair"),
    Column("padding", "Padding offset", "pair"),
)


class View(Record):
    """What a reader asked to see beyond the costs."""

    formulas: bool = False
    activations: bool = False
    receptive_field: bool = False
    every_row: bool = False
    human: bool = False

    def extra_columns(self) -> tuple[Column, ...]:
        """The columns beyond LAYER_COLUMNS."""
        return (
            *(FORMULA_COLUMNS if self.formulas else ()),
            *(ACTIVATION_COLUMNS if self.activations else ()),
            *(FIELD_COLUMNS if self.receptive_field else ()),
        )


def header_line(document: Mapping[str, Any]) -> str:
    """One line that says what every number below it means."""
    network = document["network"]
    options = network["options"]
    classes = f", {options['classes']} classes" if options["classifier"] else ""
    return (
        f"VGG {network['title']}{classes};"
        f" input {units.shape_text(document['input'])} {document['dtype']};"
        f" {convention_words(document)}"
    )


def convention_words(document: Mapping[str, Any]) -> str:
    """The convention of a document's counts, and what one of them is."""
    convention = document["convention"]
    if convention == "mac":
        return "convention mac, 1 MAC = 2 FLOP"
    unit = "MACs + operations" if document["unit"] == "mixed" else f"{document['unit']}s"
    per = {"image": " per image", "mixed": ", partly per image"}.get(document["per"], "")
    return f"convention {convention}, in {unit}{per}"


def csv_text(document: Mapping[str, Any], view: View) -> str:
    """Every layer and a last row with the totals, exact."""
    return grid((*LAYER_COLUMNS, *view.extra_columns()), [*document["layers"], _total_row(document)], "csv")


def markup(document: Mapping[str, Any], view: View, fmt: str) -> str:
    """Every layer and the totals in Markdown, LaTeX or HTML, under the header line."""
    columns = (*_markup_columns(document["convention"]), *view.extra_columns())
    body = grid(columns, [*document["layers"], _total_row(document)], fmt, human=view.human)
    head = header_line(document)
    weights = "\n".join((weights_line(document), *left_out_lines(document)))
    if fmt == "html":
        from html import escape

        # The name may come from a file that somebody else wrote.
        return f"<p>{escape(head)}</p>\n{body}<p>{weights}</p>\n"
    if fmt == "latex":
        return f"% {head}\n{body}{_commented(weights)}\n"
    return f"{head}\n\n{body}\n{weights}\n"


def _markup_columns(convention: str) -> tuple[Column, ...]:
    """LAYER_COLUMNS with the count under its convention's name; the textbook's counts are its MACs, shown once."""
    *textbook, count = LAYER_COLUMNS
    return tuple(textbook) if convention == "mac" else (*textbook, count.replace(heading=convention))


def weights_line(document: Mapping[str, Any]) -> str:
    """The parameters' memory, exact and with its prefix."""
    totals = document["totals"]
    size = totals["weight_bytes"]
    return (
        f"Weights: {units.exact(totals['params'])} parameters in {document['dtype']}"
        f" = {units.exact(size)} B = {units.human_bytes(size)}"
    )


def left_out_lines(document: Mapping[str, Any]) -> list[str]:
    """What the convention counts as 0 and why, and why there is no total; nothing for the textbook's convention."""
    if document["convention"] == "mac":
        return []
    kinds: dict[str, dict[str, int]] = {}
    for row in document["layers"]:
        if row["note"] and row["count"] is not None:
            of_note = kinds.setdefault(row["note"], {})
            of_note[row["kind"]] = of_note.get(row["kind"], 0) + 1
    words = [
        f"{', '.join(f'{number} {kind}' for kind, number in of_note.items())}: {note}"
        for note, of_note in kinds.items()
    ]
    lines = [f"{document['convention']} counts 0 for {'; '.join(words)}"] if words else []
    if document["totals"]["count"] is None:
        lines.append(f"{document['convention']} has no total here: {document['totals']['note']}")
    return lines


def _commented(text: str) -> str:
    return "\n".join(f"% {line}" for line in text.split("\n"))


def screen(document: Mapping[str, Any], view: View) -> str:
    """The terminal's tables: costs first, then what else was asked for; rows that cost nothing folded."""
    layers, total = document["layers"], _total_row(document)
    costly = [row for row in layers if _costs(row)]
    shown = layers if view.every_row else costly
    rows = [_with_shares(row, total) for row in (*shown, total)]
    columns = _cost_columns(document)
    if view.every_row and document["convention"] != "mac":
        columns = (*columns, Column("note", "Note", leaves=4))
    costs, left = fitted(columns, rows, human=view.human)
    head = header_line(document)
    if len(head) > LINE_COLUMNS:
        # The convention keeps its words together, on a line of its own.
        head = ";\n".join(wrapped(part) for part in head.rsplit("; ", 1)).replace(";\n", ";\n  ")
    blocks = [head + "\n", costs, _footer(document, len(shown), left)]
    if view.formulas:
        blocks.append(_formula_block(shown))
    extra = (*(ACTIVATION_COLUMNS if view.activations else ()), *(FIELD_COLUMNS if view.receptive_field else ()))
    if extra:
        named = (Column("name", "Layer"), Column("image_output", "Output", "shape"), *extra)
        every = [{**row, "image_output": _per_image(row)} for row in layers]
        blocks.append(grid(named, [*every, total] if view.activations else every, "table", human=view.human))
        if view.activations:
            blocks.append("Elements and bytes: of every layer's output, for the whole batch\n")
    return "\n".join(blocks)


def _costs(row: Mapping[str, Any]) -> bool:
    return bool(row["params"] or row["macs"] or row["count"] != 0)


def _cost_columns(document: Mapping[str, Any]) -> tuple[Column, ...]:
    textbook = (
        Column("name", "Layer"),
        Column("image_output", "Output", "shape"),
        Column("params_numbers", "Parameters from", leaves=2),
        Column("params", "Parameters", "count"),
        Column("params_share", "%", "number"),
        Column("macs", "MACs", "count"),
    )
    if document["convention"] == "mac":
        return (*textbook, Column("flops", "FLOPs", "count"), Column("count_share", "%", "number"))
    return (
        *textbook,
        Column("flops", "FLOPs", "count", leaves=3),
        Column("count", document["convention"], "count"),
        Column("count_share", "%", "number"),
    )


def _with_shares(row: Mapping[str, Any], total: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "image_output": _per_image(row),
        "params_share": units.percent(row["params"], total["params"]),
        "count_share": ""
        if row["count"] is None or not total["count"]
        else units.percent(row["count"], total["count"]),
    }


def _per_image(row: Mapping[str, Any]) -> list[int] | None:
    """The output's shape without the batch, which the header line has."""
    return row["output"][1:] if row.get("output") else None


def _total_row(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "total", **document["totals"]}


def _footer(document: Mapping[str, Any], shown: int, left: Sequence[Column]) -> str:
    lines = [weights_line(document)]
    layers = document["layers"]
    if shown < len(layers):
        kinds: dict[str, int] = {}
        for row in layers:
            if not _costs(row):
                kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
        what = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        lines.append(f"Folded, as they cost nothing (--all shows them):\n  {what}")
    lines += [wrapped(line) for line in left_out_lines(document)]
    if left:
        names = ", ".join(column.heading for column in left)
        how = "--formulas" if all(column.key == "params_numbers" for column in left) else "--format csv"
        lines.append(f"Left out to fit {LINE_COLUMNS} columns: {names}; {how} shows what is missing")
    return "\n".join(lines) + "\n"


def _formula_block(rows: Dicts) -> str:
    """Two lines a layer, one for its parameters and one for its MACs: letters, numbers, value."""
    lines = []
    for row in rows:
        name = row["name"]
        for what, key in (("parameters", "params"), ("MACs", "macs")):
            if row[f"{key}_formula"]:
                lines.append(
                    {
                        "name": name,
                        "what": what,
                        "letters": row[f"{key}_formula"],
                        "numbers": row[f"{key}_numbers"],
                        "value": row[key],
                    }
                )
                name = ""
    columns = (
        Column("name", "Layer"),
        Column("what", "Counts"),
        Column("letters", "in letters"),
        Column("numbers", "with its numbers"),
        Column("value", "gives", "count"),
    )
    return grid(columns, lines, "table")
