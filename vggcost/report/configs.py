"""The networks that have a name: the document of ``vggcost configs``."""

from __future__ import annotations

from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.network.plan import Configuration

PAPER = "The paper: Simonyan & Zisserman, Very Deep Convolutional Networks ..., ICLR 2015, arXiv:1409.1556"
HINT = "A name takes any case and an ending _bn; vggcost configs NAME writes it as a file to start from"

NAME = Column("name", "Name")
COST_COLUMNS = (
    Column("aliases", "Also", leaves=1),
    Column("convolutions", "Convolutions", "count", leaves=2),
    Column("linear_layers", "Linear layers", "count", leaves=3),
    Column("params", "Parameters", "count"),
    Column("macs", "MACs", "count"),
)
ORIGIN_COLUMNS = (Column("about", "What it is"), Column("source", "Comes from"))


def document(networks: Sequence[Mapping[str, Any]], *, human: bool) -> Document:
    """Return the list; each network is a `network_data`."""
    rows = [{**network, "aliases": " ".join(network["aliases"])} for network in networks]
    in_files = tuple(column.replace(where=FILES) for column in ORIGIN_COLUMNS)
    blocks = (
        Grid((NAME, *COST_COLUMNS, *in_files), rows),
        Grid((NAME, *ORIGIN_COLUMNS), rows, where=SCREEN),
        Text((PAPER, HINT)),
    )
    data = {"schema": "vggcost.configs/1", "networks": list(networks)}
    return Document(data, blocks, Grid((NAME, *COST_COLUMNS, *ORIGIN_COLUMNS), rows), human)


def network_data(plan: Configuration, aliases: Sequence[str], counted: Table) -> dict[str, Any]:
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
