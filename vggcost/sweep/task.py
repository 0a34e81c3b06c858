"""One task: blocks evaluated, and what of them is kept; a pure function of the query and the numbers of the blocks."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.record import Record
from vggcost.sweep.columns import EVERY_COLUMN, Columns, running_sizes
from vggcost.sweep.front import Front, undominated
from vggcost.sweep.layout import Layout, slices
from vggcost.sweep.places import NOTHING
from vggcost.sweep.query import FRONT, ROWS, TOP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from vggcost.sweep.layout import GridBlock
    from vggcost.sweep.query import Query
    from vggcost.sweep.space import Space

    Int64 = NDArray[np.int64]

NEIGHBOURS = 8
"""Points of a slice that are left out together where the front beats the least that any of them has."""

MOST_REASONS = 1000
"""How many structures with sizes that cannot run are told apart."""


class Task(Record):
    """The query as bytes, which a worker reads once, and the blocks from first to the one behind the last.

    sample are the flat indices to look at, or None for all.
    """

    query: bytes
    first: int
    last: int
    sample: Int64 | None


class TaskResult(Record):
    """What a task gives: how many points it has looked at, how many passed, and those kept by their flat index.

    refused has for each configuration that cannot run somewhere the number of points, and one of them.
    """

    examined: int
    passed: int
    refused: dict[str, tuple[int, int]]
    index: Int64
    columns: dict[str, Int64]


@lru_cache(maxsize=2)
def _read(query: bytes) -> tuple[Query, Layout]:
    asked: Query = pickle.loads(query)  # noqa: S301  # our own bytes: an engine's door is where trust is decided
    return asked, Layout(asked.space, keeps_rows=asked.kept == ROWS)


def run(task: Task) -> TaskResult:
    """Evaluate the blocks of a task."""
    query, layout = _read(task.query)
    return _Run(query, layout).all(task)


class _Run:
    """The state of one task while its blocks go by."""

    def __init__(self, query: Query, layout: Layout) -> None:
        self._query = query
        self._layout = layout
        self._examined = self._passed = 0
        self._refused: dict[str, tuple[int, int]] = {}
        self._front = Front(len(query.objectives))
        self._index: list[Int64] = []
        self._kept: list[dict[str, Int64]] = []
        self._waiting: list[tuple[Int64, tuple[Int64, ...]]] = []

    def all(self, task: Task) -> TaskResult:
        """Evaluate all blocks."""
        for number in range(task.first, task.last):
            block = self._layout.block(number)
            sample = None
            if task.sample is not None:
                low, high = self._layout.start(number), self._layout.start(number + 1)
                sample = task.sample[(task.sample >= low) & (task.sample < high)]
                if not len(sample):
                    continue
                block = self._narrowed(block, sample)
            self._block(block, sample)
        index = _joined(self._index)
        columns = {name: _joined([each[name] for each in self._kept]) for name in self._query.columns}
        if self._query.kept != ROWS:
            index, columns = kept_of(self._query, index, columns, self._layout)
        return TaskResult(self._examined, self._passed, self._refused, index, columns)

    def _narrowed(self, block: GridBlock, sample: Int64) -> GridBlock:
        """The part of a block that a sample's points span."""
        rest = sample % self._layout.space.grid
        places = np.unravel_index(rest, self._layout.space.grid_shape)
        return block.replace(places=tuple(np.unique(each) for each in places))

    def _block(self, block: GridBlock, sample: Int64 | None) -> None:
        runs = running_sizes(self._layout.space, block)
        if not runs.all():
            self._refuse(block, runs, sample)
            sizes = block.places[2][runs]
            if not len(sizes):
                return
            block = block.replace(places=(*block.places[:2], sizes, *block.places[3:]))
        columns = Columns(self._layout.space, block, self._query.convention, self._query.device)
        values = axis_values(self._layout, block, columns)
        shape = tuple(map(len, block.places))
        for part in slices(shape):
            self._slice(block, columns, values, part, sample)
        self._count_waiting(columns)

    def _refuse(self, block: GridBlock, runs: NDArray[np.bool_], sample: Int64 | None) -> None:
        bad = block.replace(places=(*block.places[:2], block.places[2][~runs], *block.places[3:]))
        index = self._flat(bad, tuple(slice(0, len(each)) for each in bad.places)) if sample is not None else None
        points = bad.rows if index is None or sample is None else int(np.isin(sample, index).sum())
        if not points:
            return
        self._examined += points
        name = self._layout.space.structure(block.structure).plan.name
        if name not in self._refused and len(self._refused) >= MOST_REASONS:
            name = "others"
        before, example = self._refused.get(name, (0, int(self._flat_first(bad))))
        self._refused[name] = (before + points, example)

    def _flat_first(self, block: GridBlock) -> int:
        start = block.structure * self._layout.space.grid
        return start + sum(
            int(each[0]) * stride for each, stride in zip(block.places, self._layout.strides, strict=True)
        )

    def _flat(self, block: GridBlock, part: tuple[slice, ...]) -> Int64:
        """The flat indices of a slice of a block, in its shape."""
        total: Any = block.structure * self._layout.space.grid
        for axis, (places, each, stride) in enumerate(zip(block.places, part, self._layout.strides, strict=True)):
            shape = [1] * 5
            shape[axis] = -1
            total = total + (places[each] * stride).reshape(shape)
        return np.asarray(total, np.int64)

    def _slice(
        self, block: GridBlock, columns: Columns, values: dict[str, Any], part: tuple[slice, ...], sample: Int64 | None
    ) -> None:
        shape = tuple(each.stop - each.start for each in part)
        batch = columns.axes["batch"][..., part[4]]

        def column(name: str) -> Any:
            if name in EVERY_COLUMN:
                return columns[name].at(part, batch)
            return _part(values[name], part)

        mask = self._mask(block, column, part, sample)
        rows = int(np.prod(shape))
        self._examined += rows if sample is None else int(np.isin(sample, self._flat(block, part)).sum())
        if mask is not None:
            chosen = int(np.count_nonzero(mask)) * (rows // mask.size)
            self._passed += chosen
            if not chosen:
                return
        else:
            self._passed += rows
        if self._query.kept == ROWS:
            full = None if mask is None else np.broadcast_to(mask, shape)
            self._keep_rows(block, column, part, full, shape)
        else:
            self._keep_best(block, column, part, mask, shape)

    def _mask(self, block: GridBlock, column: Any, part: tuple[slice, ...], sample: Int64 | None) -> Any:
        """Where all conditions hold, in the shape that they need; None where there are none."""
        mask: Any = None if sample is None else np.isin(self._flat(block, part), sample)
        for condition in self._query.conditions:
            holds = np.asarray(condition.holds(column(condition.column)))
            holds = holds.reshape((1,) * (5 - holds.ndim) + holds.shape)
            mask = holds if mask is None else mask & holds
            if not mask.any():
                break  # what costs more is not even counted
        return mask

    def _keep_rows(
        self, block: GridBlock, column: Any, part: tuple[slice, ...], mask: Any, shape: tuple[int, ...]
    ) -> None:
        def taken(value: Any) -> Int64:
            full = np.broadcast_to(value, shape)
            return full.reshape(-1) if mask is None else full[mask]

        self._index.append(taken(self._flat(block, part)))
        self._kept.append({name: taken(column(name)) for name in self._query.columns})

    def _keep_best(
        self, block: GridBlock, column: Any, part: tuple[slice, ...], mask: Any, shape: tuple[int, ...]
    ) -> None:
        """Take the points of a slice that may be kept into the front or the top; they wait for their columns."""

        def flat(value: Any) -> Int64:
            return np.ascontiguousarray(np.broadcast_to(value, shape)).reshape(-1)

        signed = []
        for objective in self._query.objectives:
            value = flat(ranked(self._layout.space, objective.column, column(objective.column)))
            signed.append(-value if objective.largest else value)
        place = self._may_be_kept(signed)
        if mask is not None:
            place = place[flat(mask)[place]]
        points = np.stack([value[place] for value in signed], axis=1)
        missing = [NOTHING if not each.largest else -NOTHING for each in self._query.objectives]
        chosen = self._best(points, ~np.any(points == np.array(missing), axis=1))
        if not chosen.any():
            return
        own = tuple(each + cut.start for each, cut in zip(np.unravel_index(place[chosen], shape), part, strict=True))
        index = np.full(len(own[0]), block.structure * self._layout.space.grid)
        for each, among, stride in zip(own, block.places, self._layout.strides, strict=True):
            index = index + among[each] * stride
        if self._query.kept == FRONT:
            self._front.add(points[chosen], index)
        else:
            self._top(points[chosen], index)
        self._waiting.append((index, own))

    def _count_waiting(self, columns: Columns) -> None:
        """Count all columns of those points of a block that are still kept when it is done."""
        for index, places in self._waiting:
            kept = np.isin(index, self._front.index, assume_unique=True)
            if kept.any():
                own = tuple(each[kept] for each in places)
                batch = columns.axes["batch"].reshape(-1)[own[4]]
                self._index.append(index[kept])
                self._kept.append(
                    {name: np.broadcast_to(columns[name].at(own, batch), batch.shape) for name in self._query.columns}
                )
        self._waiting = []

    def _may_be_kept(self, signed: list[Int64]) -> Int64:
        """The places of those points that may be kept: neighbours are left out by the best that they could be."""
        if self._query.kept == TOP:
            return np.flatnonzero(signed[0] <= self._threshold())
        total = len(signed[0])
        starts = np.arange(0, total, NEIGHBOURS)
        least = tuple(np.minimum.reduceat(value, starts) for value in signed)
        groups = starts[~self._front.beats(least)]
        place = (groups[:, None] + np.arange(NEIGHBOURS)).reshape(-1)
        return place[: np.searchsorted(place, total)]

    def _threshold(self) -> Any:
        """What the last of the top has; more is not kept."""
        if len(self._front.index) < self._query.top:
            return np.inf
        return self._front.points[-1, 0]

    def _best(self, points: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if self._query.kept == TOP:
            return there
        there &= ~self._front.beats(tuple(points.T))
        chosen = np.zeros(len(points), np.bool_)
        chosen[there] = undominated(points[there])
        return chosen

    def _top(self, points: NDArray[Any], index: Int64) -> None:
        front = self._front
        points, index = np.concatenate((front.points, points)), np.concatenate((front.index, index))
        order = np.lexsort((index, points[:, 0]))[: self._query.top]
        front.points, front.index = points[order], index[order]


def _joined(pieces: list[Int64]) -> Int64:
    return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, np.int64), *pieces])


