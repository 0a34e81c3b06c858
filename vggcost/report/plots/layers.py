"""Where the weights are and where the work is: aligned bars, a row a layer that multiplies or changes the shape."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.network.blocks import Add
from vggcost.record import Record
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vggcost.network.layer import Layer

ROW_INCHES, LEAST_ROW_INCHES = 0.13, 0.095
"""A row's height where there is room, and where names still stand clear of each other."""

MOST_INCHES, AROUND_INCHES = 9.0, 0.8
"""All the height of a page, and what stands above and below the rows."""

NAMED_SHARE = 0.045
"""The least share of a total that is written beside its bar."""


class LayerBars(Record):
    """One row: parameters, MACs, output and kept bytes of a layer and of what follows it up to the next row.

    saved_bytes is None where nobody knows what is kept for a backward pass.
    """

    name: str
    params: int
    macs: int
    output_bytes: int
    saved_bytes: int | None


PANELS = (
    ("params", "parameters", False),
    ("macs", "MACs", False),
    ("output_bytes", "outputs", True),
    ("saved_bytes", "kept for backward", True),
)
"""Field, name, and whether it is bytes."""


def starts_row(layer: Layer, shape: tuple[int, ...] | None, output: tuple[int, ...] | None, macs: int) -> bool:
    """Whether a layer has a row of its own; activations, norms, dropout and views stand with the layer before them."""
    changes = shape is not None and output is not None and shape != output
    return bool(macs) or layer.weighted or isinstance(layer, Add) or (changes and not layer.view)


def grouped(rows: Iterable[tuple[bool, LayerBars]]) -> list[LayerBars]:
    """Add rows that start none to the one before them, so that the sums of the bars are the totals."""
    made: list[LayerBars] = []
    for starts, row in rows:
        if starts or not made:
            made.append(row)
            continue
        before = made[-1]
        fields = {name: getattr(before, name) for name, _, _ in PANELS}
        made[-1] = before.replace(
            **{name: None if value is None else value + getattr(row, name) for name, value in fields.items()}
        )
    return made


def layers(title: str, bars: Sequence[LayerBars]) -> Drawing:
    """Return the drawing of a network's rows."""
    return Drawing(
        title,
        style.TWO_COLUMNS,
        lambda _: min(MOST_INCHES, max(1.0, ROW_INCHES * len(bars)) + AROUND_INCHES),
        partial(_draw, bars=bars),
    )


def _draw(axes: Any, theme: style.Theme, width: float, bars: Sequence[LayerBars]) -> list[Any]:
    shown = [panel for panel in PANELS if all(getattr(bar, panel[0]) is not None for bar in bars)]
    made = style.panels(axes, len(shown), 0.12, width)
    for number, (panel, (field, words, is_bytes)) in enumerate(zip(made, shown, strict=True)):
        _panel(panel, theme, width, [getattr(bar, field) for bar in bars], words, style.LOOKS[number], is_bytes)
    names = [style.shown(bar.name, max(10, int(0.25 * width / style.SIGN_INCHES))) for bar in bars]
    every = 1 + int(len(bars) * LEAST_ROW_INCHES / (MOST_INCHES - AROUND_INCHES))
    kept = range(0, len(bars), every)
    made[0].set_yticks(list(kept), [names[place] for place in kept])
    for panel in made[1:]:
        panel.set_yticks([])
    return made


def _panel(
    panel: Any, theme: style.Theme, width: float, values: Sequence[int], words: str, look: style.Look, is_bytes: bool
) -> None:
    style.tidy(panel, theme, grid="x")
    panel.barh(range(len(values)), values, height=0.78, **style.fill(look, theme))
    whole, largest = sum(values), max(values)
    panel.set_ylim(len(values) - 0.4, -0.6)
    panel.set_xlim(0, (largest or 1) * (1.22 if width > 5 else 1.6))
    tick = style.round_below(largest, (1,) if is_bytes else (1, 2, 5), 2 if is_bytes else 10)
    panel.set_xticks([0, tick], ["0", (style.short_bytes if is_bytes else style.short_count)(tick)])
    panel.tick_params(axis="y", length=0)
    for place, value in enumerate(values):
        if whole and value >= NAMED_SHARE * whole:
            panel.annotate(
                f"{100 * value / whole:.0f}%",
                (value, place),
                xytext=(1.5, 0),
                textcoords="offset points",
                va="center",
                fontsize=style.SMALL_POINTS,
            )
    total = units.human_bytes(whole) if is_bytes else units.human(whole)
    panel.set_title(f"{words}\n{total}", fontsize=style.SMALL_POINTS, loc="left")
