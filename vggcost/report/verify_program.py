"""What others print for a program beside our counts: both sides, each residual, and what explains it."""

from __future__ import annotations

from vggcost import units
from vggcost.report.document import Column, Document, Grid, Text
from vggcost.report.verify import tool_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.frameworks.peers.programs import ProgramCheck, ProgramOutcome
    from vggcost.programs.reading import ProgramReading

_COLUMNS = (
    Column("tool", "Tool"),
    Column("quantity", "Quantity"),
    Column("ours", "vggcost", "count"),
    Column("theirs", "theirs", "count"),
    Column("residual", "residual", "count"),
    Column("reason", "Reason"),
)


def document(outcomes: Sequence[ProgramOutcome], reading: ProgramReading) -> Document:
    """Return the document of what came of running tools on a program; the CSV has the rows of the screen."""
    rows = [_row(outcome, one) for outcome in outcomes for one in outcome.checks]
    shape = ", ".join(units.shape_text(shape) for shape in reading.inputs)
    blocks: list[Text | Grid] = [Text((f"{reading.program} ({reading.framework}); input {shape}",))]
    if rows:
        blocks.append(Grid(_COLUMNS, rows))
    blocks.append(Text(tuple(_notes(outcomes)), style="list"))
    return Document(_data(outcomes, reading), tuple(blocks), Grid(_COLUMNS, rows))


def _row(outcome: ProgramOutcome, one: ProgramCheck) -> dict[str, Any]:
    return {
        "tool": outcome.name,
        "quantity": one.quantity,
        "ours": one.ours,
        "theirs": one.theirs,
        "residual": one.residual,
        "reason": one.reason,
    }


def _notes(outcomes: Sequence[ProgramOutcome]) -> Iterator[str]:
    """What must be said of single tools, and the verdict."""
    for outcome in outcomes:
        found = outcome.installed
        if found and outcome.crash:
            yield f"{found.title} crashed {outcome.crash}"
        if found and not found.proven:
            yield f"{found.title} is not the release that its convention was read from ({found.known_words}): unproven"
    skipped = [outcome.name for outcome in outcomes if outcome.installed is None]
    if skipped:
        yield f"skipped, not installed: {', '.join(skipped)} (pip install 'vggcost[peers]')"
    checks = [one for outcome in outcomes if not outcome.crash for one in outcome.checks]
    differing = sum(one.differs for one in checks)
    crashed = sum(outcome.crash is not None for outcome in outcomes)
    verdict = "nothing ran" if not checks else f"{differing:,} differ" if differing else "every residual is 0"
    crash_words = f"; {units.counted(crashed, 'tool')} crashed" if crashed else ""
    yield f"{units.counted(len(checks), 'check')}: {verdict}{crash_words}"


def _data(outcomes: Sequence[ProgramOutcome], reading: ProgramReading) -> dict[str, Any]:
    tools = [
        {
            **tool_data(outcome.name, outcome.installed, outcome.crash),
            "checks": [
                {key: value for key, value in _row(outcome, one).items() if key != "tool"} for one in outcome.checks
            ],
        }
        for outcome in outcomes
    ]
    return {
        "schema": "vggcost.verify/2",
        "program": reading.program,
        "framework": reading.framework,
        "inputs": [list(shape) for shape in reading.inputs],
        "tools": tools,
        "differing": sum(one.differs for outcome in outcomes if not outcome.crash for one in outcome.checks),
    }
