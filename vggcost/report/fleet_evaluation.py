"""The model of a fleet against published runs: what ``vggcost fleet --evaluate`` shows."""

from __future__ import annotations

from vggcost.report.document import Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vggcost.fleet.evaluation import Evaluation, Judged
    from vggcost.fleet.model import Constants


def document(found: Evaluation) -> Document:
    """Return the document of an evaluation, a row a run."""
    rows = [_data(each) for each in found.judged]
    data = {
        "schema": "vggcost.fleet_evaluation/1",
        "runs": rows,
        "errors": {
            "median": found.median,
            "mean": found.mean,
            "worst": found.errors[-1],
            "median_over_networks": found.median_over_networks,
            "all_but_two": found.band,
        },
        "constants": _constants(found.constants),
        "constants_without": {lab: _constants(each) for lab, each in found.without.items()},
    }
    record = Grid(tuple(Column(key, key) for key in rows[0]), rows)
    return Document(data, lambda: tuple(_blocks(found)), record)


def _constants(each: Constants) -> dict[str, float]:
    return {name: getattr(each, name) for name in ("local", "tcp", "rdma", "latency_s", "straggling")}


def _data(each: Judged) -> dict[str, Any]:
    run = each.run
    return {
        "lab": run.lab,
        "source": run.source,
        "device": run.device,
        "gpus": run.gpus,
        "batch": run.batch,
        "transport": run.link.transport,
        "bytes_per_s": run.link.bytes_per_s,
        "efficiency": run.efficiency,
        "held_out": each.held_out,
        "error": each.error,
        "fitted": each.fitted,
    }


def _blocks(found: Evaluation) -> Iterator[Text | Grid]:
    yield Text((f"Efficiency of {len(found.judged)} published runs of VGG-16; the model without the run's laboratory",))
    columns = (
        Column("lab", "Laboratory"),
        Column("device", "GPU"),
        Column("gpus", "GPUs", "number"),
        Column("batch", "Batch", "number"),
        Column("link", "Line", "number"),
        Column("efficiency", "Published", "number"),
        Column("held_out", "Held out", "number"),
        Column("error", "Error %", "number"),
        Column("fitted", "Fitted", "number"),
    )
    rows = [
        {
            **_data(each),
            "gpus": str(each.run.gpus),
            "link": f"{each.run.link.bytes_per_s / 1e9:.4g} GB/s {each.run.link.transport}",
            "efficiency": f"{each.run.efficiency:.3f}",
            "held_out": f"{each.held_out:.3f}",
            "error": f"{100 * each.error:+.1f}",
            "fitted": f"{each.fitted:.3f}",
        }
        for each in found.judged
    ]
    yield Grid(columns, rows)
    yield Text(
        (
            (
                f"Median error {found.median:.1%}, mean {found.mean:.1%}, worst {found.errors[-1]:.1%};"
                f" median over a network {found.median_over_networks:.1%}; all but two within {found.band:.1%}."
            ),
            "Fitted: three shares of lines, a latency and what the slowest GPU costs: five constants, and few runs.",
            "Without Uber's runs nothing is left to learn RDMA from: the whole line is assumed then.",
            "Assumed: a P100's NVLink at 20 GB/s and a V100's at 25 GB/s; Amazon's batch (32) and one GPU's speed.",
        )
    )
