"""A network drawn to scale: every output that a layer gives another shape or other values by products, as a block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.network.blocks import Residual
from vggcost.network.layers import AdaptiveAvgPool2d, MaxPool2d
from vggcost.record import Record
from vggcost.report.plots import style
from vggcost.report.plots.picture import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vggcost.network.layer import Layer, Shape

INPUT, CONVOLUTION, POOL, LINEAR, OTHER = "input", "convolution", "pool", "linear layer", "other layer"
FILLS = {INPUT: "#ffffff", CONVOLUTION: "#56B4E9", POOL: "#D55E00", LINEAR: "#009E73", OTHER: "#CC79A7"}
HATCHES = {POOL: "/////", LINEAR: "-----", OTHER: "xxxx"}

EDGE = "#1a1a1a"
"""Of a block, on light and on dark paper."""

SLANT = (0.30, 0.22)
"""How far the back of a block lies to the right of its front and above it, as parts of the image's width."""

SHARE = 0.19
"""The largest image's height, as a part of the picture's width."""

LINEAR_INCHES, LABEL_INCHES, SIDE_INCHES = 0.07, 0.105, 0.12
"""A linear layer's width, the least distance of two labels, and the margin."""


LABELS_INCHES = 0.62
"""What a shape that is written upright takes."""


NARROW_INCHES, NARROW_COLUMNS = 5.0, 3
"""Below this width the legend has so many columns, and several rows."""


class Block(Record):
    """One output: channels x height x width, or (features,); what gave it."""

    kind: str
    name: str
    shape: tuple[int, ...]


class Shortcut(Record):
    """What goes past blocks: from behind the block at start (or -1) to the addition behind the block at end."""

    start: int
    end: int
    words: str
    """The layers in it; an empty text for the identity."""


def blocks(layers: Iterable[Layer], shape: Shape) -> tuple[list[Block], list[Shortcut]]:
    """Return what is drawn of a network over an input (batch first): blocks in their order, and what goes past them.

    Activations, norms, dropout and views are no blocks: they give what came to them another value, one by one, or
    another name. Layers in a shortcut are named at it.
    """
    made = [Block(INPUT, "input", tuple(shape[1:]))]
    past: list[Shortcut] = []
    _add(layers, shape, made, past)
    return made, past


def _add(layers: Iterable[Layer], shape: Shape, made: list[Block], past: list[Shortcut]) -> Shape:
    for layer in layers:
        if isinstance(layer, Residual):
            start = len(made) - 1
            _add(layer.body, shape, made, past)
            words = ", ".join(each.words() for each in layer.shortcut if each.weighted)
            past.append(Shortcut(start, len(made) - 1, words))
            shape, _ = layer.apply(shape)
            continue
        after, _ = layer.apply(shape)
        if layer.weighted or (after != shape and not layer.view):
            made.append(Block(_kind(layer, after), layer.name, tuple(after[1:])))
        shape = after
    return shape


def _kind(layer: Layer, shape: Shape) -> str:
    if isinstance(layer, MaxPool2d | AdaptiveAvgPool2d):
        return POOL
    if not layer.weighted:
        return OTHER
    return CONVOLUTION if len(shape) == 4 else LINEAR


class Placed(Record):
    """A block in the picture [inches]: its left side, and across, up and slant of its front and its back."""

    block: Block
    left: float
    across: float
    up: float
    slant: tuple[float, float]

    @property
    def low(self) -> float:
        """Its lowest edge; the middle of every block lies at 0."""
        return -(self.up + self.slant[1]) / 2

    @property
    def roof(self) -> tuple[float, float]:
        """The middle of its upper side."""
        return self.left + (self.across + self.slant[0]) / 2, self.low + self.up + self.slant[1] / 2

    @property
    def right(self) -> float:
        """Its right side, in front."""
        return self.left + self.across


