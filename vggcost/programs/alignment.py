"""Two lists side by side as a diff: what has a partner, what has none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


def itself(element: T) -> T:
    """Return what is given."""
    return element


def aligned(
    expected: Sequence[T],
    found: Sequence[T],
    gap: Callable[[T], float],
    mismatch: Callable[[T, T], float],
    token: Callable[[T], Hashable] = itself,
) -> tuple[float, list[tuple[T | None, T | None]]]:
    """Return the cost of the cheapest alignment and its pairs, None where one list has no partner for the other.

    gap is what an element costs that has no partner, mismatch what two cost that are partners. Elements of one token
    cost the same, and equal ones nothing. Of several cheapest alignments it is the one with the earliest partners.
    Costs that are sums of powers of two are exact. It takes time and memory by the product of the lists' lengths, less
    what they begin with in common.
    Source: Needleman & Wunsch 1970.

    >>> aligned("abbc", "abc", lambda _: 1.0, lambda one, other: 0.0 if one == other else 1.5)
    (1.0, [('a', 'a'), ('b', 'b'), ('b', None), ('c', 'c')])
    """
    common = 0
    for one, other in zip(expected, found, strict=False):
        if token(one) != token(other):
            break
        common += 1
    head: list[tuple[T | None, T | None]] = list(zip(expected[:common], found[:common], strict=True))
    rest, others = expected[common:], found[common:]
    costs, apart = _costs(rest, others, gap, mismatch, token)
    pairs: list[tuple[T | None, T | None]] = []
    i = j = 0
    while i < len(rest) or j < len(others):
        if i < len(rest) and j < len(others) and costs[i][j] == costs[i + 1][j + 1] + apart[i][j]:
            pairs.append((rest[i], others[j]))
            i, j = i + 1, j + 1
        elif i < len(rest) and costs[i][j] == costs[i + 1][j] + gap(rest[i]):
            pairs.append((rest[i], None))
            i += 1
        else:
            pairs.append((None, others[j]))
            j += 1
    return costs[0][0], head + pairs


def _costs(
    expected: Sequence[T],
    found: Sequence[T],
    gap: Callable[[T], float],
    mismatch: Callable[[T, T], float],
    token: Callable[[T], Hashable],
) -> tuple[list[list[float]], list[list[float]]]:
    """What the rest costs behind each two positions, and what each two elements cost as partners."""
    rows, columns = len(expected), len(found)
    gaps = [gap(element) for element in found]
    # A long program repeats few kinds of layer, so that each two are looked at once.
    tokens = [token(element) for element in found]
    kinds = dict(zip(tokens, found, strict=True))
    places = {each: place for place, each in enumerate(kinds)}
    numbers = [places[each] for each in tokens]
    apart = []
    seen: dict[Hashable, list[float]] = {}
    for one in expected:
        row = seen.get(token(one))
        if row is None:
            each = [mismatch(one, other) for other in kinds.values()]
            row = seen[token(one)] = [each[number] for number in numbers]
        apart.append(row)
    # costs[i][j]: the cheapest way to align what lies behind position i of one list and j of the other.
    costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for j in range(columns - 1, -1, -1):
        costs[rows][j] = costs[rows][j + 1] + gaps[j]
    for i in range(rows - 1, -1, -1):
        here, below, own, beside = costs[i], costs[i + 1], gap(expected[i]), apart[i]
        right = here[columns] = below[columns] + own
        for j in range(columns - 1, -1, -1):
            best = below[j + 1] + beside[j]
            down = below[j] + own
            best = min(best, down)
            over = right + gaps[j]
            best = min(best, over)
            here[j] = right = best
    return costs, apart