def kept_of(query: Query, index: Int64, columns: dict[str, Int64], layout: Layout) -> tuple[Int64, dict[str, Int64]]:
    """Return of candidates those that are the front or the top of them all, by flat index."""
    values = {name: np.asarray(axis_of(layout, index, name)) for name in _axes(query)}
    signed = []
    for objective in query.objectives:
        name = objective.column
        value = ranked(layout.space, name, columns[name] if name in EVERY_COLUMN else values[name])
        signed.append(-value if objective.largest else value)
    points = np.stack(signed, axis=1) if signed else np.empty((len(index), 0))
    if query.kept == FRONT:
        chosen = np.nonzero(undominated(points))[0]
    else:
        chosen = np.lexsort((index, points[:, 0]))[: query.top]
    chosen = chosen[np.argsort(index[chosen])]
    return index[chosen], {name: value[chosen] for name, value in columns.items()}


def ranked(space: Space, name: str, value: Any) -> Any:
    """Return what an objective goes by, in ints: a width by its place among all widths, for no float is exact here."""
    if name != "width":
        return value
    plans = [space.plans[number].variant.width for number in range(len(space.plans))]
    widths = plans if space.values["width"] == (None,) else space.values["width"]
    return np.searchsorted(np.unique(np.array(widths, np.float64)), value)


