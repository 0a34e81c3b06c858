"""A network's cost, layer by layer: the document of ``vggcost table`` and of `vggcost.cost(...)`."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.rows import TEXTBOOK
from vggcost.formulas.memory import tensor_bytes
from vggcost.record import Record
from vggcost.report.costless import folded, folded_words, per_image, pools, share
from vggcost.report.document import FILES, FOLDED, SCREEN, Column, Document, Grid, Listing, Text, left_out, total_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.conventions.counting import Tally
    from vggcost.costs.table import Table
    from vggcost.network.receptive_field import Field

    Dicts = Sequence[Mapping[str, Any]]

RECORD_COLUMNS = (
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
"""The columns of the CSV, whose keys are also those of the JSON."""

FORMULA_COLUMNS = (
    Column("params_formula", "Parameters in letters", "code"),
    Column("params_numbers", "with numbers", "code"),
    Column("macs_formula", "MACs in letters", "code"),
    Column("macs_numbers", "with numbers", "code"),
)
OUTPUT_COLUMNS = (
    Column("output_elements", "Elements", "count", leaves=3),
    Column("output_bytes", "Bytes", "bytes"),
)
SHARED_COLUMNS = (
    Column("output_mib", "MiB", "number", leaves=2),
    Column("output_share", "%", "share"),
)
"""What people see beside the bytes."""

FIELD_COLUMNS = (
    Column("receptive_field", "Receptive field", "pair"),
    Column("stride", "Stride", "pair", leaves=4),
    Column("padding", "Padding offset", "pair", leaves=5),
)


class View(Record):
    """What a reader asked to see beyond the costs."""

    formulas: bool = False
    activations: bool = False
    receptive_field: bool = False
    every_row: bool = False
    human: bool = False

    def extra_columns(self) -> tuple[Column, ...]:
        """The columns beyond RECORD_COLUMNS."""
        return (
            *(FORMULA_COLUMNS if self.formulas else ()),
            *(OUTPUT_COLUMNS if self.activations else ()),
            *(FIELD_COLUMNS if self.receptive_field else ()),
        )


def document(counted: Table, tallied: Tally, dtype: str, view: View) -> Document:
    """Return a counted network's document; dtype is that of parameters and activations."""
    data = cost_data(counted, tallied, dtype, view)
    record = Grid((*RECORD_COLUMNS, *view.extra_columns()), [*data["layers"], total_row(data["totals"])])
    return Document(
        data,
        lambda: _blocks(data, counted, view),
        record,
        view.human,
        listing=lambda: _listing(counted, tallied, dtype, view),
    )


def listed(counted: Table, tallied: Tally, dtype: str, view: View) -> dict[str, Any]:
    """The JSON document with all that a layer can be asked for."""
    return cost_data(counted, tallied, dtype, view.replace(formulas=True, activations=True, receptive_field=True))


def _listing(counted: Table, tallied: Tally, dtype: str, view: View) -> Listing:
    from vggcost.report.shaping import block_names

    data = listed(counted, tallied, dtype, view)
    total = total_row(data["totals"])
    rows = [_shown(row, total) for row in (*folded(data["layers"], _says_much, every_row=view.every_row), total)]
    what = "macs" if data["convention"] == TEXTBOOK.name else "count"
    return Listing(
        listed_columns(data["convention"]),
        rows,
        paper=("name", "output", "params", "share", what, "share"),
        blocks=block_names(data["layers"]),
    )


def listed_columns(convention: str) -> tuple[Column, ...]:
    """The columns that a reader may ask for of any network."""
    textbook = {column.key: column for column in RECORD_COLUMNS}
    changed = {
        "output": textbook["output"].replace(kind="image"),
        "count": textbook["count"].replace(heading=convention),
    }
    columns = ({**textbook, **changed}).values()
    return (*columns, Column("note", "Note"), *FORMULA_COLUMNS, *OUTPUT_COLUMNS, *FIELD_COLUMNS)


def _blocks(data: Mapping[str, Any], counted: Table, view: View) -> tuple[Text | Grid, ...]:
    rows = [{**layer, **row.layer.written(row.output)} for layer, row in zip(data["layers"], counted.rows, strict=True)]
    rows = folded(rows, _says_much, every_row=view.every_row)
    blocks: list[Text | Grid] = [Text((header_line(data),), style="head"), _costs_grid(data, rows, view)]
    if view.formulas:
        blocks.append(_formula_grid(rows))
    if view.activations or view.receptive_field:
        blocks.append(_output_grid(data, rows, view))
    return tuple(blocks)


