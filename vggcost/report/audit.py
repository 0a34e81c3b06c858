"""A model that was read, its rows and the sentences that say what it is: the document of ``vggcost audit``."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.rows import TEXTBOOK
from vggcost.network.layers import Conv2d, Linear
from vggcost.record import Record
from vggcost.report.costless import folded, folded_words, per_image, share
from vggcost.report.document import EVERYWHERE, FILES, FOLDED, SCREEN, Column, Document, Grid, Text, total_row
from vggcost.report.layers import convention_words, weights_line
from vggcost.report.state import state_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    from vggcost.conventions.rows import Convention
    from vggcost.programs.identify import Likeness
    from vggcost.programs.reading import Failure, Operation, ProgramReading

    class Audited(Protocol):
        """What is shown of an audit; `vggcost.results.audit.Audit` is one."""

        reading: ProgramReading
        counted_by: Convention
        convention: str
        unit: str
        like: str | None
        paper: Likeness
        compared: Likeness
        same_as: str | None

        @property
        def verdict(self) -> str:
            """What the program is, in a few words."""

        @property
        def layers(self) -> Sequence[Any]:
            """A row an operation, whose fields are the keys of the JSON."""

        @property
        def totals(self) -> Any:
            """The sums of the rows, under the same keys."""

        @property
        def uncounted(self) -> Sequence[Operation]:
            """The operations that there is no formula for."""

        def shown(self, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
            """A shape in the program's own layout."""


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

WEIGHTS_ALONE = "MACs not known"
"""What the totals of a file of weights that is no configuration do not have."""

SHOWN_DIFFERENCES, FURTHER = 20, 5
"""How many differences, and how many failures behind the first, are shown in words."""


class AuditView(Record):
    """What a reader asked to see: every row, also those that cost nothing; counts with SI prefixes."""

    every_row: bool = False
    human: bool = False


def document(audit: Audited, view: AuditView) -> Document:
    """Return an audited program's document."""
    data = audit_data(audit)
    total = total_row(data["totals"])
    rows = folded(data["layers"], _costs, every_row=view.every_row)
    shown = [_with_shares(row, total) for row in (*rows, total)]
    notes = [Text((weights_line(data),))]
    number, kinds = folded_words(rows)
    if number:
        words = f"Folded: {number} row{'s' if number > 1 else ''} without cost ({kinds}); --all shows them"
        notes.append(Text((words,), where=SCREEN))
    blocks = (
        Text((header_line(data),)),
        Grid(_columns(shown, data["convention"]), shown, notes=tuple(notes)),
        Text(tuple(sentences(audit)), style="list"),
    )
    return Document(data, blocks, Grid(RECORD_COLUMNS, [*data["layers"], total]), view.human)


def audit_data(audit: Audited) -> dict[str, Any]:
    """The JSON document: schema vggcost.table/1, and what the program is."""
    reading, paper = audit.reading, audit.paper
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
        "layers": [_layer(row) for row in audit.layers],
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
        "nearest": paper.letter,
        "like": None if audit.like is None else {"name": audit.like, "same": audit.compared.same},
        "differences": [{**difference.__dict__, "text": difference.text} for difference in audit.compared.differences],
        "cannot_run": _cannot_run(audit),
        "uncounted": _uncounted(audit),
        "notes": list(reading.notes),
    }


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
        "text": _spoken(audit, failure),
    }


def _uncounted(audit: Audited) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for operation in audit.uncounted:
        group = groups.setdefault(operation.layer.kind, {"operation": operation.layer.kind, "count": 0, "shapes": []})
        group["count"] += 1
        shape = _list(audit.shown(operation.input))
        if shape not in group["shapes"]:
            group["shapes"].append(shape)
    return list(groups.values())


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
        Column("path", "Path", leaves=3),
        Column("line", "Source", leaves=2, where=SCREEN),
        named["source"].replace(where=FILES),
        named["input"].replace(where=FILES),
        named["output"].replace(where=FILES),
        Column("image_output", "Output", "shape", where=SCREEN),
        named["params"],
        Column("params_share", "%", "number"),
        named["macs"],
        named["flops"].replace(leaves=4),
        Column("macs_share", "%", "number"),
        named["count"].replace(heading=convention),
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
    empty = {key for key in ("line", "source", "note") if not any(row.get(key) for row in rows)}
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


