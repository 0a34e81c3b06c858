"""A report's page: self-contained, safe to open whatever a network is called, and with the numbers of the tables."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from bench_documents import case, document
from odd_network import ODD_NAME, odd_network

import vggcost as package
from vggcost.report.document import Document, Grid, Text
from vggcost.report.page import PageFigure, PagePart, PageSection, page
from vggcost.report.plots import style

VOID = {"br", "meta"}


class Page(HTMLParser):
    """What a page says: its elements, its tables by their rows, and the texts under each tag."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.tables, self.texts, self._open = [], [], {}, []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        for tag in set(self._open):
            self.texts[tag][-1] += data
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += data


def opened(folder, name="index.html"):
    return Page((folder / name).read_text(encoding="utf-8"))


def held(page):
    """All that a page must hold, whatever is in it."""
    attributes = [(tag, name, value) for tag, found in page.elements for name, value in found.items()]
    names = [value for _, name, value in attributes if name == "id"]
    assert len(names) == len(set(names))
    referred = {value[1:] for _, name, value in attributes if name == "href"}
    referred |= {mark for *_, value in attributes for mark in re.findall(r"url\(#([^)]+)\)", value)}
    assert referred <= set(names)
    assert all(value.startswith("#") for _, name, value in attributes if name in ("href", "src", "srcset", "action"))
    assert not {name for _, name, _ in attributes if name == "style" or name.startswith("on")}
    assert not {tag for tag, _ in page.elements} & {"script", "img", "link", "iframe", "object", "base", "form"}
    (policy,) = (found["content"] for tag, found in page.elements if found.get("http-equiv"))
    known = b64encode(sha256(page.texts["style"][0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{known}'; base-uri 'none'; form-action 'none'"


def test_a_page_has_every_network_its_conventions_and_the_summary(vggcost, tmp_path):
    assert vggcost("report", "A", odd_network(tmp_path), "--no-figures", "-o", str(tmp_path / "r")).status == 0
    page = opened(tmp_path / "r")
    held(page)
    assert page.texts["h2"] == ["Summary", "A", ODD_NAME, "The tools"]
    assert page.texts["h3"] == ["What each tool counts"] * 2
    summary, layers, conventions, *_ = page.tables
    assert [row[0] for row in summary] == ["Network", "A", ODD_NAME]
    cost = package.cost("A")
    shown = {row[0]: (row[layers[0].index("Parameters")], row[layers[0].index("MACs")]) for row in layers[1:]}
    rows = [(row.name, row) for row in cost.layers if row.macs or row.name.startswith("pool")]
    assert shown == {name: (f"{row.params:,}", f"{row.macs:,}") for name, row in (*rows, ("total", cost.totals))}
    assert dict(row[0::2][:2] for row in conventions)["torch"] == f"{2 * cost.totals.macs:,}"


def test_a_page_that_is_stale_is_named(vggcost, tmp_path):
    words = ("report", "A", "--no-figures", "-o", str(tmp_path))
    assert vggcost(*words).out == f"5 files written to {tmp_path}\n"
    assert vggcost(*words, "--check").out == f"5 files in {tmp_path} are up to date\n"
    place = tmp_path / "index.html"
    place.write_text(place.read_text(encoding="utf-8").replace("1,792", "1,793"), encoding="utf-8")
    ran = vggcost(*words, "--check")
    assert (ran.status, "index.html: out of date" in ran.out, "1 of 5 files differ" in ran.out) == (1, True, True)


def test_a_page_alone_is_one_file(vggcost, tmp_path):
    place = str(tmp_path / "costs.HTML")
    assert vggcost("report", "A", "--no-figures", "-o", place).out == f"1 file written to {place}\n"
    assert vggcost("report", "A", "--no-figures", "--check", "-o", place).out == f"1 file in {place} is up to date\n"
    assert [path.name for path in tmp_path.iterdir()] == ["costs.HTML"]
    folder = tmp_path / "folder.html"
    folder.mkdir()
    assert vggcost("report", "A", "--no-figures", "--format", "html", "-o", str(folder)).status == 0
    assert [path.name for path in folder.iterdir()] == ["index.html"]


def test_the_formats_of_a_report_are_its_readers(vggcost, refused, tmp_path):
    assert vggcost("report", "A", "--no-figures", "--format", "csv,html", "-o", str(tmp_path)).status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"A.csv", "summary.csv", "index.html"}
    assert "unknown format of --format 'htm'; the nearest are html" in refused("report", "--format", "csv,htm")
    assert "one page, and --format csv asks for other files" in refused("report", "--format", "csv", "-o", "x.html")


@pytest.mark.parametrize("words", [("--rows", "weights"), ("--all",)])
def test_a_page_shows_the_rows_that_are_asked_for(vggcost, tmp_path, words):
    assert vggcost("report", "A", *words, "--no-figures", "-o", str(tmp_path)).status == 0
    names = [row[0] for row in opened(tmp_path).tables[1][1:-1]]
    cost = package.cost("A")
    assert names == [row.name for row in cost.layers if row.params or words == ("--all",)]


def test_a_shape_is_that_of_every_table_of_layers(vggcost, tmp_path):
    shape = ("--columns", "name,macs,share", "--sort", "macs", "--precision", "3")
    assert vggcost("report", "A", *shape, "--no-figures", "-o", str(tmp_path)).status == 0
    assert (tmp_path / "A.csv").read_text().splitlines()[:2] == ["name,macs,macs_share", "conv3_2,1849688064,24.309"]
    assert "| Layer" in (tmp_path / "A.md").read_text() and "24.309" in (tmp_path / "A.md").read_text()
    assert opened(tmp_path).tables[1][:2] == [["Layer", "MACs", "%"], ["conv3_2", "1,849,688,064", "24.309"]]
    assert (tmp_path / "summary.csv").read_text().startswith("name,weight_layers,")


def test_a_page_has_the_bench_that_it_is_given(vggcost, refused, tmp_path):
    bench = tmp_path / "bench.json"
    bench.write_text(json.dumps(document(case("D"))), encoding="utf-8")
    words = ("report", "A", "--no-figures", "--format", "html", "-o", str(tmp_path))
    assert vggcost(*words, "--bench", str(bench)).status == 0
    page = opened(tmp_path)
    held(page)
    assert page.texts["h2"] == ["Summary", "A", "Measured", "The tools"]
    assert any(row[0] == "whole, no marks inside" for table in page.tables for row in table)
    assert "cannot read" in refused(*words, "--bench", str(tmp_path / "none.json"))
    assert "is for the page" in refused("report", "A", "--format", "csv", "--bench", str(bench))


def test_without_matplotlib_the_page_is_not_held(vggcost, refused, tmp_path, monkeypatch):
    from vggcost.results import report_files

    monkeypatch.setattr(report_files, "can_draw", lambda: False)
    assert vggcost("report", "A", "-o", str(tmp_path)).status == 0
    (tmp_path / "index.html").write_text("with figures", encoding="utf-8")
    ran = vggcost("report", "A", "--check", "-o", str(tmp_path))
    assert (ran.status, "index.html is not looked at" in ran.out) == (0, True)
    assert "give --no-figures" in refused("report", "A", "--check", "--format", "html", "-o", str(tmp_path))
    assert vggcost("report", "A", "--check", "--no-figures", "-o", str(tmp_path)).status == 1


@pytest.mark.parametrize(
    "words",
    [
        ("table",),
        ("audit",),
        ("compare", "D"),
        ("conventions",),
        ("conventions", "--of", "fvcore"),
        ("memory", "--training"),
        ("report", "D"),
    ],
)
def test_a_column_that_is_not_there_is_refused_before_a_program_is_read(refused, words):
    command, *more = words
    assert "unknown column" in refused(command, "none.py:N", *more, "--columns", "name,no_such")
    assert "unknown column" in refused(command, "none.py:N", *more, "--sort", "no_such")


def test_every_text_of_a_page_is_escaped():
    odd = "<script>alert('1')</script> & \"a\" \u202e"
    made = Document({}, (Text((odd,)), Text((odd,), style="list")), Grid((), []))
    page_of = Page(page(odd, [PageSection(odd, [PagePart(made, odd)])]))
    held(page_of)
    shown = odd.replace("\u202e", "\\u202e")
    assert {tag: page_of.texts[tag] for tag in ("title", "h1", "h2", "h3", "a")} == {
        "title": [shown],
        "h1": [shown],
        "h2": [shown],
        "h3": [shown],
        "a": ["Skip the contents", shown],
    }


def test_a_picture_in_a_page_is_the_same_light_and_dark(vggcost, tmp_path):
    pytest.importorskip("matplotlib")
    path = odd_network(tmp_path)
    pages = []
    for words in ((), ("--dark",)):
        svg = tmp_path / "picture.svg"
        assert vggcost("plot", "layers", path, *words, "-o", str(svg)).status == 0
        text = svg.read_text(encoding="utf-8")
        for theme in ("ink", "paper", "faint") if words else ():
            text = text.replace(getattr(style.DARK, theme), getattr(style.LIGHT, theme))
        figure = PageFigure(text, ODD_NAME, "what it shows", 7.0)
        empty = Document({}, (), Grid((), []))
        pages.append(page("one", [PageSection("one", [PagePart(empty, figures=(figure, figure))])]))
    assert pages[0] == pages[1]
    made = Page(pages[0])
    held(made)
    assert any(ODD_NAME in text for text in made.texts["text"])
    assert [found["aria-label"] for tag, found in made.elements if tag == "svg"] == [f"{ODD_NAME}: what it shows"] * 2
    assert "var(--ink)" in pages[0] and style.LIGHT.ink not in re.sub(r"--ink: \S+", "", pages[0])
