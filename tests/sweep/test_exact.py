"""Every number of a sweep is that of the int door: at corners and at random points, under every convention."""

from __future__ import annotations

import pickle
import random
from itertools import product

import pytest
from sweep_points import int_door

from vggcost.conventions.rows import NAMES
from vggcost.sweep import columns, task
from vggcost.sweep import space as spaces
from vggcost.sweep.columns import COLUMNS
from vggcost.sweep.question import question

SPACE = {
    "axes": {
        "config": ["A", "A-LRN", "C", "residual-vgg16"],
        "width": [0.3, 1],
        "batch_norm": [False, True],
        "bias": [True, False],
        "head": ["none", "64", "96,32"],
        "size": [16, 32, 77, [64, 100]],
        "classes": [7, 30],
        "batch": [1, 2, 9],
        "dtype": ["float32", "bfloat16", "int8"],
        "optimizer": ["sgd", "adam"],
        "in_channels": [1, 3],
        "adaptive_pool": [True, False],
    }
}
BLOCKS = {
    "axes": {"width": [1, 0.6], "size": [32, 80], "batch": [1, 3, 8], "classes": [5]},
    "blocks": {"depth": [[1, 2], [1], [2, 3]], "width": [[8, 12], [16], [20, 31]]},
}


def rows(space, indices, convention):
    """The numbers of points, out of the whole blocks that they lie in: a block of one point shows little."""
    asked = question(space, every=True, convention=convention)
    blob = pickle.dumps(asked.query)
    given = {}
    for number in sorted({asked.layout.block_of(index) for index in indices}):
        found = task.run(task.Task(blob, number, number + 1, None))
        for place, index in enumerate(found.index.tolist()):
            given[index] = {name: int(found.columns[name][place]) for name in COLUMNS}
    return given


def differing(space, indices, convention):
    given = rows(space, indices, convention)
    return [index for index in indices if int_door(space, index, convention) != given.get(index)]


def drawn(space, seed, structures, points):
    """Points of some structures, several of each."""
    draw = random.Random(seed)  # noqa: S311
    for structure in draw.sample(range(space.structures), min(structures, space.structures)):
        for point in draw.sample(range(space.grid), min(points, space.grid)):
            yield structure * space.grid + point


def corners(space):
    """The points with the first or the last value of each axis of the grid, for some structures."""
    draw = random.Random(2)  # noqa: S311
    ends = [sorted({0, length - 1}) for length in space.grid_shape]
    for structure in draw.sample(range(space.structures), min(2, space.structures)):
        for places in product(*ends):
            index = 0
            for place, length in zip(places, space.grid_shape, strict=True):
                index = index * length + place
            yield structure * space.grid + index


@pytest.mark.torch  # takes long
@pytest.mark.parametrize("convention", NAMES)
@pytest.mark.parametrize("document", [SPACE, BLOCKS], ids=["axes", "blocks"])
def test_a_sweep_says_what_the_int_door_says(document, convention):
    space = spaces.read(document)
    points = sorted({*corners(space), *drawn(space, convention, 6, 6)})
    assert differing(space, points, convention) == []


def _changed_axes(monkeypatch, change):
    usual = columns.values_of

    def changed(space, block, point):
        return change(dict(usual(space, block, point)))

    monkeypatch.setattr(columns, "values_of", changed)


def _a_batch_too_many(monkeypatch):
    _changed_axes(monkeypatch, lambda axes: axes | {"batch": axes["batch"] + 1})


def _the_height_for_both_sides(monkeypatch):
    _changed_axes(monkeypatch, lambda axes: axes | {"width_px": axes["height"]})


def _classes_backwards(monkeypatch):
    _changed_axes(monkeypatch, lambda axes: axes | {"classes": axes["classes"][:, :, :, ::-1]})


def _sizes_backwards(monkeypatch):
    _changed_axes(
        monkeypatch,
        lambda axes: axes | {"height": axes["height"][:, :, ::-1], "width_px": axes["width_px"][:, :, ::-1]},
    )


def _a_line_too_few(monkeypatch):
    usual = columns.Highest.__init__
    monkeypatch.setattr(columns.Highest, "__init__", lambda self, lines: usual(self, lines[:1]))


def _weights_of_an_image_dropped(monkeypatch):
    usual = columns.Columns.__init__

    def changed(self, space, block, convention, device=None):
        usual(self, space, block, convention.replace(image_weights={}), device)

    monkeypatch.setattr(columns.Columns, "__init__", changed)


def _one_image_for_every_rule(monkeypatch):
    alike = {name: rule.replace(by_image=True) for name, rule in columns.RULES.items()}
    monkeypatch.setattr(columns, "RULES", alike)


def _always_the_same_optimizer(monkeypatch):
    usual = columns.Training
    monkeypatch.setattr(columns, "Training", lambda _: usual("sgd"))


def _channels_one_more(monkeypatch):
    usual = columns._Scaled.__call__
    monkeypatch.setattr(columns._Scaled, "__call__", lambda self, own, block: usual(self, own, block) + 1)


def _flat_index_by_the_wrong_stride(monkeypatch):
    usual = task.Layout.__init__

    def changed(self, space, *, keeps_rows):
        usual(self, space, keeps_rows=keeps_rows)
        self.strides = (*self.strides[:2], *self.strides[3:1:-1], self.strides[4])

    monkeypatch.setattr(task.Layout, "__init__", changed)


@pytest.mark.parametrize(
    "mutant",
    [
        _a_batch_too_many,
        _the_height_for_both_sides,
        _classes_backwards,
        _sizes_backwards,
        _a_line_too_few,
        _weights_of_an_image_dropped,
        _one_image_for_every_rule,
        _always_the_same_optimizer,
        _channels_one_more,
        _flat_index_by_the_wrong_stride,
    ],
)
def test_the_points_see_a_sweep_that_is_wrong(monkeypatch, mutant):
    space = spaces.read(SPACE)
    points = sorted(drawn(space, 1, 6, 12))
    mutant(monkeypatch)
    task._read.cache_clear()
    try:
        assert any(differing(space, points, convention) for convention in ("thop", "torchinfo", "ptflops"))
    finally:
        task._read.cache_clear()
