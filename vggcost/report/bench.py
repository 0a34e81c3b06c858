"""A bench result, a row a layer, the passes, and the verdict: the document of ``vggcost bench``."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.between_processes import by_process
from vggcost.bench.curve import curves
from vggcost.bench.kernels import algorithm
from vggcost.bench.protocol import GRAPH, LAYERS, WHOLE
from vggcost.bench.result import case_title, pass_samples, rates, ratio_to_whole, shares, to_json
from vggcost.bench.statistics import summary
from vggcost.report import bench_curve
from vggcost.report.bench_machine import machine_lines
from vggcost.report.document import Column, Document, Grid, Text, line_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
RECORD_COLUMNS = tuple(
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
    "MiB: what the layer must move at least, each input, parameter and output once. FLOP/B: its FLOPs over those bytes."
    " Roof: its speed over the measured ceiling that binds it; above 100 % where an algorithm multiplies less than the"
    " direct count (Winograd) or a cache held the data. no work: nothing was launched, the time is the clock's own."
)
PASS_NAMES = {
    LAYERS: "sum of layers",
    WHOLE: "whole, no marks inside",
    GRAPH: "graph replay",
}
_TOTAL_NAMES = {LAYERS: "sum of layers", WHOLE: "whole", GRAPH: "graph replay"}


def document(result: Mapping[str, Any]) -> Document:
    """Return the document of a bench result; its JSON keeps a layer's samples on one line."""
    return Document(result, tuple(_blocks(result)), Grid(RECORD_COLUMNS, _record_rows(result)), write_data=to_json)


def _blocks(result: Mapping[str, Any]) -> Iterator[Text | Grid]:
    yield Text(machine_lines(result), style="list", hang="         ")
    for case in result["cases"]:
        yield Text((_case_head(result, case),))
        if case["layers"]:
            yield _layer_grid(result, case)
        yield _pass_grid(result, case)
        beside = (*_sustained(case), *_inspected(case, result["settings"]["backward"]))
        if beside:
            yield Text(beside, style="list")
    if len(result["cases"]) > 1:
        yield _case_grid(result)
    yield from bench_curve.blocks(curves(result))
    yield from _processes(result)
    yield Text(_verdict(result))


def _processes(result: Mapping[str, Any]) -> Iterator[Text]:
    """Of --repeat: how many processes there were, and how far their medians lie apart."""
    if "repeats" not in result:
        return
    failed = len(result["repeats_failed"])
    head = f"{len(result['repeats'])} of {result['repeats_asked']} processes measured; each row has the forwards of all"
    lines = [head + (f"; {failed} failed" if failed else "")]
    for case in result["cases"]:
        medians = [median(part) for part in by_process(case["passes"][WHOLE], pass_samples(case, WHOLE))]
        times = ", ".join(units.milliseconds(time) for time in medians)
        lines.append(f"{case_title(case)}, the median of the whole in each process: {times}")
    yield Text(tuple(lines), style="list")


