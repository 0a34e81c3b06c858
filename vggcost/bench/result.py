"""A measurement as a document: schema vggcost.bench/1, with every sample in it; written and read here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import ENDINGS, GRAPH, LAYERS, WHOLE
from vggcost.bench.statistics import Summary, extent, median_interval, percentile, summary
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vggcost.bench.protocol import Samples

SCHEMA_NAME, SCHEMA_VERSION = "vggcost.bench", 1
SCHEMA = f"{SCHEMA_NAME}/{SCHEMA_VERSION}"

_NUMBER = (int, float)
_NONE = type(None)
_Kinds = type | tuple[type, ...]

_KEYS: Mapping[str, _Kinds] = {
    "complete": bool,
    "environment": dict,
    "settings": dict,
    "ceilings": (dict, _NONE),
    "cases": list,
    "verdict": list,
}
_ENVIRONMENT_KEYS: Mapping[str, _Kinds] = {
    **dict.fromkeys(("device", "device_name", "torch", "python", "cpu_capability"), str),
    **dict.fromkeys(("cudnn_benchmark", "cudnn_allow_tf32", "matmul_allow_tf32"), bool),
    "threads": int,
    "cpu_cores": (int, _NONE),
    "cache_bytes": (int, _NONE),
    "load_average": (*_NUMBER, _NONE),
    "cuda": (str, _NONE),
    "cudnn": (int, _NONE),
    "nvml": (dict, _NONE),
    "nvml_absent": (str, _NONE),
}
_NVML_KEYS: Mapping[str, _Kinds] = {
    "driver": (str, _NONE),
    "power_limit_w": (*_NUMBER, _NONE),
    **dict.fromkeys(("sm_clock_mhz", "default_sm_clock_mhz", "memory_clock_mhz", "temperature_c"), (int, _NONE)),
}
_SETTINGS_KEYS: Mapping[str, _Kinds] = {
    **dict.fromkeys(("dtype", "mode"), str),
    **dict.fromkeys(("compile", "backward", "channels_last", "cudnn_benchmark"), bool),
    "rule": dict,
    "protocol": dict,
}
_RULE_KEYS: Mapping[str, _Kinds] = {"forwards": int, "budget_s": _NUMBER, "deviation": _NUMBER}
_PROTOCOL_KEYS: Mapping[str, _Kinds] = {
    "clock": str,
    "cache": str,
    "spin": (str, _NONE),
    "spin_ns": (int, _NONE),
    "synchronised_marks": bool,
}
_CEILING_KEYS: Mapping[str, _Kinds] = {
    **dict.fromkeys(("flops_per_s", "bytes_per_s"), _NUMBER),
    **dict.fromkeys(("matmul_side", "copy_bytes"), int),
    **dict.fromkeys(("matmul_ns", "copy_ns"), list),
}
_CASE_KEYS: Mapping[str, _Kinds] = {
    "network": dict,
    "flops": (int, _NONE),
    "rounds": int,
    "stopped_by": str,
    "graph_refused": (str, _NONE),
    "passes": dict,
    **dict.fromkeys(("input", "warm_up_ns", "sm_clock_mhz", "layers"), list),
}
# Keys that a result of before lacks; where they are, they are of these kinds.
_LATER_KEYS: Mapping[str, _Kinds] = {"interrupted": bool, "refused": list}
_LATER_ENVIRONMENT_KEYS: Mapping[str, _Kinds] = dict.fromkeys(
    ("rocm", "launch_blocking", "compute_capability"), (str, _NONE)
)
_LATER_NVML_KEYS: Mapping[str, _Kinds] = {
    "mig": bool,
    **dict.fromkeys(("highest_sm_clock_mhz", "other_processes"), (int, _NONE)),
}
_LATER_CASE_KEYS: Mapping[str, _Kinds] = {
    "late_because": (str, _NONE),
    "under_load": dict,
    "sustained": (dict, _NONE),
    **dict.fromkeys(("spent_s", "warm_up_spent_s"), _NUMBER),
}
_LOAD_KEYS: Mapping[str, _Kinds] = {"throttle_reasons": dict}
_SUSTAINED_KEYS: Mapping[str, _Kinds] = {
    **dict.fromkeys(("seconds", "images_per_s"), _NUMBER),
    **dict.fromkeys(("watts", "joules_per_image"), (*_NUMBER, _NONE)),
}
_REFUSAL_KEYS: Mapping[str, _Kinds] = dict.fromkeys(("case", "reason"), str)
_NETWORK_KEYS: Mapping[str, _Kinds] = {**dict.fromkeys(("name", "title", "heading"), str), "options": (dict, _NONE)}
_PASS_KEYS: Mapping[str, _Kinds] = {
    "samples_ns": list,
    "n": int,
    **dict.fromkeys(("median_ns", "q1_ns", "q3_ns", "min_ns"), (int, _NONE)),
}
_LAYER_KEYS: Mapping[str, _Kinds] = {
    **_PASS_KEYS,
    **dict.fromkeys(("name", "kind"), str),
    **dict.fromkeys(("macs", "flops", "min_bytes", "dispatch_bound"), int),
    **dict.fromkeys(("runs", "winograd"), bool),
    "path": (str, _NONE),
}
_VERDICT_KEYS: Mapping[str, _Kinds] = dict.fromkeys(("gate", "case", "text"), str)


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
        layers.append({**row, **_statistics(times), "dispatch_bound": bound, "samples_ns": times})
    for layer, share in zip(layers, shares({"layers": layers}), strict=True):
        layer["share"] = share
    passes = {}
    for name, taken in samples.readings.items():
        times = [reading.whole_ns for reading in taken]
        passes[name] = {
            **_statistics(times),
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


def _statistics(times: list[int]) -> dict[str, Any]:
    numbers = summary(times)
    interval = median_interval(times)
    return {
        **{name: getattr(numbers, name) if numbers else None for name in ("median_ns", "q1_ns", "q3_ns", "min_ns")},
        "p90_ns": percentile(times, 90),
        "p99_ns": percentile(times, 99),
        "median_interval_ns": list(interval) if interval else None,
        "n": len(times),
    }


def case_title(case: Mapping[str, Any]) -> str:
    """Return the network and its batch, as all messages name a case."""
    return f"{case['network']['title']} at batch {case['input'][0]}"


def layer_summary(layer: Mapping[str, Any]) -> Summary | None:
    """Return the order statistics of a layer's or a pass's samples."""
    return summary(layer["samples_ns"])


def pass_samples(case: Mapping[str, Any], name: str) -> list[int]:
    """Return the whole times of a pass [ns]; empty where it was not measured."""
    measured = case["passes"].get(name)
    return list(measured["samples_ns"]) if measured else []


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
        "intensity": flops / moved if flops and moved else None,
        "flops_fraction": None,
        "bytes_fraction": None,
        "roof_fraction": None,
        "bound": None if layer["runs"] else "no work",
    }
    if ceilings is None or bytes_per_s is None:
        return answer
    answer["bytes_fraction"] = bytes_per_s / ceilings["bytes_per_s"]
    answer["flops_fraction"] = flops_per_s / ceilings["flops_per_s"] if flops_per_s else None
    computes = flops / ceilings["flops_per_s"] >= moved / ceilings["bytes_per_s"]
    answer["bound"] = "compute" if computes else "memory"
    answer["roof_fraction"] = answer["flops_fraction"] if computes else answer["bytes_fraction"]
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
        VggcostError: it cannot be read, is no JSON, none of ours, of a later schema, or lacks what the schema has.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
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
    _check(path, document)
    return dict(document)


def _check(path: str, document: Mapping[str, Any]) -> None:
    """Hold everything that is read later against its kind, so that a damaged file is refused here and nowhere else."""
    _check_keys(path, "", document, _KEYS)
    _check_keys(path, "environment", document["environment"], _ENVIRONMENT_KEYS)
    _check_keys(path, "settings", document["settings"], _SETTINGS_KEYS)
    _check_keys(path, "settings.rule", document["settings"]["rule"], _RULE_KEYS)
    _check_keys(path, "settings.protocol", document["settings"]["protocol"], _PROTOCOL_KEYS)
    if document["environment"]["nvml"] is not None:
        _check_keys(path, "environment.nvml", document["environment"]["nvml"], _NVML_KEYS)
    if document["ceilings"] is not None:
        _check_keys(path, "ceilings", document["ceilings"], _CEILING_KEYS)
        for name in ("flops_per_s", "bytes_per_s"):
            if not document["ceilings"][name] > 0:
                raise VggcostError(f"{path!r} has a ceiling that is none in ceilings.{name}; the file is damaged")
    _check_keys(path, "", document, _present(document, _LATER_KEYS))
    environment = document["environment"]
    _check_keys(path, "environment", environment, _present(environment, _LATER_ENVIRONMENT_KEYS))
    if environment["nvml"] is not None:
        _check_keys(path, "environment.nvml", environment["nvml"], _present(environment["nvml"], _LATER_NVML_KEYS))
    for number, refusal in enumerate(document.get("refused", ())):
        _check_keys(path, f"refused[{number}]", refusal, _REFUSAL_KEYS)
    for number, line in enumerate(document["verdict"]):
        _check_keys(path, f"verdict[{number}]", line, _VERDICT_KEYS)
    if not document["cases"]:
        raise VggcostError(f"{path!r} has no networks in cases; give a file that vggcost bench --format json wrote")
    for number, case in enumerate(document["cases"]):
        _check_case(path, f"cases[{number}]", case)


def _check_case(path: str, where: str, case: Mapping[str, Any]) -> None:
    _check_keys(path, where, case, _CASE_KEYS)
    _check_keys(path, f"{where}.network", case["network"], _NETWORK_KEYS)
    _check_later(path, where, case)
    if case["stopped_by"] not in ENDINGS:
        raise VggcostError(f"{path!r} has an unknown stopped_by {case['stopped_by']!r} in {where}; it is damaged")
    if not case["input"]:
        raise VggcostError(f"{path!r} has no shape in {where}.input; the file is damaged")
    for name in ("input", "warm_up_ns"):
        _check_times(path, f"{where}.{name}", case[name])
    _check_times(path, f"{where}.sm_clock_mhz", [clock for clock in case["sm_clock_mhz"] if clock is not None])
    for name, measured in case["passes"].items():
        if name not in (LAYERS, WHOLE, GRAPH):
            raise VggcostError(f"{path!r} has an unknown pass {name!r} in {where}; it is damaged")
        _check_keys(path, f"{where}.passes.{name}", measured, _PASS_KEYS)
        _check_keys(path, f"{where}.passes.{name}", measured, _present(measured, {"queued_ahead": list}))
        _check_times(path, f"{where}.passes.{name}", measured["samples_ns"])
        if not measured["samples_ns"]:
            raise VggcostError(f"{path!r} has no samples in {where}.passes.{name}; the file is damaged or was edited")
    if WHOLE not in case["passes"]:
        raise VggcostError(f"{path!r} lacks {where}.passes.{WHOLE}; the file is damaged or was edited")
    for index, layer in enumerate(case["layers"]):
        _check_keys(path, f"{where}.layers[{index}]", layer, _LAYER_KEYS)
        _check_times(path, f"{where}.layers[{index}]", layer["samples_ns"])
    _check_sums(path, where, case)


def _check_later(path: str, where: str, case: Mapping[str, Any]) -> None:
    _check_keys(path, where, case, _present(case, _LATER_CASE_KEYS))
    load = case.get("under_load", {"throttle_reasons": {}})
    _check_keys(path, f"{where}.under_load", load, _LOAD_KEYS)
    if load.get("temperature_c") is not None:
        ends = dict.fromkeys(("min", "max"), _NUMBER)
        _check_keys(path, f"{where}.under_load.temperature_c", load["temperature_c"], ends)
    _check_times(path, f"{where}.under_load.throttle_reasons", load["throttle_reasons"].values())
    if case.get("sustained") is not None:
        _check_keys(path, f"{where}.sustained", case["sustained"], _SUSTAINED_KEYS)


def _check_keys(path: str, where: str, value: Any, keys: Mapping[str, _Kinds]) -> None:
    if not isinstance(value, dict):
        raise VggcostError(f"{path!r}: {where or 'the document'} is no object; the file is damaged")
    for key, kind in keys.items():
        if not isinstance(value.get(key, _Absent), kind):
            place = f"{where}.{key}" if where else key
            raise VggcostError(f"{path!r} lacks a valid {place}; the file is damaged or was edited")


def _present(value: Mapping[str, Any], keys: Mapping[str, _Kinds]) -> Mapping[str, _Kinds]:
    return {key: kind for key, kind in keys.items() if key in value}


class _Absent:
    """Stands for a key that is not there; of no type that a key may have."""


def _check_times(path: str, where: str, times: Iterable[Any]) -> None:
    if not all(isinstance(time, int) and not isinstance(time, bool) and time >= 0 for time in times):
        raise VggcostError(
            f"{path!r} has a sample in {where} that is no time in whole nanoseconds; the file is damaged"
        )


def _check_sums(path: str, where: str, case: Mapping[str, Any]) -> None:
    """The invariant of the chain: layers sum to its whole, in every forward, to the nanosecond."""
    wholes = pass_samples(case, LAYERS)
    for number, whole in enumerate(wholes):
        if any(len(layer["samples_ns"]) != len(wholes) for layer in case["layers"]) or (
            sum(layer["samples_ns"][number] for layer in case["layers"]) != whole
        ):
            raise VggcostError(f"{path!r}: the layers of {where} do not sum to their whole; the file was edited")
