"""A point by its flat index: the values of its axes, and the command that shows the network."""

from __future__ import annotations

import shlex
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vggcost.sweep.space import GRID, STRUCTURE, unravelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vggcost.network.plan import Configuration
    from vggcost.sweep.space import Space


MOST_PLANS = 64
"""Configurations that are made at once, whether points have them or not."""


class AxisColumn(NamedTuple):
    """The values of an axis, and for each point which of them it has; None where all have the only one.

    values: an array of numbers, or of objects where they are words.
    """

    values: NDArray[Any]
    places: NDArray[np.int64] | None

    def whole(self, points: int) -> NDArray[Any]:
        """The value of each point."""
        if self.places is None:
            return np.full(points, self.values[0], self.values.dtype)
        return np.take(self.values, self.places, mode="clip")  # each place is there, and this asks no further


def axis_columns(space: Space, index: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the axes of points as columns, named as in the JSON of rows; a column of words is an array of objects."""
    return {name: column.whole(len(index)) for name, column in axes_of(space, index).items()}


def axes_of(space: Space, index: NDArray[np.int64]) -> dict[str, AxisColumn]:
    """Return the axes of points, named as in the JSON of rows."""
    places = _places(space, index)
    plans, which = _plans(space, places["plan"])
    found = {"config": _words([plan.name for plan in plans], which)}
    if space.block_axes:
        combinations, at = np.unique(_all(places["block_width"], index), return_inverse=True)
        found["block_width"] = _words(["-".join(map(str, space.block_width(int(each)))) for each in combinations], at)

    def own(name: str, of: Any, dtype: Any) -> AxisColumn:
        """An axis' values, or each plan's own."""
        values = space.values[name]
        if values == (None,):
            return AxisColumn(np.array([of(plan) for plan in plans], dtype), which)
        return AxisColumn(np.array(values, dtype), places[name])

    found["width"] = own("width", lambda plan: plan.variant.width, np.float64)
    for name in ("batch_norm", "bias", "adaptive_pool"):
        found[name] = own(name, attrgetter(f"variant.{name}"), np.bool_)
    if space.values["head"] == (None,):
        found["head"] = _words([head_text(plan.variant.head) for plan in plans], which)
    else:
        found["head"] = _words([head_text(each) for each in space.values["head"]], places["head"])
    for name in ("in_channels", "classes"):
        found[name] = own(name, attrgetter(f"variant.{name}"), np.int64)
    for side, name in enumerate(("size",) if is_square(space) else ("height", "width_px")):
        if space.values["size"] == (None,):
            found[name] = AxisColumn(np.array([plan.size[side] for plan in plans], np.int64), which)
        else:
            found[name] = AxisColumn(np.array([each[side] for each in space.values["size"]], np.int64), places["size"])
    found["batch"] = own("batch", None, np.int64)
    for name in ("dtype", "optimizer"):
        found[name] = _words(space.values[name], places[name])
    return found


def is_square(space: Space) -> bool:
    """Return whether every image of a space is as high as it is wide."""
    sizes = space.values["size"]
    if sizes == (None,):
        own = (space.plans[number] for number in range(1 if space.plans.depths else len(space.plans)))
        sizes = tuple(plan.size for plan in own)
    return all(height == width for height, width in sizes)


def _places(space: Space, index: NDArray[np.int64]) -> dict[str, NDArray[np.int64] | None]:
    """Which value of each axis points have; None for an axis of one value, for which nothing is divided."""
    lengths = dict(zip((*STRUCTURE, *GRID), (*space.structure_shape, *space.grid_shape), strict=True))
    several = [name for name, length in lengths.items() if length > 1]
    found = np.unravel_index(index, tuple(lengths[name] for name in several)) if several else ()
    return {**dict.fromkeys(lengths), **dict(zip(several, found, strict=True))}


def _all(places: NDArray[np.int64] | None, index: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.zeros(len(index), np.int64) if places is None else places


def _plans(space: Space, places: NDArray[np.int64] | None) -> tuple[list[Configuration], NDArray[np.int64] | None]:
    """The configurations that points have, and which of them each has."""
    if places is None:
        return [space.plans[0]], None
    if len(space.plans) <= MOST_PLANS:
        return [space.plans[number] for number in range(len(space.plans))], places
    used, which = np.unique(places, return_inverse=True)
    return [space.plans[int(number)] for number in used], which


def _words(texts: Sequence[str], places: NDArray[np.int64] | None) -> AxisColumn:
    return AxisColumn(np.array(texts, object), places)


def head_text(head: tuple[int, ...] | None) -> str:
    """Return a head as the option takes it: ``4096,4096``, ``none``."""
    return "4096,4096" if head is None else ",".join(map(str, head)) or "none"


def command(space: Space, index: int) -> str:
    """Return the command that shows a point's network; that of blocks asks for the network file first."""
    structure, rest = divmod(index, space.grid)
    point = space.structure(structure)
    _, factor, size, classes, batch = unravelled(rest, space.grid_shape)
    number = unravelled(structure, space.structure_shape)[0]
    name = "net.toml" if space.plans.depths else space.plans.text(number)
    words = ["vggcost", "memory", name, "--training"]
    for axis, option in (("batch_norm", "batch-norm"), ("bias", "bias"), ("adaptive_pool", "adaptive-pool")):
        value = point.values[axis]
        if value is not None and value != getattr(point.plan.variant, axis):
            words.append(f"--{'' if value else 'no-'}{option}")
    width = space.values["width"][factor]
    pair = space.values["size"][size] or point.plan.size
    for option, value in (
        ("width", None if width is None else f"{width}"),
        ("head", None if point.values["head"] is None else head_text(point.values["head"])),
        ("in-channels", point.values["in_channels"]),
        ("classes", space.values["classes"][classes]),
        ("size", f"{pair[0]}x{pair[1]}" if pair[0] != pair[1] else pair[0]),
        ("batch", space.values["batch"][batch]),
        ("dtype", point.dtype),
        ("optimizer", point.values["optimizer"]),
    ):
        if value is not None:
            words += [f"--{option}", str(value)]
    if point.dtype == "int8":
        words = [word for word in words if word not in ("--training", "--optimizer", point.values["optimizer"])]
    return shlex.join(words)


def plan_of(space: Space, index: int) -> Configuration:
    """Return a point's configuration, with the widths of its blocks where the space has them."""
    structure, rest = divmod(index, space.grid)
    plan = space.structure(structure).plan
    if not space.block_axes:
        return plan
    widths = space.block_width(unravelled(rest, space.grid_shape)[0])
    tokens: list[int | str] = []
    block = 0
    for token in plan.features:
        tokens.append(token if token == "M" else widths[block])  # type: ignore[arg-type]  # noqa: S105
        block += token == "M"  # noqa: S105
    return plan.replace(features=tuple(tokens))
