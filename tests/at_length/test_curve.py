"""A result over the batch: the points, the knee, the largest batch, and how batches are written."""

from __future__ import annotations

import json

import pytest
from bench_documents import MS, case, document

from vggcost.bench.curve import curve_document, curves
from vggcost.bench.result import to_json
from vggcost.cli.options import read_batches
from vggcost.errors import VggcostError

TIMES_MS = {1: 10, 2: 10, 4: 12, 8: 17, 16: 32, 32: 66}
"""images/s: 100, 200, 333, 470.6, 500, 484.8; the knee at 90% of 500 is batch 8."""


def over_batches(times=TIMES_MS, name="D", refusals=None):
    cases = [case(name, batch=batch, whole=[time * MS] * 30) for batch, time in reversed(times.items())]
    made = document(*cases)
    if refusals is not None:
        made["refused"] = [{"case": where, "reason": why} for where, why in refusals.items()]
    return made


def test_the_curve_has_its_points_its_knee_and_its_fastest_batch():
    (one,) = curves(over_batches())
    assert [point["batch"] for point in one["points"]] == list(TIMES_MS)
    assert [point["median_ns"] for point in one["points"]] == [time * MS for time in TIMES_MS.values()]
    assert [round(point["images_per_s"], 1) for point in one["points"]] == [100, 200, 333.3, 470.6, 500, 484.8]
    assert (one["knee"], one["fastest"], one["largest"], one["refused"]) == (8, 16, 32, None)
    assert one["points"][0]["fraction"] == pytest.approx(0.2)


def test_a_device_that_is_full_with_one_image_has_its_knee_there():
    (one,) = curves(over_batches({1: 10, 2: 20, 4: 41}))
    assert one["knee"] == 1


def test_the_smallest_refused_batch_above_bounds_the_largest():
    refusals = {
        "D at batch 128": "later",
        "D at batch 64": "out of memory",
        "D at batch 2": "once",
        "E at batch 33": "x",
    }
    (one,) = curves(over_batches(refusals=refusals))
    assert one["refused"] == {"batch": 64, "reason": "out of memory"}


def test_networks_have_curves_of_their_own_and_one_batch_has_none():
    made = document(*over_batches()["cases"], *over_batches(name="E")["cases"], case("A"))
    assert [one["network"]["name"] for one in curves(made)] == ["D", "E"]
    with pytest.raises(VggcostError, match="no network at two batches"):
        curve_document(document())


@pytest.mark.parametrize(
    ("text", "batches"),
    [
        ("8", (8,)),
        ("1,8", (1, 8)),
        ("1..256", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
        ("3..20", (3, 4, 8, 16, 20)),
        ("1..2", (1, 2)),
        ("1..4,6,8..9", (1, 2, 4, 6, 8, 9)),
    ],
)
def test_batches_are_a_list_or_a_range_of_powers_of_two(text, batches):
    assert read_batches(text, "--batch") == batches


@pytest.mark.parametrize("text", ["4..1", "4..4", "..4", "4..", "1..2..4", "1..x", "0..4", "1..4,2", "1...4"])
def test_ranges_that_are_none(text):
    with pytest.raises(VggcostError, match="--batch is"):
        read_batches(text, "--batch")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(to_json(over_batches(refusals={"D at batch 64": "out of memory"})), encoding="utf-8")
    return str(path)


def test_the_table(vggcost, saved):
    out = vggcost("bench-curve", saved).out
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()[:1].isdigit()}
    assert list(rows) == [str(batch) for batch in TIMES_MS]
    assert rows["8"].split()[-1] == "knee"
    assert rows["16"].split()[-3:] == ["100", "%", "fastest"]
    assert "17.00 ms" in rows["8"]
    assert "Largest batch that fits: 32, of those asked for; 64: out of memory" in out
    assert json.loads(vggcost("bench-curve", saved, "--format", "json").out)["curves"][0]["knee"] == 8
    assert "Largest batch that fits: 32" in vggcost("bench", "--load", saved).out


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_the_picture(vggcost, saved, tmp_path, ending):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curve.{ending}"
    assert vggcost("bench-curve", saved, "-o", str(path)).status == 0
    first = path.read_bytes()
    assert first.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[ending])
    vggcost("bench-curve", saved, "-o", str(path))
    assert path.read_bytes() == first
    if ending == "svg":
        text = first.decode()
        assert all(words in text for words in ("knee 8", "D does not run at 64", "images/s", "latency [ms]"))


def test_the_points_of_the_picture_are_those_of_the_table():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    from vggcost.report.plots.curve import curve
    from vggcost.report.plots.style import LIGHT

    made = curve_document(over_batches())
    above, below = curve(over_batches()).draw(figure.add_subplot(), LIGHT, 3.3)
    assert list(above.lines[0].get_xdata()) == list(TIMES_MS)
    assert list(above.lines[0].get_ydata()) == list(TIMES_MS.values())
    assert list(below.lines[0].get_ydata()) == [point["images_per_s"] for point in made["curves"][0]["points"]]
    assert list(below.lines[1].get_xdata()) == [8]


def test_what_cannot_be_drawn_is_refused(refused, saved, tmp_path):
    assert "give --output curve.svg" in refused("bench-curve", saved, "--format", "svg")
    one = tmp_path / "one.json"
    one.write_text(to_json(document()), encoding="utf-8")
    assert "at two batches" in refused("bench-curve", str(one), "-o", str(tmp_path / "x.svg"))
    assert not (tmp_path / "x.svg").exists()
