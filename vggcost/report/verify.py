"""What others count beside our numbers: both sides of every check, and each residual."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.counting import difference
from vggcost.conventions.rows import NAMES, convention
from vggcost.frameworks.outcome import MODULE, OUTPUT_SHAPE, PARAMETERS, TOTAL
from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.frameworks.outcome import Check, Installed, ToolOutcome

_SUMMARY = (
    Column("tool", "Tool"),
    Column("quantity", "Quantity"),
    Column("runs", "Runs", "count"),
    Column("checks", "Checks", "count"),
    Column("differing", "Differ", "count"),
)
_SIDES = (
    Column("quantity", "Quantity"),
    Column("network", "Network"),
    Column("input", "Input", "shape"),
    Column("layer", "Layer"),
    Column("ours", "vggcost", "number"),
    Column("theirs", "theirs", "number"),
    Column("residual", "residual", "count"),
)
_WIDE = (
    Column("label", "Layer"),
    Column("ours_parameters", "Parameters", "count"),
    Column("theirs_parameters", "module", "count"),
    Column("macs", "MACs", "count"),
)
_RESIDUAL = Column("residual", "residual", "count")

_NAMED = 20
"""Differing numbers that the screen lists."""


def document(outcomes: Sequence[ToolOutcome], *, every_layer: bool) -> Document:
    """Return the document of what came of a verification; CSV and JSON have every check.

    Where the module itself was asked, a network is a row a layer and several networks are a row each, with a column for
    each tool; otherwise each tool has a row. What differs is listed; every_layer lists every check.
    """
    every = [one for outcome in outcomes for one in outcome.checks]
    shown = every if every_layer else [one for one in every if one.differs]
    tables = _tables(outcomes)
    blocks: list[Text | Grid] = []
    beyond: tuple[str, ...] = ()
    if any(outcome.name == MODULE for outcome in outcomes) and not every_layer:
        blocks += [Text((_header_line(tables),)), _wide(outcomes, tables)]
        beyond = tuple(_beyond_macs(outcomes, tables))
    else:
        if any(outcome.installed for outcome in outcomes):
            blocks.append(Grid(_SUMMARY, list(_summary_rows(outcomes))))
        if len(tables) == 1 and not every_layer:
            shown = [*(one for one in every if one.layer == TOTAL and not one.differs), *shown]
    blocks += _sides([_row(one) for one in shown], every_layer=every_layer)
    if beyond:
        blocks.append(Text(beyond, style="list"))
    blocks.append(Text(tuple(notes_of(outcomes)), style="list"))
    return Document(_data(outcomes), tuple(blocks), Grid(_SIDES, [_row(one, plain=True) for one in every]))


def _sides(rows: list[dict[str, Any]], *, every_layer: bool) -> Iterator[Text | Grid]:
    """Both sides of some checks; the screen has the first of many."""
    if not rows:
        return
    if every_layer or len(rows) <= _NAMED:
        yield Grid(_SIDES, rows)
        return
    yield Grid(_SIDES, rows[:_NAMED], where=SCREEN)
    yield Text((f"{len(rows) - _NAMED} more numbers differ; --format csv lists all",), where=SCREEN)
    yield Grid(_SIDES, rows, where=FILES)


def notes_of(outcomes: Sequence[ToolOutcome]) -> Iterator[str]:
    """Yield what must be said of single tools, and the verdict."""
    skipped = [outcome.name for outcome in outcomes if outcome.installed is None]
    for outcome in outcomes:
        found = outcome.installed
        if found and outcome.crash:
            yield f"{found.title} crashed {outcome.crash}"
        if found and not found.proven:
            yield f"{found.title} is not the release that its convention was read from ({found.known_words}): unproven"
    if skipped:
        yield f"skipped, not installed: {', '.join(skipped)} (pip install 'vggcost[peers]')"
    checks = sum(len(outcome.checks) for outcome in outcomes)
    totals = sum(one.layer == TOTAL for outcome in outcomes for one in outcome.checks)
    differing = sum(len(outcome.differing) for outcome in outcomes)
    crashed = sum(outcome.crash is not None for outcome in outcomes)
    verdict = "nothing ran" if not checks else f"{differing:,} differ" if differing else "every residual is 0"
    crash_words = f"; {units.counted(crashed, 'tool')} crashed" if crashed else ""
    networks = units.counted(len(_tables(outcomes)), "network")
    yield f"{checks:,} checks, {totals:,} of them totals, on {networks}: {verdict}{crash_words}"


def _tables(outcomes: Sequence[ToolOutcome]) -> list[Table]:
    """Every network at every input, each once; a network at two inputs counts twice."""
    found = {id(one.table): one.table for outcome in outcomes for one in outcome.checks}
    return list(found.values())


def _header_line(tables: Sequence[Table]) -> str:
    shape = units.shape_text(tables[0].input)
    if len(tables) == 1:
        return f"{tables[0].network.heading}; input {shape}"
    return f"{len(tables)} networks; input of the first {shape}; totals (--layers shows every layer)"


def _wide(outcomes: Sequence[ToolOutcome], tables: Sequence[Table]) -> Grid:
    """A row a layer that costs anything, or a row a network; a column for each tool."""
    counted = _conventions(outcomes)
    tools = [Column(name, f"{name} [{convention(name).unit}]", "count") for name in counted]
    found: dict[tuple[int, str], dict[str, Check]] = {}
    for outcome in outcomes:
        for one in outcome.checks:
            found.setdefault((id(one.table), one.layer), {})[one.quantity] = one
    rows = []
    if len(tables) == 1:
        (table,) = tables
        macs = {**{row.name: row.macs for row in table.rows}, TOTAL: table.macs}
        for (_, layer), checks in sorted(found.items(), key=lambda item: item[0][1] == TOTAL):
            row = _wide_row(layer, macs[layer], checks)
            if any(row.get(name) for name in ("ours_parameters", "theirs_parameters", "macs", *counted)):
                rows.append(row)
        first = _WIDE[0]
    else:
        rows = [_wide_row(table.network.short_name, table.macs, found[id(table), TOTAL]) for table in tables]
        first = _WIDE[0].replace(heading="Network")
    return Grid((first, *_WIDE[1:], *tools, _RESIDUAL), rows)


def _wide_row(label: str, macs: int, checks: dict[str, Check]) -> dict[str, Any]:
    """All checks of a layer, or of a network's totals, in one row; its residual is the largest of theirs."""
    parameters = checks[PARAMETERS]
    residuals = [one.residual for one in checks.values() if one.residual is not None]
    return {
        "label": label,
        "ours_parameters": parameters.ours,
        "theirs_parameters": parameters.theirs,
        "macs": macs,
        **{name: one.theirs for name, one in checks.items()},
        "residual": max(residuals, key=abs),
    }


