"""How far forecasts are off: the tables of ``vggcost predict --evaluate``."""

from __future__ import annotations

from vggcost.report import predict_pairs
from vggcost.report.document import Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Score = Mapping[str, float]

CLASSES: Mapping[str, str] = {
    "all": "all",
    "fp32": "float32",
    "tf32": "tf32",
    "tensor": "half, tensor cores",
    "eager": "- eager",
    "compiled": "- compiled",
    "fused": "- as TensorRT",
    "vector-half": "half, cores",
}
"""The rows of a table, in their order, and what people are shown."""

SHARES = ("median", "p90", "bias", "device_median", "coverage80", "coverage80_device")
FIGURES = ("rows", "devices", *SHARES)
HEADINGS: Mapping[str, str] = {
    "rows": "Rows",
    "devices": "Cards",
    "median": "Median %",
    "p90": "p90 %",
    "bias": "Bias %",
    "device_median": "By card %",
    "coverage80": "In 80%",
    "coverage80_device": "By card",
}
LEGEND = (
    "Error is |predicted / measured - 1|; p90: nine in ten are within it; by card: the median of each card's median, so"
    " that none carries the figure. In 80%: the share of rows that the 80% interval holds, and its mean over the cards."
)


def of_rows(data: Mapping[str, Any], place: str) -> Document:
    """Return the document of the shipped parameters against somebody's rows."""
    return Document(data, lambda: tuple(_of_rows(data, place)), _record({"rows": data}))


def shipped(data: Mapping[str, Any]) -> Document:
    """Return the document of the tables that ship with the parameters."""
    names = ("device_out", "source_out", "roofline", "flop_ratio")
    return Document(data, lambda: tuple(_shipped(data)), _record({name: data[name] for name in names}))


def _of_rows(data: Mapping[str, Any], place: str) -> Iterator[Text | Grid]:
    if "all" not in data:
        yield Text((f"None of the rows of {place} can be scored.",), style="head")
    else:
        which = "the rows that they were fitted on" if data["fitted_on_them"] else "rows that nothing is fitted on"
        yield Text((f"The shipped parameters on {which}; {place}",), style="head")
        yield _grid(data, "", covered=True, legend=LEGEND)
        yield _by_device(data)
    if data["pairs"]:
        yield predict_pairs.grid(data)
    yield _left_out(data)


def _shipped(data: Mapping[str, Any]) -> Iterator[Text | Grid]:
    yield Text(
        ("What forecasts from a datasheet are off by, on the rows that the parameters were fitted on.",), style="head"
    )
    yield _grid(data["device_out"], "Each card forecast by a fit without it", covered=True, legend=LEGEND)
    yield _by_device(data["device_out"])
    yield _grid(data["source_out"], "Each source forecast by a fit without it", covered=True)
    yield _grid(data["roofline"], "Beside it: a plain roofline, the longer of compute and least bytes a layer")
    yield _grid(data["flop_ratio"], "Beside it: FLOPs alone, at the share of the peak of the other cards")
    rows = [
        {"term": each["what"], "card": _percent(each["device_out"]), "source": _percent(each["source_out"])}
        for each in data["without"].values()
    ]
    rows.insert(
        0,
        {
            "term": "nothing",
            "card": _percent(data["device_out"]["all"]["median"]),
            "source": _percent(data["source_out"]["all"]["median"]),
        },
    )
    columns = (
        Column("term", "Without"),
        Column("card", "cards out %", "number"),
        Column("source", "sources out %", "number"),
    )
    yield Grid(columns, rows, title="The median error without a term")
    yield predict_pairs.grid(data)
    layers = data["layers"]
    off = f"{_percent(layers['median'])}% in median, nine in ten within {_percent(layers['p90'])}%"
    yield Text(
        (
            f"Single layers, by the same parameters: {off} ({layers['rows']} rows, {layers['devices']} cards).",
            f"Rows: SHA-256 {data['rows_sha256']}",
            f"Parameters: SHA-256 {data['parameters_sha256']}",
        )
    )
    yield _left_out(data)


def _grid(data: Mapping[str, Any], title: str, *, covered: bool = False, legend: str = "") -> Grid:
    rows = []
    for key, name in CLASSES.items():
        score = data.get(key) or data.get("tensor_modes", {}).get(key)
        if score:
            rows.append({"class": name, **_texts(score)})
    keys = FIGURES if covered else FIGURES[:-2]
    columns = (Column("class", "Class"), *(Column(key, HEADINGS[key], "number") for key in keys))
    return Grid(columns, rows, title=title, legend=legend)


def _by_device(data: Mapping[str, Any]) -> Grid:
    rows = [{"device": name, **_texts(score)} for name, score in data["by_device"].items()]
    keys = ("rows", "median", "p90", "bias", "coverage80")
    columns = (Column("device", "Card"), *(Column(key, HEADINGS[key], "number") for key in keys))
    return Grid(columns, rows)


def _texts(score: Score) -> dict[str, str]:
    return {key: f"{score[key]}" for key in ("rows", "devices")} | {
        key: _percent(score[key]) for key in SHARES if key in score
    }


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _left_out(data: Mapping[str, Any]) -> Text:
    reasons = ", ".join(f"{count} {reason}" for reason, count in data["left_out"].items()) or "none"
    return Text((f"Rows that are not scored: {reasons}",))


def _record(named: Mapping[str, Mapping[str, Any]]) -> Grid:
    rows = []
    for table, data in named.items():
        for key in CLASSES:
            score = data.get(key) or data.get("tensor_modes", {}).get(key)
            if score:
                rows.append({"table": table, "class": key, **score})
    columns = (Column("table", "table"), Column("class", "class"), *(Column(key, key) for key in FIGURES))
    return Grid(columns, rows)
