"""Both sides of every check, and the residual by its name."""

from __future__ import annotations

from vggcost import units
from vggcost.report.document import EVERYWHERE, FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.frameworks.pytorch.checks import Check, Verification

_COLUMNS = (
    Column("layer", "Layer"),
    Column("quantity", "Quantity"),
    Column("ours", "vggcost", "number"),
    Column("theirs", "module", "number"),
    Column("residual", "residual", "count"),
)


_COMPACT = (
    Column("label", "Layer"),
    Column("ours_parameters", "Parameters", "count"),
    Column("theirs_parameters", "module", "count"),
    Column("ours_macs", "MACs", "count"),
    Column("theirs_macs", "fvcore", "count"),
    Column("theirs_flops", "torch [FLOP]", "count"),
    Column("residual", "residual", "count"),
)
"""A row a layer or a network: both sides of the parameters and MACs, torch's FLOPs, and the largest residual."""


def document(results: Sequence[Verification], *, every_layer: bool) -> Document:
    """Return the document of all verifications.

    On the screen one network is shown by its layers, several by their totals, and each check that differs by itself;
    with every_layer, and in files, each check of each layer is.
    """
    every = tuple(_every_check(results, EVERYWHERE if every_layer else FILES))
    compact = () if every_layer else tuple(_compact(results))
    blocks = (*compact, *every, Text((summary_line(results),)))
    columns = (Column("network", "Network"), *_COLUMNS)
    rows = [
        {"network": result.table.network.short_name, **_row(check, plain=True)}
        for result in results
        for check in result.checks
    ]
    return Document(_data(results), blocks, Grid(columns, rows))


def _every_check(results: Sequence[Verification], where: str) -> Iterator[Text | Grid]:
    for result in results:
        yield Text((_header_line(result),), where=where)
        yield Grid(_COLUMNS, [_row(check) for check in result.checks], where=where)
        yield Text(_verdict(result), where=where)


def _compact(results: Sequence[Verification]) -> Iterator[Text | Grid]:
    if len(results) == 1:
        (result,) = results
        head = _header_line(result)
        costly = [row.name for row in result.table.rows if row.params or row.macs]
        rows = [_compact_row(result, layer, layer) for layer in (*costly, "total")]
        columns = _COMPACT
    else:
        shape = units.shape_text(results[0].table.input)
        head = f"{len(results)} networks; input of the first {shape}; totals (--layers shows every layer)"
        rows = [_compact_row(result, "total", result.table.network.short_name) for result in results]
        columns = (_COMPACT[0].replace(heading="Network"), *_COMPACT[1:])
    yield Text((head,), where=SCREEN)
    yield Grid(columns, rows, where=SCREEN)
    for result in results:
        if result.differing:
            yield Text((f"{result.table.network.title} differs in",), where=SCREEN)
            yield Grid(_COLUMNS, [_row(check) for check in result.differing], where=SCREEN)
    if len(results) == 1:
        for line in _beyond_macs(results[0]):
            yield Text((line,), where=SCREEN)


def _compact_row(result: Verification, layer: str, label: str) -> dict[str, Any]:
    """A layer's checks in one row; its residual is the largest of theirs, the shape's among them."""
    checks = {check.quantity: check for check in result.checks if check.layer == layer}
    params, macs = checks["parameters"], checks["MACs by fvcore"]
    return {
        "label": label,
        "ours_parameters": params.ours,
        "theirs_parameters": params.theirs,
        "ours_macs": macs.ours,
        "theirs_macs": macs.theirs,
        "theirs_flops": checks["FLOPs by torch"].theirs,
        "residual": max((check.residual for check in checks.values()), key=abs),
    }


def summary_line(results: Sequence[Verification]) -> str:
    """How many checks ran, and how many differed."""
    checks = sum(len(result.checks) for result in results)
    differing = sum(len(result.differing) for result in results)
    networks = "1 network" if len(results) == 1 else f"{len(results)} networks"
    what = f"{checks:,} checks of parameters, output shapes, MACs and FLOPs on {networks}"
    return f"{what}: {'every residual is 0' if not differing else f'{differing} differ'}"


def _header_line(result: Verification) -> str:
    table = result.table
    return f"{table.network.heading}; input {units.shape_text(table.input)}"


def _verdict(result: Verification) -> tuple[str, ...]:
    layers = len({check.layer for check in result.checks}) - 1
    count = f"{len(result.checks)} checks on {layers} layers and the total, {len(result.differing)} differ"
    return (count, *_beyond_macs(result))


def _beyond_macs(result: Verification) -> list[str]:
    """What fvcore counts that is no multiply-accumulate, so that its own total is no riddle."""
    words = ", ".join(f"{units.exact(count)} in {name}" for name, count in result.fvcore_extras.items())
    return [f"fvcore counts beyond MACs: {words}"] if words else []


def _row(check: Check, *, plain: bool = False) -> dict[str, Any]:
    return {
        "layer": check.layer,
        "quantity": check.quantity,
        "ours": _side(check.ours, plain),
        "theirs": _side(check.theirs, plain),
        "residual": check.residual,
    }


def _side(value: Any, plain: bool) -> str:
    if value is None:
        return "nothing ran"
    if isinstance(value, tuple):
        return units.shape_text(value)
    return str(value) if plain else units.exact(value)


def _data(results: Sequence[Verification]) -> dict[str, Any]:
    return {
        "schema": "vggcost.verify/1",
        "networks": [
            {
                "network": result.table.network.identity(),
                "input": list(result.table.input),
                "checks": [
                    {
                        "layer": check.layer,
                        "quantity": check.quantity,
                        "ours": check.ours,
                        "theirs": check.theirs,
                        "residual": check.residual,
                    }
                    for check in result.checks
                ],
                "differing": len(result.differing),
            }
            for result in results
        ],
    }
