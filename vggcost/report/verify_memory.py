"""A network's memory beside what torch holds: each quantity from both sides, and by what it was held."""

from __future__ import annotations

from vggcost import units
from vggcost.frameworks.memory_outcome import HeldProgram
from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.frameworks.memory_outcome import MemoryCheck

COLUMNS = (
    Column("network", "Network", leaves=1),
    Column("input", "Input", "shape", leaves=1),
    Column("quantity", "Quantity"),
    Column("step", "Step"),
    Column("ours", "vggcost", "count"),
    Column("theirs", "theirs", "count"),
    Column("difference", "difference", "count"),
    Column("status", "Status", where=FILES),
    Column("held_by", "Held by"),
)
_OF_ANY_STEP = tuple(column for column in COLUMNS[2:] if column.key != "step")
_OF_A_STEP = COLUMNS[2:]
_SUMMARY = (
    Column("network", "Network"),
    Column("input", "Input", "shape"),
    Column("checks", "Checks", "count"),
    Column("differing", "Differ", "count"),
    Column("not_run", "Not run", "count"),
)


def document(checks: Sequence[MemoryCheck], dtype: str, held_by: Mapping[str, str]) -> Document:
    """Return the document of what came of holding memory against torch.

    One network is a row a quantity; several are a row each with what differs behind them, and the files have every
    row. held_by says how each tool was run.
    """
    rows = [_row(one) for one in checks]
    tables = _tables(checks)
    blocks: list[Text | Grid] = [Text((_header(tables, dtype),), style="head")]
    if len(tables) == 1:
        grids = (
            (_OF_ANY_STEP, [row for row in rows if not row["step"]]),
            (_OF_A_STEP, [row for row in rows if row["step"]]),
        )
        blocks += [Grid(columns, own) for columns, own in grids if own]
    else:
        blocks.append(Grid(_SUMMARY, [_tally(table, checks) for table in tables]))
        differing = [_row(one) for one in checks if one.differs]
        if differing:
            blocks.append(Grid(COLUMNS, differing, where=SCREEN))
        blocks.append(Grid(COLUMNS, rows, where=FILES))
    blocks.append(Text(tuple(_notes(checks, held_by)), style="list"))
    return Document(
        _data(checks, tables, dtype, held_by), tuple(blocks), Grid((*COLUMNS, Column("note", "Note")), rows)
    )


def _tables(checks: Sequence[MemoryCheck]) -> list[Table | HeldProgram]:
    return list({id(one.table): one.table for one in checks}.values())


def _header(tables: Sequence[Table | HeldProgram], dtype: str) -> str:
    shape = units.shape_text(tables[0].input)
    if len(tables) == 1:
        return f"{tables[0].network.heading}; input {shape} {dtype}; memory beside torch's, bytes and FLOP"
    return f"{len(tables)} networks; input of the first {shape} {dtype}; memory beside torch's, bytes and FLOP"


def _row(one: MemoryCheck) -> dict[str, Any]:
    return {
        "network": one.table.network.short_name,
        "input": one.table.input,
        "quantity": one.quantity,
        "step": one.step,
        "held_by": one.held_by,
        "ours": one.ours,
        "theirs": one.theirs,
        "difference": one.difference,
        "status": one.status,
        "at_most": one.at_most,
        "note": one.note,
    }


def _tally(table: Table | HeldProgram, checks: Sequence[MemoryCheck]) -> dict[str, Any]:
    own = [one for one in checks if one.table is table]
    return {
        "network": table.network.short_name,
        "input": table.input,
        "checks": sum(one.ran for one in own),
        "differing": sum(one.differs for one in own),
        "not_run": sum(not one.ran for one in own),
    }


def _notes(checks: Sequence[MemoryCheck], held_by: Mapping[str, str]) -> Iterator[str]:
    """How each tool was run, what was corrected or could not run, each once, and the verdict."""
    tools = dict.fromkeys(one.held_by for one in checks)
    yield from (f"{name}: {held_by[name]}" for name in tools)
    for what in dict.fromkeys((one.status, one.held_by, one.quantity, one.note) for one in checks if one.note):
        status, name, quantity, note = what
        yield f"{name} {status}: {note}" if status in ("not run", "crashed") else f"{quantity} by {name}: {note}"
    ran = [one for one in checks if one.ran]
    differing, left = sum(one.differs for one in checks), len(checks) - len(ran)
    within = sum(one.status == "within" for one in checks)
    verdict = "nothing ran" if not ran else f"{differing:,} differ" if differing else "every difference is 0"
    if within and not differing:
        verdict += f", but {within:,} within their bounds"
    verdict += f"; {left:,} not run" if left else ""
    held = "program" if any(isinstance(one.table, HeldProgram) for one in checks) else "network"
    yield f"{units.counted(len(ran), 'check')} on {units.counted(len(_tables(checks)), held)}: {verdict}"


def _data(
    checks: Sequence[MemoryCheck], tables: Sequence[Table | HeldProgram], dtype: str, held_by: Mapping[str, str]
) -> dict[str, Any]:
    networks = [
        {
            "network": table.network.identity(),
            "input": list(table.input),
            "dtype": dtype,
            "checks": [
                {key: value for key, value in _row(one).items() if key not in ("network", "input")}
                for one in checks
                if one.table is table
            ],
            "differing": sum(one.differs for one in checks if one.table is table),
        }
        for table in tables
    ]
    return {
        "schema": "vggcost.verify-memory/1",
        "tools": dict(held_by),
        "networks": networks,
        "differing": sum(one.differs for one in checks),
    }