def _axes(query: Query) -> Iterator[str]:
    yield from (each.column for each in query.objectives if each.column not in EVERY_COLUMN)


def axis_of(layout: Layout, index: Int64, name: str) -> Any:
    """Return an axis' values at flat indices."""
    from vggcost.sweep.rows import axis_columns

    return axis_columns(layout.space, index)[name]


def axis_values(layout: Layout, block: GridBlock, columns: Columns) -> dict[str, Any]:
    """Return the values of the axes in a block as conditions and objectives ask them."""
    space, point = layout.space, layout.space.structure(block.structure)
    variant = point.variant()
    factors = [space.values["width"][place] or point.plan.variant.width for place in block.places[1]]
    head = "4096,4096" if variant.head is None else ",".join(map(str, variant.head)) or "none"
    return {
        "config": point.plan.name,
        "depth": point.plan.name.removeprefix("blocks-") if space.plans.depths else "",
        "in_channels": variant.in_channels,
        "batch_norm": variant.batch_norm,
        "bias": variant.bias,
        "adaptive_pool": variant.adaptive_pool,
        "head": head,
        "dtype": point.dtype,
        "optimizer": point.values["optimizer"],
        "width": np.array(factors, np.float64).reshape(1, -1, 1, 1, 1),
        "size": columns.axes["height"],
        "height": columns.axes["height"],
        "width_px": columns.axes["width_px"],
        "classes": columns.axes["classes"],
        "batch": columns.axes["batch"],
    }


def _part(value: Any, part: tuple[slice, ...]) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return value[tuple(each if length > 1 else slice(0, 1) for each, length in zip(part, value.shape, strict=True))]
