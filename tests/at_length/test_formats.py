"""Every document in every format: what people are shown is lost in none, and every name is escaped."""

from __future__ import annotations

import csv
import doctest
import html
import io
import json
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import bench_documents
import measured_documents
import pytest

from vggcost.bench.compare import comparison
from vggcost.bench.result import to_json
from vggcost.cli import COMMANDS
from vggcost.errors import VggcostError
from vggcost.report import formats
from vggcost.report.document import FILES, FOLDED, LINE_COLUMNS, SCREEN, Column, Document, Grid, Text
from vggcost.report.formats import FORMATS, implied, rendered

PEOPLE = ("table", "markdown", "latex", "html")
MARKUP = ("markdown", "latex", "html")
WITHOUT_FORMAT = {"completion", "explorer", "lock", "plot", "report", "roofline", "sweep"}
"""Commands whose files have formats of their own: JSON, a CSV and a Markdown table, a picture, a page."""

WORDS = {
    "table": ("table", "D"),
    "compare": ("compare", "A", "D"),
    "formula": ("formula", "D"),
    "formula --memory": ("formula", "A", "--training", "--optimizer", "adam"),
    "formula --layer": ("formula", "D", "--layer", "conv3_1"),
    "stack": ("stack", "3x3", "3x3", "--channels", "8"),
    "conventions": ("conventions", "D"),
    "conventions --of": ("conventions", "D", "--of", "thop"),
    "conventions --memory": ("conventions", "D", "--memory"),
    "explain": ("explain", "15.61G"),
    "memory": ("memory", "D"),
    "memory --training": ("memory", "A", "--training", "--optimizer", "adam"),
    "memory --mixed": ("memory", "A", "--mixed", "bfloat16"),
    "fit": ("fit", "D", "--memory", "24GiB", "--training", "--optimizer", "adam"),
    "fit --solve width": ("fit", "D", "--memory", "1GiB", "--params", "60M"),
    "fit --time": ("fit", "D", "--time", "20ms", "--device", "3090", "--dtype", "float16"),
    "configs": ("configs",),
    "audit": ("audit", "no_such_file.py:model"),
    "verify": ("verify", "A"),
    "bench": ("bench", "--load"),
    "bench-compare": ("bench-compare",),
    "bench-curve": ("bench-curve",),
    "bench-collect": ("bench-collect",),
    "check": ("check",),
    "predict": ("predict", "D", "--device", "3090", "--dtype", "float16"),
    "predict --device all": ("predict", "A", "D", "--device", "a100,4090", "--batch", "8,32"),
    "predict --from": ("predict", "A", "D", "--from"),
    "predict --devices": ("predict", "--devices"),
    "fleet": ("fleet", "D", "--batch", "64", "--link", "25Gbit/s", "--per-node", "4", "--measured", "1=130.9"),
    "fleet --evaluate": ("fleet", "--evaluate"),
}
"""A way to ask each command that has --format."""

NEEDS_TORCH = ("audit", "verify")
"""Their documents are held by the tests against torch."""


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(to_json(bench_documents.document()), encoding="utf-8")
    return str(path)


@pytest.fixture
def several(tmp_path):
    """A result of one network at several batches."""
    path = tmp_path / "several.json"
    cases = [bench_documents.case(batch=batch, scale=0.5 + batch / 2) for batch in (1, 2, 4, 8)]
    path.write_text(to_json(bench_documents.document(*cases)), encoding="utf-8")
    return str(path)


@pytest.fixture
def cells(tmp_path):
    """A folder of results of a space: one cell measured, one not."""
    folder = tmp_path / "cells"
    folder.mkdir()
    about = {"tag": "t4", "network": "D", "layout": "contiguous", "repeat": 0, "batch": 1, "dtype": "float32"}
    measured = json.loads(to_json(bench_documents.document()))
    (folder / "one.json").write_text(json.dumps({**measured, "cell": about, "host": "here"}), encoding="utf-8")
    failure = {"failure": {"kind": "crashed", "message": "ended by SIGKILL"}, "cell": about, "host": "here"}
    (folder / "two.json").write_text(json.dumps(failure), encoding="utf-8")
    return str(folder)


