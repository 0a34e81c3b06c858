"""The front of a sweep: its networks over two objectives, a third one as the area, the configurations set apart."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost.record import Record
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = (
    *(
        (colour, marker)
        for colour, (marker, _) in zip(("#0072B2", "#D55E00", "#009E73", "#CC79A7"), style.MARKS, strict=True)
    ),
    ("#56B4E9", "v"),
    ("#E69F00", "P"),
    ("#999999", "X"),
)
"""Colour and marker of the networks of a configuration: in grey the markers tell them apart."""

OTHERS = "others"
"""What the configurations are called for which there is no marker of their own."""

SMALLEST_AREA, LARGEST_AREA = 4.0, 90.0
"""Of a point [points^2], where the area says something."""

MOST_OUTLINES = 5000
"""From how many points on they are pixels within an SVG or PDF, which would be of many megabytes otherwise."""

LOGARITHMIC = 20
"""How many times the largest value is the smallest, from which on an axis is logarithmic."""


class FrontAxis(Record):
    """An objective: its column, whether the largest is asked for, whether it is bytes, and the values."""

    column: str
    largest: bool
    of_memory: bool
    values: tuple[float, ...]

    @property
    def label(self) -> str:
        """The column, and which end of it is better."""
        return f"{self.column} ({'more' if self.largest else 'less'} is better)"

    def text(self, value: float) -> str:
        """One of its values, in short."""
        return style.short_bytes(value) if self.of_memory else style.short_count(value)


class DrawnFront(Record):
    """What a front holds: two or three objectives, the group of each network, and where all of it is from."""

    axes: tuple[FrontAxis, ...]
    groups: tuple[str, ...]
    points: int
    passed: int


def front(found: DrawnFront) -> Drawing:
    """Return the drawing of a front."""
    of = (
        f"{found.points:,}"
        if found.passed == found.points
        else f"the {found.passed:,} that pass among {found.points:,}"
    )
    title = f"{len(found.groups):,} of {of} networks: no other one is as good in all objectives and better in one"
    return Drawing(title, style.ONE_COLUMN, lambda width: min(4.2, 0.85 * width), partial(_draw, found=found))


def grouped(names: Sequence[str]) -> tuple[str, ...]:
    """Return for each network the group it is shown with: its name, or OTHERS where there are too many of them.

    The most frequent ones keep their names.

    >>> grouped(["A", "D", "A"])
    ('A', 'D', 'A')
    """
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    kept = set(counts)
    if len(kept) > len(GROUPS):
        kept = set(sorted(counts, key=lambda name: (-counts[name], name))[: len(GROUPS) - 1])
    return tuple(name if name in kept else OTHERS for name in names)


def _draw(axes: Any, theme: style.Theme, width: float, found: DrawnFront) -> list[Any]:
    style.tidy(axes, theme, grid="both")
    across, up = found.axes[:2]
    order = sorted(range(len(found.groups)), key=lambda place: (across.values[place], up.values[place]))
    steps = {False: "steps-post", True: "steps-pre"}[across.largest]
    if len(found.axes) == 2:  # with a third objective, neighbours in two of them are none
        axes.plot(
            [across.values[place] for place in order],
            [up.values[place] for place in order],
            drawstyle=steps,
            color=theme.ink,
            linewidth=0.6,
            zorder=2,
        )
    shown = []
    names = _names(found.groups)
    for number, name in enumerate(names):
        colour, marker = GROUPS[number]
        places = [place for place in order if found.groups[place] == name]
        shown.append(
            axes.scatter(
                [across.values[place] for place in places],
                [up.values[place] for place in places],
                s=_areas(found, places),
                marker=marker,
                facecolor=[(colour, 0.8)],
                edgecolor=theme.ink,
                linewidth=0.3,
                zorder=3,
                rasterized=len(order) > MOST_OUTLINES,
            )
        )
    area = ""
    if len(found.axes) == 3:
        third = found.axes[2]
        low, high = (third.text(each) for each in (min(third.values), max(third.values)))
        area = f"\narea: {third.label}, {low} to {high}"
    axes.set_xlabel(f"{across.label}{area}", fontsize=style.TEXT_POINTS)
    axes.set_ylabel(up.label, fontsize=style.TEXT_POINTS)
    _scale(axes, axes.xaxis, across)
    _scale(axes, axes.yaxis, up)
    axes.margins(0.06)
    if len(names) > 1:
        where = "lower right" if across.largest == up.largest or up.largest else "upper right"
        made = style.legend(
            axes, shown, [style.shown(name, int(0.4 * width / style.SIGN_INCHES)) for name in names], loc=where
        )
        for handle in made.legend_handles:
            handle.set_sizes([16])
    return [axes]


def _names(groups: Sequence[str]) -> list[str]:
    """The groups in their order, the others last."""
    return sorted(set(groups), key=lambda name: (name == OTHERS, name))


def _areas(found: DrawnFront, places: Sequence[int]) -> list[float]:
    if len(found.axes) == 2:
        return [9.0] * len(places)
    values = found.axes[2].values
    largest = max(values) or 1
    return [max(SMALLEST_AREA, LARGEST_AREA * values[place] / largest) for place in places]


def _scale(axes: Any, axis: Any, objective: FrontAxis) -> None:
    """Give an axis its scale and the words at its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = min(objective.values), max(objective.values)
    if low > 0 and high >= LOGARITHMIC * low:
        base = 2 if objective.of_memory else 10
        getattr(axes, f"set_{axis.axis_name}scale")("log", base=base)
        axis.set_major_locator(LogLocator(base=base, numticks=6))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: objective.text(value)))
    elif objective.of_memory:
        style.byte_axis(axis, max(int(high - low), int(high) // 4))
    elif all(value.is_integer() for value in objective.values):
        style.count_axis(axis)
