"""A network over its batch: the document of ``vggcost bench-curve``, whose table a bench result has as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.curve import KNEE_FRACTION
from vggcost.report.document import Column, Document, Grid, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

COLUMNS = (
    Column("batch", "Batch", "number"),
    Column("median", "Latency", "number"),
    Column("quartiles", "Q1-Q3", "number", leaves=1),
    Column("image", "An image", "number"),
    Column("images", "Images/s", "number"),
    Column("fraction", "Of most", "number"),
    Column("mark", "", "text"),
)
RECORD_COLUMNS = tuple(
    Column(key, key, kind)
    for key, kind in (
        ("network", "text"),
        ("input", "shape"),
        ("batch", "number"),
        ("median_ns", "number"),
        ("q1_ns", "number"),
        ("q3_ns", "number"),
        ("n", "number"),
        ("images_per_s", "number"),
        ("fraction", "number"),
    )
)
LEGEND = (
    f"Latency: the whole forward, its median. knee: the smallest batch with at least {KNEE_FRACTION:.0%} of the most"
    " images/s; a larger one buys little but waiting."
)


def document(made: Mapping[str, Any]) -> Document:
    """Return the document of what `vggcost.bench.curve.curve_document` found."""
    threads = f", {units.counted(made['threads'], 'thread')}" if made["device"] == "cpu" else ""
    head = f"{made['device_name']}{threads}; {made['dtype']}, {made['mode']}"
    rows = [
        {**point, "network": one["network"]["title"], "input": [point["batch"], *one["image"]]}
        for one in made["curves"]
        for point in one["points"]
    ]
    return Document(made, (Text((head,)), *blocks(made["curves"])), Grid(RECORD_COLUMNS, rows))


def blocks(curves: Iterable[Mapping[str, Any]]) -> Iterator[Text | Grid]:
    """A table a curve, and under it the largest batch that fits."""
    for one in curves:
        title = f"{one['network']['title']}, images of {units.shape_text(tuple(one['image']))}, over the batch"
        yield Grid(COLUMNS, [_cells(point, one) for point in one["points"]], title=title, legend=LEGEND)
        yield Text((largest(one),))


def largest(one: Mapping[str, Any]) -> str:
    """Say which batch is the largest that fits, as far as the measurement shows it."""
    if one["refused"] is None:
        return f"Largest batch that fits: {one['largest']} or more; none above it was refused."
    refused = one["refused"]
    return f"Largest batch that fits: {one['largest']}, of those asked for; {refused['batch']}: {refused['reason']}"


def _cells(point: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    marks = [word for word in ("knee", "fastest") if one[word] == point["batch"]]
    return {
        "batch": str(point["batch"]),
        "median": units.milliseconds(point["median_ns"]),
        "quartiles": f"{units.milliseconds(point['q1_ns'])} - {units.milliseconds(point['q3_ns'])}",
        "image": units.milliseconds(point["median_ns"] / point["batch"]),
        "images": units.three(point["images_per_s"]),
        "fraction": f"{100 * point['fraction']:.0f} %",
        "mark": ", ".join(marks),
    }