@pytest.fixture
def locked(tmp_path, vggcost):
    path = str(tmp_path / "vggcost.lock.json")
    vggcost("lock", "A", "-o", path)
    return path


@pytest.fixture
def measured(tmp_path):
    """A result of a whole network of ours."""
    path = tmp_path / "measured.json"
    case = measured_documents.case("B", lambda row: row["flops"] / 100 + row["min_bytes"])
    path.write_text(to_json(measured_documents.document(case)), encoding="utf-8")
    return str(path)


@pytest.fixture
def asked(result, several, measured, locked, cells):
    """The words of a command, with the files that it reads."""
    files = {
        "bench": (result,),
        "bench-compare": (result, result),
        "bench-curve": (several,),
        "bench-collect": (cells,),
    }
    files["predict --from"] = (measured,)
    files["check"] = ("--lock", locked)
    return lambda name: (*WORDS[name], *files.get(name, ()))


def plain(text, fmt):
    """What a reader sees of a text, on one line with single spaces."""
    if fmt == "html":
        text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    elif fmt == "latex":
        text = text.replace("-{}-", "--").replace("{[}", "[")
        for name, sign in (("less", "<"), ("greater", ">"), ("bar", "|"), ("backslash", "\\")):
            text = text.replace(rf"\text{name}{{}}", sign)
        text = re.sub(r"\\([&%$#_{}])", r"\1", text)
    elif fmt == "markdown":
        text = re.sub(r"\\([\W_])", r"\1", re.sub(r"(?<!\\)`", "", text))
    return " ".join(text.split())


def test_every_command_with_formats_is_here():
    assert {name.partition(" ")[0] for name in WORDS} == set(COMMANDS) - WITHOUT_FORMAT


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", [name for name in WORDS if name not in NEEDS_TORCH])
def test_every_command_takes_every_format(vggcost, asked, name, fmt):
    ran = vggcost(*asked(name), "--format", fmt)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.endswith("\n")
    marks = {"latex": "\\toprule", "html": "<table>", "markdown": "|:--", "json": '"schema": "vggcost.'}
    assert marks.get(fmt, "") in ran.out


@pytest.mark.parametrize("name", [name for name in WORDS if name != "verify"])
def test_every_command_refuses_a_format_with_the_same_sentence(refused, asked, name):
    error = refused(*asked(name), "--format", "markdwon")
    assert error == "vggcost: error: unknown format 'markdwon'; the nearest are markdown\n"
    more = {
        "formula": ", python",
        "bench-curve": ", svg, png, pdf",
        "bench-collect": ", svg, png, pdf",
        "check": ", github, junit, sarif",
    }.get(name.partition(" ")[0], "")
    assert f"known are table, markdown, csv, json, latex, html, latex-siunitx, typst{more}\n" in refused(
        *asked(name), "--format", "xyz"
    )


def test_every_format_has_its_file_and_every_file_its_row():
    import pkgutil

    files = {module.name for module in pkgutil.iter_modules(formats.__path__)}
    assert files == {module for module, _ in FORMATS.values()}
    for module, _ in FORMATS.values():
        assert callable(import_module(f"vggcost.report.formats.{module}").render)


def test_a_format_more_is_one_row_and_one_file(vggcost, monkeypatch, tmp_path):
    made = ModuleType("vggcost.report.formats.lines")
    made.render = lambda document: f"{len(document.record.rows)} rows of {document.data['schema']}\n"
    monkeypatch.setitem(sys.modules, made.__name__, made)
    monkeypatch.setitem(FORMATS, "lines", ("lines", "lns"))
    for words in (("table", "D"), ("configs",), ("stack", "3x3", "3x3")):
        assert re.fullmatch(r"\d+ rows of vggcost\.\w+/1\n", vggcost(*words, "--format", "lines").out)
    vggcost("table", "D", "-o", str(tmp_path / "d.lns"))
    assert (tmp_path / "d.lns").read_text() == vggcost("table", "D", "--format", "lines").out


