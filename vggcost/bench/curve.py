"""A network over its batch: latency and images/s of each batch measured, the knee, and the largest that fits."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import WHOLE
from vggcost.bench.result import pass_samples
from vggcost.bench.statistics import summary
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA = "vggcost.bench-curve/1"
LEAST_BATCHES = 2
KNEE_FRACTION = 0.9
"""The knee is the smallest batch that reaches this part of the most images/s that any batch reached."""


def curves(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a curve for each network at each image size that has at least two batches in a bench result.

    Its points rise in the batch: `batch` [images], `median_ns`, `q1_ns`, `q3_ns` and `n` of the whole pass,
    `images_per_s`, and `fraction` of the most images/s. `knee` and `fastest` are batches. `largest` is the largest
    batch that was measured, `refused` the smallest one above it that was not, with its `reason`; None where none was.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for case in document["cases"]:
        groups.setdefault(_identity(case), []).append(case)
    refusals = document.get("refused") or ()
    found = [_curve(cases, refusals) for cases in groups.values()]
    return [one for one in found if len(one["points"]) >= LEAST_BATCHES]


def curve_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the curves with what they were measured on.

    Raises:
        VggcostError: no network has two batches in the result.
    """
    found = curves(document)
    if not found:
        raise VggcostError(
            "the result has no network at two batches, which a curve needs; measure several, as with --batch 1..256"
        )
    environment, settings = document["environment"], document["settings"]
    return {
        "schema": SCHEMA,
        "device": environment["device"],
        "device_name": environment["device_name"],
        "threads": environment["threads"],
        "dtype": settings["dtype"],
        "mode": settings["mode"],
        "complete": document["complete"],
        "knee_fraction": KNEE_FRACTION,
        "curves": found,
    }


def _identity(case: Mapping[str, Any]) -> str:
    network = case["network"]
    return repr((network["name"], sorted((network["options"] or {}).items(), key=str), case["input"][1:]))


def _curve(cases: Sequence[Mapping[str, Any]], refusals: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    by_batch = {case["input"][0]: case for case in cases}
    points = [_point(batch, pass_samples(by_batch[batch], WHOLE)) for batch in sorted(by_batch) if batch]
    points = [point for point in points if point["images_per_s"]]
    most = max((point["images_per_s"] for point in points), default=None)
    for point in points:
        point["fraction"] = point["images_per_s"] / most
    title = cases[0]["network"]["title"]
    largest = points[-1]["batch"] if points else None
    return {
        "network": cases[0]["network"],
        "image": list(cases[0]["input"][1:]),
        "points": points,
        "knee": next((point["batch"] for point in points if point["fraction"] >= KNEE_FRACTION), None),
        "fastest": next((point["batch"] for point in points if point["fraction"] == 1.0), None),
        "largest": largest,
        "refused": _refused(title, largest or 0, refusals),
    }


def _point(batch: int, samples_ns: Sequence[int]) -> dict[str, Any]:
    numbers = summary(samples_ns)
    middle = median(samples_ns) if samples_ns else 0
    return {
        "batch": batch,
        **{name: getattr(numbers, name) if numbers else None for name in ("median_ns", "q1_ns", "q3_ns", "n")},
        "images_per_s": batch / (middle / 1e9) if middle else None,
    }


def _refused(title: str, above: int, refusals: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the smallest batch above the largest measured one that was refused; a refusal names its case in words."""
    found = []
    for refusal in refusals:
        name, _, batch = str(refusal["case"]).rpartition(" at batch ")
        if name == title and batch.isdecimal() and int(batch) > above:
            found.append({"batch": int(batch), "reason": refusal["reason"]})
    return min(found, key=lambda one: one["batch"], default=None)
