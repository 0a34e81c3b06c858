"""The columns of one block: each counted once for its structure, as what gives it at any slice of the grid.

Every number is that of the int door: the formulas are walked on arrays, and the batch is a line.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.conventions.counting import count
from vggcost.conventions.special_rules import RULES
from vggcost.costs.arrays import Structure
from vggcost.costs.lines import BatchLine, Highest, line
from vggcost.costs.table import Row
from vggcost.costs.training import INTEGERS, Training
from vggcost.network.ledger import Ledger
from vggcost.network.unfold import scaled_by
from vggcost.record import Record
from vggcost.sweep.places import NOTHING, taken
from vggcost.sweep.timed import Timed, timed
from vggcost.units import dtype_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from vggcost.conventions.convention import Convention
    from vggcost.costs.table import Table
    from vggcost.predict.devices import FoundDevice
    from vggcost.sweep.layout import GridBlock
    from vggcost.sweep.space import Space, StructurePoint

    Int64 = NDArray[np.int64]


class SpaceColumn(Record):
    """What a column is: its name, which of vggcost's numbers it has, in words, and whether it is bytes or a time."""

    name: str
    source: str
    words: str
    is_bytes: bool = False
    trained: bool = False
    is_time: bool = False


COLUMNS = {
    column.name: column
    for column in (
        SpaceColumn("params", "params", "parameters"),
        SpaceColumn("macs", "macs", "multiply-accumulates of one forward call"),
        SpaceColumn("flops", "flops", "floating-point operations of one forward call, 2 x MAC"),
        SpaceColumn("count", "count", "what the convention counts"),
        SpaceColumn("weight_bytes", "weight_bytes", "parameters", is_bytes=True),
        SpaceColumn("output_bytes", "output_bytes", "outputs of all layers", is_bytes=True),
        SpaceColumn(
            "inference_bytes", "peak_bytes", "activations at the worst moment of a forward call", is_bytes=True
        ),
        SpaceColumn("saved_bytes", "saved_bytes", "what autograd keeps", is_bytes=True, trained=True),
        SpaceColumn(
            "training_bytes", "training_peak_bytes", "all at the worst moment of a step", is_bytes=True, trained=True
        ),
    )
}
"""The columns of numbers, in their order."""

TIME = SpaceColumn("predicted_ns", "likely_ms", "likely time of a forward call on a device", is_time=True)
"""The column that a device brings."""

EVERY_COLUMN = {**COLUMNS, TIME.name: TIME}
"""All that can be asked for."""


class Counted(Record):
    """What gives a column: lines over the batch, of which the largest counts, and beside them numbers a batch.

    missing is where there is no number at all.
    """

    lines: tuple[BatchLine, ...]
    beside: Any = None
    missing: Any = False

    def at(self, places: tuple[Any, ...], batch: Int64) -> Any:
        """Return the column at these places of a block, in the shape that it needs; batch is that of the places."""
        worst: Any = None
        for each in self.lines:
            value = BatchLine(taken(each.fixed, places), taken(each.image, places)).at(batch)
            worst = value if worst is None else np.maximum(worst, value)
        if self.beside is not None:
            worst = worst + taken(self.beside, places)
        if self.missing is False:
            return worst
        return np.where(taken(self.missing, places), NOTHING, worst)


class Columns:
    """The columns of a block at the sizes that run, counted when they are asked for."""

    def __init__(
        self, space: Space, block: GridBlock, convention: Convention | None, device: FoundDevice | None = None
    ) -> None:
        self._convention = convention
        self._device = device
        self._point = space.structure(block.structure)
        self.axes = values_of(space, block, self._point)
        self._structure = _structure(self._point, self.axes, None)
        self._found: dict[str, Counted | Timed] = {}

    def __getitem__(self, name: str) -> Counted | Timed:
        if name not in self._found:
            made = self._timed() if name == TIME.name else self._counted_column(COLUMNS[name])
            self._found[name] = made
        return self._found[name]

    @cached_property
    def _table(self) -> Table:
        height, width, classes = (self.axes[name] for name in ("height", "width_px", "classes"))
        return self._structure.counted(_plain(height), _plain(width), _plain(classes))

    @cached_property
    def _forward(self) -> Mapping[str, BatchLine | Highest]:
        return self._structure.lines(self._table, self._batches)

    @cached_property
    def _trained(self) -> Mapping[str, BatchLine | Highest]:
        structure = _structure(self._point, self.axes, Training(self._point.values["optimizer"]))
        return structure.lines(self._table, self._batches)

    @property
    def _batches(self) -> tuple[int, int]:
        return int(self.axes["batch"].min()), int(self.axes["batch"].max())

    def _counted_column(self, column: SpaceColumn) -> Counted:
        if column.name == "count":
            return self._count()
        if column.source in ("params", "macs", "flops"):
            return Counted((line(getattr(self._table, column.source)),))
        if column.trained:
            if self._point.dtype in INTEGERS:
                return Counted((line(0),), missing=np.ones((1,) * 5, np.bool_))
            value = self._trained[column.source]
        else:
            # Where training was asked for, it has walked the forward call as well.
            walked = self._trained if "_trained" in self.__dict__ else self._forward
            value = walked[column.source]
        return Counted(tuple(value.lines) if isinstance(value, Highest) else (value,))

    def _timed(self) -> Timed:
        if self._device is None:
            raise ValueError("no device is given")
        return timed(self._table, self._device, self._point.dtype, self.axes["batch"])

    def _count(self) -> Counted:
        convention, ledger = self._convention, self._table.ledger
        if convention is None:
            raise ValueError("no convention is given")
        whole = line(sum(weight * ledger[name] for name, weight in convention.weights.items()))
        shared = line(sum(weight * ledger[name] for name, weight in convention.image_weights.items()))
        # Every count has the batch as a factor, so that its line has no fixed part.
        lines = BatchLine(shared.image + whole.fixed, whole.image)
        beside: Any = None
        missing: Any = False
        before = None
        for row in self._table.rows:
            if row.kind in convention.rules:
                values, absent = self._ruled(convention, row, before)
                beside = values if beside is None else beside + values
                missing = missing | absent
            before = row
        absent_somewhere = missing is not False and bool(np.any(missing))
        return Counted((lines,), beside, missing if absent_somewhere else False)

    def _ruled(self, convention: Convention, row: Row, before: Row | None) -> tuple[Int64, NDArray[np.bool_]]:
        """What a rule counts of a row, by one evaluation in ints a size; and where it gives no number."""
        batches = self.axes["batch"].reshape(-1)
        by_image = RULES[convention.rules[row.kind]].by_image
        sizes = [each for each in (*row.input, *row.output) if not isinstance(each, BatchLine)]
        inner = np.broadcast_shapes(*(np.shape(each) for each in sizes))
        shape = (*((1,) * (5 - len(inner))), *inner)
        asked = np.array([1]) if by_image else batches
        values = np.zeros((*shape[:4], len(asked)), np.int64)
        missing = np.zeros(shape, np.bool_)
        for place in np.ndindex(*shape):
            for number, batch in enumerate(asked):
                counted = count(convention, _at(row, place, int(batch)), before and _at(before, place, int(batch)))
                if counted.value is None:
                    missing[place] = True
                else:
                    values[(*place[:4], number)] = counted.value
        if by_image and convention.per != "image":
            values = values * self.axes["batch"]
        return values, missing


