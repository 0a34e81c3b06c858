"""What training multiplies, as ``vggcost memory --training`` shows it."""

from __future__ import annotations

from vggcost import units
from vggcost.report.document import FILES, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vggcost.costs.training import Training

NAMES = {
    "forward": "Forward",
    "input_gradient": "Input gradient",
    "weight_gradient": "Weight gradient",
    "recomputed": "Run again",
    "backward": "Backward",
    "step": "Step",
}
ON_THE_SCREEN = {"forward": 7, "backward": 8}
"""Which leave the screen in which order where it is too narrow; the others stand in files alone."""

COLUMNS = tuple(
    Column(f"{key}_{unit}s", f"{name} [{unit.upper()}]", "count", leaves=ON_THE_SCREEN[key])
    if unit == "flop" and key in ON_THE_SCREEN
    else Column(f"{key}_{unit}s", f"{name} [{unit.upper()}]", "count", where=FILES)
    for unit in ("mac", "flop")
    for key, name in NAMES.items()
)
UNITS = ("macs", "flops")


def grouped(data: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON document: the MACs of a row or of the totals under one key, its FLOPs under another."""
    return {**data, "layers": [grouped_row(row) for row in data["layers"]], "totals": grouped_row(data["totals"])}


def grouped_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of it, or the totals."""
    groups: dict[str, dict[str, Any]] = {unit: {} for unit in UNITS}
    others = {}
    for key, value in row.items():
        name, _, unit = key.rpartition("_")
        if unit in groups:
            groups[unit][name] = value
        else:
            others[key] = value
    known = {unit: any(value is not None for value in group.values()) for unit, group in groups.items()}
    return {**others, **{unit: group if known[unit] else None for unit, group in groups.items() if group}}


def cost_lines(totals: Mapping[str, Any], training: Training) -> list[str]:
    """What a step multiplies and for what, and where images are given an epoch and all of them."""
    words = {
        "forward": "forward",
        "input_gradient": "gradients of inputs",
        "weight_gradient": "gradients of weights",
        "recomputed": "forward again",
    }
    if totals.get("input_gradient_flops") is None:
        words = {"forward": "forward", "backward": "backward"}
    parts = [f"{name} {units.exact(number)}" for key, name in words.items() if (number := totals[f"{key}_flops"])]
    passes = f"; a pass of {training.accumulate}" if training.accumulate > 1 else ""
    lines = [f"A step is {units.exact(totals['step_flops'])} FLOP{passes}: {', '.join(parts)}."]
    if training.images is not None:
        epoch, run = (totals[f"{key}_flops"] for key in ("epoch", "run"))
        images = "1 image" if training.images == 1 else f"{training.images:,} images"
        line = f"An epoch of {images} is {units.exact(epoch)} FLOP ({units.human(epoch)})"
        if training.epochs > 1:
            line += f"; {training.epochs:,} epochs are {units.exact(run)} ({units.human(run)})"
        lines.append(f"{line}.")
    return lines
