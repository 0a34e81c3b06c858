"""A bench result for the screen, Markdown and CSV: a row a layer, the passes, and the verdict."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.protocol import GRAPH, LAYERS, WHOLE
from vggcost.bench.result import pass_samples, rates, ratio_to_whole, shares
from vggcost.bench.statistics import summary
from vggcost.report.grid import LINE_COLUMNS, Column, fitted, grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    Case = Mapping[str, Any]

LAYER_COLUMNS = (
    Column("name", "Layer"),
    Column("median", "Median", "number"),
    Column("quartiles", "Q1-Q3", "number", leaves=2),
    Column("share", "%", "number"),
    Column("macs", "MACs", "number"),
    Column("flops_per_s", "GFLOP/s", "number"),
    Column("moved", "MiB", "number"),
    Column("bytes_per_s", "GB/s", "number"),
    Column("intensity", "FLOP/B", "number", leaves=1),
    Column("roof", "Roof", "number"),
    Column("bound", "Bound by"),
)
PASS_COLUMNS = (
    Column("what", "Pass"),
    Column("median", "Median", "number"),
    Column("quartiles", "Q1-Q3", "number"),
    Column("least", "Min", "number"),
    Column("n", "n", "number"),
    Column("ratio", "Of whole", "number"),
    Column("images", "Images/s", "number"),
    Column("roof", "FLOP peak", "number"),
)
CASE_COLUMNS = (
    Column("case", "Network"),
    Column("median", "Whole", "number"),
    Column("quartiles", "Q1-Q3", "number"),
    Column("n", "n", "number"),
    Column("layers", "Layers/whole", "number"),
    Column("graph", "Graph/whole", "number"),
    Column("images", "Images/s", "number"),
)
CSV_COLUMNS = tuple(
    Column(key, key, kind)
    for key, kind in (
        ("network", "text"),
        ("input", "shape"),
        ("dtype", "text"),
        ("name", "text"),
        ("kind", "text"),
        ("path", "text"),
        ("median_ns", "number"),
        ("q1_ns", "number"),
        ("q3_ns", "number"),
        ("min_ns", "number"),
        ("n", "number"),
        ("share", "number"),
        ("macs", "number"),
        ("flops", "number"),
        ("min_bytes", "number"),
        ("flops_per_s", "number"),
        ("bytes_per_s", "number"),
        ("intensity", "number"),
        ("flops_fraction", "number"),
        ("bytes_fraction", "number"),
        ("bound", "text"),
    )
)
LEGEND = (
    "MiB: what the layer must move at least, each input, parameter and output once. Roof: how near it comes to the"
    " measured ceiling that binds it."
)
PASS_NAMES = {
    LAYERS: "sum of layers",
    WHOLE: "whole, no marks inside",
    GRAPH: "graph replay",
}
_TOTAL_NAMES = {LAYERS: "sum of layers", WHOLE: "whole", GRAPH: "graph replay"}


def screen(document: Mapping[str, Any]) -> str:
    """What a terminal shows, in at most LINE_COLUMNS columns."""
    return _text(document, "table")


def markdown(document: Mapping[str, Any]) -> str:
    """The same as Markdown."""
    return _text(document, "markdown")


def csv_text(document: Mapping[str, Any]) -> str:
    """A line a layer, and one a pass with the pass's name in the layer's place; plain numbers, SI units."""
    rows = []
    for case in document["cases"]:
        common = {
            "network": case["network"]["title"],
            "input": case["input"],
            "dtype": document["settings"]["dtype"],
        }
        for layer, share in zip(case["layers"], shares(case), strict=True):
            rows.append({**layer, **common, "share": share, **rates(layer, document["ceilings"])})
        for name, label in _TOTAL_NAMES.items():
            if pass_samples(case, name):
                rows.append({**case["passes"][name], **common, "name": label, "flops": case["flops"]})
    return grid(CSV_COLUMNS, rows, "csv")


def _text(document: Mapping[str, Any], fmt: str) -> str:
    blocks = [_machine(document)]
    for case in document["cases"]:
        blocks.append(_case_head(document, case))
        if case["layers"]:
            blocks.append(_layer_table(document, case, fmt))
        blocks.append(_pass_table(document, case, fmt) + _sustained(case))
    if len(document["cases"]) > 1:
        blocks.append(_case_table(document, fmt))
    blocks.append(_verdict(document))
    return "\n".join(blocks)


def _machine(document: Mapping[str, Any]) -> str:
    environment, settings = document["environment"], document["settings"]
    protocol = settings["protocol"]
    lines = [
        f"Device   {environment['device']}: {environment['device_name']}{_clocks(document)}",
        f"Software {_software(environment)}, {_switches(document)}",
        f"Clock    {protocol['clock']}; {protocol['cache']}{_spin(protocol)}",
        (
            f"Run      {settings['dtype']}, {_layout(settings)}, {settings['mode']}{_compiled(settings)},"
            " random weights and inputs"
        ),
        _ceilings(document),
    ]
    return "".join(_wrapped(line, "         ") for line in lines if line)


def _clocks(document: Mapping[str, Any]) -> str:
    """Driver, limits, and the clocks and temperatures that the forwards ran at."""
    environment = document["environment"]
    nvml = environment["nvml"] or {}
    capability = environment.get("compute_capability")
    highest = nvml.get("default_sm_clock_mhz") or nvml.get("highest_sm_clock_mhz")
    clock = _range([clock for case in document["cases"] for clock in case["sm_clock_mhz"] if clock is not None])
    heats = [(case.get("under_load") or {}).get("temperature_c") or {} for case in document["cases"]]
    heat = _range([heat[end] for heat in heats for end in ("min", "max") if end in heat])
    words = [
        f"compute capability {capability}" if capability else "",
        f"driver {nvml['driver']}" if nvml.get("driver") else "",
        f"SM {clock}{f' of {highest}' if highest else ''} MHz under load" if clock else "",
        f"memory {nvml['memory_clock_mhz']} MHz" if nvml.get("memory_clock_mhz") else "",
        f"limit {nvml['power_limit_w']:g} W" if nvml.get("power_limit_w") else "",
        f"{heat} C" if heat else "",
        environment["nvml_absent"] or "",
    ]
    told = ", ".join(word for word in words if word)
    return f" ({told})" if told else ""


def _range(values: list[int]) -> str:
    if not values:
        return ""
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)}-{max(values)}"


def _software(environment: Mapping[str, Any]) -> str:
    return f"torch {environment['torch']}{_cuda(environment)}, Python {environment['python']}"


def _cuda(environment: Mapping[str, Any]) -> str:
    if not environment["device"].startswith("cuda"):
        return ""
    if environment.get("rocm"):
        return f", ROCm {environment['rocm']}, MIOpen {environment['cudnn']}"
    return f", CUDA {environment['cuda']}, cuDNN {_cudnn(environment['cudnn'])}"


def _cudnn(number: int | None) -> str:
    """Write cuDNN's number as its version: 8907 is 8.9.7, and from 9 on 91300 is 9.13.0."""
    if number is None:
        return "absent"
    major, rest = divmod(number, 10_000) if number >= 90_000 else divmod(number, 1_000)
    return f"{major}.{rest // 100}.{rest % 100}"


