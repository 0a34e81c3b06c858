"""A measurement as a document: schema vggcost.bench/1, with every sample in it; written and read here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import LAYERS, WHOLE
from vggcost.bench.statistics import Summary, extent, median_interval, percentile, summary
from vggcost.costs.roofline import COMPUTE, Roof, intensity
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.bench.protocol import Samples

SCHEMA_NAME, SCHEMA_VERSION = "vggcost.bench", 1
SCHEMA = f"{SCHEMA_NAME}/{SCHEMA_VERSION}"


def case_document(
    identity: Mapping[str, Any],
    shape: tuple[int, ...],
    rows: list[dict[str, Any]],
    samples: Samples,
    flops: int | None,
) -> dict[str, Any]:
    """Return one network at one input: its layers with their samples, its passes with theirs.

    flops are the whole's [FLOP]; None where nobody has counted them.
    """
    readings = samples.readings.get(LAYERS, [])
    layers = []
    for index, row in enumerate(rows):
        times = [reading.layers_ns[index] for reading in readings]
        bound = sum(reading.dispatch_bound()[index] for reading in readings)
        layers.append({**row, **sample_statistics(times), "dispatch_bound": bound, "samples_ns": times})
    for layer, share in zip(layers, shares({"layers": layers}), strict=True):
        layer["share"] = share
    passes = {}
    for name, taken in samples.readings.items():
        times = [reading.whole_ns for reading in taken]
        passes[name] = {
            **sample_statistics(times),
            "queued_ahead": [reading.queued_ahead for reading in taken],
            "samples_ns": times,
        }
    return {
        "network": dict(identity),
        "input": list(shape),
        "flops": flops,
        "rounds": samples.rounds,
        "stopped_by": samples.stopped_by,
        "deviation": samples.deviation,
        "graph_refused": samples.graph_refused,
        "late_because": samples.late_because,
        "spent_s": samples.spent_s,
        "warm_up_spent_s": samples.warm_up_spent_s,
        "under_load": {
            "sm_clock_mhz": extent(samples.sm_clock_mhz),
            "temperature_c": extent(samples.temperature_c),
            "throttle_reasons": samples.throttle_reasons,
        },
        "sustained": samples.sustained,
        "warm_up_ns": samples.warm_up_ns,
        "sm_clock_mhz": samples.sm_clock_mhz,
        "passes": passes,
        "layers": layers,
    }


def sample_statistics(times: list[int]) -> dict[str, Any]:
    """Return what a document says of timings [ns] beside the timings themselves."""
    numbers = summary(times)
    interval = median_interval(times)
    return {
        **{name: getattr(numbers, name) if numbers else None for name in ("median_ns", "q1_ns", "q3_ns", "min_ns")},
        "p90_ns": percentile(times, 90),
        "p99_ns": percentile(times, 99),
        "median_interval_ns": list(interval) if interval else None,
        "n": len(times),
    }


def layer_summary(layer: Mapping[str, Any]) -> Summary | None:
    """Return the order statistics of a layer's or a pass's samples."""
    return summary(layer["samples_ns"])


def pass_samples(case: Mapping[str, Any], name: str) -> list[int]:
    """Return the whole times of a pass [ns]; empty where it was not measured."""
    measured = case["passes"].get(name)
    return list(measured["samples_ns"]) if measured else []


def case_title(case: Mapping[str, Any]) -> str:
    """Return the network and its batch, as all messages name a case."""
    return f"{case['network']['title']} at batch {case['input'][0]}"


def best_pass(case: Mapping[str, Any]) -> list[int]:
    """Return the times that stand for the network: the pass without instruments [ns]."""
    return pass_samples(case, WHOLE)


def rates(layer: Mapping[str, Any], ceilings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a layer's achieved rates and how near they come to the measured ceilings; None where a rate means nothing.

    Keys: flops_per_s, bytes_per_s, intensity (FLOP/B), flops_fraction, bytes_fraction, roof_fraction, bound ("compute",
    "memory", "no work"). What binds is the ceiling under which the layer would take longer.
    """
    numbers = layer_summary(layer)
    median_ns = numbers.median_ns if numbers else 0
    flops, moved = layer["flops"], layer["min_bytes"]
    # Where nothing runs there is no rate either: the time is the clock's own.
    seconds = median_ns / 1e9 if layer["runs"] and median_ns else None
    flops_per_s = flops / seconds if seconds and flops else None
    bytes_per_s = moved / seconds if seconds and moved else None
    answer: dict[str, Any] = {
        "flops_per_s": flops_per_s,
        "bytes_per_s": bytes_per_s,
        "intensity": intensity(flops, moved),
        "flops_fraction": None,
        "bytes_fraction": None,
        "roof_fraction": None,
        "bound": None if layer["runs"] else "no work",
    }
    if ceilings is None or bytes_per_s is None:
        return answer
    answer["bytes_fraction"] = bytes_per_s / ceilings["bytes_per_s"]
    answer["flops_fraction"] = flops_per_s / ceilings["flops_per_s"] if flops_per_s else None
    answer["bound"] = Roof(ceilings["flops_per_s"], ceilings["bytes_per_s"]).bound(flops, moved)
    answer["roof_fraction"] = answer["flops_fraction" if answer["bound"] == COMPUTE else "bytes_fraction"]
    return answer


