"""A number that grows with the batch along a straight line: one walk gives the cost at every batch."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BatchLine:
    """fixed + batch * image, whatever the batch; both parts are ints or int64 arrays.

    What formulas do with a batch keeps it a line: bytes and operations of one image, as often as there are images,
    beside those of the weights, which no image adds to. BATCH stands where a formula takes a batch.

    >>> size = 4 * (BATCH * 100 + 7)
    >>> size.at(1), size.at(3)
    (428, 1228)

    Raises:
        TypeError: two lines are multiplied, which no cost of a network does.
    """

    __slots__ = ("fixed", "image")
    __array_ufunc__ = None  # numpy then leaves ``array * line`` to the line, in place of making an array of lines

    def __init__(self, fixed: Any, image: Any) -> None:
        self.fixed = fixed
        self.image = image

    def __add__(self, other: Any) -> BatchLine:
        if isinstance(other, BatchLine):
            return BatchLine(self.fixed + other.fixed, self.image + other.image)
        return BatchLine(self.fixed + other, self.image)

    __radd__ = __add__

    def __sub__(self, other: Any) -> BatchLine:
        if isinstance(other, BatchLine):
            return BatchLine(self.fixed - other.fixed, self.image - other.image)
        return BatchLine(self.fixed - other, self.image)

    def __mul__(self, times: Any) -> BatchLine:
        if isinstance(times, BatchLine):
            raise TypeError("the product of two lines is none")
        return BatchLine(_product(self.fixed, times), _product(self.image, times))

    __rmul__ = __mul__

    def at(self, batch: Any) -> Any:
        """Its value at a batch, or at an array of batches."""
        grown = _product(self.image, batch)
        return grown if isinstance(self.fixed, int) and self.fixed == 0 else self.fixed + grown

    def __repr__(self) -> str:
        return f"BatchLine({self.fixed!r}, {self.image!r})"


BATCH = BatchLine(0, 1)
"""The batch itself."""


def line(size: Any) -> BatchLine:
    """Return a size that has no batch in it as the line that it is; a line as it is."""
    return size if isinstance(size, BatchLine) else BatchLine(size, 0)


def _product(part: Any, times: Any) -> Any:
    # An int 0 stays one: beside a feature map's array it would become an array of zeros at each step.
    return 0 if isinstance(part, int) and part == 0 else part * times


class Highest:
    """The largest of several lines at each batch: what a peak is over the batch.

    >>> int(Highest([BatchLine(10, 1), BatchLine(0, 3)]).at(7))
    21
    """

    __slots__ = ("lines",)

    def __init__(self, lines: list[BatchLine]) -> None:
        self.lines = lines

    def at(self, batch: Any) -> Any:
        """Its value at a batch, or at an array of batches."""
        import numpy as np

        worst: Any = 0
        # A running maximum: all lines at once would be hundreds of arrays.
        for each in self.lines:
            worst = np.maximum(worst, each.at(batch))
        return worst


def envelope(lines: list[BatchLine], first: int, last: int) -> list[BatchLine]:
    """Return few lines whose largest is that of all of these, in every element and at every batch from first to last.

    Two lines are put together of the largest at either end, which differ from element to element. The largest of these
    two is convex: what is not above it on either side of the batch at which they meet is above it nowhere.
    """
    import numpy as np

    lines = _by_fixed(lines)
    kept = [_highest(lines, first)]
    if len(lines) > 1 and last > first:
        kept.append(_highest(lines, last))
        tops = [(batch, Highest(kept).at(batch)) for batch in _meeting(kept[0], kept[1], first, last)]
        kept += [each for each in lines if any(np.any(each.at(batch) > top) for batch, top in tops)]
    return [BatchLine(_narrow(each.fixed), _narrow(each.image)) for each in kept]


def _by_fixed(lines: list[BatchLine]) -> list[BatchLine]:
    """Lines with one fixed part are one, which rises by the most that any of them does."""
    import numpy as np

    groups: dict[tuple[Any, ...], BatchLine] = {}
    for each in lines:
        key = (np.shape(each.fixed), np.asarray(each.fixed).tobytes())
        same = groups.get(key)
        groups[key] = each if same is None else BatchLine(each.fixed, np.maximum(same.image, each.image))
    return list(groups.values())


def _highest(lines: list[BatchLine], batch: Any) -> BatchLine:
    """In each element the line that is the largest at its batch."""
    import numpy as np

    fixed, image, value = lines[0].fixed, lines[0].image, lines[0].at(batch)
    for each in lines[1:]:
        other = each.at(batch)
        above = other > value
        if np.any(above):
            fixed, image = np.where(above, each.fixed, fixed), np.where(above, each.image, image)
            value = np.maximum(value, other)
    return BatchLine(fixed, image)


def _meeting(low: BatchLine, high: BatchLine, first: int, last: int) -> tuple[Any, Any]:
    """The whole batches on either side of where two lines meet, in each element."""
    import numpy as np

    meets = np.clip((low.fixed - high.fixed) // np.maximum(high.image - low.image, 1), first, last)
    return meets, np.minimum(meets + 1, last)


def _narrow(part: Any) -> Any:
    """An array without the elements that only repeat along an axis; an int where all are one."""
    import numpy as np

    if np.ndim(part) == 0:
        return int(part)
    for axis, length in enumerate(part.shape):
        first = part.take([0], axis)
        if length > 1 and np.array_equal(np.broadcast_to(first, part.shape), part):
            part = first
    return int(part.flat[0]) if part.size == 1 else part
