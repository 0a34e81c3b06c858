"""Names beside the points of a crowded picture: pure geometry in pixels, no drawing."""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi, sin
from typing import TYPE_CHECKING

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Spot = tuple[float, float]
    Box = tuple[float, float, float, float]
    """Left, low, right, high."""

RINGS, DIRECTIONS = 14, 24
ON_TOP = 1000.0
"""What it costs a place to cover a name, a point or the frame: more than any way round."""
CROSSING = 1.5
"""What it costs to cross a line, in rings further out."""


class Disc(Record):
    """A point of the picture with its radius."""

    x: float
    y: float
    radius: float


class Names:
    """Names that have been placed and all that the next one must keep clear of."""

    def __init__(
        self, frame: Box, discs: Sequence[Disc], taken: Sequence[Box], path: Sequence[Spot], unit: float
    ) -> None:
        """Frame, points, boxes that are taken already, a line that no name may cover, and the pixels of a point."""
        self._frame = frame
        self._discs = discs
        self._taken = list(taken)
        self._lines = [spot for start, end in pairwise(path) for spot in _along(start, end, 200)]
        self._unit = unit

    def place(self, index: int, width: float, height: float) -> Spot:
        """Return how far from its point the name of disc `index` stands, and keep that place from now on.

        Places are tried on growing circles, each with the line that leads to its point: names and lines must not cross
        either. The first ring with a free place wins, or the least bad of all.
        """
        disc = self._discs[index]
        half = (width / 2 + 3 * self._unit, height / 2 + self._unit)
        best, least = (0.0, 0.0), float("inf")
        for ring in range(RINGS):
            for move in self._ring(disc, half, ring):
                cost = self._cost(index, disc, move, half) + ring
                if cost < least:
                    best, least = move, cost
            if least <= ring + CROSSING:
                break
        self._lines += _along((disc.x, disc.y), (disc.x + best[0], disc.y + best[1]))
        self._taken.append(_box(disc, best, half))
        return best

    def _ring(self, disc: Disc, half: Spot, ring: int) -> Iterator[Spot]:
        away = disc.radius + half[1] + (3 + 9 * ring) * self._unit
        for step in range(DIRECTIONS):
            angle = pi / 2 + step * 2 * pi / DIRECTIONS
            yield (away + half[0] - half[1]) * cos(angle), away * sin(angle)

    def _cost(self, index: int, disc: Disc, move: Spot, half: Spot) -> float:
        box = _box(disc, move, half)
        lead = _along((disc.x, disc.y), (disc.x + move[0], disc.y + move[1]))
        others = [other for number, other in enumerate(self._discs) if number != index]
        crossed = sum(_holds(other, spot) for other in self._taken for spot in lead)
        crossed += sum(_holds(box, spot) for spot in self._lines)
        crossed += sum(_near(other, spot) for other in others for spot in lead)
        return ON_TOP * self._covered(box) + CROSSING * crossed

    def _covered(self, box: Box) -> int:
        """How many names and points a box would cover, and sides of the frame it would leave."""
        left, low, right, high = box
        hits = sum(left < other[2] and other[0] < right and low < other[3] and other[1] < high for other in self._taken)
        for disc in self._discs:
            across, up = disc.x - min(max(disc.x, left), right), disc.y - min(max(disc.y, low), high)
            hits += across**2 + up**2 < disc.radius**2
        frame = self._frame
        return hits + (left < frame[0]) + (low < frame[1]) + (right > frame[2]) + (high > frame[3])


def _box(disc: Disc, move: Spot, half: Spot) -> Box:
    x, y = disc.x + move[0], disc.y + move[1]
    return x - half[0], y - half[1], x + half[0], y + half[1]


def _along(start: Spot, end: Spot, parts: int = 16) -> list[Spot]:
    """Points on a line, close enough together that no name fits between two."""
    across, up = end[0] - start[0], end[1] - start[1]
    return [(start[0] + across * part / parts, start[1] + up * part / parts) for part in range(parts + 1)]


def _near(disc: Disc, spot: Spot) -> bool:
    """Whether a spot lies in the middle of a disc, where a line would seem to lead to it."""
    return (disc.x - spot[0]) ** 2 + (disc.y - spot[1]) ** 2 < (disc.radius / 2) ** 2


def _holds(box: Box, spot: Spot) -> bool:
    return box[0] < spot[0] < box[2] and box[1] < spot[1] < box[3]