def _record_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line a layer, and one a pass with the pass's name in the layer's place; plain numbers, SI units."""
    rows = []
    for case in result["cases"]:
        common = {
            "network": case["network"]["title"],
            "input": case["input"],
            "dtype": result["settings"]["dtype"],
        }
        for layer, share in zip(case["layers"], shares(case), strict=True):
            rows.append({**layer, **common, "share": share, **rates(layer, result["ceilings"])})
        for name, label in _TOTAL_NAMES.items():
            if pass_samples(case, name):
                rows.append({**case["passes"][name], **common, "name": label, "flops": case["flops"]})
    return rows


def _case_head(result: Mapping[str, Any], case: Case) -> str:
    stopped = {
        "deviation": f"every median known within {result['settings']['rule']['deviation']:.1%}",
        "budget": "the budget ended",
        "most": "the most there are",
        "interrupted": "interrupted",
    }[case["stopped_by"]]
    return (
        f"{case['network']['heading']}; input {units.shape_text(case['input'])}; {case['rounds']} forwards of each"
        f" pass after {len(case['warm_up_ns'])} to warm up ({stopped}); times in {_time_unit(case)[0]}"
    )


def _layer_grid(result: Mapping[str, Any], case: Case) -> Grid:
    _, scale = _time_unit(case)
    rows = []
    for layer, share in zip(case["layers"], shares(case), strict=True):
        numbers = summary(layer["samples_ns"])
        achieved = rates(layer, result["ceilings"])
        roof = achieved["roof_fraction"]
        rows.append(
            {
                "name": layer["name"],
                **_times(numbers, scale),
                "share": f"{100 * share:.1f}",
                "macs": units.human_three(layer["macs"]) if layer["macs"] else None,
                "flops_per_s": _giga(achieved["flops_per_s"]),
                "moved": units.three(layer["min_bytes"] / 2**20) if layer["min_bytes"] else None,
                "bytes_per_s": _giga(achieved["bytes_per_s"]),
                "intensity": units.three(achieved["intensity"]),
                "roof": f"{100 * roof:.0f} %" if roof is not None else None,
                "bound": achieved["bound"],
            }
        )
    return Grid(LAYER_COLUMNS, rows, legend=LEGEND, left_out=_left_out)


def _left_out(gone: Sequence[Column]) -> str:
    return " ".join(
        f"{column.heading} left out to fit {line_columns()} columns; --format csv has it." for column in gone
    )


def _pass_grid(result: Mapping[str, Any], case: Case) -> Grid:
    _, scale = _time_unit(case)
    ceilings = result["ceilings"]
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
                "images": units.three(case["input"][0] / seconds) if seconds else None,
                "roof": f"{100 * flops / seconds / ceilings['flops_per_s']:.0f} %"
                if ceilings and flops and seconds
                else None,
            }
        )
    return Grid(PASS_COLUMNS, rows)


def _sustained(case: Case) -> tuple[str, ...]:
    """What forwards back to back gave, where they were asked for."""
    numbers = case.get("sustained")
    if not numbers:
        return ()
    watts, joules = numbers["watts"], numbers["joules_per_image"]
    words = [
        f"{units.three(numbers['images_per_s'])} images/s back to back for {numbers['seconds']:.1f} s",
        "" if watts is None else f"{watts:.0f} W",
        "" if joules is None else f"{joules:.3g} J an image",
    ]
    return (f"Sustained: {', '.join(word for word in words if word)}.",)


_IN_USE = {
    False: "one forward call at its worst moment (peak_bytes, weight_bytes, buffer_bytes and input_bytes)",
    True: "one forward and backward pass at its worst moment (training_peak_bytes without an optimizer)",
}
"""What the two numbers are, with the keys of `vggcost memory`; whether there is a backward pass."""


def _inspected(case: Case, backward: bool) -> tuple[str, ...]:
    """What the kernels' names say, and the memory: both asked behind the timing; empty in results that lack them."""
    lines = []
    by_algorithm: dict[str, list[str]] = {}
    for layer in case["layers"]:
        words = algorithm(layer.get("kernels"))
        if words:
            by_algorithm.setdefault(words, []).append(layer["name"])
    if by_algorithm:
        found = "; ".join(f"{words}: {', '.join(names)}" for words, names in by_algorithm.items())
        lines.append(f"Kernels, by their names (all of them in --format json): {found}.")
    measured, estimated = case.get("in_use_bytes_measured"), case.get("in_use_bytes_estimated")
    if measured is not None:
        beside = "" if estimated is None else f", {units.human_bytes(estimated)} estimated"
        lines.append(f"Memory of {_IN_USE[backward]}: {units.human_bytes(measured)} measured{beside}.")
    lines += [f"Note: {note}." for note in case.get("notes") or ()]
    return tuple(lines)


def _case_grid(result: Mapping[str, Any]) -> Grid:
    rows = []
    for case in result["cases"]:
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
                "images": units.three(case["input"][0] * 1e9 / numbers.median_ns) if numbers.median_ns else None,
            }
        )
    return Grid(CASE_COLUMNS, rows, title="All networks of this run")


def _verdict(result: Mapping[str, Any]) -> tuple[str, ...]:
    lines = result.get("verdict", [])
    if not lines:
        return ("Verdict: nothing speaks against these numbers (no gate tripped).",)
    texts = [f"{line['case']}: {line['text']}" if line["case"] else line["text"] for line in lines]
    return ("Verdict: read the numbers with this in mind.", *(f"! {text}" for text in texts))


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


def _giga(rate: float | None) -> str | None:
    return None if rate is None else units.three(rate / 1e9)


def _percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{100 * ratio:.1f} %"
