"""Forecasts: the interval first, then where the time goes, then what is left out: what ``vggcost predict`` shows."""

from __future__ import annotations

from vggcost import units
from vggcost.predict.datasheet import DATASHEET, device_data
from vggcost.predict.parameters import shipped_sha256
from vggcost.report.document import Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.predict.devices import Device
    from vggcost.predict.prediction import Prediction

NAMES: Mapping[str, str] = {
    "convolution": "convolutions",
    "classifier": "classifier",
    "elementwise": "elementwise passes",
    "conversion": "layout conversions",
    "launch": "launches",
}
"""The parts of a time, for people."""


def document(predictions: Sequence[Prediction]) -> Document:
    """Return the document of one forecast, or of several, a row each."""
    data = {"schema": "vggcost.predict/1", "predictions": [prediction_data(each) for each in predictions]}
    columns = (
        *(Column(key, key) for key in ("network", "device", "dtype", "mode")),
        Column("batch", "batch", "number"),
        Column("size", "size", "pair"),
        *(Column(key, key, "number") for key in ("likely_ms", "low_ms", "high_ms", "level", "images_per_s")),
        Column("in_use_bytes_estimated", "in_use_bytes_estimated", "bytes"),
        Column("fits", "fits"),
    )
    record = Grid(columns, [_record(each) for each in predictions])
    return Document(data, lambda: tuple(_one(predictions[0]) if len(predictions) == 1 else _many(predictions)), record)


def prediction_data(each: Prediction) -> dict[str, Any]:
    """One forecast, as the JSON has it: times in ms, every term of every layer, and what it stands on."""
    basis = dict(each.basis)
    if basis["from"] == DATASHEET:
        basis["parameters_sha256"] = shipped_sha256()
    return {
        "network": dict(each.network),
        "input": list(each.input),
        "device": dict(each.device),
        **each.choice,
        "basis": basis,
        "likely_ms": each.likely_ms,
        "low_ms": each.low_ms,
        "high_ms": each.high_ms,
        "level": each.level,
        "images_per_s": each.images_per_s,
        "parts_ms": dict(each.parts),
        "layers": [
            {"name": row.name, "kind": row.kind, "part": row.part, "ms": row.ms, "bound": row.bound, **row.terms}
            for row in each.layers
        ],
        "in_use_bytes_estimated": each.in_use_bytes_estimated,
        "memory_bytes": each.memory_bytes,
        "fits": each.fits,
        "warnings": list(each.warnings),
        "left_out": list(each.left_out),
    }


def _record(each: Prediction) -> dict[str, Any]:
    return {
        "network": each.network["title"],
        "device": each.device["name"],
        "dtype": each.choice["dtype"],
        "mode": each.choice["mode"],
        "batch": each.input[0],
        "size": each.input[2:],
        "likely_ms": each.likely_ms,
        "low_ms": each.low_ms,
        "high_ms": each.high_ms,
        "level": each.level,
        "images_per_s": each.images_per_s,
        "in_use_bytes_estimated": each.in_use_bytes_estimated,
        "fits": each.fits,
    }