def cost_data(counted: Table, tallied: Tally, dtype: str, view: View) -> dict[str, Any]:
    """The JSON document: schema vggcost.table/1."""
    convention = tallied.convention
    return {
        "schema": "vggcost.table/1",
        "network": counted.network.identity(),
        "input": list(counted.input),
        "dtype": dtype,
        "convention": convention.name,
        "unit": convention.unit,
        "per": convention.per,
        "layers": _layer_dicts(counted, tallied, dtype, view),
        "totals": _total_dict(counted, tallied, dtype, view),
    }


def _layer_dicts(counted: Table, tallied: Tally, dtype: str, view: View) -> list[dict[str, Any]]:
    dicts = []
    for row, count in zip(counted.rows, tallied.counts, strict=True):
        layer = {
            "name": row.name,
            "kind": row.kind,
            "path": row.path,
            "input": list(row.input),
            "output": list(row.output),
            "params": row.params,
            "macs": row.macs,
            "flops": row.flops,
            "count": count.value,
            "note": count.note,
        }
        if view.formulas:
            layer.update(row.layer.written(row.output))
        if view.activations:
            layer["output_elements"] = row.output_elements
            layer["output_bytes"] = tensor_bytes(row.output_elements, units.dtype_bytes(dtype))
        dicts.append(layer)
    if view.receptive_field:
        from vggcost.network.receptive_field import fields

        for layer, field in zip(dicts, fields(counted.network.layers, counted.input), strict=True):
            layer.update(field_lists(field))
    return dicts


def field_lists(field: Field | None) -> dict[str, list[int] | None]:
    """What a layer's output sees of the image, as the columns of its row."""
    if field is None:
        return {"receptive_field": None, "stride": None, "padding": None}
    return {
        "receptive_field": list(field.size),
        "stride": list(field.stride),
        "padding": list(field.padding),
    }


def _total_dict(counted: Table, tallied: Tally, dtype: str, view: View) -> dict[str, Any]:
    totals = {
        "params": counted.params,
        "macs": counted.macs,
        "flops": counted.flops,
        "count": tallied.total,
        "weight_bytes": tensor_bytes(counted.params, units.dtype_bytes(dtype)),
        "note": tallied.reason,
    }
    if view.activations:
        each = units.dtype_bytes(dtype)
        totals["output_elements"] = counted.output_elements
        totals["output_bytes"] = tensor_bytes(counted.output_elements, each)
        totals["weight_layer_output_bytes"] = tensor_bytes(counted.weight_layer_output_elements, each)
    return totals


def header_line(data: Mapping[str, Any]) -> str:
    """One line that says what every number below it means."""
    network = data["network"]
    options = network["options"]
    classes = f", {options['classes']} classes" if options["classifier"] else ""
    return (
        f"VGG {network['title']}{classes}; input {units.shape_text(data['input'])} {data['dtype']};"
        f" {convention_words(data)}"
    )


def convention_words(data: Mapping[str, Any]) -> str:
    """The convention of a document's counts, and what one of them is."""
    convention = data["convention"]
    if convention == TEXTBOOK.name:
        return "convention mac, 1 MAC = 2 FLOP"
    unit = "MACs + operations" if data["unit"] == "mixed" else f"{data['unit']}s"
    per = {"image": " per image", "mixed": ", partly per image"}.get(data["per"], "")
    return f"convention {convention}, in {unit}{per}"


def weights_line(data: Mapping[str, Any]) -> str:
    """The parameters' memory, exact and with its prefix."""
    totals = data["totals"]
    size = totals["weight_bytes"]
    return (
        f"Weights: {units.exact(totals['params'])} parameters in {data['dtype']}"
        f" = {units.exact(size)} B = {units.human_bytes(size)}"
    )


def not_counted_lines(data: Mapping[str, Any]) -> tuple[str, ...]:
    """What the convention counts as 0 and why, and why there is no total; nothing for the textbook's convention."""
    if data["convention"] == TEXTBOOK.name:
        return ()
    kinds: dict[str, dict[str, int]] = {}
    for row in data["layers"]:
        if row["note"] and row["count"] is not None:
            of_note = kinds.setdefault(row["note"], {})
            of_note[row["kind"]] = of_note.get(row["kind"], 0) + 1
    words = [
        f"{', '.join(f'{number} {kind}' for kind, number in of_note.items())}: {note}"
        for note, of_note in kinds.items()
    ]
    lines = [f"{data['convention']} counts 0 for {'; '.join(words)}"] if words else []
    if data["totals"]["count"] is None:
        lines.append(f"{data['convention']} has no total here: {data['totals']['note']}")
    return tuple(lines)


