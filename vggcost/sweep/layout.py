"""How a space is cut: blocks that are walked at once, slices of them that a cache holds, tasks of whole blocks."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.record import Record
from vggcost.sweep.space import unravelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from vggcost.sweep.space import Space

WALKED = 1 << 14
"""Combinations of widths, sizes and classes that are walked at once."""

SLICE_ROWS = 1 << 16
"""Networks whose columns are made at once: what a processor's cache holds."""

TASK_ROWS, KEPT_TASK_ROWS = 1 << 24, 1 << 18
"""Networks of one task, and of one that may keep every row."""

TASK_BLOCKS = 64
"""Blocks of one task at most: a walk takes some ten milliseconds, whatever it gives."""


class GridBlock(Record):
    """A structure, and the places on each axis of its grid that are walked at once."""

    number: int
    structure: int
    places: tuple[NDArray[np.int64], ...]

    @property
    def rows(self) -> int:
        """How many networks it has."""
        return prod(map(len, self.places))


class Layout:
    """The blocks of a space by number, and the tasks; both follow from the space alone, never from who works."""

    def __init__(self, space: Space, *, keeps_rows: bool) -> None:
        self.space = space
        task_rows = KEPT_TASK_ROWS if keeps_rows else TASK_ROWS
        *walked, batches = space.grid_shape
        self._level, self._chunk = cut(walked, min(WALKED, max(1, task_rows // batches)))
        self._outer = tuple(walked[: self._level])
        self._parts = -(-walked[self._level] // self._chunk)
        self._in_structure = prod(self._outer) * self._parts
        self.blocks = space.structures * self._in_structure
        self.block_rows = self._chunk * prod(space.grid_shape[self._level + 1 :])
        self.task_blocks = max(1, min(TASK_BLOCKS, task_rows // self.block_rows))
        self.tasks = -(-self.blocks // self.task_blocks)
        self.strides = tuple(prod(space.grid_shape[axis + 1 :]) for axis in range(len(space.grid_shape)))

    def task(self, number: int) -> tuple[int, int]:
        """Return the blocks of a task: the first, and the first behind it."""
        first = number * self.task_blocks
        return first, min(first + self.task_blocks, self.blocks)

    def block(self, number: int) -> GridBlock:
        """Return a block by its number."""
        structure, rest = divmod(number, self._in_structure)
        outer, part = divmod(rest, self._parts)
        fixed = unravelled(outer, self._outer)
        shape = self.space.grid_shape
        start = part * self._chunk
        middle = np.arange(start, min(start + self._chunk, shape[self._level]))
        inner = (np.arange(length) for length in shape[self._level + 1 :])
        return GridBlock(number, structure, (*(np.array([place]) for place in fixed), middle, *inner))

    def start(self, number: int) -> int:
        """Return the flat index of a block's first network; of the number behind the last, all there are."""
        if number == self.blocks:
            return self.space.points
        block = self.block(number)
        return block.structure * self.space.grid + sum(
            int(places[0]) * stride for places, stride in zip(block.places, self.strides, strict=True)
        )

    def block_of(self, index: int) -> int:
        """Return the number of the block that a flat index lies in."""
        structure, rest = divmod(index, self.space.grid)
        places = unravelled(rest, self.space.grid_shape)
        outer = 0
        for place, length in zip(places, self._outer, strict=False):
            outer = outer * length + place
        return structure * self._in_structure + outer * self._parts + places[self._level] // self._chunk


def cut(shape: Sequence[int], most: int) -> tuple[int, int]:
    """Return the axis that is cut and how much of it is taken at once, so that a piece has at most so many elements.

    Axes before it are taken one place at a time, axes behind it whole: a piece is a range of the flat index.

    >>> cut((4, 10, 6), 30), cut((4, 10, 6), 1000), cut((4, 10, 6), 3)
    ((1, 5), (0, 4), (2, 3))
    """
    for axis in range(len(shape)):
        inner = prod(shape[axis + 1 :])
        if inner <= most:
            return axis, min(shape[axis], most // inner)
    raise ValueError("nothing fits")


def slices(shape: Sequence[int], most: int = SLICE_ROWS) -> Iterator[tuple[slice, ...]]:
    """Yield slices that together are a block of this shape, each of at most so many elements."""
    level, chunk = cut(shape, most)
    for outer in np.ndindex(*shape[:level]):
        for start in range(0, shape[level], chunk):
            middle = slice(start, min(start + chunk, shape[level]))
            rest: list[Any] = [slice(0, length) for length in shape[level + 1 :]]
            yield (*(slice(place, place + 1) for place in outer), middle, *rest)