def ms(value: float) -> str:
    """A time in ms with three digits: no more are known.

    >>> ms(20.5013), ms(0.0512), ms(1234.5)
    ('20.5', '0.051', '1,234')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def interval_words(each: Prediction) -> str:
    """The interval, as it is printed first."""
    interval = f"{ms(each.low_ms)} to {ms(each.high_ms)} ms, {ms(each.likely_ms)} ms likely"
    return f"{interval}; {each.level}% {_likes(each)} fall inside"


def _likes(each: Prediction) -> str:
    return "of cards like these" if each.basis["from"] == DATASHEET else "of cases like these"


def _one(each: Prediction) -> Iterator[Text | Grid]:
    yield Text((_header(each),), style="head")
    yield Text((interval_words(each), _speed(each)))
    total = each.likely_ms
    rows = [
        {"part": NAMES[part], "ms": ms(time), "share": f"{100 * time / total:.1f}"} for part, time in each.parts.items()
    ]
    rows.append({"part": "all", "ms": ms(total), "share": "100.0"})
    parts = (Column("part", "Part"), Column("ms", "ms", "number"), Column("share", "%", "number"))
    yield Grid(parts, rows, title="Where the time goes")
    layers = [
        {"name": row.name, "ms": ms(row.ms), "share": f"{100 * row.ms / total:.1f}", "bound": row.bound or ""}
        for row in each.layers
        if row.part != "elementwise"
    ]
    columns = (
        Column("name", "Layer"),
        Column("ms", "ms", "number"),
        Column("share", "%", "number"),
        Column("bound", "Bound by"),
    )
    yield Grid(columns, layers, title="Layers with weights, a hint: no interval is known for one of them")
    yield from _notes([each])


def _speed(each: Prediction) -> str:
    low, high = (units.exact(round(each.input[0] / bound * 1e3)) for bound in (each.high_ms, each.low_ms))
    words = f"{units.exact(round(each.images_per_s))} images/s ({low} to {high})"
    if each.in_use_bytes_estimated is None:
        return words
    words += f"; {units.human_bytes(each.in_use_bytes_estimated)} of memory"
    if each.memory_bytes is None:
        return words
    verb = "of" if each.fits else "which does not fit into"
    return f"{words} {verb} {units.human_bytes(each.memory_bytes)}"


def _header(each: Prediction) -> str:
    return f"{_network(each)}; input {units.shape_text(each.input)} {_how(each)}; {each.device['name']}"


def _network(each: Prediction) -> str:
    return f"VGG {each.network['title']}" if each.network.get("options") is not None else f"{each.network['title']}"


def _how(each: Prediction) -> str:
    words = [f"{each.choice['dtype']}", f"{each.choice['mode']}"]
    words += ["channels last"] if each.choice["channels_last"] else []
    words += ["forward and backward"] if each.choice["backward"] else []
    return ", ".join(words)


def _many(predictions: Sequence[Prediction]) -> Iterator[Text | Grid]:
    first = predictions[0]
    yield Text((f"{first.level}% {_likes(first)} fall inside low to high; {_how(first)}",), style="head")
    columns = [
        Column("network", "Network"),
        Column("batch", "Batch", "number"),
        Column("size", "Size", "pair"),
        Column("device", "Device"),
        *(Column(key, head, "number") for key, head in (("low", "low ms"), ("likely", "likely"), ("high", "high"))),
        Column("speed", "images/s", "number"),
        Column("memory", "Memory", "number", leaves=1),
    ]
    rows = [
        {
            "network": each.network["title"],
            "batch": each.input[0],
            "size": each.input[2:],
            "device": each.device["name"],
            "low": ms(each.low_ms),
            "likely": ms(each.likely_ms),
            "high": ms(each.high_ms),
            "speed": units.exact(round(each.images_per_s)),
            "memory": _fit_words(each),
        }
        for each in predictions
    ]
    same = [key for key in ("network", "batch", "size", "device") if len({str(row[key]) for row in rows}) == 1]
    shown = tuple(column for column in columns if column.key not in same or column.key in ("network", "device"))
    yield Grid(shown, rows)
    yield from _notes(predictions)


def _fit_words(each: Prediction) -> str:
    if each.in_use_bytes_estimated is None:
        return ""
    return units.human_bytes(each.in_use_bytes_estimated) + ("" if each.fits is not False else " does not fit")


def _notes(predictions: Sequence[Prediction]) -> Iterator[Text]:
    warnings = dict.fromkeys(warning for each in predictions for warning in each.warnings)
    if warnings:
        yield Text(tuple(f"Note: {warning}" for warning in _whose(predictions, warnings)))
    left_out = dict.fromkeys(line for each in predictions for line in each.left_out)
    yield Text(tuple(f"Left out: {line}" for line in left_out))


def _whose(predictions: Sequence[Prediction], warnings: Mapping[str, Any]) -> Iterator[str]:
    """Each warning once, with the devices that it is for where it is not for all."""
    for warning in warnings:
        names = dict.fromkeys(each.device["name"] for each in predictions if warning in each.warnings)
        all_of_them = len(names) == len({each.device["name"] for each in predictions})
        yield warning if all_of_them else f"{warning} ({', '.join(map(str, names))})"


def devices_document(rows: Sequence[Device]) -> Document:
    """Return the table of devices, as ``vggcost predict --devices`` shows it."""
    columns = (
        Column("name", "Device"),
        Column("architecture", "Architecture"),
        Column("segment", "Segment", leaves=4),
        Column("fp32_tflops", "FP32", "number"),
        Column("tf32_tflops", "TF32", "number", leaves=2),
        Column("fp16_vector_tflops", "FP16", "number", leaves=3),
        Column("fp16_tensor_tflops", "FP16 tensor", "number"),
        Column("memory_gb_per_s", "GB/s", "number"),
        Column("memory_gib", "GiB", "number", leaves=1),
        Column("power_w", "W", "number", leaves=5),
        Column("checked", "Checked"),
        Column("source", "Source", where="files"),
    )
    listed = [device_data(row) for row in rows]
    data = {"schema": "vggcost.devices/1", "devices": listed}
    shown = [{key: _number(value) for key, value in row.items()} for row in listed]
    legend = (
        "TFLOP/s: FMA = 2, dense, tensor rates with float32 accumulation. recalled: from memory of the document that"
        " the JSON names in `source`, not seen on a page. 0 is none."
    )
    record = Grid(tuple(Column(key, key) for key in listed[0] if key != "aliases"), listed)
    return Document(data, (Grid(columns, shown, legend=legend),), record)


def _number(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, int | float) else value