def _switches(document: Mapping[str, Any]) -> str:
    environment = document["environment"]
    if environment["device"].startswith("cuda"):
        return (
            f"cudnn.benchmark {_on(environment['cudnn_benchmark'])},"
            f" TF32 convolutions {_on(environment['cudnn_allow_tf32'])},"
            f" TF32 products {_on(environment['matmul_allow_tf32'])}"
        )
    load = environment["load_average"]
    return f"{units.counted(environment['threads'], 'thread')}, {environment['cpu_capability']}" + (
        "" if load is None else f", load average {load:g} before"
    )


def _on(switch: bool) -> str:
    return "on" if switch else "off"


def _spin(protocol: Mapping[str, Any]) -> str:
    if protocol["spin_ns"] is None:
        return ""
    return f"; a spin of {_three(protocol['spin_ns'] / 1e6)} ms before the first event"


def _layout(settings: Mapping[str, Any]) -> str:
    return "channels last" if settings["channels_last"] else "channels first"


def _compiled(settings: Mapping[str, Any]) -> str:
    return ", torch.compile" if settings["compile"] else ""


def _ceilings(document: Mapping[str, Any]) -> str:
    ceilings = document["ceilings"]
    if not ceilings:
        return ""
    return (
        f"Ceilings {_giga(ceilings['flops_per_s'])} GFLOP/s (matrix product of side {ceilings['matmul_side']}),"
        f" {_giga(ceilings['bytes_per_s'])} GB/s (copy of {units.human_bytes(ceilings['copy_bytes'])}, read + written);"
        f" both measured in this run, best of {len(ceilings['matmul_ns'])} and {len(ceilings['copy_ns'])}"
    )


def _case_head(document: Mapping[str, Any], case: Case) -> str:
    stopped = {
        "deviation": f"every median known within {document['settings']['rule']['deviation']:.1%}",
        "budget": "the budget ended",
        "most": "the most there are",
        "interrupted": "interrupted",
    }[case["stopped_by"]]
    return _wrapped(
        f"{case['network']['heading']}; input {units.shape_text(case['input'])}; {case['rounds']} forwards of each"
        f" pass after {len(case['warm_up_ns'])} to warm up ({stopped}); times in {_time_unit(case)[0]}"
    )


