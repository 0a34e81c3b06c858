"""Two bench results side by side: for each pass and layer the ratio, its interval, and the word that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.between_processes import LEAST_PROCESSES, by_process, compare_processes
from vggcost.bench.protocol import GRAPH, LAYERS, WHOLE
from vggcost.bench.result import pass_samples
from vggcost.bench.statistics import CONFIDENCE, UNDECIDED, compare, summary
from vggcost.errors import VggcostError
from vggcost.record import Record

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


WORTH_SAYING_OF_SETTINGS = {"in_place": False}
"""Settings whose change may be the cause, and what they were in results that do not have them."""

_PASSES = ((WHOLE, "whole"), (GRAPH, "graph replay"), (LAYERS, "sum of layers"))


class Rows(Record):
    """How many rows a comparison has: the intervals of its passes, and those of its layers, hold all together."""

    passes: int
    layers: int


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
    theirs = {case_identity(case): case for case in old["cases"]}
    ours = {case_identity(case): case for case in new["cases"]}
    common = [key for key in ours if key in theirs]
    if not common:
        raise VggcostError(
            f"the two results have no network at the same input in common: {_names(theirs)} and {_names(ours)}"
        )
    pairs = [(theirs[key], ours[key]) for key in common]
    rows = Rows(
        sum(name in before["passes"] and name in after["passes"] for before, after in pairs for name, _ in _PASSES),
        sum(len(_common_layers(before, after)) for before, after in pairs),
    )
    return {
        "schema": SCHEMA,
        "threshold": threshold,
        "confidence": CONFIDENCE,
        "environment_changes": _changes(old, new),
        "only_old": [_title(theirs[key]) for key in theirs if key not in ours],
        "only_new": [_title(ours[key]) for key in ours if key not in theirs],
        "cases": [_case(before, after, threshold, rows) for before, after in pairs],
    }


def case_identity(case: Mapping[str, Any]) -> str:
    """Return what two cases must share to be the same network at the same input."""
    network = case["network"]
    return repr((network["name"], sorted((network["options"] or {}).items(), key=str), case["input"]))


def _title(case: Mapping[str, Any]) -> str:
    return f"{case['network']['title']} at {units.shape_text(tuple(case['input']))}"


def _names(cases: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(_title(case) for case in cases.values()) or "nothing"


def _changes(old: Document, new: Document) -> list[str]:
    found = [(key, *(each["environment"].get(key) for each in (old, new))) for key in WORTH_SAYING]
    found += [
        (key, *(each["settings"].get(key, before) for each in (old, new)))
        for key, before in WORTH_SAYING_OF_SETTINGS.items()
    ]
    return [f"{key}: {was} -> {now}" for key, was, now in found if was != now]


def _case(old: Mapping[str, Any], new: Mapping[str, Any], threshold: float, rows: Rows) -> dict[str, Any]:
    passes = [
        _row(
            label,
            by_process(old["passes"][name], pass_samples(old, name)),
            by_process(new["passes"][name], pass_samples(new, name)),
            threshold,
            rows.passes,
        )
        for name, label in _PASSES
        if name in old["passes"] and name in new["passes"]
    ]
    layers = [
        _row(
            one["name"],
            by_process(old["passes"].get(LAYERS, {}), other["samples_ns"]),
            by_process(new["passes"].get(LAYERS, {}), one["samples_ns"]),
            threshold,
            rows.layers,
        )
        for other, one in _common_layers(old, new)
    ]
    word = passes[0]["word"] if passes and passes[0]["what"] == "whole" else UNDECIDED
    return {"network": new["network"], "input": new["input"], "word": word, "passes": passes, "layers": layers}


def _common_layers(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    by_name = {layer["name"]: layer for layer in old["layers"]}
    return [(by_name[one["name"]], one) for one in new["layers"] if one["runs"] and one["name"] in by_name]


def _row(
    what: str, before: Sequence[Sequence[int]], after: Sequence[Sequence[int]], threshold: float, family: int
) -> dict[str, Any]:
    """Compare by the spread between processes where both sides have one, else by that within the one process."""
    olds, news = ([time for samples in side for time in samples] for side in (before, after))
    if min(len(before), len(after)) < LEAST_PROCESSES:
        result = compare(olds, news, threshold)
    else:
        result = compare_processes(before, after, threshold, family)
    old, new = summary(olds), summary(news)
    return {
        "what": what,
        "old_ns": old.median_ns if old else None,
        "new_ns": new.median_ns if new else None,
        "ratio": result.ratio,
        "low": result.low,
        "high": result.high,
        "word": result.word,
        "processes": [len(before), len(after)],
    }
