"""The space file: which values an axis has, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from vggcost.errors import VggcostError
from vggcost.sweep import space as spaces


@pytest.mark.parametrize(
    ("axis", "given", "values"),
    [
        ("width", {"from": 0.1, "to": 0.4, "step": 0.1}, (0.1, 0.2, 0.3, 0.4)),
        ("width", {"from": 0.25, "to": 1.1, "step": 0.25}, (0.25, 0.5, 0.75, 1)),
        ("batch", {"powers_of": 2, "to": 20}, (1, 2, 4, 8, 16)),
        ("batch", {"powers_of": 3, "to": 27, "from": 2}, (3, 9, 27)),
        ("batch", 7, (7,)),
        ("batch", np.array([2, 3]), (2, 3)),
        ("size", [32, [64, 96]], ((32, 32), (64, 96))),
        ("size", {"from": 32, "to": 96, "step": 32}, ((32, 32), (64, 64), (96, 96))),
        ("head", ["none", "512", "64, 32", [7, 8]], ((), (512,), (64, 32), (7, 8))),
        ("batch_norm", [False, True], (False, True)),
    ],
)
def test_an_axis_has_the_values_that_are_written(axis, given, values):
    assert spaces.read({"axes": {axis: given}}).values[axis] == values


def test_a_space_counts_its_points(tmp_path):
    (tmp_path / "net.toml").write_text('features = [8, "M"]\n', encoding="utf-8")
    place = tmp_path / "space.toml"
    place.write_text(
        'convention = "fvcore"\n[axes]\nconfig = ["A", "net.toml"]\nwidth = [0.5, 1]\nbatch_norm = [false, true]\n'
        "batch = { powers_of = 2, to = 8 }\n",
        encoding="utf-8",
    )
    space = spaces.read(place)
    assert (space.structures, space.grid, space.points) == (4, 8, 32)
    assert space.convention == "fvcore"
    assert space.plans.text(1) == str(tmp_path / "net.toml")
    assert [space.structure(number).variant().batch_norm for number in range(4)] == [False, True, False, True]
    assert space.named == ("config", "batch_norm", "width", "batch")


def test_blocks_have_every_depth_and_width():
    space = spaces.read({"blocks": {"depth": [[1, 2], [3]], "width": [[8, 16], [32, 64, 128]]}})
    assert (space.structures, space.grid) == (2, 6)
    assert [space.structure(number).plan.features for number in range(2)] == [
        (64, "M", 128, 128, 128, "M"),
        (64, 64, "M", 128, 128, 128, "M"),
    ]
    assert [space.block_width(number) for number in (0, 2, 3, 5)] == [(8, 32), (8, 128), (16, 32), (16, 128)]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"axes": {"batch": []}}, "axes.batch is empty; give at least one value"),
        ({"axes": {"batch": [1, 2, 1]}}, "axes.batch has 1 twice"),
        ({"axes": {"batch": [0]}}, r"axes.batch\[0\] is 0; give a whole number from 1"),
        ({"axes": {"batch": {"from": 1, "to": 9}}}, "axes.batch has no 'step'"),
        ({"axes": {"batch": {"from": 1, "to": 9, "step": 0}}}, "axes.batch.step is 0; give a number above 0"),
        ({"axes": {"width": {"from": 1, "to": 9, "step": 1e-12}}}, "give a larger step"),
        ({"axes": {"batch": {"from": 9, "to": 1, "step": 1}}}, "goes from 9 to 1, which is below it"),
        ({"axes": {"batch": {"from": 1, "to": 2, "step": 0.5}}}, "axes.batch has 1.5; give whole numbers"),
        ({"axes": {"batch": {"powers_of": 1, "to": 9}}}, "powers_of is 1; give a whole number of at least 2"),
        ({"axes": {"bacth": [1]}}, "unknown key 'bacth' in axes; the nearest are batch"),
        ({"axis": {}}, "unknown key 'axis'; the nearest are axes"),
        ({"axes": {"config": ["vgg17"]}}, "unknown configuration 'vgg17'; the nearest are vgg1"),
        ({"axes": {"dtype": ["flot32"]}}, "unknown dtype 'flot32'; the nearest are float32"),
        ({"axes": {"optimizer": ["adamm"]}}, "unknown optimizer 'adamm'"),
        ({"axes": {"head": ["4096;4096"]}}, 'give "none", "512" or "4096,4096"'),
        ({"axes": {"size": [[1, 2, 3]]}}, "axes.size"),
        ({"axes": {"config": "D"}, "blocks": {"depth": [[1]]}}, "axes.config and blocks are both given"),
        ({"blocks": {"depth": [[1], [2]], "width": [[8]]}}, "blocks.width has 1 block and blocks.depth 2"),
        ({"blocks": {"depth": []}}, "blocks.depth has 0 entries"),
        ([1], "neither a file nor a mapping"),
    ],
)
def test_a_space_that_is_none_is_refused(document, says):
    with pytest.raises(VggcostError, match=says) as refusal:
        spaces.read(document)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_no_toml_says_where(tmp_path):
    place = tmp_path / "space.toml"
    place.write_text("[axes\n", encoding="utf-8")
    with pytest.raises(VggcostError, match=r"space.toml: .*line 1"):
        spaces.read(place)
    with pytest.raises(VggcostError, match="cannot read the space file"):
        spaces.read(tmp_path / "none.toml")
