"""The array door gives the int door's numbers, refuses what that refuses, and never leaves int64 unseen."""

from __future__ import annotations

import numpy as np
import pytest
from array_points import STRUCTURES, differing

import vggcost
from vggcost.costs import arrays
from vggcost.costs.lines import BATCH, BatchLine, Highest, envelope, line
from vggcost.errors import VggcostError

# Odd and even, one pixel more and less than what five pools divide, the smallest that any of these takes.
SIDES = (32, 33, 63, 64, 65, 224, 511)
BATCHES, CLASSES = (1, 2, 3, 257), (1, 10, 1000)


def grid_points(number):
    """All corners of the grid, and some points of it."""
    axes = (BATCHES, SIDES, SIDES, CLASSES)
    shape = tuple(map(len, axes))
    corners = [tuple(-(corner >> axis & 1) for axis in range(4)) for corner in range(16)]
    drawn = np.random.default_rng(len(shape)).integers(0, shape, (number, 4)).tolist()
    return [
        (tuple(place), tuple(axis[at] for axis, at in zip(axes, place, strict=True))) for place in [*corners, *drawn]
    ]


def on_the_grid(name, options):
    batch, height, width, classes = np.ix_(BATCHES, SIDES, SIDES, CLASSES)
    return vggcost.memory_totals(name, **options, batch=batch, size=(height, width), classes=classes)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_grid_is_the_int_doors(name):
    options = STRUCTURES[name]
    assert differing(on_the_grid(name, options), name, options, grid_points(8)) == []


def test_points_that_share_no_axis_are_the_int_doors(monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK", 7)  # several blocks, the last one shorter
    draw = np.random.default_rng(1)
    batch, height, width, classes = (
        draw.integers(low, high, 24) for low, high in ((1, 99), (32, 300), (32, 300), (1, 9))
    )
    options = STRUCTURES["D"]
    found = vggcost.memory_totals("D", **options, batch=batch, size=(height, width), classes=classes)
    points = enumerate(zip(batch.tolist(), height.tolist(), width.tolist(), classes.tolist(), strict=True))
    assert differing(found, "D", options, points) == []


def _drops_a_moment(monkeypatch):
    monkeypatch.setattr(arrays, "envelope", lambda *given: envelope(*given)[:1])


def _keeps_the_first_alone(monkeypatch):
    monkeypatch.setattr(arrays, "envelope", lambda lines, *_: lines[:1])


def _swaps_two_axes(monkeypatch):
    # Not the two sides: with square windows a network costs the same on its side, and no test can see that.
    whole = arrays.Structure.totals
    monkeypatch.setattr(
        arrays.Structure,
        "totals",
        lambda self, batch, height, width, classes: whole(self, classes, height, width, batch),
    )


def _takes_the_height_twice(monkeypatch):
    unfolded = arrays.Structure._counted
    monkeypatch.setattr(
        arrays.Structure,
        "_counted",
        lambda self, batch, height, width, *rest: unfolded(self, batch, height, height, *rest),
    )


def _a_batch_too_many(monkeypatch):
    monkeypatch.setattr(BatchLine, "at", lambda self, batch: self.fixed + self.image * (batch + 1))


def _no_weights(monkeypatch):
    monkeypatch.setattr(arrays, "line", lambda size: size if isinstance(size, BatchLine) else BatchLine(0, 0))


def _the_images_alone(monkeypatch):
    monkeypatch.setattr(BatchLine, "__add__", lambda self, other: BatchLine(0, self.image + line(other).image))


def _one_class_too_many(monkeypatch):
    unfolded = arrays.unfold
    monkeypatch.setattr(
        arrays,
        "unfold",
        lambda plan, variant, image, **how: unfolded(plan, variant.replace(classes=variant.classes + 1), image, **how),
    )


@pytest.mark.parametrize(
    "mutant",
    [
        _drops_a_moment,
        _keeps_the_first_alone,
        _swaps_two_axes,
        _takes_the_height_twice,
        _a_batch_too_many,
        _no_weights,
        _the_images_alone,
        _one_class_too_many,
    ],
)
def test_the_grid_sees_what_is_wrong_in_the_door(monkeypatch, mutant):
    options = STRUCTURES["A"]
    points = grid_points(8)
    assert differing(on_the_grid("A", options), "A", options, points) == []
    mutant(monkeypatch)
    assert differing(on_the_grid("A", options), "A", options, points)


def test_the_result_has_the_shape_of_all_together():
    found = vggcost.memory_totals("A", batch=np.arange(1, 4)[:, None], size=np.array([32, 64, 96, 128]))
    assert {each.shape for each in found.values()} == {(3, 4)}
    assert {each.dtype for each in found.values()} == {np.dtype(np.int64)}
    assert list(found) == ["weight_bytes", "buffer_bytes", "input_bytes", *list(found)[3:]]
    assert "saved_bytes" not in found
    single = vggcost.memory_totals("D", training=True)
    assert single["saved_bytes"].shape == ()
    assert int(single["saved_bytes"]) == 73_355_264


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": np.array([224, 20])}, "an image of 20x20 is too small for D: pool5"),
        ({"size": (np.array([224, 32]), np.array([31, 224]))}, "an image of 224x31 is too small"),
        ({"size": [224, 256]}, r"size is a list; give an array for squares, or \(heights, widths\)"),
        (
            {"size": np.array([224, 256]), "adaptive_pool": False},
            "fc6 takes 25,088 features and gets 32,768 .* at 256x256",
        ),
        ({"batch": [1, 0]}, "batch has 0; give at least 1"),
        ({"batch": [1.5]}, r"batch is \[1.5\]; give a whole number"),
        ({"batch": [True]}, "give a whole number"),
        ({"batch": []}, "batch is"),
        ({"batch": np.empty(0, np.int64)}, "batch is empty"),
        ({"batch": [[1], [2, 3]]}, "give a whole number"),
        ({"classes": [10**18 + 1]}, "classes has 1000000000000000001, above the limit"),
        ({"classes": [2**64]}, "give a whole number"),
        ({"batch": [1, 2], "size": np.array([32, 64, 96])}, r"no shape in common: batch \(2,\), height \(3,\)"),
        ({"batch": [1, 10**11]}, r"batch 100,000,000,000 at 224x224 with 1,000 classes has output_bytes 11.48 E"),
        ({"batch": 10**8, "training": True}, "has step_flops 9.265 E, and int64 ends at 9.223 E"),
        ({"training": True, "dtype": "int8"}, "int8 has no gradients"),
        ({"training": True, "freeze": ("conv9",)}, "--freeze 'conv9' is no layer"),
    ],
)
def test_what_is_refused(options, words):
    with pytest.raises(VggcostError, match=words):
        vggcost.memory_totals("D", **options)