def placed(made: Sequence[Block], width: float) -> list[Placed]:
    """Return where each block stands in a picture of that width [inches], all to one scale.

    Channels are as wide, pixels as high and as deep, and a linear layer's outputs as high, as their scales say: those
    fill the picture.
    """
    maps = [block.shape for block in made if len(block.shape) == 3]
    pixel = SHARE * width / max((max(shape[1:]) for shape in maps), default=1)
    feature = SHARE * width / max((block.shape[0] for block in made if len(block.shape) != 3), default=1)
    gap = min(0.05, 0.22 * width / len(made))
    slants = [_slant(block, pixel) for block in made]
    gaps = [_gap(made, place, gap) for place in range(len(made))]
    linear = sum(LINEAR_INCHES for block in made if len(block.shape) != 3)
    overhang = max((slants[place][0] - sum(gaps[place:]) for place in range(len(made))), default=0.0)
    room = width - 2 * SIDE_INCHES - linear - sum(gaps) - max(overhang, 0.0)
    channel = max(room, 0.2 * width) / sum(shape[0] for shape in maps) if maps else 0.0
    found, left = [], SIDE_INCHES
    for block, slant, behind in zip(made, slants, gaps, strict=True):
        flat = len(block.shape) != 3
        across = LINEAR_INCHES if flat else channel * block.shape[0]
        up = feature * block.shape[0] if flat else pixel * block.shape[1]
        found.append(Placed(block, left, across, up, slant))
        left += across + behind
    return found


def _slant(block: Block, pixel: float) -> tuple[float, float]:
    if len(block.shape) != 3:
        return 0.0, 0.0
    return SLANT[0] * pixel * block.shape[2], SLANT[1] * pixel * block.shape[2]


def _gap(made: Sequence[Block], place: int, gap: float) -> float:
    """What stands between a block and the next: more where the shape changes."""
    after = made[place + 1 : place + 2]
    return gap if after and after[0].shape == made[place].shape else 1.6 * gap


def network(title: str, made: Sequence[Block], past: Sequence[Shortcut]) -> Drawing:
    """Return the drawing of a network's blocks."""
    return Drawing(
        title,
        style.TWO_COLUMNS,
        partial(_height, made=made, past=past),
        partial(_draw, made=made, past=past),
    )


def _top(width: float, past: Sequence[Shortcut]) -> float:
    return SHARE * width * (1 + SLANT[1]) / 2 + (0.16 if past else 0.0)


