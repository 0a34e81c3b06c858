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
        return self.fixed + _product(self.image, batch)

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

    >>> Highest([BatchLine(10, 1), BatchLine(0, 3)]).at(7)
    array(21)
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


def upper(lines: list[BatchLine]) -> list[BatchLine]:
    """Return those of these that can be the largest at some batch of at least 1, and each of them once.

    One is left out where another is never below it: at batch 1 and in what an image adds, in every element.
    """
    import numpy as np

    # Where the largest come first, what is below another finds it early.
    order = sorted(lines, key=lambda each: (int(np.max(each.image)), int(np.max(each.fixed))), reverse=True)
    kept: list[tuple[BatchLine, Any]] = []
    for each in order:
        first = each.at(1)
        if not any(np.all(above.image >= each.image) and np.all(at_one >= first) for above, at_one in kept):
            kept.append((each, first))
    return [each for each, _ in kept]
