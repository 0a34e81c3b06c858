"""A bench result over the batch: latency above, images/s below, the knee and the largest batch marked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.curve import curve_document
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Beside the marks of `style.MARKS`, which differ in shape too, so that it prints in grey."""


def curve(document: Mapping[str, Any]) -> Drawing:
    """Return the drawing of a bench result over the batch.

    Raises:
        VggcostError: no network has two batches in the result.
    """
    made = curve_document(document)
    return Drawing(_title(made), style.ONE_COLUMN, lambda width: min(4.8, 1.15 * width), partial(_draw, made=made))


def _draw(axes: Any, theme: style.Theme, width: float, made: Mapping[str, Any]) -> list[Any]:
    """Draw the curves of a `curve_document`."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_axis_off()
    above, below = (style.tidy(axes.inset_axes((0, low, 1, 0.47)), theme, grid="both") for low in (0.53, 0))
    measured = {point["batch"] for one in made["curves"] for point in one["points"]}
    batches = sorted(measured | {one["refused"]["batch"] for one in made["curves"] if one["refused"]})
    for panel in (above, below):
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
    drawn = [_draw_one(above, below, one, number) for number, one in enumerate(made["curves"])]
    for panel in (above, below):
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=10))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.margins(y=0.2)
    below.set_xticks(batches, [str(batch) for batch in batches])
    above.set_xticks(batches, [])
    for panel in (above, below):
        panel.xaxis.set_minor_locator(NullLocator())
    _spread(above, [point["median_ns"] / 1e6 for one in made["curves"] for point in one["points"]])
    _spread(below, [point["images_per_s"] for one in made["curves"] for point in one["points"]])
    above.set_ylabel("latency [ms]", fontsize=style.TEXT_POINTS)
    below.set_ylabel("images/s", fontsize=style.TEXT_POINTS)
    below.set_xlabel("batch [images]", fontsize=style.TEXT_POINTS)
    names = [
        f"knee {one['knee']}: {one['network']['title']}, {units.shape_text(tuple(one['image']))}"
        for one in made["curves"]
    ]
    most = int(0.7 * width / style.SIGN_INCHES)
    style.legend(above, drawn, [style.shown(name, most) for name in names], loc="upper left")
    return [above, below]


def _spread(panel: Any, values: Sequence[float]) -> None:
    """Give a logarithmic axis a height where all of its values are the same."""
    if max(values) == min(values):
        panel.set_ylim(values[0] / 2, values[0] * 2)


def _draw_one(above: Any, below: Any, one: Mapping[str, Any], number: int) -> Any:
    (marker, line), colour = style.MARKS[number % 4], COLOURS[number % 4]
    points = one["points"]
    batches = [point["batch"] for point in points]
    times = [point["median_ns"] / 1e6 for point in points]
    quartiles = [[point[name] / 1e6 for point in points] for name in ("q1_ns", "q3_ns")]
    speeds = [point["images_per_s"] for point in points]
    words = {"marker": marker, "linestyle": line, "color": colour, "markersize": 3, "linewidth": 1.0, "zorder": 3}
    (drawn,) = above.plot(batches, times, **words)
    above.vlines(batches, *quartiles, color=colour, linewidth=2.4, alpha=0.5, zorder=2)
    below.plot(batches, speeds, **words)
    knee = batches.index(one["knee"])
    for axes, heights in ((above, times), (below, speeds)):
        # A ring, which stands around the marker whatever its shape.
        axes.plot([batches[knee]], [heights[knee]], "o", markersize=8, markerfacecolor="none", color=colour, zorder=4)
    if one["refused"] is not None:
        for axes in (above, below):
            axes.axvline(one["refused"]["batch"], color=colour, linestyle=line, linewidth=0.9, zorder=1)
        above.annotate(
            f"{style.shown(one['network']['name'], 24)} does not run at {one['refused']['batch']}",
            (one["refused"]["batch"], 0.03 + 0.1 * number),
            xycoords=above.get_xaxis_transform(),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            fontsize=style.SMALL_POINTS,
        )
    return drawn


def _title(made: Mapping[str, Any]) -> str:
    threads = f", {units.counted(made['threads'], 'thread')}" if made["device"] == "cpu" else ""
    largest = ", ".join(
        f"{one['largest']} ({one['network']['title']})" if len(made["curves"]) > 1 else str(one["largest"])
        for one in made["curves"]
    )
    return (
        f"{made['device_name']}{threads}, {made['dtype']}; largest batch measured: {largest};"
        f" bars: the middle half of the forwards; ring: the knee, {made['knee_fraction']:.0%} of the most images/s"
    )
