"""The networks that have a name, as a person or a program wants them."""

from __future__ import annotations

from vggcost.report.grid import Column, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.network.plan import Configuration

PAPER = "The paper: Simonyan & Zisserman, Very Deep Convolutional Networks ..., ICLR 2015, arXiv:1409.1556"
HINT = "A name takes any case and an ending _bn; vggcost configs NAME writes it as a file to start from"

COST_COLUMNS = (
    Column("name", "Name"),
    Column("aliases", "Also"),
    Column("convolutions", "Convolutions", "count"),
    Column("linear_layers", "Linear layers", "count"),
    Column("params", "Parameters", "count"),
    Column("macs", "MACs", "count"),
)
ORIGIN_COLUMNS = (Column("about", "What it is"), Column("source", "Comes from"))


def document(plan: Configuration, aliases: Sequence[str], counted: Table) -> dict[str, Any]:
    """One network as plain values; parameters and MACs are those of its own variant at its own size, batch 1."""
    kinds = [row.kind for row in counted.rows]
    return {
        "name": plan.name,
        "aliases": list(aliases),
        "about": plan.about,
        "source": plan.source,
        "input": list(counted.input),
        "convolutions": kinds.count("Conv2d"),
        "linear_layers": kinds.count("Linear"),
        "params": counted.params,
        "macs": counted.macs,
    }


def rendered(documents: Sequence[Mapping[str, Any]], fmt: str, *, human: bool = False) -> str:
    """Return the list in one of the formats that --format names."""
    if fmt == "json":
        import json

        return json.dumps({"schema": "vggcost.configs/1", "networks": list(documents)}, indent=2) + "\n"
    rows = [{**row, "aliases": " ".join(row["aliases"])} for row in documents]
    if fmt == "table":
        costs = grid(COST_COLUMNS, rows, fmt, human=human)
        return f"{costs}\n{grid((COST_COLUMNS[0], *ORIGIN_COLUMNS), rows, fmt)}\n{PAPER}\n{HINT}\n"
    return grid((*COST_COLUMNS, *ORIGIN_COLUMNS), rows, fmt, human=human)
