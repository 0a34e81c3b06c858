"""A point by its flat index: the values of its axes, and the command that shows the network."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.sweep.space import GRID, STRUCTURE, unravelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vggcost.network.plan import Configuration
    from vggcost.sweep.space import Space


def axis_columns(space: Space, index: NDArray[np.int64]) -> dict[str, Any]:
    """Return the axes of points as columns, named as in the JSON of rows; a column of words is an array of objects."""
    structure, rest = np.divmod(index, space.grid)
    outer = np.unravel_index(structure, space.structure_shape)
    inner = np.unravel_index(rest, space.grid_shape)
    places = dict(zip((*STRUCTURE, *GRID), (*outer, *inner), strict=True))
    plans = [space.plans[number] for number in range(len(space.plans))] if len(space.plans) <= 4096 else None
    used, which = np.unique(places["plan"], return_inverse=True)
    plan = [plans[number] if plans else space.plans[int(number)] for number in used]
    found: dict[str, Any] = {"config": np.array([each.name for each in plan], object)[which]}
    if space.block_axes:
        combinations, at = np.unique(places["block_width"], return_inverse=True)
        texts = ["-".join(map(str, space.block_width(int(each)))) for each in combinations]
        found["block_width"] = np.array(texts, object)[at]

    def own(name: str, of: Any, dtype: Any) -> Any:
        """An axis' values, or each plan's own."""
        values = space.values[name]
        if values == (None,):
            return np.array([of(each) for each in plan], dtype)[which]
        return np.array(values, dtype)[places[name]]

    found["width"] = own("width", lambda each: each.variant.width, np.float64)
    found["batch_norm"] = own("batch_norm", lambda each: each.variant.batch_norm, np.bool_)
    found["bias"] = own("bias", lambda each: each.variant.bias, np.bool_)
    found["adaptive_pool"] = own("adaptive_pool", lambda each: each.variant.adaptive_pool, np.bool_)
    heads = [head_text(each.variant.head) for each in plan]
    if space.values["head"] == (None,):
        found["head"] = np.array(heads, object)[which]
    else:
        found["head"] = np.array([head_text(each) for each in space.values["head"]], object)[places["head"]]
    found["in_channels"] = own("in_channels", lambda each: each.variant.in_channels, np.int64)
    found["classes"] = own("classes", lambda each: each.variant.classes, np.int64)
    sizes = space.values["size"]
    for side, name in enumerate(("height", "width_px")):
        if sizes == (None,):
            found[name] = np.array([each.size[side] for each in plan], np.int64)[which]
        else:
            found[name] = np.array([each[side] for each in sizes], np.int64)[places["size"]]
    if all(each is None or each[0] == each[1] for each in sizes) and all(each.size[0] == each.size[1] for each in plan):
        found = {"size" if name == "height" else name: value for name, value in found.items() if name != "width_px"}
    found["batch"] = own("batch", None, np.int64)
    for name in ("dtype", "optimizer"):
        found[name] = np.array(space.values[name], object)[places[name]]
    return found


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
