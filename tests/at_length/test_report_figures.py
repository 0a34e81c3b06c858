"""The figures of a report: which there are, and that --check holds them."""

from __future__ import annotations

import re

import pytest

from vggcost.results import report_files

matplotlib = pytest.importorskip("matplotlib")


def test_a_report_holds_the_figures_of_each_network(vggcost, tmp_path):
    assert vggcost("report", "A", "residual-vgg16", "--size", "32", "-o", str(tmp_path)).status == 0
    kinds = ("layers", "conventions", "scaling", "memory", "network")
    figures = {path.name for path in tmp_path.glob("*.svg")}
    assert figures == {f"{name}-{kind}.svg" for name in ("A", "residual-vgg16") for kind in kinds} | {
        "summary-configs.svg"
    }
    words = ("report", "A", "residual-vgg16", "--size", "32", "-o", str(tmp_path), "--check")
    assert vggcost(*words).out == f"18 files in {tmp_path} are up to date\n"
    changed = tmp_path / "A-layers.svg"
    changed.write_text(changed.read_text(encoding="utf-8").replace("132.9 M", "133.9 M"), encoding="utf-8")
    ran = vggcost(*words)
    assert ran.status == 1
    assert "A-layers.svg: out of date" in ran.out
    assert vggcost(*words, "--no-figures", "--format", "csv,markdown").status == 0


def test_without_matplotlib_a_report_has_no_figures_and_says_so(vggcost, tmp_path, monkeypatch):
    monkeypatch.setattr(report_files, "can_draw", lambda: False)
    ran = vggcost("report", "A", "-o", str(tmp_path))
    assert ran.out.startswith(f"5 files written to {tmp_path}; without figures, for which matplotlib is not installed")
    assert not list(tmp_path.glob("*.svg"))


def test_what_has_no_gradients_has_no_figure_of_a_step(vggcost, tmp_path):
    assert vggcost("report", "A", "--size", "32", "--dtype", "int8", "-o", str(tmp_path)).status == 0
    assert "A-memory.svg" not in {path.name for path in tmp_path.iterdir()}


def test_the_committed_figures_are_up_to_date(vggcost, checkout):
    drawn_with = re.search(r"Matplotlib v([\d.]+)", (checkout / "reports" / "D-layers.svg").read_text(encoding="utf-8"))
    assert drawn_with
    if drawn_with[1] != matplotlib.__version__:
        pytest.skip(f"the figures are drawn with matplotlib {drawn_with[1]}")
    ran = vggcost("report", "-o", str(checkout / "reports"), "--check")
    assert ran.status == 0, ran.out
