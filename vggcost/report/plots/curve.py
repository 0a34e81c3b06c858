"""A bench result over the batch: latency above, images/s below, the knee and the largest batch marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.curve import curve_document
from vggcost.printable import printable
from vggcost.report.plots.picture import picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH_INCHES, HEIGHT_INCHES = 5.5, 4.8

LOOKS = (("o", "-", "#1f4e79"), ("s", "--", "#e08214"), ("^", "-.", "#8073ac"), ("D", ":", "#4d4d4d"))
"""Marker, line and colour: each differs in shape too, so that it prints in grey."""


def curve(document: Mapping[str, Any], fmt: str) -> bytes:
    """Return the picture of a bench result as the bytes of a file; fmt is one of FILE_FORMATS.

    Raises:
        MissingExtraError: matplotlib is not installed.
        VggcostError: no network has two batches in the result.
    """
    made = curve_document(document)
    return picture("bench-curve", (WIDTH_INCHES, HEIGHT_INCHES), fmt, lambda figure: draw(figure, made))


def draw(figure: Any, made: Mapping[str, Any]) -> None:
    """Draw the curves of a `curve_document` into a figure."""
    above, below = figure.subplots(2, 1, sharex=True)
    measured = {point["batch"] for one in made["curves"] for point in one["points"]}
    batches = sorted(measured | {one["refused"]["batch"] for one in made["curves"] if one["refused"]})
    for axes in (above, below):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.grid(visible=True, which="major", color="0.92", linewidth=0.6, zorder=0)
    for number, one in enumerate(made["curves"]):
        _draw_one(above, below, one, LOOKS[number % len(LOOKS)])
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    for axes in (above, below):
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=10))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    below.set_xticks(batches, [str(batch) for batch in batches])
    below.xaxis.set_minor_locator(NullLocator())
    above.set_ylabel("latency of a forward [ms]")
    below.set_ylabel("images/s")
    below.set_xlabel("batch [images]")
    _name_lines(above, [_label(one) for one in made["curves"]])
    figure.suptitle(_title(made), x=0.01, ha="left", fontsize=8)


def _draw_one(above: Any, below: Any, one: Mapping[str, Any], look: tuple[str, str, str]) -> None:
    marker, line, colour = look
    points = one["points"]
    batches = [point["batch"] for point in points]
    times = [point["median_ns"] / 1e6 for point in points]
    quartiles = [[point[name] / 1e6 for point in points] for name in ("q1_ns", "q3_ns")]
    speeds = [point["images_per_s"] for point in points]
    words = {"marker": marker, "linestyle": line, "color": colour, "markersize": 4, "linewidth": 1.1, "zorder": 3}
    above.plot(batches, times, label="a curve", **words)
    above.vlines(batches, *quartiles, color=colour, linewidth=2.4, alpha=0.5, zorder=2)
    below.plot(batches, speeds, **words)
    knee = batches.index(one["knee"])
    for axes, heights in ((above, times), (below, speeds)):
        # A ring, which stands around the marker whatever its shape.
        axes.plot([batches[knee]], [heights[knee]], "o", markersize=10, markerfacecolor="none", color=colour, zorder=4)
    below.annotate(
        f"knee {one['knee']}", (batches[knee], speeds[knee]), xytext=(-8, 6), textcoords="offset points", ha="right"
    )
    if one["refused"] is not None:
        for axes in (above, below):
            axes.axvline(one["refused"]["batch"], color=colour, linestyle=line, linewidth=0.9, zorder=1)
        above.annotate(
            f"{one['network']['title']} does not run at {one['refused']['batch']}",
            (one["refused"]["batch"], above.get_ylim()[0]),
            xytext=(-3, 3),
            textcoords="offset points",
            ha="right",
            fontsize=7,
        )


def _label(one: Mapping[str, Any]) -> str:
    return f"{one['network']['title']}, {units.shape_text(tuple(one['image']))}"


def _name_lines(axes: Any, labels: Sequence[str]) -> None:
    """Write the legend; a label that begins with _ would be left out of it if a line bore it."""
    legend = axes.legend(loc="upper left", frameon=False, fontsize=7)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(printable(label))


def _title(made: Mapping[str, Any]) -> str:
    threads = f", {units.counted(made['threads'], 'thread')}" if made["device"] == "cpu" else ""
    largest = ", ".join(
        f"{one['largest']} ({one['network']['title']})" if len(made["curves"]) > 1 else str(one["largest"])
        for one in made["curves"]
    )
    return (
        f"{made['device_name']}{threads}, {made['dtype']}; largest batch measured: {largest}\n"
        f"bars: the middle half of the forwards; ring: the knee, {made['knee_fraction']:.0%} of the most images/s"
    )
