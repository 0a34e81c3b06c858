"""Networks side by side: parameters against MACs, each a disc whose area is what its weight layers put out."""

from __future__ import annotations

from functools import partial
from math import pi
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.record import Record
from vggcost.report.compare import distinct
from vggcost.report.plots import style
from vggcost.report.plots.labels import Disc, Names
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST_AREA = 260.0
"""Of a disc [points^2]."""


class ConfigDisc(Record):
    """One network or program, its short and its full name, and what it gets."""

    short: str
    full: str
    input: str
    params: int
    macs: int
    output_bytes: int


def configs(discs: Sequence[ConfigDisc]) -> Drawing:
    """Return the drawing of several networks."""
    inputs = dict.fromkeys(disc.input for disc in discs)
    at = discs[0].input if len(inputs) == 1 else "each at its own input"
    title = f"Parameters against MACs of one forward call, {at}"
    return Drawing(title, style.ONE_COLUMN, lambda width: min(4.2, 0.78 * width), partial(_draw, discs=discs))


def _draw(axes: Any, theme: style.Theme, _: float, discs: Sequence[ConfigDisc]) -> list[Any]:
    style.tidy(axes, theme, grid="both")
    largest = max(disc.output_bytes for disc in discs) or 1
    areas = [LARGEST_AREA * disc.output_bytes / largest for disc in discs]
    axes.scatter(
        [disc.params for disc in discs],
        [disc.macs for disc in discs],
        s=areas,
        facecolor=[(style.LOOKS[2].colour, 0.75)],
        edgecolor=theme.ink,
        linewidth=0.6,
        zorder=3,
        clip_on=False,
    )
    axes.margins(0.18)
    area = f"area: outputs of weight layers, at most {units.human_bytes(largest)}"
    axes.set_xlabel(f"parameters\n{area}", fontsize=style.TEXT_POINTS)
    axes.set_ylabel("MACs", fontsize=style.TEXT_POINTS)
    style.count_axis(axes.xaxis)
    style.count_axis(axes.yaxis)
    _name(axes, theme, discs, areas)
    return [axes]


def _name(axes: Any, theme: style.Theme, discs: Sequence[ConfigDisc], areas: Sequence[float]) -> None:
    """Put a name beside every disc, clear of all others."""
    figure = axes.figure
    figure.draw_without_rendering()
    unit = figure.dpi / 72
    spots = [axes.transData.transform((disc.params, disc.macs)) for disc in discs]
    placed = [Disc(x, y, (area / pi) ** 0.5 * unit) for (x, y), area in zip(spots, areas, strict=True)]
    taken = [text.get_window_extent().extents for text in axes.texts]
    names = Names(axes.get_window_extent().extents, placed, taken, [], unit)
    words = distinct([(disc.short, disc.full) for disc in discs])
    for place, disc in enumerate(discs):
        text = axes.annotate(
            style.shown(words[place], 24),
            (disc.params, disc.macs),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=style.TEXT_POINTS,
            zorder=2.5,
            arrowprops={"arrowstyle": "-", "color": theme.ink, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0},
        )
        extent = text.get_window_extent()
        beside, above = names.place(place, extent.width, extent.height)
        text.set_position((beside / unit, above / unit))