def _at(row: Row, place: tuple[int, ...], batch: int) -> Row:
    """A row at one point, in ints."""

    def number(value: Any) -> int:
        if isinstance(value, BatchLine):
            value = BatchLine(number(value.fixed), number(value.image)).at(batch)
        if np.ndim(value) == 0:
            return int(value)
        own = place[len(place) - np.ndim(value) :]
        return int(value[tuple(each if length > 1 else 0 for each, length in zip(own, value.shape, strict=True))])

    before, after = (tuple(number(size) for size in shape) for shape in (row.input, row.output))
    ledger = Ledger(**{name: number(value) for name, value in row.ledger.items()})
    return Row(row.layer, before, after, 0, 0, ledger)


def values_of(space: Space, block: GridBlock, point: StructurePoint) -> dict[str, Int64]:
    """Return the values of a block on the axes that are arrays, each along its own of five axes.

    The first two have the blocks' combinations of widths and the factors by number; a size has a height and a width.
    """
    _, _, sizes, numbers, batches = block.places
    variant = point.variant()
    pairs = [space.values["size"][place] or point.plan.size for place in sizes]
    classes = [space.values["classes"][place] or variant.classes for place in numbers]
    return {
        "block_width": block.places[0],
        "width": block.places[1],
        "height": _along(2, [pair[0] for pair in pairs]),
        "width_px": _along(2, [pair[1] for pair in pairs]),
        "classes": _along(3, classes),
        "batch": _along(4, [space.values["batch"][place] for place in batches]),
        "channels": _Scaled(space, block, point),  # type: ignore[dict-item]
    }


def _along(axis: int, values: Sequence[int]) -> Int64:
    shape = [1] * 5
    shape[axis] = len(values)
    return np.array(values, np.int64).reshape(shape)


def _plain(axis: Int64) -> Any:
    """What is one number as an int, which costs a walk less than an array."""
    return int(axis.flat[0]) if axis.size == 1 else axis


class _Scaled:
    """How many channels a convolution has, over the block widths and the factors of a block."""

    def __init__(self, space: Space, block: GridBlock, point: StructurePoint) -> None:
        combinations, factors, *_ = block.places
        self._scaled = [scaled_by(space.values["width"][place] or point.plan.variant.width) for place in factors]
        self._axes = space.block_axes
        self._places = np.unravel_index(combinations, tuple(map(len, self._axes))) if self._axes else ()
        self._found: dict[tuple[int, int], Any] = {}

    def __call__(self, own: int, block: int) -> Any:
        key = (own, block)
        if key not in self._found:
            widths = self._axes[block - 1] if self._axes else (own,)
            known = np.array([[scaled(width, block) for scaled in self._scaled] for width in widths], np.int64)
            if self._axes:
                known = known[self._places[block - 1]]
            self._found[key] = _plain(known.reshape(*known.shape, 1, 1, 1))
        return self._found[key]


def _structure(point: StructurePoint, axes: Mapping[str, Any], training: Training | None) -> Structure:
    how: Callable[[Table], Training | None] = lambda _: training  # noqa: E731
    return Structure(point.plan, point.variant(), dtype_bytes(point.dtype), how, channels=axes["channels"])


def running_sizes(space: Space, block: GridBlock) -> NDArray[np.bool_]:
    """Return at which of a block's sizes its structure runs."""
    point = space.structure(block.structure)
    pairs = [space.values["size"][place] or point.plan.size for place in block.places[2]]
    height, width = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    return Structure(point.plan, point.variant(), dtype_bytes(point.dtype), lambda _: None).runs(height, width)