def _layer_table(document: Mapping[str, Any], case: Case, fmt: str) -> str:
    _, scale = _time_unit(case)
    rows = []
    for layer, share in zip(case["layers"], shares(case), strict=True):
        numbers = summary(layer["samples_ns"])
        achieved = rates(layer, document["ceilings"])
        roof = achieved["roof_fraction"]
        rows.append(
            {
                "name": layer["name"],
                **_times(numbers, scale),
                "share": f"{100 * share:.1f}",
                "macs": _human_three(layer["macs"]) if layer["macs"] else None,
                "flops_per_s": _giga(achieved["flops_per_s"]),
                "moved": _three(layer["min_bytes"] / 2**20) if layer["min_bytes"] else None,
                "bytes_per_s": _giga(achieved["bytes_per_s"]),
                "intensity": _three(achieved["intensity"]),
                "roof": f"{100 * roof:.0f} %" if roof is not None else None,
                "bound": achieved["bound"],
            }
        )
    columns = LAYER_COLUMNS
    if fmt != "table":
        return grid(columns, rows, fmt)
    text, left = fitted(columns, rows)
    gone = "".join(f" {column.heading} left out to fit {LINE_COLUMNS} columns; --format csv has it." for column in left)
    return text + _wrapped(LEGEND + gone)


def _pass_table(document: Mapping[str, Any], case: Case, fmt: str) -> str:
    _, scale = _time_unit(case)
    ceilings = document["ceilings"]
    flops = case["flops"]
    rows = []
    for name, label in PASS_NAMES.items():
        numbers = summary(pass_samples(case, name))
        if numbers is None:
            continue
        seconds = numbers.median_ns / 1e9
        rows.append(
            {
                "what": label,
                **_times(numbers, scale),
                "least": _scaled(numbers.min_ns, scale),
                "n": numbers.n,
                "ratio": _percent(ratio_to_whole(case, name)) if name != WHOLE else None,
                "images": _three(case["input"][0] / seconds) if seconds else None,
                "roof": f"{100 * flops / seconds / ceilings['flops_per_s']:.0f} %"
                if ceilings and flops and seconds
                else None,
            }
        )
    return grid(PASS_COLUMNS, rows, fmt)


def _sustained(case: Case) -> str:
    """What forwards back to back gave, where they were asked for."""
    numbers = case.get("sustained")
    if not numbers:
        return ""
    watts, joules = numbers["watts"], numbers["joules_per_image"]
    words = [
        f"{_three(numbers['images_per_s'])} images/s back to back for {numbers['seconds']:.1f} s",
        "" if watts is None else f"{watts:.0f} W",
        "" if joules is None else f"{joules:.3g} J an image",
    ]
    return _wrapped(f"Sustained: {', '.join(word for word in words if word)}")


def _case_table(document: Mapping[str, Any], fmt: str) -> str:
    rows = []
    for case in document["cases"]:
        unit, scale = _time_unit(case)
        numbers = summary(pass_samples(case, WHOLE))
        if numbers is None:
            continue
        times = _times(numbers, scale)
        rows.append(
            {
                "case": f"{case['network']['title']}, batch {case['input'][0]}",
                "median": f"{times['median']} {unit}",
                "quartiles": times["quartiles"],
                "n": numbers.n,
                "layers": _percent(ratio_to_whole(case, LAYERS)),
                "graph": _percent(ratio_to_whole(case, GRAPH)),
                "images": _three(case["input"][0] * 1e9 / numbers.median_ns) if numbers.median_ns else None,
            }
        )
    return "All networks of this run\n" + ("\n" if fmt != "table" else "") + grid(CASE_COLUMNS, rows, fmt)


def _verdict(document: Mapping[str, Any]) -> str:
    lines = document.get("verdict", [])
    if not lines:
        return "Verdict: nothing speaks against these numbers (no gate tripped).\n"
    texts = [f"{line['case']}: {line['text']}" if line["case"] else line["text"] for line in lines]
    return "Verdict: read the numbers with this in mind.\n" + "".join(_wrapped(f"! {text}", "  ") for text in texts)


def _wrapped(text: str, indent: str = "  ") -> str:
    return (
        "\n".join(wrap(text, LINE_COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))
        + "\n"
    )


def _time_unit(case: Case) -> tuple[str, float]:
    """One unit for all times of a case: microseconds where the whole takes less than ten milliseconds."""
    whole = summary(pass_samples(case, WHOLE) or pass_samples(case, LAYERS))
    return ("us", 1e3) if whole and whole.median_ns < 10_000_000 else ("ms", 1e6)


def _times(numbers: Any, scale: float) -> dict[str, str | None]:
    if numbers is None:
        return {"median": None, "quartiles": None}
    return {
        "median": _scaled(numbers.median_ns, scale),
        "quartiles": f"{_scaled(numbers.q1_ns, scale)}-{_scaled(numbers.q3_ns, scale)}",
    }


def _scaled(time_ns: float, scale: float) -> str:
    value = time_ns / scale
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _human_three(count: int) -> str:
    """A count with three digits: 1.85 G."""
    number, _, prefix = units.human(count).partition(" ")
    return f"{_three(float(number))} {prefix}".rstrip() if prefix else number


def _giga(rate: float | None) -> str | None:
    return None if rate is None else _three(rate / 1e9)


def _percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{100 * ratio:.1f} %"


def _three(value: float | None) -> str | None:
    """Three digits, two decimals at most, never in scientific notation."""
    if value is None:
        return None
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
