"""The largest value that fits: a search over whole numbers, and the width factors that make a difference.

What a network holds and multiplies never falls when its batch, its image or a width grows: which tensors live at a
moment depends on the layers alone, and each of them grows with all three. So there is one boundary, and a search finds
it whose every step compares exact ints; floats only guess where to look next.
"""

from __future__ import annotations

from math import isqrt, lcm

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Span = Callable[[int], tuple[int, int]]

MOST_DECIMALS = 15
"""Decimals of a width factor: more than a float keeps."""


class Tried(Record):
    """One value: whether every budget holds, and the largest part of one that it takes, which guides the search."""

    fits: bool
    share: float


class Bounds(Record):
    """Where a search looks: the smallest value, the largest, where it starts, and the power by which costs grow."""

    least: int
    most: int
    start: int
    power: int


def largest(
    tried: Callable[[int], Tried], bounds: Bounds, span: Span = lambda value: (value, value)
) -> tuple[int | None, int | None]:
    """Return the largest value that fits and the smallest that does not; None where there is none within the bounds.

    span gives the first and the last value that are the same network as one. The pair lies side by side: the last of
    one span, and the first of the next.
    """
    low, high = bounds.least - 1, bounds.most + 1  # the largest known to fit, the smallest known not to
    seen: list[tuple[int, float]] = []
    guess, turns = bounds.start, 0
    while True:
        found, (first, last) = tried(guess), span(guess)
        before = high - low
        if found.fits:
            low = min(last, bounds.most)
        else:
            high = max(first, bounds.least)
        if high - low <= 1:
            return (low if low >= bounds.least else None), (high if high <= bounds.most else None)
        seen = [*seen[-1:], (guess, found.share)]
        turns = 0 if (high - low) * 2 <= before else turns + 1
        # Two guesses that did not halve what is left: the costs are no such curve here.
        guess = _middle(low, high) if turns > 1 else _guess(seen, low, high, bounds.power)
        guess = min(max(guess, low + 1), high - 1)


def _middle(low: int, high: int) -> int:
    """Half way, by ratio where the two are far apart."""
    low = max(low, 0)
    return isqrt((low + 1) * high) if high > 4 * (low + 1) else (low + high) // 2


def _guess(seen: list[tuple[int, float]], low: int, high: int, power: int) -> int:
    """Where the whole budget would be taken: on the curve a + b * value**power through the last two, or one and 0."""
    (one, share), (other, its) = seen[-1], seen[-2] if len(seen) > 1 else (0, 0.0)
    try:
        raised = float(one) ** power
        bend = (raised - float(other) ** power) / (share - its) if share != its else 0.0
        aim = raised + (1.0 - share) * bend
    except OverflowError:
        return _middle(low, high)
    if bend <= 0.0:
        return high - 1 if share <= 1.0 else _middle(low, high)
    return int(min(aim ** (1 / power), float(high))) if aim > 0.0 else _middle(low, high)


class WidthGrid(Record):
    """The width factors that give different channels, as whole numbers: a value stands for value / parts.

    A convolution of width c has max(1, floor(c * factor)) channels, so nothing changes but at multiples of 1 / c, and
    all of these are multiples of 1 / parts.
    """

    widths: tuple[int, ...]

    @property
    def parts(self) -> int:
        """The least common multiple of the widths."""
        return lcm(*self.widths)

    @property
    def most(self) -> int:
        """The value of the largest factor that the width option takes."""
        return self.parts * units.COUNT_LIMIT

    def channels(self, value: int) -> tuple[int, ...]:
        """Return what the widths become."""
        return tuple(max(1, width * value // self.parts) for width in self.widths)

    def span(self, value: int) -> tuple[int, int]:
        """Return the first and the last value with the same channels in every convolution."""
        first, last = 1, self.most
        for width, channels in zip(self.widths, self.channels(value), strict=True):
            step = self.parts // width
            if channels > 1:
                first = max(first, channels * step)
            last = min(last, (channels + 1) * step - 1)
        return first, last

    def factor(self, value: int) -> str:
        """Return the factor with the fewest decimals, and of these the smallest, that gives a value's channels.

        Raises:
            VggcostError: there is none of 15 decimals.

        >>> WidthGrid((64, 128, 256, 512)).factor(193)
        '0.377'
        """
        first, last = self.span(value)
        for places in range(MOST_DECIMALS + 1):
            tens = 10**places
            # The first span reaches down to nothing, which is no factor.
            digits = -(-first * tens // self.parts) if first > 1 else 1
            if digits * self.parts < (last + 1) * tens:
                return f"{digits // tens}.{digits % tens:0{places}d}" if places else str(digits)
        raise VggcostError(
            f"the widths {self.widths[0]} to {self.widths[-1]} lie too close for a factor of {MOST_DECIMALS} decimals;"
            " --solve batch or size does without"
        )
