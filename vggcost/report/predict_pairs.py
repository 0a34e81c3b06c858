"""How far forecasts from one measurement are off: the table of pairs in ``vggcost predict --evaluate``."""

from __future__ import annotations

from vggcost.report.document import Column, Grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

RELATIONS: Mapping[str, str] = {
    "same batch": "another network, same batch, 8 and more",
    "same batch below 8": "another network, same batch, below 8",
    "between two batches": "between two batches, 8 and more",
    "other batch": "another batch, both 8 and more",
    "other batch below 8": "another batch, one below 8",
}
"""The relations of what is forecast to what was measured, and what people are shown."""

GROUPS: Mapping[str, str] = {
    "all": "all cards",
    "fp32": "- float32",
    "tf32": "- tf32",
    "tensor-eager": "- half, tensor cores, eager",
    "tensor-compiled": "- half, tensor cores, compiled",
    "tensor-fused": "- half, tensor cores, as TensorRT",
    "vector-half": "- half, cores",
    "amd": "- AMD",
    "cpu": "one CPU, by its layers",
    "cpu, whole": "one CPU, timed whole",
}

LEGEND = (
    "Pairs of rows of one card, source, class, mode, dtype, framework and layout; each is forecast from the other. In"
    " 80%: the share of pairs that the interval holds. A CPU's are the nine cases of benchmarks/predict/cpu.py."
)


def grid(data: Mapping[str, Any]) -> Grid:
    """Return the table of the pairs of rows."""
    rows = []
    for relation, words in RELATIONS.items():
        for group, name in GROUPS.items():
            score = data["pairs"].get(relation, {}).get(group)
            if score is None:
                continue
            flops = data["pairs_flop_ratio"].get(relation, {}) if group == "all" else {}
            rows.append(
                {
                    "what": words if group == "all" else name,
                    "pairs": f"{score['rows']:,}",
                    "cards": f"{score['devices']}",
                    "median": _percent(score["median"]),
                    "p90": _percent(score["p90"]),
                    "covered": _percent(score["coverage80"]),
                    "flops": _percent(flops["median"]) if flops else "",
                }
            )
    heads = {"pairs": "Pairs", "cards": "Cards", "median": "Median %", "p90": "p90 %", "covered": "In 80%"}
    columns = (
        Column("what", "From one measurement"),
        *(Column(key, head, "number") for key, head in heads.items()),
        Column("flops", "FLOPs alone %", "number"),
    )
    return Grid(columns, rows, title="One measurement of a machine, and what it forecasts there", legend=LEGEND)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"
