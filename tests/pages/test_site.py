"""The documentation site: it builds without a warning, has a page for all there is, and asks no network."""

from __future__ import annotations

import re

import pytest
from site_of_docs import built

from vggcost.cli import COMMANDS
from vggcost.conventions.rows import NAMES

pytest.importorskip("sphinx")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    return built(tmp_path_factory.mktemp("site"))


def test_every_command_convention_and_formula_has_its_place(site):
    for name in COMMANDS:
        page = (site / "generated" / "commands" / f"{name}.html").read_text(encoding="utf-8")
        assert f"usage: vggcost {name}" in page
    for name in NAMES:
        assert "Layer kind" in (site / "generated" / "conventions" / f"{name}.html").read_text(encoding="utf-8")
    formulas = (site / "generated" / "formulas.html").read_text(encoding="utf-8")
    assert formulas.count("<math") >= 60
    assert "conv2d_macs" in formulas
    assert "vggcost.memory_totals" in (site / "python.html").read_text(encoding="utf-8")


def test_the_man_page_has_every_command(tmp_path):
    page = (built(tmp_path, "man") / "vggcost.1").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"usage: vggcost {name}".replace("-", "\\-") in page.replace("\\\\-", "\\-")


def test_a_page_asks_no_network_for_anything(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(COMMANDS) + len(NAMES)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        asked = re.findall(r"""<(?:script|img|iframe|source)[^>]*\ssrc=["'](?:https?:)?//[^"']*""", text)
        asked += re.findall(r"""<link[^>]*rel=["'](?:stylesheet|preload|icon)["'][^>]*href=["'](?:https?:)?//""", text)
        assert asked == [], page