def _height(width: float, made: Sequence[Block], past: Sequence[Shortcut]) -> float:
    entries = len({block.kind for block in made}) + len({bool(each.words) for each in past})
    lines = _scale(made, width).count("\n") + (-(-entries // NARROW_COLUMNS) if width < NARROW_INCHES else 1)
    return 2 * _top(width, past) + LABELS_INCHES + 0.45 + 0.16 * lines


def _draw(axes: Any, theme: style.Theme, width: float, made: Sequence[Block], past: Sequence[Shortcut]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    boxes = placed(made, width)
    axes.set_axis_off()
    top = _top(width, past)
    axes.set_xlim(0, width)
    axes.set_ylim(-top - LABELS_INCHES, top)
    axes.set_aspect("equal", anchor="N")
    for box in boxes:
        _box(axes, box)
    for shortcut in past:
        _past(axes, theme, boxes, shortcut, top - 0.06)
    _labels(axes, theme, boxes, -top + (0.15 if past else 0.0))
    handles: dict[str, Any] = {
        kind: Patch(facecolor=colour, hatch=HATCHES.get(kind), edgecolor=EDGE, linewidth=0.4)
        for kind, colour in FILLS.items()
        if any(block.kind == kind for block in made)
    }
    for words in sorted({"shortcut with a convolution" if each.words else "identity shortcut" for each in past}):
        handles[words] = Line2D([], [], color=theme.ink, linewidth=0.7, linestyle="--" if " a " in words else "-")
    columns = NARROW_COLUMNS if width < NARROW_INCHES else len(handles)
    where = {"loc": "upper left", "bbox_to_anchor": (0, 0), "ncols": columns, "alignment": "left"}
    below = style.legend(axes, [*handles.values()], [*handles], **where)
    below.set_title(_scale(made, width), prop={"size": style.SMALL_POINTS})
    return [axes]


def _scale(made: Sequence[Block], width: float) -> str:
    """What is as large as what, in words that fit into a width."""
    maps = [block.shape for block in made if len(block.shape) == 3]
    flat = [block.shape[0] for block in made if len(block.shape) != 3]
    words = []
    if maps:
        words.append(f"width: channels, at most {units.exact(max(shape[0] for shape in maps))}")
        sides = " x ".join(units.exact(max(shape[axis] for shape in maps)) for axis in (1, 2))
        words.append(f"height and depth: pixels, at most {sides}")
    if flat:
        words.append(f"linear layers, height: outputs, at most {units.exact(max(flat))}")
    return style.lines("To scale; " + "; ".join(words), width)


def _box(axes: Any, box: Placed) -> None:
    from matplotlib.patches import Polygon

    colour = FILLS[box.block.kind]
    (back, rise), low = box.slant, box.low
    left, right, high = box.left, box.right, box.low + box.up
    words: dict[str, Any] = {
        "edgecolor": EDGE,
        "linewidth": 0.35,
        "joinstyle": "round",
    }
    if back:
        roof = ((left, high), (right, high), (right + back, high + rise), (left + back, high + rise))
        side = ((right, low), (right, high), (right + back, high + rise), (right + back, low + rise))
        axes.add_patch(Polygon(roof, facecolor=_mixed(colour, "#ffffff", 0.45), **words))
        axes.add_patch(Polygon(side, facecolor=_mixed(colour, "#000000", 0.25), **words))
    front = ((left, low), (right, low), (right, high), (left, high))
    made = axes.add_patch(Polygon(front, facecolor=colour, hatch=HATCHES.get(box.block.kind), **words))
    made.set_gid(f"front of {style.shown(box.block.name)}")


def _mixed(colour: str, other: str, share: float) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    pairs = zip(to_rgb(colour), to_rgb(other), strict=True)
    return tuple(own + share * (its - own) for own, its in pairs)


def _past(axes: Any, theme: style.Theme, boxes: Sequence[Placed], shortcut: Shortcut, top: float) -> None:
    """Draw what goes past a residual block: up behind the block before it, over its own, down to the addition."""
    if shortcut.end == shortcut.start:
        return
    between = boxes[shortcut.start : shortcut.end + 1]
    over = min(top, max(box.roof[1] + box.slant[1] / 2 for box in between) + 0.13)
    (begin, from_roof), (end, to_roof) = boxes[shortcut.start].roof, boxes[shortcut.end].roof
    to_roof += 0.03
    line = {"color": theme.ink, "linewidth": 0.7, "linestyle": "--" if shortcut.words else "-", "zorder": 4}
    axes.plot([begin, begin, end, end], [from_roof, over, over, to_roof + 0.03], solid_joinstyle="round", **line)
    axes.plot([end], [to_roof], "o", markersize=4.6, markerfacecolor=theme.paper, markeredgecolor=theme.ink, zorder=5)
    axes.plot([end], [to_roof], "+", markersize=3.6, color=theme.ink, markeredgewidth=0.6, zorder=6)


def _labels(axes: Any, theme: style.Theme, boxes: Sequence[Placed], top: float) -> None:
    """Write each run's shape below it, what multiplies first; a label without room is left out."""
    runs: list[list[Placed]] = []
    for box in boxes:
        if runs and runs[-1][-1].block.shape == box.block.shape and runs[-1][-1].block.kind == box.block.kind:
            runs[-1].append(box)
        else:
            runs.append([box])
    taken: list[float] = []
    for run in sorted(runs, key=lambda run: run[0].block.kind in (POOL, INPUT)):
        across = (run[0].left + run[-1].right) / 2
        if any(abs(across - other) < LABEL_INCHES for other in taken):
            continue
        taken.append(across)
        axes.plot([across, across], [min(box.low for box in run), top], color=theme.ink, linewidth=0.3, zorder=0)
        axes.text(
            across, top - 0.03, _shape_words(run[0].block), rotation=90, ha="center", va="top",
            fontsize=style.SMALL_POINTS,
        )  # fmt: skip


def _shape_words(block: Block) -> str:
    if len(block.shape) != 3:
        return units.exact(block.shape[0])
    channels, height, width = block.shape
    return f"{channels} x {units.pair_text((height, width))}" + ("²" if height == width else "")
