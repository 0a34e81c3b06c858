"""What is alive over a training step, moment by moment, the worst one marked."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.costs.course import Peak

PARTS = {
    "weights": (0, ("weight_bytes",)),
    "float32 copies": (6, ("master_weight_bytes",)),
    "optimizer state": (2, ("optimizer_bytes",)),
    "input, buffers": (3, ("input_bytes", "buffer_bytes")),
    "gradients of weights": (4, ("live_gradient_bytes",)),
    "casts of weights": (5, ("live_cast_bytes",)),
    "kept for backward": (1, ("live_saved_bytes",)),
    "outputs and gradients on their way": (7, ("working_bytes",)),
}
"""What a moment is made of, from below: first what is there all the time; the place of its look beside."""


HEADROOM = 1.16
"""The axis beside the worst moment, above which its words stand."""


def heights(course: Sequence[Peak]) -> dict[str, list[int]]:
    """Return the bytes of each part at every moment, without parts that are never there."""
    found = {
        name: [sum(getattr(moment, field) for field in fields) for moment in course]
        for name, (_, fields) in PARTS.items()
    }
    return {name: values for name, values in found.items() if any(values)}


def memory(title: str, course: Sequence[Peak]) -> Drawing:
    """Return the drawing of a step's moments."""
    return Drawing(title, style.ONE_COLUMN, lambda width: 2.7 if width < 5 else 3.0, partial(_draw, course=course))


def _draw(axes: Any, theme: style.Theme, width: float, course: Sequence[Peak]) -> list[Any]:
    style.tidy(axes, theme, grid="y")
    edges = range(len(course) + 1)
    below = [0] * len(course)
    handles, names = [], []
    for name, values in heights(course).items():
        look = style.LOOKS[PARTS[name][0]]
        top = [low + value for low, value in zip(below, values, strict=True)]
        handles.append(axes.stairs(top, edges, baseline=below, fill=True, **style.fill(look, theme)))
        names.append(name)
        below = top
    worst = max(below)
    axes.set_xlim(0, len(course))
    axes.set_ylim(0, worst * HEADROOM)
    style.byte_axis(axes.yaxis, worst)
    _phases(axes, theme, course)
    _peak(axes, theme, course, below.index(worst))
    columns = 1 if width < 2.5 else 2 if width < 5 else 4
    style.legend(axes, handles[::-1], names[::-1], loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=columns)
    return [axes]


def _phases(axes: Any, theme: style.Theme, course: Sequence[Peak]) -> None:
    """Name the passes below, with a line between two; the step of the optimizer may be too short for its name."""
    words = {"forward": "forward", "backward": "backward", "recompute": "backward", "step": "step"}
    start, ticks = 0, []
    for name, moments in groupby(words[moment.phase] for moment in course):
        length = len(tuple(moments))
        if start:
            axes.axvline(start, ymax=1 / HEADROOM, color=theme.ink, linewidth=0.6, linestyle=":")
        ticks.append((start + length / 2, name))
        start += length
    axes.set_xticks([place for place, _ in ticks], [name for _, name in ticks])
    axes.tick_params(axis="x", length=0)
    if len(ticks) > 1 and ticks[-1][1] == "step":
        axes.get_xticklabels()[-1].set_ha("right" if len(course) > 12 else "center")


def _peak(axes: Any, theme: style.Theme, course: Sequence[Peak], place: int) -> None:
    peak = course[place]
    where = f"{peak.phase}" + (f" of {style.shown(peak.layer, 24)}" if peak.layer else "")
    axes.plot([place + 0.5], [peak.bytes], "v", markersize=4, color=theme.ink, clip_on=False)
    left = place < len(course) / 2
    axes.annotate(
        f"peak {units.human_bytes(peak.bytes)}, {where}",
        (place + 0.5, peak.bytes),
        xytext=(4 if left else -4, 3),
        textcoords="offset points",
        ha="left" if left else "right",
        va="bottom",
        fontsize=style.SMALL_POINTS,
    )
