"""What a bench would do: the document of ``vggcost bench --plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.report.document import Column, Document, Grid, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = (
    Column("title", "Network"),
    Column("input", "Input", "shape"),
    Column("in_use_bytes_estimated", "Memory [B]", "bytes"),
    Column("peak", "about", "number"),
    Column("fits", "Fits"),
    Column("at_most_s", "At most [s]", "number"),
)
NOT_COUNTED = (
    "Memory: an estimate of one forward, or one training step; workspaces, the device's context and the allocator's"
    " rounding come on top. Time: the budget and the sustained pass; imports, ceilings, building and compiling come on"
    " top."
)


def document(plan: Mapping[str, Any]) -> Document:
    """Return the document of a plan."""
    rows = [_row(case) for case in plan["cases"]]
    processes = "" if plan["processes"] == 1 else f", each in {plan['processes']} processes"
    free = "" if plan["free_bytes"] is None else f"; {units.human_bytes(plan['free_bytes'])} are free"
    head = f"{units.counted(len(rows), 'case')}{processes} on {plan['device']} in {plan['dtype']}{free}"
    sums = f"At most {plan['at_most_s']:g} s in all; nothing was measured."
    record = (COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[4], COLUMNS[5])
    return Document(dict(plan), (Text((head,)), Grid(COLUMNS, rows), Text((NOT_COUNTED, sums))), Grid(record, rows))


def _row(case: Mapping[str, Any]) -> dict[str, Any]:
    peak = case["in_use_bytes_estimated"]
    return {
        **case,
        "title": case["network"]["title"],
        "peak": None if peak is None else units.human_bytes(peak),
        "fits": {True: "yes", False: "no", None: None}[case["fits"]],
        "at_most_s": f"{case['at_most_s']:g}",
    }
