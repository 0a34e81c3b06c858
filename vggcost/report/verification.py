"""Both sides of every check, and the residual by its name."""

from __future__ import annotations

from vggcost import units
from vggcost.report.grid import Column, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vggcost.frameworks.torch_checks import Check, Verification

_COLUMNS = (
    Column("layer", "Layer"),
    Column("quantity", "Quantity"),
    Column("ours", "vggcost", "number"),
    Column("theirs", "module", "number"),
    Column("residual", "residual", "count"),
)


def verification_text(results: Sequence[Verification], fmt: str, *, every_layer: bool) -> str:
    """Return all verifications in a format of `vggcost.report.grid`, or as JSON.

    Without every_layer the screen shows the totals and each check that differs.
    """
    if fmt == "json":
        return _json(results)
    if fmt == "csv":
        named = [
            {"network": result.table.network.short_name, **_row(check, plain=True)}
            for result in results
            for check in result.checks
        ]
        return grid((Column("network", "Network"), *_COLUMNS), named, fmt)
    blocks = []
    for result in results:
        head = _header_line(result)
        shown = [c for c in result.checks if every_layer or c.layer == "total" or c.residual]
        body = grid(_COLUMNS, [_row(check) for check in shown], fmt)
        blocks.append(f"% {head}\n{body}" if fmt == "latex" else f"{head}\n\n{body}\n{_verdict(result)}\n")
    return "\n".join(blocks)


def summary_line(results: Sequence[Verification]) -> str:
    """How many checks ran, and how many differed."""
    checks = sum(len(result.checks) for result in results)
    differing = sum(len(result.differing) for result in results)
    what = f"{checks} checks on {len(results)} network{'' if len(results) == 1 else 's'}"
    return f"{what}: {'every residual is 0' if not differing else f'{differing} differ'}\n"


def _header_line(result: Verification) -> str:
    table = result.table
    return f"{table.network.heading}; input {units.shape_text(table.input)}"


def _verdict(result: Verification) -> str:
    layers = len({check.layer for check in result.checks}) - 1
    lines = [f"{len(result.checks)} checks on {layers} layers and the total, {len(result.differing)} differ"]
    if result.fvcore_extras:
        words = ", ".join(f"{units.exact(count)} in {name}" for name, count in result.fvcore_extras.items())
        lines.append(f"fvcore counts beyond MACs: {words}")
    return "\n".join(lines)


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


def _json(results: Sequence[Verification]) -> str:
    import json

    document = {
        "schema": "vggcost.verify/1",
        "networks": [
            {
                "network": {
                    "name": result.table.network.name,
                    "title": result.table.network.title,
                    "options": result.table.network.variant.options(),
                },
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
    return json.dumps(document, indent=2) + "\n"
