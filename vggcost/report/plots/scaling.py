"""How MACs and memory grow with the image and with the batch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost.record import Record
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


COLUMN_GAP, ROW_GAP = 0.62, 0.06
"""Between the panels across [inches], where the right ones have their numbers, and up [part of the height]."""

TICKS = 5
"""The most numbers along an axis."""


class ScalingPoint(Record):
    """A network at one image and batch: MACs of a forward call, and what is held at the worst moment [B], by use."""

    at: int
    macs: int
    bytes: Mapping[str, int]


def scaling(title: str, sizes: Sequence[ScalingPoint], batches: Sequence[ScalingPoint]) -> Drawing:
    """Return the drawing of a network over image sizes [pixels] and over batches [images]."""
    return Drawing(
        title, style.ONE_COLUMN, lambda width: min(4.5, 1.0 * width), partial(_draw, sizes=sizes, batches=batches)
    )


def _draw(
    axes: Any,
    theme: style.Theme,
    width: float,
    sizes: Sequence[ScalingPoint],
    batches: Sequence[ScalingPoint],
) -> list[Any]:
    axes.set_axis_off()
    across, up = (1 - COLUMN_GAP / width) / 2, (1 - ROW_GAP) / 2
    made = [
        style.tidy(axes.inset_axes((left, low, across, up)), theme, grid="both")
        for low in (1 - up, 0)
        for left in (0, 1 - across)
    ]
    columns = (("image height [pixels]", sizes), ("batch [images]", batches))
    for place, (words, points) in enumerate(columns):
        above, below = made[place], made[2 + place]
        at = [point.at for point in points]
        if len(points) < 2:
            above.annotate("one size alone fits", (0.5, 0.5), xycoords="axes fraction", ha="center", fontsize=6)
        _line(above, at, [point.macs for point in points], 0)
        uses = list(points[0].bytes)
        drawn = [_line(below, at, [point.bytes[use] for point in points], number) for number, use in enumerate(uses)]
        for panel in (above, below):
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            _ticks(panel.xaxis, at)
        above.set_xticklabels([])
        below.set_xlabel(words, fontsize=style.TEXT_POINTS)
        _logarithmic(above.yaxis, [point.macs for point in points], (1, 2, 5), 10, style.short_count)
        held = [value for point in points for value in point.bytes.values()]
        _logarithmic(below.yaxis, held, (1,), 2, style.short_bytes)
    made[0].set_ylabel("MACs of a forward call", fontsize=style.TEXT_POINTS)
    made[2].set_ylabel("memory", fontsize=style.TEXT_POINTS)
    style.legend(made[2], drawn, uses, loc="upper left", bbox_to_anchor=(-0.2, -0.26), ncols=3)
    return made


def _line(panel: Any, at: Sequence[int], values: Sequence[int], number: int) -> Any:
    marker, line = style.MARKS[number]
    colour = style.LOOKS[(0, 3, 5, 6)[number]].colour
    (drawn,) = panel.plot(
        at, values, marker=marker, linestyle=line, color=colour, markersize=2.6, linewidth=1.0, clip_on=False
    )
    return drawn


def _ticks(axis: Any, at: Sequence[int]) -> None:
    """Write values that were asked for, each so many times the one before that there is room."""
    factor = 2
    while len(kept := _apart(at, factor)) > TICKS:
        factor *= 2
    _write(axis, kept, str)


def _apart(at: Sequence[int], factor: int) -> list[int]:
    kept: list[int] = []
    for value in at:
        if not kept or value >= kept[-1] * factor:
            kept.append(value)
    return kept


def _logarithmic(
    axis: Any, values: Sequence[int], digits: Sequence[int], base: int, written: Callable[[int], str]
) -> None:
    """Write round numbers from the least to the largest value: powers of the base times digits, as many as fit."""
    least, most = min(values), max(values)
    powers = [base**power for power in range(most.bit_length() + 1)]
    ticks = [digit * power for power in powers for digit in digits if least <= digit * power <= most]
    if len(ticks) > TICKS:
        ticks = [tick for tick in ticks if tick in powers]
    every = -(-len(ticks) // TICKS) or 1
    _write(axis, ticks[::every] or [most], written)


def _write(axis: Any, ticks: Sequence[int], written: Callable[[int], str]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(round(value))))
    axis.set_minor_locator(NullLocator())