def test_the_api_refuses_an_unknown_format():
    import vggcost as package

    with pytest.raises(VggcostError, match="unknown format 'markdwon'; the nearest are markdown"):
        package.cost("D").rendered("markdwon")


@pytest.mark.parametrize(("path", "fmt"), [("a.HTML", "html"), ("a.b.tex", "latex"), ("html", "html"), ("a.pdf", None)])
def test_an_ending_implies_a_format(path, fmt):
    assert implied(path) == fmt


def test_a_command_may_have_a_format_more(vggcost, tmp_path):
    path = tmp_path / "d.py"
    assert vggcost("formula", "D", "-o", str(path)).status == 0
    assert path.read_text() == vggcost("formula", "D", "--format", "python").out


@pytest.mark.parametrize("fmt", MARKUP)
@pytest.mark.parametrize(
    ("name", "more", "facts"),
    [
        (
            "table",
            ("--convention", "thop"),
            (
                "VGG D (VGG-16), 1000 classes; input 1x3x224x224 float32; convention thop, in MACs + operations",
                "74.3",  # fc6's share of the parameters [%]
                "12.0",  # and conv1_2's of the count
                "Weights: 138,357,544 parameters in float32 = 553,430,176 B = 527.8 MiB",
                "thop counts 0 for 15 ReLU",
            ),
        ),
        ("table", ("--columns", "name,params_numbers,params"), ("with numbers", "3*3*64*128 + 128", "73,856")),
        ("table", ("--formulas",), ("k*k*Cin*Cout + Cout", "3*3*3*64*224*224", "with its numbers")),
        (
            "table",
            ("--activations", "--receptive-field"),
            ("Receptive field", "212", "MiB", "11.2", "Of every layer's output, for the whole batch"),
        ),
        ("table", ("--human",), ("138.4 M", "15.47 G")),
        ("compare", ("--batch-norm",), ("paper's Table 2 [M]", "weight layers: convolutions and linear layers")),
        ("compare", ("--convention", "calflops", "--batch", "2"), ("calflops",)),
        ("conventions", (), ("different totals; mixed: MACs and single operations added up", "--of NAME shows one")),
        ("conventions --memory", (), ("108.45 MB", "saved_bytes", "Forward/backward pass size", "92.92 GFLOPS")),
        ("conventions --of", (), ("Source: ", "Proof: run live", "Counts", "conv1_1", "Weights: 138,357,544")),
        (
            "explain",
            ("--all",),
            ("15,607,486,488", "rounds to 15.61G", "15,470,264,320 MACs + 123,633,664 linear MACs"),
        ),
        ("configs", (), ("The paper: Simonyan & Zisserman", "A name takes any case and an ending _bn")),
        ("stack", (), ("weights without bias, MAC", "non-linearities")),
        (
            "bench",
            (),
            ("Device cpu", "Roof: its speed over the measured ceiling", "Verdict: ", "sum of layers", "GFLOP/s"),
        ),
        ("bench-compare", (), ("too few forwards", "The interval knows the forwards of these two runs")),
        ("bench-curve", (), ("over the batch", "knee: the smallest batch", "Largest batch that fits: 8 or more")),
        ("formula --layer", (), ("k*k*Cin*Cout + Cout", "3*3*128*256 + 256")),
    ],
)
def test_what_the_screen_shows_every_format_can_show(vggcost, asked, name, more, facts, fmt):
    if name == "bench-compare":
        facts = facts[1:]
    shown, screen = vggcost(*asked(name), *more, "--format", fmt).out, vggcost(*asked(name), *more).out
    for fact in facts:
        assert fact in plain(shown, fmt), fact
        assert fact in plain(screen, "table"), fact


