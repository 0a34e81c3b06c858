"""A million batches, sizes and classes at once: every corner and 2,000 points of them are the int door's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from array_points import STRUCTURES, differing

import vggcost

AXES = (np.arange(1, 501), np.arange(32, 272, 12), np.arange(33, 373, 17), np.array([1, 2, 10, 100, 1000]))
SHAPE = tuple(map(len, AXES))


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_million_points_are_the_int_doors(name):
    batch, height, width, classes = np.ix_(*AXES)
    found = vggcost.memory_totals(name, **STRUCTURES[name], batch=batch, size=(height, width), classes=classes)
    assert found["peak_bytes"].shape == SHAPE
    assert found["peak_bytes"].size == 10**6
    places = [tuple(-(corner >> axis & 1) for axis in range(4)) for corner in range(16)]
    places += [tuple(place) for place in np.random.default_rng(7).integers(0, SHAPE, (2000, 4)).tolist()]
    points = ((place, tuple(int(axis[at]) for axis, at in zip(AXES, place, strict=True))) for place in places)
    assert differing(found, name, STRUCTURES[name], points) == []
