"""The front of a sweep as a picture: every kept network at its place, and no picture of anything else."""

from __future__ import annotations

import csv
import json

import pytest

import vggcost as package
from vggcost.errors import VggcostError
from vggcost.report.plots.front import GROUPS, OTHERS, DrawnFront, FrontAxis, front, grouped
from vggcost.report.plots.picture import on_axes
from vggcost.sweep.front_file import read_front

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

SPACE = {"axes": {"config": ["A", "D"], "width": [0.25, 0.5, 1], "size": [32, 64], "batch": [1, 2], "head": ["none"]}}
TEXT = '[axes]\nconfig = ["A", "D"]\nwidth = [0.25, 0.5, 1]\nsize = [32, 64]\nbatch = [1, 2]\nhead = ["none"]\n'


@pytest.fixture
def swept(vggcost, tmp_path):
    """Return a function that sweeps into a file with this name, and gives its place."""
    (tmp_path / "space.toml").write_text(TEXT, encoding="utf-8")

    def run(name, *words):
        assert vggcost("sweep", str(tmp_path / "space.toml"), "-o", str(tmp_path / name), *words).status == 0
        return str(tmp_path / name)

    return run


def points(axes):
    """Where the networks are drawn, and how large."""
    return sorted(
        (float(x), float(y), float(size))
        for each in axes.collections
        for (x, y), size in zip(each.get_offsets(), _sizes(each), strict=True)
    )


def _sizes(drawn):
    sizes = list(drawn.get_sizes())
    return sizes if len(sizes) == len(drawn.get_offsets()) else sizes * len(drawn.get_offsets())


def axes_of(found):
    return on_axes(front(found), Figure(figsize=(3.3, 2.8)).add_subplot())


@pytest.mark.parametrize("name", ["front.csv", "front.parquet"])
def test_every_network_of_the_front_is_at_its_place(swept, name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    place = swept(name)
    rows = package.sweep(SPACE).frame()
    wanted = sorted(zip(rows["training_bytes"].astype(float), rows["macs"].astype(float), strict=True))
    assert [each[:2] for each in points(axes_of(read_front(place)))] == wanted
    assert len(wanted) > 3


def test_python_draws_the_same_front(swept):
    place = swept("front.csv")
    axes = package.sweep(SPACE).plot(Figure(figsize=(3.3, 2.8)).add_subplot())
    assert points(axes) == points(axes_of(read_front(place)))
    assert axes.get_xlabel() == "training_bytes (less is better)"
    with pytest.raises(VggcostError, match="only a front is drawn"):
        package.sweep(SPACE, every=True).plot()
    with pytest.raises(VggcostError, match="no network of the space passes"):
        package.sweep(SPACE, where="params < 1").plot()


def test_a_third_objective_is_the_area(swept):
    place = swept("front.csv", "--pareto", "min:inference_bytes,max:macs,min:params")
    with open(place, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    largest = max(int(row["params"]) for row in rows)
    drawn = points(axes_of(read_front(place)))
    wanted = [
        (float(row["inference_bytes"]), float(row["macs"]), max(4.0, 90.0 * int(row["params"]) / largest))
        for row in rows
    ]
    assert [value for each in drawn for value in each] == pytest.approx(
        [value for each in sorted(wanted) for value in each]
    )
    assert "area: params (less is better)" in axes_of(read_front(place)).get_xlabel()


def test_the_picture_is_the_same_each_time_and_names_what_it_shows(swept, vggcost, tmp_path):
    place = swept("front.csv", "--where", "params < 10M")
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for each in (first, second):
        assert vggcost("plot", "front", place, "-o", str(each)).status == 0
    assert first.read_bytes() == second.read_bytes()
    text = first.read_text(encoding="utf-8")
    with open(f"{place}.manifest.json", encoding="utf-8") as file:
        passed = json.load(file)["passed"]
    assert 0 < passed < 24
    assert f"of the {passed} that pass among 24 networks" in text
    assert all(f">{name}</text>" in text for name in ("A", "D"))


@pytest.mark.parametrize("way", [(False, True), (False, False), (True, True), (True, False)])
def test_the_steps_pass_by_no_network_that_is_better(way):
    """What the line gives for a bound on the first objective is reached by a network that keeps to the bound."""
    places = (1.0, 2.0, 4.0)
    heights = places if way[0] != way[1] else tuple(reversed(places))
    found = DrawnFront(
        (FrontAxis("macs", way[0], False, places), FrontAxis("params", way[1], False, heights)), ("A",) * 3, 3, 3
    )
    (line,) = axes_of(found).lines
    assert line.get_drawstyle() == ("steps-pre" if way[0] else "steps-post")


def test_more_configurations_than_markers_share_the_last_one():
    names = [f"net{number}" for number in range(len(GROUPS) + 3)] + ["net0", "net1"]
    groups = grouped(names)
    assert len(set(groups)) == len(GROUPS)
    assert groups[:2] == ("net0", "net1")
    assert groups.count(OTHERS) == 4
    assert len({marker for _, marker in GROUPS}) == len(GROUPS)


def test_one_network_is_a_point(swept):
    place = swept("front.csv", "--top", "1", "--by", "params", "--where", "batch == 1")
    with pytest.raises(VggcostError, match=r"has the top of a sweep and no front; vggcost sweep SPACE.toml --pareto"):
        read_front(place)
    found = DrawnFront((FrontAxis("macs", True, False, (5.0,)), FrontAxis("width", False, False, (0.5,))), ("A",), 1, 1)
    assert points(axes_of(found)) == [(5.0, 0.5, 9.0)]


def _other_manifest(place):
    with open(f"{place}.manifest.json", "w", encoding="utf-8") as file:
        json.dump({"schema": "vggcost.sweep/2"}, file)


def _no_json(place):
    with open(f"{place}.manifest.json", "w", encoding="utf-8") as file:
        file.write("{")


def _other_rows(place):
    with open(place, "w", encoding="utf-8") as file:
        file.write("index,config\n1,A\n")


def _words_for_numbers(place):
    with open(place, "w", encoding="utf-8") as file:
        file.write("index,config,training_bytes,macs\n1,A,many,2\n")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_other_manifest, "is no manifest of a sweep"),
        (_no_json, "is no manifest of a sweep"),
        (_other_rows, "is not the rows of its manifest: 'training_bytes'"),
        (_words_for_numbers, "is not the rows of its manifest"),
    ],
)
def test_what_is_no_result_of_a_sweep_is_refused(swept, refused, change, why):
    place = swept("front.csv")
    change(place)
    assert why in refused("plot", "front", place, "-o", f"{place}.svg")


def test_files_that_are_not_there_are_refused(swept, refused, tmp_path):
    alone = tmp_path / "alone.csv"
    alone.write_text("index\n", encoding="utf-8")
    assert "is not there, or is no file" in refused("plot", "front", str(tmp_path), "-o", "x.svg")
    assert "is not there, which a sweep writes beside its rows" in refused("plot", "front", str(alone), "-o", "x.svg")
    assert "front takes one result of a sweep" in refused("plot", "front", "-o", "x.svg")
    empty = swept("empty.csv", "--where", "params < 1")
    assert "none of the space passed" in refused("plot", "front", empty, "-o", "x.svg")


def test_parquet_that_is_damaged_is_refused(swept, refused):
    pytest.importorskip("pyarrow")
    place = swept("front.parquet")
    with open(place, "w", encoding="utf-8") as file:
        file.write("no Parquet")
    assert "is not the rows of its manifest" in refused("plot", "front", place, "-o", f"{place}.svg")
