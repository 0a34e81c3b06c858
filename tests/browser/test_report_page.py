"""A report's page in a real browser: it asks for nothing, says nothing, runs nothing, and everybody can use it."""

from __future__ import annotations

import json

import pytest
from bench_documents import case, document
from odd_network import ODD_NAME, odd_network

from vggcost.cli import main

PHONE, DESKTOP = 360, 1280


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with a network of an odd name, the paper's D, a bench result, and figures where they can be drawn."""
    tmp_path = tmp_path_factory.mktemp("page")
    bench = tmp_path / "bench.json"
    bench.write_text(json.dumps(document(case("D"), case("D", 2), case("D", 4))), encoding="utf-8")
    place = tmp_path / "costs.html"
    words = ("D", odd_network(tmp_path), "--size", "32", "--bench", str(bench))
    assert main(["report", *words, "--format", "html", "-o", str(place)]) == 0
    return place


def test_the_page_asks_for_nothing_and_shows_an_odd_name_as_text(browser, page):
    for width in (PHONE, DESKTOP):
        browser.open(page, width=width)
        assert browser.requests() == [page.as_uri()]
        assert browser.messages() == []
        assert browser.run("return document.images.length + document.scripts.length") == 0
        assert ODD_NAME in browser.run("return document.body.innerText")
        assert browser.run("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_axe_finds_nothing(browser, axe, page, width, dark):
    browser.open(page, width=width, dark=dark)
    assert axe() == []


def test_the_page_is_light_or_dark_as_its_reader_is(browser, page):
    pytest.importorskip("matplotlib")
    colours = "return [document.body, document.querySelector('svg text')].map(e => getComputedStyle(e).%s)"
    browser.open(page)
    light = browser.run(colours % "backgroundColor"), browser.run(colours % "fill")
    browser.open(page, dark=True)
    dark = browser.run(colours % "backgroundColor"), browser.run(colours % "fill")
    assert light[0][0] == "rgb(255, 255, 255)" and light[1][1] == "rgb(26, 26, 26)"
    assert dark[0][0] == "rgb(20, 23, 26)" and dark[1][1] == "rgb(236, 236, 236)"


def test_the_browser_tells_of_a_request_and_a_message(browser, tmp_path):
    loud = tmp_path / "loud.html"
    loud.write_text("<script>console.error('seen')</script><img src='missing.png'>", encoding="utf-8")
    browser.open(loud)
    assert len(browser.requests()) == 2
    assert any("seen" in message for message in browser.messages())


def test_axe_sees_a_picture_without_words(browser, axe, tmp_path):
    (tmp_path / "bare.html").write_text("<img src='data:,'>", encoding="utf-8")
    browser.open(tmp_path / "bare.html")
    assert any(line.startswith("image-alt") for line in axe())
