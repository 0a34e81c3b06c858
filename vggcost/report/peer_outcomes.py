"""What the other counters said beside our numbers: a row a convention, the numbers of both sides, each residual."""

from __future__ import annotations

from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.frameworks.peers.running import ToolComparison, ToolOutcome

_SUMMARY = (
    Column("tool", "Tool"),
    Column("convention", "Convention"),
    Column("runs", "Runs", "count"),
    Column("comparisons", "Comparisons", "count"),
    Column("differing", "Differ", "count"),
)
_SIDES = (
    Column("convention", "Convention"),
    Column("network", "Network"),
    Column("input", "Input", "shape"),
    Column("layer", "Layer"),
    Column("ours", "vggcost", "count"),
    Column("theirs", "tool", "count"),
    Column("residual", "residual", "count"),
)

_NAMED = 20
"""Differing numbers that the screen lists."""


def document(outcomes: Sequence[ToolOutcome], *, every_layer: bool) -> Document:
    """Return the document of what the tools said; CSV and JSON have every number.

    A single network's totals are shown from both sides, several networks only where they differ; every_layer shows
    every number.
    """
    every = [one for outcome in outcomes for one in outcome.comparisons]
    single = len({(one.table.network, one.table.input) for one in every}) == 1
    shown = every if every_layer else [one for one in every if one.differs or (single and one.layer == "total")]
    rows = [_row(one) for one in shown]
    blocks: list[Text | Grid] = []
    if any(outcome.installed for outcome in outcomes):
        blocks.append(Grid(_SUMMARY, list(_summary_rows(outcomes))))
    if rows and (every_layer or len(rows) <= _NAMED):
        blocks.append(Grid(_SIDES, rows))
    elif rows:
        blocks.append(Grid(_SIDES, rows[:_NAMED], where=SCREEN))
        blocks.append(Text((f"{len(rows) - _NAMED} more numbers differ; --format csv lists all",), where=SCREEN))
        blocks.append(Grid(_SIDES, rows, where=FILES))
    blocks.append(Text(tuple(notes_of(outcomes)), style="list"))
    return Document(_data(outcomes), tuple(blocks), Grid(_SIDES, [_row(one) for one in every]))


def notes_of(outcomes: Sequence[ToolOutcome]) -> Iterator[str]:
    """Yield what must be said of single tools, and the verdict."""
    skipped = [outcome.name for outcome in outcomes if outcome.installed is None]
    for outcome in outcomes:
        found = outcome.installed
        if found and outcome.crash:
            yield f"{found.title} crashed {outcome.crash}"
        if found and not found.proven:
            yield f"{found.title} is not the release that its convention was read from ({found.known}): unproven"
    if skipped:
        yield f"skipped, not installed: {', '.join(skipped)} (pip install 'vggcost[peers]')"
    comparisons = sum(len(outcome.comparisons) for outcome in outcomes)
    totals = sum(one.layer == "total" for outcome in outcomes for one in outcome.comparisons)
    differing = sum(len(outcome.differing) for outcome in outcomes)
    crashed = sum(outcome.crash is not None for outcome in outcomes)
    verdict = "nothing ran" if not comparisons else f"{differing:,} differ" if differing else "every residual is 0"
    crash_words = f"; {crashed} tool{'' if crashed == 1 else 's'} crashed" if crashed else ""
    yield f"{comparisons:,} comparisons, {totals:,} of them totals: {verdict}{crash_words}"


def _summary_rows(outcomes: Sequence[ToolOutcome]) -> Iterator[dict[str, Any]]:
    for outcome in outcomes:
        if outcome.installed is None:
            continue
        for name in dict.fromkeys(one.convention for one in outcome.comparisons):
            yield {"tool": outcome.installed.title, **_tally(name, outcome.comparisons)}


def _tally(name: str, comparisons: Sequence[ToolComparison]) -> dict[str, Any]:
    own = [one for one in comparisons if one.convention == name]
    return {
        "convention": name,
        "runs": sum(one.layer == "total" for one in own),
        "comparisons": len(own),
        "differing": sum(one.differs for one in own),
    }


def _row(one: ToolComparison) -> dict[str, Any]:
    return {
        "convention": one.convention,
        "network": one.table.network.short_name,
        "input": one.table.input,
        "layer": one.layer,
        "ours": one.ours,
        "theirs": one.theirs,
        "residual": one.residual,
    }


def _data(outcomes: Sequence[ToolOutcome]) -> dict[str, Any]:
    tools = []
    for outcome in outcomes:
        found = outcome.installed
        names = dict.fromkeys(one.convention for one in outcome.comparisons)
        tools.append(
            {
                "name": outcome.name,
                "distribution": found.distribution if found else None,
                "release": found.release if found else None,
                "known_release": found.known if found else None,
                "proven": found.proven if found else None,
                "status": "not installed" if found is None else "crashed" if outcome.crash else "ran",
                "crash": outcome.crash,
                "conventions": [_tally(name, outcome.comparisons) for name in names],
            }
        )
    every = [one for outcome in outcomes for one in outcome.comparisons]
    return {
        "schema": "vggcost.against/1",
        "tools": tools,
        "comparisons": [{**_row(one), "input": list(one.table.input)} for one in every],
        "differing": sum(one.differs for one in every),
    }
