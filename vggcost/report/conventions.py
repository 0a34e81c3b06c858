"""One network under every convention, and one convention with its rule for every kind: ``vggcost conventions``."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.convention import DEFINITION, LIVE, RECORDED, WAYS
from vggcost.conventions.counting import KINDS, Part, difference, rule_text, tally
from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Listing, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol

    from vggcost.conventions.convention import Convention
    from vggcost.conventions.seen import Seen
    from vggcost.costs.table import Table

    class Counted(Protocol):
        """A program counted by a convention; `vggcost.results.audit.Audit` is one."""

        counted_by: Convention

        @property
        def layers(self) -> Sequence[Any]:
            """A row an operation."""

        @property
        def totals(self) -> Any:
            """The sums of the rows."""

        @property
        def seen(self) -> Seen:
            """What the convention's tool counts, or why it is not known."""

        def to_dict(self) -> dict[str, Any]:
            """The JSON document."""


PROOFS = {
    LIVE: "run live by vggcost verify --against all",
    RECORDED: "held by totals recorded from its release",
    DEFINITION: "a formula, which needs no tool",
}
"""What holds a convention, in words."""

NO_DIFFERENCE = "nothing but the textbook's MACs"

_COLUMNS = (
    Column("name", "Convention"),
    Column("tool", "Tool", where=FILES),
    Column("release", "Release", where=FILES),
    Column("unit", "Unit", leaves=1),
    Column("per", "Per", where=FILES),
    Column("total", "Total", "count"),
    Column("signed", "To mac", "number", leaves=2, where=SCREEN),
    Column("difference", "Difference to mac", "count", where=FILES),
    Column("proof", "Proof", where=FILES),
    Column("words", "The difference in words", where=FILES, fills=True),
    Column("pieces", "The difference in words", where=SCREEN, fills=True),
)
_RECORD_COLUMNS = tuple(column for column in _COLUMNS if column.where != SCREEN)
LISTED_COLUMNS = tuple(column.replace(sums=False) for column in _RECORD_COLUMNS)
"""The columns that a reader may ask for."""

_RULE_COLUMNS = (Column("kind", "Layer kind"), Column("rule", "Counts", fills=True))


def convention_rows(conventions: Sequence[Convention], counted: Table) -> list[dict[str, Any]]:
    """Return a row a convention: total, difference to the textbook, the same in parts and in words.

    Where a tool gives no total, total and difference are None and the words say why.
    """
    rows = []
    for one in conventions:
        tallied = tally(one, counted)
        parts = difference(one, counted)
        words = tallied.reason or " ".join(part.text for part in parts) or NO_DIFFERENCE
        rows.append(_row(one, tallied.total, counted.macs, words, parts))
    return rows


def program_rows(audits: Sequence[Counted]) -> list[dict[str, Any]]:
    """Return a row for each convention that one program was counted by, its difference in parts by kind of layer."""
    rows = []
    for audit in audits:
        parts = _kind_parts(audit)
        words = _unknown(audit) or " ".join(part.text for part in parts) or NO_DIFFERENCE
        rows.append(_row(audit.counted_by, audit.totals.count, audit.totals.macs, words, parts))
    return rows


def _kind_parts(audit: Counted) -> list[Part]:
    """What a convention counts more or less than multiply-accumulates; none where it has no total."""
    kinds: dict[str, int] = {}
    for row in audit.layers:
        kinds[row.kind] = kinds.get(row.kind, 0) + (row.count or 0) - (row.macs or 0)
    if audit.totals.count is None:
        return []
    return [Part(1, amount, f"of {kind}") for kind, amount in kinds.items() if amount]


def _unknown(audit: Counted) -> str:
    """Why a program has no total under a convention; an empty text where it has one."""
    if audit.totals.count is not None:
        return ""
    return audit.seen.reason or audit.totals.note or "the program cannot run"


def _row(one: Convention, total: int | None, macs: int | None, words: str, parts: Sequence[Part]) -> dict[str, Any]:
    return {
        "name": one.name,
        "tool": one.tool,
        "release": one.release,
        "unit": one.unit,
        "called": one.called,
        "per": one.per,
        "proof": one.proof,
        "total": total,
        "difference": None if total is None or macs is None else total - macs,
        "words": words,
        "parts": [{"amount": part.amount, "times": part.times, "of": part.of, "words": part.words} for part in parts],
        "source": one.source,
        "remark": one.remark,
    }


def document(conventions: Sequence[Convention], counted: Table, *, human: bool, brief: bool = False) -> Document:
    """Return one network under each convention; brief without what is so of every network (see `remarks`)."""
    rows = convention_rows(conventions, counted)
    network = counted.network.identity()
    return _document(rows, network, counted.input, counted.macs, _header_line(counted), human, brief)


