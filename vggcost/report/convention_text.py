"""One network under every convention, and one convention with its rule for every layer kind."""

from __future__ import annotations

import textwrap

from vggcost import units
from vggcost.conventions.counting import KINDS, difference, rule_text, tally
from vggcost.conventions.rows import DEFINITION, LIVE, RECORDED
from vggcost.report.grid import LINE_COLUMNS, Column, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.conventions.rows import Convention
    from vggcost.costs.table import Table

LEAST_WORDS_COLUMNS = 36
"""The words' column is no narrower than this, however long the numbers are."""

PROOFS = {
    LIVE: "run live by vggcost verify --against all",
    RECORDED: "held by totals recorded from its release",
    DEFINITION: "a formula, which needs no tool",
}
"""What holds a convention, in words."""

NO_DIFFERENCE = "nothing but the textbook's MACs"

_COLUMNS = (
    Column("name", "Convention"),
    Column("tool", "Tool"),
    Column("release", "Release"),
    Column("unit", "Unit"),
    Column("per", "Per"),
    Column("total", "Total", "count"),
    Column("difference", "Difference to mac", "count"),
    Column("proof", "Proof"),
    Column("words", "The difference in words"),
)
_SCREEN_COLUMNS = (
    Column("name", "Convention"),
    Column("unit", "Unit"),
    Column("total", "Total", "count"),
    Column("signed", "To mac", "number"),
    Column("words", "The difference in words"),
)
_RULE_COLUMNS = (Column("kind", "Layer kind"), Column("rule", "Counts"))


def convention_rows(conventions: Sequence[Convention], counted: Table) -> list[dict[str, Any]]:
    """Return a row a convention: total, difference to the textbook, the same in parts and in words.

    Where a tool gives no total, total and difference are None and the words say why.
    """
    rows = []
    for one in conventions:
        tallied = tally(one, counted)
        parts = difference(one, counted)
        rows.append(
            {
                "name": one.name,
                "tool": one.tool,
                "release": one.release,
                "unit": one.unit,
                "called": one.called,
                "per": one.per,
                "proof": one.proof,
                "total": tallied.total,
                "difference": None if tallied.total is None else tallied.total - counted.macs,
                "words": tallied.reason or " ".join(part.text for part in parts) or NO_DIFFERENCE,
                "parts": [
                    {"amount": part.amount, "times": part.times, "of": part.of, "words": part.words} for part in parts
                ],
                "source": one.source,
                "remark": one.remark,
            }
        )
    return rows


def conventions_text(conventions: Sequence[Convention], counted: Table, fmt: str, *, human: bool = False) -> str:
    """Return one network under each convention, in a format of `vggcost.report.grid` or as JSON."""
    rows = convention_rows(conventions, counted)
    if fmt == "json":
        return _json({"schema": "vggcost.conventions/1", **_network(counted), "conventions": rows})
    if fmt == "csv":
        return grid(_COLUMNS, rows, fmt)
    head = _header_line(counted)
    if fmt == "latex":
        return f"% {head}\n{grid(_COLUMNS, rows, fmt, human=human)}"
    if fmt == "markdown":
        return f"{head}\n\n{grid(_COLUMNS, rows, fmt, human=human)}"
    return f"{head}\n\n{_screen_grid(rows, human=human)}\n{_notes(rows)}"


def convention_text(one: Convention, counted: Table, layer_table: str, fmt: str) -> str:
    """Return a convention's source and its rule for every layer kind, above its layer table in the same format.

    JSON has the table as a part of its document, CSV is the table alone.
    """
    if fmt == "csv":
        return layer_table
    if fmt == "json":
        import json

        (row,) = convention_rows((one,), counted)
        by_kind = {kind: rule_text(one, kind) for kind in KINDS}
        return _json({"schema": "vggcost.convention/1", **row, "rules": by_kind, "table": json.loads(layer_table)})
    rules = [{"kind": kind, "rule": rule_text(one, kind)} for kind in KINDS]
    about = "\n".join(textwrap.fill(line, LINE_COLUMNS, subsequent_indent="  ") for line in _about(one))
    if fmt == "markdown":
        about = "\n".join(f"- {line}" for line in _about(one))
    elif fmt == "latex":
        about = "\n".join(f"% {line}" for line in about.splitlines())
    if fmt == "table":
        width = LINE_COLUMNS - 2 - max(len(row["kind"]) for row in rules)
        rules = [
            {**row, "rule": textwrap.fill(row["rule"], width, subsequent_indent="  ", break_on_hyphens=False)}
            for row in rules
        ]
    return f"{about}\n\n{grid(_RULE_COLUMNS, rules, fmt)}\n{layer_table}"


def _about(one: Convention) -> list[str]:
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
    return [*lines, f"Note: {one.remark}"] if one.remark else lines


def _header_line(counted: Table) -> str:
    return (
        f"VGG {counted.network.title}, {counted.network.variant.classes} classes;"
        f" input {units.shape_text(counted.input)}; {counted.macs:,} MACs by the textbook, 1 MAC = 2 FLOP"
    )


def _notes(rows: Sequence[Mapping[str, Any]]) -> str:
    totals = {row["total"] for row in rows if row["total"] is not None}
    lines = [
        f"{len(rows)} conventions, {len(totals)} different totals; mixed: MACs and single operations added up",
        "--of NAME shows one convention's rule for each layer kind, its source and its layer table",
    ]
    for proof, words in PROOFS.items():
        lines.append(f"{words}: {', '.join(row['name'] for row in rows if row['proof'] == proof)}")
    lines += [f"{row['name']}: {row['remark']}" for row in rows if row["remark"]]
    return "".join(f"{textwrap.fill(line, LINE_COLUMNS, subsequent_indent='  ')}\n" for line in lines)


def _screen_grid(rows: Sequence[Mapping[str, Any]], *, human: bool) -> str:
    """The table on the screen, whose words are wrapped into what the numbers leave of its width."""
    signed = [{**row, "signed": _signed(row["difference"], human)} for row in rows]
    numbers = grid(_SCREEN_COLUMNS[:-1], signed, "table", human=human)
    width = max(LEAST_WORDS_COLUMNS, LINE_COLUMNS - 2 - max(map(len, numbers.splitlines())))
    said = zip(signed, _said_once(rows, width), strict=True)
    return grid(
        _SCREEN_COLUMNS, [{**row, "words": _wrapped(words, width)} for row, words in said], "table", human=human
    )


def _said_once(rows: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    """Yield the words of each row, or whose they are where another has had the same long ones."""
    first: dict[str, str] = {}
    for row in rows:
        words = row["words"]
        said_by = first.setdefault(words, row["name"])
        yield words if said_by == row["name"] or len(words) <= width else f"as {said_by}"


def _signed(value: int | None, human: bool) -> str:
    if value is None:
        return ""
    text = units.human(abs(value)) if human else units.exact(abs(value))
    return f"{'-' if value < 0 else '+'}{text}" if value else "0"


def _wrapped(words: str, width: int) -> str:
    """Break between parts where it can be, so that a number keeps its name."""
    pieces = words.replace(" + ", "\n+ ").replace(" - ", "\n- ").split("\n")
    return "\n".join(textwrap.fill(piece, width, subsequent_indent="  ", break_on_hyphens=False) for piece in pieces)


def _network(counted: Table) -> dict[str, Any]:
    network = counted.network
    return {
        "network": {"name": network.name, "title": network.title, "options": network.variant.options()},
        "input": list(counted.input),
        "macs": counted.macs,
    }


def _json(document: Mapping[str, Any]) -> str:
    import json

    return json.dumps(document, indent=2) + "\n"