def _conventions(outcomes: Sequence[ToolOutcome]) -> list[str]:
    """The conventions by which anything was counted, in the order of the tools."""
    return list(dict.fromkeys(one.quantity for outcome in outcomes for one in outcome.checks if one.quantity in NAMES))


def _beyond_macs(outcomes: Sequence[ToolOutcome], tables: Sequence[Table]) -> Iterator[str]:
    """What each tool counts beside MACs by its convention, so that its own total is no riddle."""
    for name in _conventions(outcomes):
        parts = [part for table in tables for part in difference(convention(name), table)]
        if parts and len(tables) == 1:
            yield f"{name} = MACs {' '.join(part.text for part in parts)}"
        elif parts:
            words = dict.fromkeys(f"{'-' if part.times < 0 else '+'} {part.words}" for part in parts)
            yield f"{name} = MACs {' '.join(words)}"


def _summary_rows(outcomes: Sequence[ToolOutcome]) -> Iterator[dict[str, Any]]:
    for outcome in outcomes:
        if outcome.installed is not None:
            title = MODULE if outcome.name == MODULE else outcome.installed.title
            yield from ({"tool": title, **tally} for tally in _tallies(outcome))


def _tallies(outcome: ToolOutcome) -> list[dict[str, Any]]:
    """How many checks each quantity had, and how many differed."""
    own: dict[str, list[Check]] = {}
    for one in outcome.checks:
        own.setdefault(one.quantity, []).append(one)
    return [
        {
            "quantity": quantity,
            "runs": sum(one.layer == TOTAL for one in checks),
            "checks": len(checks),
            "differing": sum(one.differs for one in checks),
        }
        for quantity, checks in own.items()
    ]


def _row(one: Check, *, plain: bool = False) -> dict[str, Any]:
    return {
        "quantity": one.quantity,
        "network": one.table.network.short_name,
        "input": one.table.input,
        "layer": one.layer,
        "ours": _side(one.ours, one.quantity, plain),
        "theirs": _side(one.theirs, one.quantity, plain),
        "residual": one.residual,
    }


def _side(value: Any, quantity: str, plain: bool) -> str | None:
    if quantity == OUTPUT_SHAPE:
        return "nothing ran" if value is None else units.shape_text(value)
    if value is None:
        return None
    return str(value) if plain else units.exact(value)


def tool_data(name: str, found: Installed | None, crash: str | None) -> dict[str, Any]:
    """What a document says of one tool: what is installed of it, whether that is a known release, how it ran."""
    return {
        "name": name,
        "distribution": found.distribution if found else None,
        "release": found.release if found else None,
        "known_release": found.known_words if found else None,
        "proven": found.proven if found else None,
        "status": "not installed" if found is None else "crashed" if crash else "ran",
        "crash": crash,
    }


def _data(outcomes: Sequence[ToolOutcome]) -> dict[str, Any]:
    tools = [
        {**tool_data(outcome.name, outcome.installed, outcome.crash), "quantities": _tallies(outcome)}
        for outcome in outcomes
    ]
    networks = [_network(table, outcomes) for table in _tables(outcomes)]
    return {
        "schema": "vggcost.verify/2",
        "tools": tools,
        "networks": networks,
        "differing": sum(network["differing"] for network in networks),
    }


def _network(table: Table, outcomes: Sequence[ToolOutcome]) -> dict[str, Any]:
    """One network at one input, with all its checks."""
    checks = [one for outcome in outcomes for one in outcome.checks if one.table is table]
    return {
        "network": table.network.identity(),
        "input": list(table.input),
        "checks": [
            {
                "layer": one.layer,
                "quantity": one.quantity,
                "ours": one.ours,
                "theirs": one.theirs,
                "residual": one.residual,
            }
            for one in checks
        ],
        "differing": sum(one.differs for one in checks),
    }