def program_document(audits: Sequence[Counted], *, human: bool, brief: bool = False) -> Document:
    """Return one program under each convention that it was counted by; brief as of `document`."""
    audit = audits[0]
    data = audit.to_dict()
    macs = audit.totals.macs
    head = "cannot run" if macs is None else f"{macs:,} MACs by the textbook, 1 MAC = 2 FLOP"
    header = (
        f"{data['network']['name']} ({data['network']['framework']}); input {units.shape_text(data['input'])}; {head}"
    )
    return _document(program_rows(audits), data["network"], data["input"], macs, header, human, brief)


def _document(
    rows: list[dict[str, Any]],
    network: Mapping[str, Any],
    shape: Sequence[int],
    macs: int | None,
    header: str,
    human: bool,
    brief: bool,
) -> Document:
    shown = [{**row, "signed": _signed(row["difference"], human), "pieces": _pieces(row["words"])} for row in rows]
    data = {
        "schema": "vggcost.conventions/1",
        "network": dict(network),
        "input": list(shape),
        "macs": macs,
        "conventions": rows,
    }
    blocks = (
        Text((header,), style="head"),
        Grid(_COLUMNS, shown, notes=(Text(_notes(rows, brief), style="list"),), shapes=True),
    )
    listing = Listing(
        LISTED_COLUMNS,
        shown,
        paper=("name", "unit", "total", "difference", "words"),
        under="conventions",
    )
    return Document(data, blocks, Grid(_RECORD_COLUMNS, rows), human, listing=lambda: listing)


def one_document(one: Convention, row: Mapping[str, Any], table: Document) -> Document:
    """Return a convention's source and its rule for every layer kind, above the document of its layer table.

    row is the convention's of `convention_rows` or `program_rows`. JSON has the table as a part of its data, CSV is
    the table alone.
    """
    by_kind = {kind: rule_text(one, kind) for kind in KINDS}
    seen = {"sees": list(one.sees), "shared": one.shared, "releases": list(one.releases)}
    data = {"schema": "vggcost.convention/1", **row, **seen, "rules": by_kind, "table": dict(table.data)}
    rules = [{"kind": kind, "rule": rule} for kind, rule in by_kind.items()]
    return table.replace(
        data=data, blocks=(Text(_about(one), style="list"), Grid(_RULE_COLUMNS, rules), *table.every_block())
    )


def _about(one: Convention) -> tuple[str, ...]:
    per = {
        "batch": "one forward call of the whole batch",
        "image": "one image: a batch is averaged",
        "mixed": "in part one image and in part the whole batch (N)",
    }
    unit = "MACs and single operations added up" if one.unit == "mixed" else one.unit
    lines = [
        f"{one.name}: {one.title}",
        f"Unit: {unit}" + (f", which it calls {one.called}" if one.called != one.unit else ""),
        f"Its total is for {per[one.per]}",
        f"Source: {one.source}",
        f"Proof: {PROOFS[one.proof]}",
    ]
    lines += [f"Of a program it sees {WAYS[way]}" for way in one.sees]
    if one.shared:
        times = "k" if one.shared == 1 else f"k^{one.shared}"
        lines.append(f"A call of a module that k others hold is counted {times} times")
    if len(one.releases) > 1:
        lines.append(f"Releases known to count so: {', '.join(one.releases)}")
    return (*lines, f"Note: {one.remark}") if one.remark else tuple(lines)


def _header_line(counted: Table) -> str:
    return (
        f"VGG {counted.network.title}, {counted.network.variant.classes} classes;"
        f" input {units.shape_text(counted.input)}; {counted.macs:,} MACs by the textbook, 1 MAC = 2 FLOP"
    )


def _notes(rows: Sequence[Mapping[str, Any]], brief: bool) -> tuple[str, ...]:
    totals = {row["total"] for row in rows if row["total"] is not None}
    head = f"{len(rows)} conventions, {len(totals)} different totals; mixed: MACs and single operations added up"
    how = "--of NAME shows one convention's rule for each layer kind, its source and its layer table"
    return (head,) if brief else (head, how, *_remarks(rows))


def _remarks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What holds each convention, and what is to be known of one."""
    lines = [f"{words}: {_names_held_by(proof, rows)}" for proof, words in PROOFS.items()]
    return [*lines, *(f"{row['name']}: {row['remark']}" for row in rows if row["remark"])]


def _names_held_by(proof: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(row["name"] for row in rows if row["proof"] == proof)


def remarks_document(conventions: Sequence[Convention]) -> Document:
    """Return what is so of the conventions whatever is counted: what holds each, and what is to be known of one."""
    rows = [{"name": one.name, "proof": one.proof, "remark": one.remark} for one in conventions]
    columns = (Column("name", "Convention"), Column("proof", "Proof"), Column("remark", "Remark"))
    return Document({"conventions": rows}, (Text(tuple(_remarks(rows)), style="list"),), Grid(columns, rows))


def _signed(value: int | None, human: bool) -> str:
    if value is None:
        return ""
    text = units.human(abs(value)) if human else units.exact(abs(value))
    return f"{'-' if value < 0 else '+'}{text}" if value else "0"


def _pieces(words: str) -> str:
    """A line a part, so that a number keeps its name."""
    return words.replace(" + ", "\n+ ").replace(" - ", "\n- ")
