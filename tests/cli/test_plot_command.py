"""``vggcost plot``: what it writes, and what it refuses."""

from __future__ import annotations

import builtins

import pytest
from bench_documents import MS, case, document

from vggcost.bench.result import to_json


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "result.json"
    cases = [case("D", batch=batch, whole=[batch * 10 * MS] * 30) for batch in (1, 2, 4)]
    path.write_text(to_json(document(*cases)), encoding="utf-8")
    return str(path)


def test_the_curve_is_drawn_of_a_bench_result(vggcost, saved, tmp_path):
    pytest.importorskip("matplotlib")
    by_plot, by_curve = tmp_path / "a.svg", tmp_path / "b.svg"
    assert vggcost("plot", "curve", saved, "-o", str(by_plot)).status == 0
    assert vggcost("bench-curve", saved, "-o", str(by_curve)).status == 0
    assert by_plot.read_bytes() == by_curve.read_bytes()
    assert "images/s" in by_plot.read_text()


def test_the_step_of_memory_is_asked_for_as_in_memory(vggcost, tmp_path):
    pytest.importorskip("matplotlib")
    place = tmp_path / "x.svg"
    words = ("plot", "memory", "A", "--size", "32", "--optimizer", "adam", "--mixed", "float16", "-o", str(place))
    assert vggcost(*words).status == 0
    text = place.read_text()
    assert "adam, autocast to float16" in text
    assert "optimizer state" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("layer", "D"), "unknown kind of picture 'layer'; the nearest are layers"),
        (("D", "layers"), "unknown kind of picture 'D'"),
        (("layers", "A", "D"), "layers shows one network, and 2 are given; give one"),
        (("layers", "D", "--optimizer", "adam"), "--optimizer is for plot memory, and this is layers; leave it away"),
        (("network", "D", "--no-inplace"), "--no-inplace is for plot memory"),
        (("layers", "D", "--width-in", "1"), "--width-in is '1'; give inches from 2 to 40, as 3.3 or 7"),
        (("layers", "D", "--width-in", "nan"), "--width-in is 'nan'"),
        (("layers", "Q"), "unknown configuration 'Q'"),
        (("memory", "D", "--dtype", "int8"), "int8 has no gradients"),
        (("memory", "D", "--optimizer", "adm"), "the nearest are adam"),
        (("scaling", "vgg.py:Net"), "scaling is drawn of a configuration or a network file, and 'vgg.py:Net' is none"),
        (("curve",), "curve takes one bench result"),
    ],
)
def test_what_cannot_be_drawn_is_refused(refused, tmp_path, words, message):
    pytest.importorskip("matplotlib")
    place = tmp_path / "x.svg"
    assert message in refused("plot", *words, "-o", str(place))
    assert not place.exists()


def test_an_ending_that_is_no_pictures_is_refused(refused, tmp_path):
    for name in ("x.jpg", "x"):
        assert "a picture's name ends in .svg, .png, .pdf" in refused("plot", "layers", "-o", str(tmp_path / name))
    assert "no directory" in refused("plot", "layers", "-o", str(tmp_path / "nowhere" / "x.svg"))


def test_a_missing_extra_is_one_line(refused, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **words):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **words)

    monkeypatch.setattr(builtins, "__import__", without)
    said = refused("plot", "layers", "D", "-o", str(tmp_path / "x.svg"))
    assert "plot needs matplotlib, which is not installed; run: pip install 'vggcost[plot]'" in said