def _says_much(row: Mapping[str, Any]) -> bool:
    return bool(row["params"] or row["macs"] or row["count"] != 0) or pools(row)


def _shown(row: Mapping[str, Any], total: Mapping[str, Any]) -> dict[str, Any]:
    """A row with what people see of it beside its numbers."""
    return {
        **row,
        "image_output": per_image(row),
        "params_share": share(row["params"], total["params"]),
        "count_share": share(row["count"], total["count"]),
    }


def _costs_grid(data: Mapping[str, Any], rows: Dicts, view: View) -> Grid:
    """Every layer's costs and the totals, with their shares, and what they are made from."""
    total = total_row(data["totals"])
    shown = [_shown(row, total) for row in (*rows, total)]
    number, kinds = folded_words(rows)
    notes = [Text((weights_line(data),))]
    if number:
        notes.append(Text(("Folded, as they cost nothing (--all shows them):", f"  {kinds}"), where=SCREEN))
    if lines := not_counted_lines(data):
        notes.append(Text(lines))
    return Grid(_columns(data["convention"], view), shown, notes=tuple(notes), left_out=_left_out, shapes=True)


def _columns(convention: str, view: View) -> tuple[Column, ...]:
    named = {column.key: column for column in RECORD_COLUMNS}
    textbook = convention == TEXTBOOK.name
    return (
        named["name"],
        *(named[key].replace(where=FILES) for key in ("kind", "path", "input", "output")),
        Column("image_output", "Output", "shape", leaves=1, where=SCREEN),
        Column("params_numbers", "Parameters from", "code", leaves=4),
        named["params"],
        Column("params_share", "%", "share", leaves=2),
        named["macs"],
        named["flops"].replace(leaves=3),
        *(() if textbook else (named["count"].replace(heading=convention),)),
        Column("count_share", "%", "share", leaves=2),
        *(() if textbook or not view.every_row else (Column("note", "Note", leaves=5),)),
    )


def _left_out(gone: Sequence[Column]) -> str:
    how = "--formulas" if all(column.key == "params_numbers" for column in gone) else "a wider screen or --columns"
    return left_out(gone).replace("another --format shows them", f"{how} shows what is missing")


def _formula_grid(rows: Dicts) -> Grid:
    """Two lines a layer, one for its parameters and one for its MACs: letters, numbers, value."""
    lines = []
    for row in rows:
        name = row["name"]
        for what, key in (("parameters", "params"), ("MACs", "macs")):
            if row[f"{key}_formula"]:
                letters, numbers = row[f"{key}_formula"], row[f"{key}_numbers"]
                lines.append({"name": name, "what": what, "letters": letters, "numbers": numbers, "value": row[key]})
                name = ""
    columns = (
        Column("name", "Layer"),
        Column("what", "Counts"),
        Column("letters", "in letters", "code"),
        Column("numbers", "with its numbers", "code"),
        Column("value", "gives", "count"),
    )
    return Grid(columns, lines)


def _output_grid(data: Mapping[str, Any], rows: Dicts, view: View) -> Grid:
    """Every layer's output: its elements and bytes, and what it sees of the image."""
    columns = (
        Column("name", "Layer"),
        Column("image_output", "Output", "shape", leaves=1),
        *((*OUTPUT_COLUMNS, *SHARED_COLUMNS) if view.activations else ()),
        *(FIELD_COLUMNS if view.receptive_field else ()),
    )
    every = [{**row, "image_output": per_image(row), FOLDED: False} for row in rows]
    if not view.activations:
        return Grid(columns, every)
    totals = data["totals"]
    for row in (*every, total := total_row(totals)):
        row["output_mib"] = units.mebibytes(row["output_bytes"])
        row["output_share"] = share(row["output_bytes"], totals["output_bytes"])
    of_weight_layers = totals["weight_layer_output_bytes"]
    note = (
        "Of every layer's output, for the whole batch; those of convolutions and linear layers alone are"
        f" {units.exact(of_weight_layers)} B = {units.mebibytes(of_weight_layers)} MiB"
    )
    return Grid(columns, [*every, total], notes=(Text((note,)),))
