"""Fronts against brute force, with ties."""

from __future__ import annotations

import numpy as np
import pytest

from vggcost.sweep.front import Front, undominated


def brute_force(points):
    return [not any(all(other <= own) and any(other < own) for other in points) for own in points]


@pytest.mark.parametrize("objectives", [2, 3])
def test_a_front_is_what_no_other_point_dominates(objectives):
    draw = np.random.default_rng(objectives)
    for _ in range(150):
        points = draw.integers(0, draw.integers(2, 12), (draw.integers(1, 60), objectives))
        expected = brute_force(points)
        assert undominated(points).tolist() == expected
        front = Front(objectives)
        for piece in np.array_split(np.arange(len(points)), draw.integers(1, 5)):
            beaten = front.beats(tuple(points[piece].T))
            assert not any(expected[number] for number in piece[beaten])
            front.add(points[piece[~beaten]], piece[~beaten])
        assert sorted(front.index.tolist()) == [number for number, kept in enumerate(expected) if kept]
