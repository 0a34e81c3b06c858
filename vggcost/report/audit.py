"""A model that was read, its rows and the sentences that say what it is: the document of ``vggcost audit``."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.rows import TEXTBOOK
from vggcost.formulas.forward import elements
from vggcost.formulas.memory import tensor_bytes
from vggcost.record import Record
from vggcost.report.costless import folded, folded_words, per_image, pools, share
from vggcost.report.depth import by_module
from vggcost.report.document import (
    EVERYWHERE,
    FILES,
    FOLDED,
    SCREEN,
    TOTAL,
    Column,
    Document,
    Grid,
    Listing,
    Text,
    total_row,
)
from vggcost.report.layers import FIELD_COLUMNS, OUTPUT_COLUMNS, convention_words, field_lists, weights_line
from vggcost.report.state import state_lines
from vggcost.report.verdict import sentences, spoken, totals_line, uncounted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from vggcost.programs.differences import Difference
    from vggcost.programs.likeness import Likeness
    from vggcost.programs.reading import Failure
    from vggcost.report.audited import Audited

RECORD_COLUMNS = (
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
    Column("params_trainable", "Trainable", "count"),
    Column("params_frozen", "Frozen", "count"),
    Column("weight_bytes", "Weight bytes", "count"),
    Column("buffers", "Buffers", "count"),
    Column("buffer_bytes", "Buffer bytes", "count"),
)
"""The columns of the CSV, whose keys are also those of the JSON."""

OPERATIONS = Column("operations", "Operations", "count")
"""How many operations a module's row stands for."""

WEIGHTS_ALONE = "MACs not known"
"""What the totals of a file of weights that is no configuration do not have."""


class AuditView(Record):
    """What a reader asked to see: every row, also those that cost nothing; counts with SI prefixes; modules of a depth.

    depth: None for a row an operation; see `vggcost.report.depth.by_module`.
    """

    every_row: bool = False
    human: bool = False
    depth: int | None = None


def document(audit: Audited, view: AuditView) -> Document:
    """Return an audited program's document: what it is, its totals, and then its rows."""
    data = audit_data(audit, view.depth)
    total = total_row(data["totals"])
    rows = folded(data["layers"], _says_much, every_row=view.every_row)
    shown = [_with_shares(row, total) for row in (*rows, total)]
    notes = []
    number, kinds = folded_words(rows)
    if number:
        words = f"Folded: {number} row{'s' if number > 1 else ''} without cost ({kinds}); --all shows them"
        notes.append(Text((words,), where=SCREEN))
    blocks = (
        Text(tuple(lines(audit)), style="list", hang="    "),
        Text((header_line(data),)),
        Grid(_columns(shown, data["convention"]), shown, notes=tuple(notes), shapes=True),
    )
    record = Grid(_record_columns(view.depth), [*data["layers"], total])
    return Document(data, blocks, record, view.human, listing=lambda: _listing(audit, data, shown, view.depth))


def _listing(audit: Audited, data: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], depth: int | None) -> Listing:
    from vggcost.report.shaping import block_names

    textbook = data["convention"] == TEXTBOOK.name
    counted = () if data["totals"]["macs"] is None else ("macs" if textbook else "count", "share")
    shown = _with_outputs(audit, shown)
    paper = ("name", *(("output",) if data["inputs"] else ()), "params", "share", *counted)
    names = block_names(data["layers"], channels_last=audit.reading.channels_last)
    return Listing(listed_columns(data["convention"], depth), shown, paper=paper, blocks=names)


def listed_columns(convention: str, depth: int | None = None) -> tuple[Column, ...]:
    """The columns that a reader may ask for of any program; depth as in `AuditView`."""
    headings = {"count": convention}
    kinds = {"output": "image", "weight_bytes": "bytes", "buffer_bytes": "bytes"}
    record = (
        column.replace(kind=kinds.get(column.key, column.kind), heading=headings.get(column.key, column.heading))
        for column in _record_columns(depth)
    )
    return (*record, *OUTPUT_COLUMNS, *FIELD_COLUMNS)