@pytest.mark.parametrize("fmt", MARKUP)
def test_explain_names_who_has_the_same_number(vggcost, fmt):
    screen = plain(vggcost("explain", "15.47G", "--all").out, "table")
    named = re.findall(r"the same number: (.+?)(?= \d+\. |$)", screen)
    shown = plain(vggcost("explain", "15.47G", "--all", "--format", fmt).out, fmt)
    assert named
    assert all(words in shown for words in named)


def test_nothing_that_fits_is_said_in_every_format(vggcost):
    for fmt in PEOPLE:
        assert "Nothing that was searched gives 127.3M" in plain(vggcost("explain", "127.3M", "--format", fmt).out, fmt)
        assert "Nothing that was searched gives 30.94; 30.94G does:" in plain(
            vggcost("explain", "30.94", "--format", fmt).out, fmt
        )


def numbers(rows):
    return [[row["name"], row["params"], row["macs"], row["flops"], row["count"]] for row in rows]


@pytest.mark.parametrize("convention", ["mac", "thop", "calflops"])
def test_csv_and_json_parse_back_to_the_same_numbers(vggcost, convention):
    words = ("table", "A-LRN", "--convention", convention, "--human", "--format")
    document = json.loads(vggcost(*words, "json").out)
    rows = list(csv.DictReader(io.StringIO(vggcost(*words, "csv").out)))
    every = [*document["layers"], {"name": "total", **document["totals"]}]
    read = [
        [row["name"], *(int(row[key]) if row[key] else None for key in ("params", "macs", "flops", "count"))]
        for row in rows
    ]
    assert read == numbers(every)


@pytest.mark.parametrize("fmt", MARKUP)
def test_rows_sum_to_the_total_in_every_markup(vggcost, fmt):
    words = ("table", "D", "--columns", "name,params,macs,flops", "--rows", "all", "--format", fmt)
    exact = re.findall(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?![\d.,])", plain(vggcost(*words).out, fmt))
    assert "138,357,544" in exact
    assert "15,470,264,320" in exact
    document = json.loads(vggcost("table", "D", "--format", "json").out)
    for layer in document["layers"]:
        for key in ("params", "macs", "flops"):
            assert layer[key] < 1000 or f"{layer[key]:,}" in exact


NASTY = "a|b <i> &lt; 50_% #1 $x ^y ~z \\w {v} [u](t) `s` *r* --q"


def nasty():
    rows = [{"name": NASTY, "macs": 1234567}, {"name": "idle", "macs": 0, FOLDED: True}]
    grid = Grid((Column("name", NASTY), Column("macs", "MACs", "count")), rows, title=NASTY, notes=(Text((NASTY,)),))
    lines = Text((NASTY, f"  {NASTY}"), style="list")
    return Document({"schema": "x/1", "name": NASTY}, (Text((NASTY,)), lines, grid), grid)


@pytest.mark.parametrize("fmt", MARKUP)
def test_names_are_escaped_wherever_they_stand(fmt):
    text = rendered(nasty(), fmt)
    raw = {
        "markdown": ("<i>", "a|b", " *r", "`s", "](", " &lt;"),
        "html": ("<i>", " &lt; 50"),
        "latex": (" 50_", "_%", " #", " &", "|"),
    }
    for piece in raw[fmt]:
        if fmt == "latex" and piece == " &":
            continue  # between two cells
        assert not re.search(rf"(?<!\\){re.escape(piece)}", text), piece
    assert plain(text, fmt).count("50_% #1 ") == 7  # in every place that a document has


def test_a_line_of_markdown_begins_no_item_of_its_own():
    lines = ("- conv4_3 missing", "# one", "1. VGG", "plain")
    text = rendered(Document({}, (Text(lines), Text(lines, style="list")), Grid((), [])), "markdown")
    assert text == (
        "\\- conv4_3 missing\n\\# one\n1\\. VGG\nplain\n\n- \\- conv4_3 missing\n- \\# one\n- 1\\. VGG\n- plain\n"
    )


