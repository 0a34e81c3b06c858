"""What ``vggcost check`` found: the lines that a reviewer reads, and the document for the formats."""

from __future__ import annotations

from vggcost import units
from vggcost.lock.findings import shown, signed
from vggcost.lock.outcome import FAILS, NOT_LOCKED
from vggcost.report.document import Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.lock.budgets import Headroom
    from vggcost.lock.findings import Finding
    from vggcost.lock.outcome import Outcome, Told
    from vggcost.lock.pairing import Change

SCHEMA = "vggcost.check/1"

SUMS = {"params": "parameters", "macs": "MACs"}
"""The sums that stand in a line of their own, and their words there."""

_COLUMNS = (
    Column("entry", "Entry"),
    Column("text", "What is other than it was locked", fills=True),
    Column("params", "Parameters", "count", where="files"),
    Column("macs", "MACs", "count", where="files"),
    Column("place", "Where", where="files"),
)


_ENTRY_COLUMNS = (Column("entry", "Entry"), Column("target", "Target"), Column("status", "Status"))


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each thing that is other than it was locked, behind its entry's name; none where all is well.

    ``resnet_vgg: conv4_3 added: + 2,359,808 parameters, + 1,849,688,064 MACs``
    """
    found = []
    for outcome in outcomes:
        for told in outcome.told:
            first, *more = told.lines
            place = f" [{told.place.file}:{told.place.line}]" if told.place is not None else ""
            found.append(f"{outcome.name}: {first}{place}")
            found += [f"{outcome.name}:   {line}" for line in more]
        found += [f"{outcome.name}: {line}" for line in sum_lines(outcome.totals)]
        if outcome.told:
            found += [f"{outcome.name}: {each.text}" for each in outcome.headrooms if each.held]
    return found


def sum_lines(totals: Sequence[Change]) -> Iterator[str]:
    """Yield the sums that are others: ``in all 138,357,544 -> 138,353,320 parameters (- 4,224)``."""
    parts = []
    for change in totals:
        word = SUMS.get(change.setting)
        if word is None:
            continue
        shift = ""
        if change.before is not None and change.after is not None:
            shift = f" ({signed(change.after - change.before)})"
        parts.append(f"{shown(change.before)} -> {shown(change.after)} {word}{shift}")
    if parts:
        yield f"in all {', '.join(parts)}"


def verdict(outcomes: Sequence[Outcome]) -> str:
    """Return the whole in one line."""
    bad = [outcome.name for outcome in outcomes if not outcome.held]
    number = units.counted(len(outcomes), "entry").replace("entrys", "entries")
    if not bad:
        return f"{number} as locked"
    return f"{len(bad)} of {number} not as locked: {', '.join(bad)}"


def document(outcomes: Sequence[Outcome], lock: str) -> Document:
    """Return the document of a check; lock is the file's path."""
    rows = [_row(outcome, told) for outcome in outcomes for told in outcome.told]
    entries = [{"entry": each.name, "target": each.target, "status": word_of(each)} for each in outcomes]
    blocks: list[Text | Grid] = [Text((verdict(outcomes),)), Grid(_ENTRY_COLUMNS, entries)]
    if rows:
        blocks.append(Grid(_COLUMNS, rows))
    sums = [f"{each.name}: {line}" for each in outcomes for line in sum_lines(each.totals)]
    rooms = [f"{each.name}: {room.text}" for each in outcomes for room in each.headrooms]
    if sums or rooms:
        blocks.append(Text((*sums, *rooms), "list"))
    return Document(data(outcomes, lock), tuple(blocks), Grid(_COLUMNS, rows))


def data(outcomes: Sequence[Outcome], lock: str) -> dict[str, Any]:
    """Return the JSON document: schema vggcost.check/1."""
    return {
        "schema": SCHEMA,
        "lock": lock,
        "same": all(outcome.held for outcome in outcomes),
        "entries": [
            {
                "name": outcome.name,
                "target": outcome.target,
                "status": outcome.status,
                "held": outcome.held,
                "findings": [_told_data(told) for told in outcome.told],
                "totals": {change.setting: _both(change) for change in outcome.totals},
                "budgets": [_room_data(room) for room in outcome.headrooms],
            }
            for outcome in outcomes
        ],
    }


def _row(outcome: Outcome, told: Told) -> dict[str, Any]:
    finding = told.finding
    return {
        "entry": outcome.name,
        "text": "; ".join(told.lines),
        "params": None if finding is None else finding.params,
        "macs": None if finding is None else finding.macs,
        "place": f"{told.place.file}:{told.place.line}" if told.place is not None else None,
    }


def _told_data(told: Told) -> dict[str, Any]:
    finding = told.finding
    place = None if told.place is None else {"file": told.place.file, "line": told.place.line}
    head = {"rule": told.sort, "text": told.text, "place": place}
    if finding is None:
        return head
    return {**head, **finding_data(finding)}


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return a difference from what is written down, as JSON has it."""
    return {
        "change": finding.change,
        "layers": list(finding.layers),
        "kind": finding.kind or None,
        "changes": {change.setting: _both(change) for change in finding.changes},
        "params": finding.params,
        "macs": finding.macs,
        "beside": list(finding.beside),
        "behind": list(finding.behind),
        "params_behind": finding.params_behind,
        "macs_behind": finding.macs_behind,
    }


def _both(change: Change) -> dict[str, Any]:
    return {"before": change.before, "after": change.after}


def _room_data(room: Headroom) -> dict[str, Any]:
    return {"budget": room.budget, "limit": room.limit, "value": room.value, "headroom": room.left, "held": room.held}


def word_of(outcome: Outcome) -> str:
    """Return what became of an entry, in words."""
    if outcome.held:
        return "as locked"
    return {FAILS: "cannot run", NOT_LOCKED: "not in the lock"}.get(outcome.status, "not as locked")
