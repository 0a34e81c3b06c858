"""The networks that no other one beats in every objective; those that are equal in all of them are all kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_ASKED = 256
"""How many points of a front of three objectives are asked whether they beat a group; all are asked in the end."""


def undominated(points: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of [n, objectives] no other row dominates: at most as large everywhere, and smaller somewhere.

    >>> undominated(np.array([[1, 3], [2, 2], [2, 3], [1, 3]])).tolist()
    [True, True, False, True]
    """
    order = np.lexsort(points.T[::-1])
    ranked = points[order]
    kept = np.ones(len(points), np.bool_)
    kept[order] = _first_two(ranked) if points.shape[1] == 2 else _any_number(ranked)
    return kept


def _first_two(ranked: NDArray[Any]) -> NDArray[np.bool_]:
    """Of two objectives in their order: the second must be below all before, unless the point is the one before."""
    first, second = ranked[:, 0], ranked[:, 1]
    if not len(ranked):
        return np.ones(0, np.bool_)
    lowest = np.minimum.accumulate(second)
    news = np.concatenate(([True], second[1:] < lowest[:-1]))
    leader = np.maximum.accumulate(np.where(news, np.arange(len(ranked)), 0))
    same: NDArray[np.bool_] = (first == first[leader]) & (second == second[leader])
    return same


def _any_number(ranked: NDArray[Any]) -> NDArray[np.bool_]:
    """A point is dominated by earlier ones alone, so that one after the other drops what it dominates."""
    left = np.arange(len(ranked))
    at = 0
    while at < len(left):
        pivot, others = ranked[left[at]], ranked[left]
        dominated = np.all(others >= pivot, axis=1) & np.any(others > pivot, axis=1)
        left = left[~dominated]
        at += 1
    kept = np.zeros(len(ranked), np.bool_)
    kept[left] = True
    return kept


class Front:
    """A front while it grows; its points are minimised in every column."""

    def __init__(self, objectives: int) -> None:
        self.points: NDArray[Any] = np.empty((0, objectives), np.int64)
        self.index = np.empty(0, np.int64)

    def add(self, points: NDArray[Any], index: NDArray[np.int64]) -> None:
        """Take in points with their flat indices."""
        points, index = np.concatenate((self.points, points)), np.concatenate((self.index, index))
        kept = undominated(points)
        self.points, self.index = points[kept], index[kept]
        order = np.lexsort((self.index, *self.points.T[::-1]))
        self.points, self.index = self.points[order], self.index[order]

    def beats(self, values: tuple[NDArray[Any], ...]) -> NDArray[np.bool_]:
        """Return where a point of the front dominates these: a proof for each True, and none is claimed for False.

        Where a group's least value of each objective is dominated, so is every member.
        """
        if not len(self.points):
            return np.zeros(values[0].shape, np.bool_)
        if len(values) == 2:
            first, second = self.points[:, 0], self.points[:, 1]
            place = np.searchsorted(first, values[0], side="right") - 1
            there = np.maximum(place, 0)
            below = (second[there] < values[1]) | ((second[there] == values[1]) & (first[there] < values[0]))
            beaten: NDArray[np.bool_] = (place >= 0) & below
            return beaten
        found = np.zeros(values[0].shape, np.bool_)
        for point in self.points[:: max(1, len(self.points) // MOST_ASKED)]:
            pairs = list(zip(point, values, strict=True))
            found |= np.logical_and.reduce([each <= value for each, value in pairs]) & np.logical_or.reduce(
                [each < value for each, value in pairs]
            )
        return found