def _costs(row: Mapping[str, Any]) -> bool:
    """Whether a row has something to say: parameters, counts, or why it has none."""
    return bool(row["params"] or row["macs"] or row["count"] or (row["count"] is None and row["note"] != "not reached"))


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
        "params_share": units.percent(row["params"], total["params"]),
        "macs_share": share(row["macs"], total["macs"]),
    }


def sentences(audit: Audited) -> list[str]:
    """What the program is and what stands in its way, a sentence a line."""
    return [
        *_failure_lines(audit),
        *_identity_lines(audit),
        *_uncounted_lines(audit),
        *state_lines(audit.reading.state),
        *audit.reading.notes,
    ]


def _failure_lines(audit: Audited) -> list[str]:
    if not audit.reading.failures:
        return []
    first, *others = audit.reading.failures
    lines = [f"It cannot run: {_spoken(audit, first)}"]
    lines += [f"  behind it, {_spoken(audit, failure)}" for failure in others[:FURTHER]]
    return lines


def _spoken(audit: Audited, failure: Failure) -> str:
    """The failure as a sentence: ``fc6 (classifier.0, vgg.py:31) takes 25,088 features and gets 32,768``."""
    path = failure.path
    named = audit.paper.names.get(failure.position) if isinstance(failure.subject, Conv2d | Linear) else None
    if named and audit.paper.same:
        subject, inside = named, [path] if path and path != named else []
    elif isinstance(failure.subject, Conv2d | Linear) and path:
        subject, inside = path, []
    else:
        article = "" if failure.operation == "forward" else "the "
        subject, inside = f"{article}{failure.operation}", [path] if path else []
    if failure.source:
        inside.append(failure.source)
    where = f" ({', '.join(inside)})" if inside else ""
    return f"{subject}{where} {failure.problem}"


def _identity_lines(audit: Audited) -> list[str]:
    paper, compared = audit.paper, audit.compared
    convs = sum(isinstance(operation.layer, Conv2d) for operation in audit.reading.operations)
    linears = sum(isinstance(operation.layer, Linear) for operation in audit.reading.operations)
    lines = [f"{units.counted(convs, 'convolution')} and {units.counted(linears, 'linear layer')}"]
    if paper.same:
        lines.append(f"It is {paper.title}")
        if paper.departures:
            lines.append(f"  beside that: {'; '.join(paper.departures)}")
    else:
        twin = f" (it is the packaged network {audit.same_as})" if audit.same_as else ""
        lines.append(f"It is no VGG of the paper{twin}")
    if audit.like is not None:
        words = (
            "the same" if compared.same else f"not the same, {units.counted(len(compared.differences), 'difference')}"
        )
        lines.append(f"Compared with {compared.title}: {words}")
    elif not paper.same:
        number = units.counted(len(paper.differences), "difference")
        if not paper.close:
            lines[-1] = f"It is not like any VGG of the paper{twin}"
            return lines
        lines.append(f"The nearest is {paper.title}, with {number}:")
    shown = compared.differences[:SHOWN_DIFFERENCES]
    lines += [f"  {difference.text}" for difference in shown]
    if len(shown) < len(compared.differences):
        lines.append(f"  and {len(compared.differences) - len(shown)} more; --format json has all")
    return lines


def _uncounted_lines(audit: Audited) -> list[str]:
    lines = []
    unknown: dict[str, int] = {}
    for row in audit.layers:
        if row.count is None and row.macs is not None:
            unknown[row.kind] = unknown.get(row.kind, 0) + 1
    if unknown:
        what = ", ".join(f"{number} {kind}" for kind, number in unknown.items())
        lines.append(f"{audit.convention} has no total here: what it counts of {what} is not known")
    return lines + [
        f"Not counted, for there is no formula: {entry['count']} x {entry['operation']}"
        f" on {', '.join(units.shape_text(shape) for shape in entry['shapes'])}"
        for entry in _uncounted(audit)
    ]