def _with_outputs(audit: Audited, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows with what their outputs hold, and where the program is a configuration, with what they see of it."""
    found: dict[str, Any] = {}
    reading, paper = audit.reading, audit.paper
    if paper.same and not reading.weights_alone and len(reading.inputs[0]) == 4:
        from vggcost.network.receptive_field import fields

        layers = paper.network.layers
        found = {layer.name: field for layer, field in zip(layers, fields(layers, reading.inputs[0]), strict=False)}
    each = units.dtype_bytes(reading.dtype) if reading.dtype in units.DTYPE_BYTES else None
    more = []
    for row in rows:
        count = None if row.get("output") is None else elements(tuple(row["output"]))
        size = None if count is None or each is None else tensor_bytes(count, each)
        more.append({**row, "output_elements": count, "output_bytes": size, **field_lists(found.get(row["name"]))})
    known = [row["output_elements"] for row in more if not row.get(TOTAL) and row["output_elements"] is not None]
    for row in more:
        if row.get(TOTAL) and known:
            row |= {"output_elements": sum(known), "output_bytes": each and tensor_bytes(sum(known), each)}
    return list(more)


def lines(audit: Audited) -> list[str]:
    """What the program is, what stands in its way, its totals, and how it was read, a sentence a line."""
    totals = audit.totals.__dict__
    return [
        *sentences(audit),
        totals_line(audit),
        weights_line({"totals": totals, "dtype": " and ".join(audit.reading.state.dtypes) or audit.reading.dtype}),
        *state_lines(audit.reading.state),
        *audit.reading.notes,
    ]


def _record_columns(depth: int | None) -> tuple[Column, ...]:
    return RECORD_COLUMNS if depth is None else (*RECORD_COLUMNS, OPERATIONS)


def audit_data(audit: Audited, depth: int | None = None) -> dict[str, Any]:
    """The JSON document: schema vggcost.table/1, and what the program is; a row a module where a depth is given."""
    reading, paper = audit.reading, audit.paper
    rows = [_layer(row) for row in audit.layers]
    compared = audit.compared if paper.like or audit.like is not None else None
    return {
        "schema": "vggcost.table/1",
        "network": {
            "name": reading.program,
            "title": audit.verdict,
            "options": paper.network.variant.options() if paper.same else None,
            "framework": reading.framework,
        },
        "input": None if reading.weights_alone else _list(audit.shown(reading.inputs[0])),
        "inputs": [] if reading.weights_alone else [_list(audit.shown(shape)) for shape in reading.inputs],
        "layout": "channels_last" if reading.channels_last else "channels_first",
        "dtype": reading.dtype,
        "dtypes": dict(reading.state.dtypes),
        "convention": audit.convention,
        "unit": audit.unit,
        "per": audit.counted_by.per,
        "layers": rows if depth is None else by_module(rows, depth, reading.program),
        "totals": dict(audit.totals.__dict__),
        "is": (
            {
                "letter": paper.letter,
                "variant": paper.words,
                "options": paper.network.variant.options(),
                "departures": list(paper.departures),
            }
            if paper.same
            else None
        ),
        "same_as": audit.same_as,
        "nearest": paper.letter if paper.like else None,
        "as_near": list(paper.also) if paper.like else [],
        "likeness": {"like": paper.like, "found": paper.found, "of": paper.of},
        "like": None if audit.like is None else {"name": audit.like, "same": audit.as_like},
        "differences": _differences(audit, compared),
        "cannot_run": _cannot_run(audit),
        "uncounted": uncounted(audit),
        "notes": list(reading.notes),
    }


def _differences(audit: Audited, compared: Likeness | None) -> list[dict[str, Any]]:
    """What differs: from a network file as the JSON of `vggcost check` has it, from a configuration as below."""
    if audit.held is not None:
        from vggcost.report.check import finding_data

        return [{"text": each.text, **finding_data(each)} for each in audit.held.findings]
    return [] if compared is None else [_difference(each) for each in compared.differences]


def _difference(difference: Difference) -> dict[str, Any]:
    return {**difference.__dict__, "layers": list(difference.layers), "text": difference.text}


def _layer(row: Any) -> dict[str, Any]:
    return {**row.__dict__, "input": _list(row.input), "output": _list(row.output)}


def _list(shape: Sequence[int] | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _cannot_run(audit: Audited) -> dict[str, Any] | None:
    if not audit.reading.failures:
        return None
    first, *others = audit.reading.failures
    return {**_failure(audit, first), "next": [_failure(audit, failure) for failure in others]}


def _failure(audit: Audited, failure: Failure) -> dict[str, Any]:
    return {
        "operation": failure.operation,
        "path": failure.path,
        "source": failure.source,
        "problem": failure.problem,
        "shapes": [_list(audit.shown(shape)) for shape in failure.shapes],
        "text": spoken(audit, failure),
    }


def header_line(data: Mapping[str, Any]) -> str:
    """One line that says what was read, and what every number below it means."""
    network = data["network"]
    shapes = ", ".join(units.shape_text(shape) for shape in data["inputs"])
    what = f"input {shapes} {data['dtype']}" if shapes else f"weights in {data['dtype']}"
    return f"{network['name']} ({network['framework']}); {what}; {convention_words(data)}"


def _columns(rows: Sequence[Mapping[str, Any]], convention: str) -> tuple[Column, ...]:
    """The columns that have something to say of the rows of each place, the last of which is the total."""
    named = {column.key: column for column in RECORD_COLUMNS}
    columns = [
        named["name"],
        named["kind"].replace(where=FILES),
        Column("path", "Path", leaves=5),
        Column("line", "Source", leaves=4, where=SCREEN),
        named["source"].replace(where=FILES),
        named["input"].replace(where=FILES),
        named["output"].replace(where=FILES),
        Column("image_output", "Output", "shape", leaves=2, where=SCREEN),
        named["params"],
        Column("params_share", "%", "share", leaves=3),
        named["macs"],
        named["flops"].replace(leaves=6),
        Column("macs_share", "%", "share", leaves=3),
        named["count"].replace(heading=convention),
        OPERATIONS.replace(leaves=5),
        named["note"].replace(leaves=1),
    ]
    empty = {
        SCREEN: _empty([row for row in rows if not row.get(FOLDED)], convention),
        FILES: _empty(rows, convention),
    }
    found = []
    for column in columns:
        places = [place for place in (SCREEN, FILES) if column.where in (EVERYWHERE, place)]
        filled = [place for place in places if column.key not in empty[place]]
        if filled:
            found.append(column.replace(where=EVERYWHERE if len(filled) > 1 else filled[0]))
    return tuple(found)


def _empty(rows: Sequence[Mapping[str, Any]], convention: str) -> set[str]:
    """The keys of columns that have nothing to say of these rows."""
    empty = {key for key in ("line", "source", "note", "operations") if not any(row.get(key) for row in rows)}
    empty |= {key for key in ("image_output", "input", "output", "macs", "flops") if not any(map(_said(key), rows))}
    if convention == TEXTBOOK.name:
        empty.add("count")
    if all(row.get("path") in (None, row["name"]) for row in rows):
        empty.add("path")
    if rows[-1]["macs"] is None:
        empty.add("macs_share")
    return empty


def _said(key: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a row has something under a key; 0 is something."""
    return lambda row: row.get(key) not in (None, "")


def _says_much(row: Mapping[str, Any]) -> bool:
    """Whether a row has something to say: parameters, counts, why it has none, or a smaller image behind it."""
    unknown = row["count"] is None and row["note"] != "not reached"
    return bool(row["params"] or row["macs"] or row["count"] or unknown) or pools(row)


def _line(source: str | None) -> str | None:
    """A source as a table has room for it: a file far away by its name alone; the other formats have its path."""
    if source is None or not source.startswith(("/", "\\")):
        return source
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def _with_shares(row: Mapping[str, Any], total: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "line": _line(row.get("source")),
        "image_output": per_image(row),
        "params_share": share(row["params"], total["params"]),
        "macs_share": share(row["macs"], total["macs"]),
    }
