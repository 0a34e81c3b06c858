"""One network as every tool counts it: a bar a convention, stacked by what is counted; what is no product by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.record import Record
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vggcost.conventions.convention import Convention

PRODUCTS = ("convolutions", "linear layers", "other products")
SEGMENTS = (*PRODUCTS, "biases", "ReLU", "pools", "norms", "all else")

_BEGINNINGS = {
    "conv_": "convolutions",
    "linear_": "linear layers",
    "relu_": "ReLU",
    "maxpool_": "pools",
    "adaptive_": "pools",
    "batch_norm_": "norms",
    "lrn_": "norms",
    "softmax_": "all else",
    "dropout_": "all else",
    "add_": "all else",
}
"""How the names of primitives begin, and of the families of kinds of layer."""


def segment(primitive: str) -> str:
    """Return what a primitive, or a family of primitives, is counted as in the picture.

    >>> segment("conv_macs"), segment("linear_bias_adds"), segment("attention_"), segment("")
    ('convolutions', 'biases', 'other products', 'all else')
    """
    if primitive.endswith("_bias_adds"):
        return "biases"
    return next(
        (name for beginning, name in _BEGINNINGS.items() if primitive.startswith(beginning)),
        "other products" if primitive else "all else",
    )


class ConventionBar(Record):
    """A convention, and what it counts in each segment, whose sum is its total; None where its tool gives none."""

    convention: Convention
    amounts: Mapping[str, int] | None

    @property
    def total(self) -> int | None:
        """What the tool prints."""
        return None if self.amounts is None else sum(self.amounts.values())


def bar(convention: Convention, counts: Mapping[str, int] | None) -> ConventionBar:
    """Return a convention's bar; counts are by primitive, or by family."""
    if counts is None:
        return ConventionBar(convention, None)
    amounts = dict.fromkeys(SEGMENTS, 0)
    for primitive, amount in counts.items():
        amounts[segment(primitive)] += amount
    return ConventionBar(convention, amounts)


def conventions(title: str, bars: Sequence[ConventionBar]) -> Drawing:
    """Return the drawing of one network's bars, the smallest total above; those without one below."""
    ordered = sorted(bars, key=lambda each: (each.total is None, each.total or 0))
    return Drawing(title, style.ONE_COLUMN, lambda _: 1.15 + 0.125 * len(bars), partial(_draw, bars=ordered))


def _draw(axes: Any, theme: style.Theme, width: float, bars: Sequence[ConventionBar]) -> list[Any]:
    whole, beside = style.panels(axes, 2, 0.14, width, (3, 2))
    handles: dict[str, Any] = {}
    for panel, segments in ((whole, SEGMENTS), (beside, SEGMENTS[len(PRODUCTS) :])):
        style.tidy(panel, theme, grid="x")
        for place, name in enumerate(SEGMENTS):
            if name in segments:
                drawn = _stack(panel, theme, bars, name, segments, style.LOOKS[place])
                if any(each.amounts and each.amounts[name] for each in bars):
                    handles.setdefault(name, drawn)
        panel.set_ylim(len(bars) - 0.4, -0.6)
        panel.tick_params(axis="y", length=0)
        style.count_axis(panel.xaxis, 2)
    whole.set_yticks(range(len(bars)), [style.shown(each.convention.name, 24) for each in bars])
    beside.set_yticks([])
    largest = max((each.total or 0 for each in bars), default=0) or 1
    whole.set_xlim(right=largest * (1.45 if width < 5 else 1.15))
    for place, each in enumerate(bars):
        words = "no total" if each.total is None else units.human(each.total)
        whole.annotate(
            words, (each.total or 0, place), xytext=(2, 0), textcoords="offset points", va="center",
            fontsize=style.SMALL_POINTS,
        )  # fmt: skip
    whole.set_title("all that is counted", fontsize=style.SMALL_POINTS, loc="left")
    beside.set_title("without the products", fontsize=style.SMALL_POINTS, loc="left")
    columns = 3 if width < 5 else len(handles)
    below = -0.3 / (0.125 * len(bars))
    style.legend(whole, [*handles.values()], [*handles], loc="upper left", bbox_to_anchor=(-0.3, below), ncols=columns)
    return [whole, beside]


def _stack(
    panel: Any,
    theme: style.Theme,
    bars: Sequence[ConventionBar],
    name: str,
    segments: Sequence[str],
    look: style.Look,
) -> Any:
    """Draw one segment of every bar: behind those before it, to the left of 0 what is taken off."""
    places, starts, widths = [], [], []
    for place, each in enumerate(bars):
        amounts = each.amounts or dict.fromkeys(SEGMENTS, 0)
        own = amounts[name]
        before = [amounts[other] for other in segments[: segments.index(name)]]
        if not own:
            continue  # a bar of no width takes room in the file alone
        places.append(place)
        starts.append(sum(amount for amount in before if (amount < 0) == (own < 0)))
        widths.append(own)
    return panel.barh(places, widths, left=starts, height=0.74, **style.fill(look, theme))
