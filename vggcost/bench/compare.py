"""Two bench results side by side: for each pass and layer the ratio, its interval, and the word that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.protocol import GRAPH, LAYERS, WHOLE
from vggcost.bench.result import pass_samples
from vggcost.bench.statistics import CONFIDENCE, UNDECIDED, compare, summary
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Document = Mapping[str, Any]

SCHEMA = "vggcost.bench-compare/1"

MUST_AGREE = ("dtype", "mode", "compile", "backward", "channels_last")
"""Settings without which a ratio compares two different things."""

WORTH_SAYING = (
    *("device_name", "cpu", "threads", "torch", "cuda", "cudnn", "cudnn_benchmark", "cudnn_allow_tf32"),
    *("matmul_allow_tf32", "cpu_capability", "python", "platform"),
)
"""Parts of the environment whose change may be the cause."""


def comparison(old: Document, new: Document, threshold: float) -> dict[str, Any]:
    """Compare what both results have; the word of a case is that of its pass without instruments.

    Raises:
        VggcostError: they have nothing in common, or differ in what a ratio must not mix.
    """
    for key in MUST_AGREE:
        if old["settings"][key] != new["settings"][key]:
            raise VggcostError(
                f"the two results differ in {key} ({old['settings'][key]!r} and {new['settings'][key]!r}), so their"
                " times cannot be compared; measure both alike"
            )
    theirs = {_identity(case): case for case in old["cases"]}
    ours = {_identity(case): case for case in new["cases"]}
    common = [key for key in ours if key in theirs]
    if not common:
        raise VggcostError(
            f"the two results have no network at the same input in common: {_names(theirs)} and {_names(ours)}"
        )
    return {
        "schema": SCHEMA,
        "threshold": threshold,
        "confidence": CONFIDENCE,
        "environment_changes": _changes(old["environment"], new["environment"]),
        "only_old": [_title(theirs[key]) for key in theirs if key not in ours],
        "only_new": [_title(ours[key]) for key in ours if key not in theirs],
        "cases": [_case(theirs[key], ours[key], threshold) for key in common],
    }


def _identity(case: Mapping[str, Any]) -> str:
    network = case["network"]
    return repr((network["name"], sorted((network["options"] or {}).items(), key=str), case["input"]))


def _title(case: Mapping[str, Any]) -> str:
    return f"{case['network']['title']} at {units.shape_text(tuple(case['input']))}"


def _names(cases: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(_title(case) for case in cases.values()) or "nothing"


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [f"{key}: {old.get(key)} -> {new.get(key)}" for key in WORTH_SAYING if old.get(key) != new.get(key)]


def _case(old: Mapping[str, Any], new: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    rows = []
    for name, label in ((WHOLE, "whole"), (GRAPH, "graph replay"), (LAYERS, "sum of layers")):
        before, after = pass_samples(old, name), pass_samples(new, name)
        if before and after:
            rows.append(_row(label, before, after, threshold))
    by_name = {layer["name"]: layer["samples_ns"] for layer in old["layers"]}
    layers = [
        _row(layer["name"], by_name[layer["name"]], layer["samples_ns"], threshold)
        for layer in new["layers"]
        if layer["runs"] and layer["name"] in by_name
    ]
    word = rows[0]["word"] if rows and rows[0]["what"] == "whole" else UNDECIDED
    return {"network": new["network"], "input": new["input"], "word": word, "passes": rows, "layers": layers}


def _row(what: str, before: Sequence[int], after: Sequence[int], threshold: float) -> dict[str, Any]:
    result = compare(before, after, threshold)
    old, new = summary(before), summary(after)
    return {
        "what": what,
        "old_ns": old.median_ns if old else None,
        "new_ns": new.median_ns if new else None,
        "ratio": result.ratio,
        "low": result.low,
        "high": result.high,
        "word": result.word,
    }
