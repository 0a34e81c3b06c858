"""The cells of a bench over a space: time against batch, a panel a device."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.report.plots import style
from vggcost.report.plots.curve import COLOURS
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_LINES = 12
"""More of them are named by nobody."""

LINE = ("network", "width", "batch_norm", "head", "classes", "dtype", "layout")
"""What the cells of one line have in common, beside the size."""


def cells(rows: Sequence[Mapping[str, Any]]) -> Drawing:
    """Return the drawing of the rows of `vggcost.sweep.collected`.

    Raises:
        VggcostError: none of them was measured.
    """
    measured = [row for row in rows if row["median_ms"] is not None and not row["repeat"]]
    if not measured:
        raise VggcostError("no cell has a time, so there is nothing to draw; vggcost bench-collect says why")
    devices: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for row in measured:
        lines = devices.setdefault(row["tag"], {})
        lines.setdefault(_name(row, measured), []).append((row["batch"], row["median_ms"]))
    title = "median of a forward over the batch; " + ", ".join(
        dict.fromkeys(f"{row['tag']}: {row['device_name']}" for row in measured)
    )
    height = 2.2 * len(devices)
    return Drawing(title, style.ONE_COLUMN, lambda _: height, partial(_draw, devices=devices))


def _name(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """What tells a line from the others: its network, and whatever differs among all."""
    words = [str(row["network"])]
    words += [
        str(row[name]) if name in ("dtype", "layout") else f"{name} {row[name]}"
        for name in LINE[1:]
        if name in row and len({each[name] for each in rows}) > 1
    ]
    if len({(each["height"], each["width_px"]) for each in rows}) > 1:
        words.append(units.pair_text((row["height"], row["width_px"])))
    return ", ".join(words)


def _draw(
    axes: Any, theme: style.Theme, width: float, devices: Mapping[str, Mapping[str, list[tuple[int, float]]]]
) -> list[Any]:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_axis_off()
    share, panels = 1 / len(devices), []
    for place, (tag, lines) in enumerate(devices.items()):
        panel = style.tidy(
            axes.inset_axes((0, 1 - share * (place + 1) + 0.1 * share, 1, 0.8 * share)), theme, grid="both"
        )
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        drawn = []
        for number, points in enumerate(lines.values()):
            batches, times = zip(*sorted(points), strict=True)
            (marker, line), colour = style.MARKS[number % 4], COLOURS[number % 4]
            drawn += panel.plot(
                batches, times, marker=marker, linestyle=line, color=colour, markersize=3, linewidth=1.0
            )
        names = [style.shown(name, int(0.7 * width / style.SIGN_INCHES)) for name in lines]
        style.legend(panel, drawn[:MOST_LINES], names[:MOST_LINES], loc="upper left")
        every = sorted({batch for points in lines.values() for batch, _ in points})
        panel.set_xticks(every, [str(batch) for batch in every])
        panel.xaxis.set_minor_formatter(NullFormatter())
        for formatter in (panel.yaxis.set_major_formatter, panel.yaxis.set_minor_formatter):
            formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.set_ylabel(f"{style.shown(tag, 16)} [ms]", fontsize=style.TEXT_POINTS)
        panels.append(panel)
    panels[-1].set_xlabel("batch [images]", fontsize=style.TEXT_POINTS)
    return panels