def ratio_to_whole(case: Mapping[str, Any], name: str) -> float | None:
    """Return a pass's time over the time of the pass without instruments: the median of the rounds' own ratios.

    Within a round both ran on the same machine in the same state, so a slow minute changes neither the one nor the
    other; the ratio of the two medians would mix rounds.
    """
    from statistics import median

    times, whole = pass_samples(case, name), pass_samples(case, WHOLE)
    pairs = [time / alone for time, alone in zip(times, whole, strict=False) if alone]
    return median(pairs) if pairs else None


def shares(case: Mapping[str, Any]) -> list[float]:
    """Return each layer's part of the time between the marks: the median of the rounds' own parts; they sum to 1.

    Within a round all layers ran in the same state of the machine, and one late sample moves one round alone.
    """
    from statistics import median

    rounds = [times for times in zip(*(layer["samples_ns"] for layer in case["layers"]), strict=False) if sum(times)]
    if not rounds:
        return [0.0] * len(case["layers"])
    own = [[time / sum(times) for time in times] for times in rounds]
    parts = [median(column) for column in zip(*own, strict=True)]
    total = sum(parts)
    return [part / total for part in parts]


def to_json(document: Mapping[str, Any]) -> str:
    """Return the document as JSON, a layer's samples on one line."""
    text = json.dumps(document, indent=1)
    return _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[1].split())}]", text) + "\n"


_NUMBERS = re.compile(r"\[\n\s+([^\[\]{}\"]*)\n\s*\]")
"""A list of plain numbers that json has set one a line."""


def load(path: str) -> dict[str, Any]:
    """Return the document in a file.

    Raises:
        VggcostError: it cannot be read, is no JSON, none of ours, of a later schema, or is not what
            `vggcost.bench.result_schema` says.
    """
    from vggcost.bench.result_schema import BenchResult, refusal
    from vggcost.schema import first_fault

    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file, object_hook=_in_todays_words)
    except OSError as error:
        raise VggcostError(f"cannot read {path!r}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise VggcostError(
            f"{path!r} is no JSON ({error}); give a file that vggcost bench --format json wrote"
        ) from None
    name, _, version = str(document.get("schema") if isinstance(document, dict) else None).partition("/")
    if name != SCHEMA_NAME or not version.isdigit():
        raise VggcostError(
            f"{path!r} is no bench result (schema {SCHEMA}); give one that vggcost bench --format json wrote"
        )
    if int(version) > SCHEMA_VERSION:
        raise VggcostError(
            f"{path!r} has schema {name}/{version}, and this vggcost reads {SCHEMA}; install a later vggcost"
        )
    fault = first_fault(document, BenchResult)
    if fault:
        raise VggcostError(f"{path!r} {refusal(fault)}")
    for number, case in enumerate(document["cases"]):
        _check_sums(path, f"cases[{number}]", case)
        _check_processes(path, f"cases[{number}]", case)
    return dict(document)


_RENAMED = {"peak_bytes_measured": "in_use_bytes_measured", "peak_bytes_estimated": "in_use_bytes_estimated"}
"""Keys of cases and layers as results bore them, and as they do: weights, buffers and the input are in these."""


def _in_todays_words(part: dict[str, Any]) -> dict[str, Any]:
    """One object of a document, with today's keys in place of those that were renamed."""
    return {_RENAMED.get(key, key): value for key, value in part.items()}


def _check_sums(path: str, where: str, case: Mapping[str, Any]) -> None:
    """The invariant of the chain: layers sum to its whole, in every forward, to the nanosecond."""
    wholes = pass_samples(case, LAYERS)
    for number, whole in enumerate(wholes):
        if any(len(layer["samples_ns"]) != len(wholes) for layer in case["layers"]) or (
            sum(layer["samples_ns"][number] for layer in case["layers"]) != whole
        ):
            raise VggcostError(f"{path!r}: the layers of {where} do not sum to their whole; the file was edited")


def _check_processes(path: str, where: str, case: Mapping[str, Any]) -> None:
    """What the processes of --repeat gave is all there is."""
    for name, measured in case["passes"].items():
        if "n_by_process" in measured and sum(measured["n_by_process"]) != len(measured["samples_ns"]):
            raise VggcostError(
                f"{path!r}: n_by_process of {where}.passes.{name} does not sum to its samples; the file was edited"
            )