def test_csv_and_json_have_names_as_they_are():
    assert json.loads(rendered(nasty(), "json"))["name"] == NASTY
    assert next(csv.DictReader(io.StringIO(rendered(nasty(), "csv")))) == {"name": NASTY, "macs": "1234567"}


def test_latex_is_balanced_and_has_no_sign_of_its_own_left_bare():
    text = rendered(nasty(), "latex")
    assert text.count("\\begin{") == text.count("\\end{") == 2
    bare = re.sub(r"\\\\|\\[&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"[%$#_^~<>|]", bare)
    assert {line.count("&") for line in bare.splitlines() if line.endswith(" ") and "&" in line} <= {1}


def test_html_is_ascii_and_its_tags_are_closed():
    from html.parser import HTMLParser

    opened = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "br":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    wide = nasty().replace(blocks=(*nasty().blocks, Text(("\u00d7 \u2265",))))
    text = rendered(wide, "html")
    assert text.isascii()
    Tags().feed(text)
    assert not opened


def test_the_screen_folds_and_files_show_all():
    assert "idle" not in rendered(nasty(), "table")
    for fmt in (*MARKUP, "csv"):
        assert "idle" in rendered(nasty(), fmt)


def test_a_place_sees_its_own():
    grid = Grid(
        (Column("a", "A"), Column("b", "B", where=FILES), Column("c", "C", where=SCREEN)), [{"a": 1, "b": 2, "c": 3}]
    )
    document = Document({}, (grid, Text(("here",), where=SCREEN), Text(("there",), where=FILES)), grid)
    assert rendered(document, "table").split() == ["A", "C", "---", "---", "1", "3", "here"]
    for fmt in MARKUP:
        words = plain(rendered(document, fmt), fmt).split()
        assert "B" in words and "there" in words
        assert "C" not in words and "here" not in words


def test_columns_leave_the_narrow_screen_and_are_named():
    wide = "x" * 60
    columns = (Column("a", "A"), Column("b", "Second", leaves=1), Column("c", "Third", leaves=2))
    text = rendered(Document({}, (Grid(columns, [{"a": wide, "b": "y" * 30, "c": wide}]),), Grid(columns, [])), "table")
    assert max(map(len, text.splitlines())) <= LINE_COLUMNS
    assert text.endswith(f"Left out to fit {LINE_COLUMNS} columns: Third; another --format shows them\n")


def test_a_table_that_may_lose_nothing_has_a_narrow_form():
    narrow = Grid((Column("a", "A"),), [{"a": "short"}], notes=(Text(("rounded",)),))
    grid = Grid((Column("a", "A"),), [{"a": "x" * 101}], narrow=narrow)
    document = Document({}, (grid,), grid)
    assert rendered(document, "table").split() == ["A", "-----", "short", "rounded"]
    assert "x" * 101 in rendered(document, "markdown")


@pytest.mark.parametrize(
    "words", [("compare",), ("stack", "1x1", "3x3", "1x1", "--channels", "256:64:64:256", "--size", "56")]
)
def test_headers_keep_to_the_screen(vggcost, words):
    assert (
        max(
            map(
                len, vggcost(*words, *(("--convention", "torchstat") if words[0] == "compare" else ())).out.splitlines()
            )
        )
        <= LINE_COLUMNS
    )


def test_a_bench_result_is_written_as_it_is_read(vggcost, result):
    with open(result, encoding="utf-8") as file:
        assert vggcost("bench", "--load", result, "--format", "json").out == file.read()


def test_two_results_are_paired_without_a_report():
    made = bench_documents.document()
    assert comparison(made, made, 0.01)["schema"] == "vggcost.bench-compare/1"


@pytest.mark.parametrize("name", ["", ".latex", ".markdown"])
def test_the_examples_run(name):
    assert find_spec(f"vggcost.report.formats{name}")
    tried = doctest.testmod(import_module(f"vggcost.report.formats{name}"))
    assert tried.attempted and not tried.failed
