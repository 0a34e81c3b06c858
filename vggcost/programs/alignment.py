"""Two lists side by side as a diff: what has a partner, what has none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


def aligned(
    expected: Sequence[T],
    found: Sequence[T],
    gap: Callable[[T], float],
    mismatch: Callable[[T, T], float],
) -> tuple[float, list[tuple[T | None, T | None]]]:
    """Return the cost of the cheapest alignment and its pairs, None where one list has no partner for the other.

    gap is what an element costs that has no partner, mismatch what two cost that are partners. Of several cheapest
    alignments it is the one with the earliest partners. Costs that are sums of powers of two are exact.
    Source: Needleman & Wunsch 1970.

    >>> aligned("abbc", "abc", lambda _: 1.0, lambda one, other: 0.0 if one == other else 1.5)
    (1.0, [('a', 'a'), ('b', 'b'), ('b', None), ('c', 'c')])
    """
    rows, columns = len(expected), len(found)
    gaps = [gap(element) for element in found]
    apart = [[mismatch(one, other) for other in found] for one in expected]
    # costs[i][j]: the cheapest way to align what lies behind position i of one list and j of the other.
    costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for j in range(columns - 1, -1, -1):
        costs[rows][j] = costs[rows][j + 1] + gaps[j]
    for i in range(rows - 1, -1, -1):
        here, below, own = costs[i], costs[i + 1], gap(expected[i])
        here[columns] = below[columns] + own
        for j in range(columns - 1, -1, -1):
            here[j] = min(below[j + 1] + apart[i][j], below[j] + own, here[j + 1] + gaps[j])
    pairs: list[tuple[T | None, T | None]] = []
    i = j = 0
    while i < rows or j < columns:
        if i < rows and j < columns and costs[i][j] == costs[i + 1][j + 1] + apart[i][j]:
            pairs.append((expected[i], found[j]))
            i, j = i + 1, j + 1
        elif i < rows and costs[i][j] == costs[i + 1][j] + gap(expected[i]):
            pairs.append((expected[i], None))
            i += 1
        else:
            pairs.append((None, found[j]))
            j += 1
    return costs[0][0], pairs