def test_a_block_whose_ends_differ_in_shape_is_refused_at_its_size(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text('name = "odd"\nfeatures = [16, {residual = ["conv3-16/2"], shortcut = "conv1-16/3"}]\n')
    assert vggcost.memory_totals(file=file, size=np.array([1, 2]))["peak_bytes"].tolist()
    with pytest.raises(VggcostError, match="res1_1 cannot add: its body yields 1x16x2x2 and its shortcut 1x16x1x1"):
        vggcost.memory_totals(file=file, size=np.array([1, 2, 3]))


def test_the_last_number_that_int64_holds_is_given():
    batch = 10**8 * 9_223_372_036 // 9_264_817_766
    for each, fits in ((batch, True), (batch + 10**6, False)):
        if fits:
            step = int(vggcost.memory_totals("D", batch=each, training=True)["step_flops"])
            assert step == each * 92_648_177_664 < 2**63
        else:
            with pytest.raises(VggcostError, match="int64"):
                vggcost.memory_totals("D", batch=each, training=True)


def test_lines_are_their_values_at_every_batch():
    size = 5 + BATCH * np.array([2, 3]) - 1
    assert size.at(7).tolist() == [18, 25]
    assert (size - BATCH * 2).at(7).tolist() == [4, 11]
    assert (np.array([2, 3]) * BATCH).at(2).tolist() == [4, 6]
    assert repr(line(3)) == "BatchLine(3, 0)"
    assert line(size) is size
    with pytest.raises(TypeError):
        BATCH * BATCH


def test_no_moment_that_can_be_the_largest_is_left_out():
    draw = np.random.default_rng(3)
    shapes = ((4, 1), (1, 3), (4, 3), ())
    for _ in range(150):
        lines = [
            BatchLine(
                draw.integers(0, draw.integers(2, 200), shapes[draw.integers(4)]),
                draw.integers(0, draw.integers(2, 50), shapes[draw.integers(4)]),
            )
            for _ in range(draw.integers(1, 30))
        ]
        first = int(draw.integers(1, 5))
        last = first + int(draw.integers(0, 40))
        kept = Highest(envelope(lines, first, last))
        for batch in range(first, last + 1):
            assert np.array_equal(*np.broadcast_arrays(kept.at(batch), Highest(lines).at(batch)))


def test_few_lines_are_kept():
    draw = np.random.default_rng(3)
    lines = [BatchLine(int(draw.integers(0, 50)), draw.integers(0, 50, 3)) for _ in range(200)]
    assert 0 < len(envelope(lines, 1, 1000)) < 60
