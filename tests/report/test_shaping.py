"""A table as its reader asks for it is the same in every format, sums to its total, and fits the screen."""

from __future__ import annotations

import csv
import io
import json
import os
import re

import pytest
from shown_names import READERS

from vggcost.report.document import NARROWEST, WIDEST, line_columns
from vggcost.report.shaping import block_names

MARKUP = ("markdown", "html", "latex", "latex-siunitx", "typst")
COLUMNS = ("--columns", "name,params,share,macs")
SHAPES = {
    "blocks": ("table", "D", "--rows", "blocks"),
    "weights": ("table", "A-LRN", "--rows", "weights", "--convention", "calflops"),
    "all": ("table", "D-bn", "--rows", "all", "--precision", "3"),
    "sorted": ("table", "E", "--sort", "params", "--rows", "weights"),
    "turned": ("table", "B", "--transpose", "--rows", "blocks"),
    "captioned": ("table", "C", "--caption", "a_b & 50%", "--label", "tab:c", "--rows", "weights"),
}


def cells(fmt, text):
    """The texts of a format in their order; of HTML without what only a caption or a label brings."""
    if fmt == "html":
        text = re.sub(r"<caption>.*?</caption>\n| id=\"[^\"]*\"", "", text)
    if fmt == "markdown":
        text = re.sub(r'<a id="[^"]*"></a>', "", text)
    if fmt.startswith("latex"):
        text = re.sub(
            r"\\(?:begin|end)\{(?:table|minipage)\}(?:\{\\linewidth\})?|\\(?:centering|small|footnotesize|smallskip)\b"
            r"|\\caption\{.*\}|\\label\{.*\}|\\setlength\{\\tabcolsep\}\{4pt\}",
            "",
            text,
        )
    if fmt == "typst":
        text = re.sub(r" <[\w:.-]+>", "", text)
    return [each for each in READERS[fmt](text) if each]


@pytest.mark.parametrize("fmt", MARKUP)
@pytest.mark.parametrize("name", SHAPES)
def test_a_shaped_table_reads_back_to_the_numbers_of_json(vggcost, name, fmt):
    words = (*SHAPES[name], *COLUMNS)
    document = json.loads(vggcost(*words, "--format", "json").out)
    found = [each.replace(",", "") for each in cells(fmt, vggcost(*words, "--format", fmt).out)]
    rows = [*document["layers"], {"name": "total", **document["totals"]}]
    digits = 3 if "--precision" in words else 1
    lines = [[row["name"], str(row["params"]), f"{row['params_share']:.{digits}f}", str(row["macs"])] for row in rows]
    if "--transpose" in words:
        heads = ("Layer", "Parameters", "Parameters %", "MACs")
        lines = [[head, *column] for head, column in zip(heads, zip(*lines, strict=True), strict=True)]
    for line in lines:
        assert any(found[place : place + len(line)] == line for place in range(len(found))), line


@pytest.mark.parametrize("name", SHAPES)
def test_csv_reads_back_to_the_numbers_of_json(vggcost, name):
    words = (*SHAPES[name], *COLUMNS, "--format")
    document = json.loads(vggcost(*words, "json").out)
    rows = list(csv.reader(io.StringIO(vggcost(*words, "csv").out)))
    if "--transpose" in words:
        rows = list(zip(*rows, strict=True))
    every = [*document["layers"], {"name": "total", **document["totals"]}]
    assert list(rows[0]) == list(every[0])
    assert [list(row) for row in rows[1:]] == [[str(row[key]) for key in every[0]] for row in every]


@pytest.mark.parametrize("words", SHAPES.values())
def test_rows_sum_to_the_total_and_shares_to_a_hundred(vggcost, words):
    more = ("--columns", "name,params,macs,flops,count,output_bytes,share", "--precision", "6", "--format", "json")
    document = json.loads(vggcost(*words[: 2 if "--precision" in words else None], *more).out)
    for key in ("params", "macs", "flops", "count", "output_bytes"):
        assert sum(row[key] for row in document["layers"]) == document["totals"][key] > 0
    assert sum(row["output_bytes_share"] for row in document["layers"]) == pytest.approx(100, abs=1e-3)


def test_blocks_are_those_of_the_paper(vggcost):
    document = json.loads(vggcost("table", "D", "--rows", "blocks", "--format", "json").out)
    named = {row["name"]: (row["output"], row["params"], row["macs"]) for row in document["layers"]}
    assert list(named) == ["conv1", "conv2", "conv3", "conv4", "conv5", "classifier"]
    assert named["conv1"] == ([1, 64, 112, 112], 1792 + 36928, 86704128 + 1849688064)
    assert named["classifier"] == ([1, 1000], 123642856, 123633664)
    as_json = ("--rows", "blocks", "--format", "json", "--columns")
    rows = json.loads(vggcost("table", "D", *as_json, "name,receptive_field").out)
    assert [row["receptive_field"][0] for row in rows["layers"][:5]] == [6, 16, 44, 100, 212]
    rows = json.loads(vggcost("memory", "D", *as_json, "name,live_bytes").out)
    assert [row["name"] for row in rows["layers"]] == list(named)
    assert max(row["live_bytes"] for row in rows["layers"]) == 25690112


def test_a_block_begins_where_the_image_gets_smaller():
    def row(kind, before, after):
        return {"kind": kind, "input": (1, 8, before, before), "output": (1, 8, after, after)}

    residual = [row("Conv2d", 56, 56), row("Conv2d", 56, 28), row("Conv2d", 28, 28), row("Conv2d", 56, 28)]
    assert block_names(residual) == ["conv1", "conv2", "conv2", "conv2"]
    end = [row("AdaptiveAvgPool2d", 28, 1), {"kind": "Linear", "input": (1, 8), "output": (1, 2)}]
    assert block_names([*residual, *end])[4:] == ["conv2", "classifier"]
    assert block_names([row("MaxPool2d", 4, 2), row("ReLU", 2, 2)]) == ["conv1", "classifier"]


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (("--sort", "params"), ["fc6", "fc7", "fc8"]),
        (("--sort", "params:asc"), ["conv1_1", "conv1_2", "conv2_1"]),
        (("--sort", "name"), ["conv1_1", "conv1_2", "conv2_1"]),
        (("--sort", "name:desc"), ["fc8", "fc7", "fc6"]),
        (("--sort", "macs_share"), ["conv1_2", "conv2_2", "conv3_2"]),
        (("--sort", "output:desc"), ["conv1_1", "conv1_2", "conv2_1"]),
    ],
)
def test_rows_are_sorted_and_the_total_stays_last(vggcost, words, order):
    text = vggcost("table", "D", "--rows", "weights", *words, "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows[:3]] == order
    assert rows[-1]["name"] == "total"


def test_csv_and_json_have_every_row_where_a_paper_has_those_with_weights(vggcost):
    assert len(vggcost("table", "D", "--format", "csv").out.splitlines()) == 42
    assert vggcost("table", "D", "--format", "latex").out.count("\\\\\n") == 18
    assert vggcost("table", "D", "--format", "latex", "--rows", "all").out.count("\\\\\n") == 42
    note = "Left out, as they cost nothing here: 15 ReLU, 5 MaxPool2d, 1 AdaptiveAvgPool2d, 1 Flatten, 2 Dropout"
    for fmt in ("latex", "typst"):
        assert note in vggcost("table", "D", "--format", fmt).out
    counted = vggcost("table", "D", "--format", "latex", "--convention", "thop").out
    assert "other layers &  & 0 & 0.0 & 50,176 & 0.0" in counted


def test_a_caption_makes_a_float_that_keeps_its_notes(vggcost):
    text = vggcost("table", "D", "--format", "latex", "--caption", "50%", "--label", "tab:d").out
    assert text.startswith("\\begin{table}\n") and text.endswith("\\end{table}\n")
    assert "\\caption{50\\%}\n\\label{tab:d}\n" in text
    assert "VGG D (VGG-16), 1000 classes" in text and "527.8 MiB" in text
    assert (
        '<table id="tab:d">\n<caption>50%</caption>'
        in vggcost("table", "D", "--format", "html", "--caption", "50%", "--label", "tab:d").out
    )
    assert ") <tab:d>\n" in vggcost("table", "D", "--format", "typst", "--caption", "50%", "--label", "tab:d").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--columns", "nme"), "unknown column 'nme'; the nearest are name"),
        (("--columns", "params_shar"), "the nearest are params_share"),
        (("--columns", "name,share"), "the column 'share' stands behind the one that it is a share of"),
        (("--columns", "name,name"), "the column 'name' is asked for twice"),
        (("--columns", "name,"), "--columns is 'name,'; give names such as"),
        (("--rows", "wights"), "unknown rows 'wights'; the nearest are weights"),
        (("--sort", "prams"), "unknown column 'prams'; the nearest are params"),
        (("--sort", "params:up"), "give a column, COLUMN:asc or COLUMN:desc"),
        (("--precision", "-1"), "--precision is '-1'; give a whole number from 0 to 9"),
        (("--label", "a b"), "--label is 'a b'; give letters, digits and : . _ - alone"),
    ],
)
def test_what_no_table_has_is_refused_in_one_line(refused, words, message):
    assert message in refused("table", "D", *words)


def test_rows_are_of_layers_alone(refused):
    assert "unknown option '--rows'" in refused("compare", "--rows", "all")
    assert "--rows all is for a table of layers" in refused("conventions", "D", "--rows", "all")
    assert "no table here that could be shaped" in refused("conventions", "D", "--memory", "--columns", "name")


WIDE = (
    ("table", "D"),
    ("table", "D", "--convention", "torchstat-madd", "--all"),
    ("table", "E-bn", "--formulas", "--activations", "--receptive-field", "--batch", "100000"),
    ("table", "D", "--columns", "name,output,params,share,macs,share,flops,count,kind,path"),
    ("table", "E", "--transpose"),
    ("compare",),
    ("compare", "A,B,C,D,E,A-LRN,A-bn,B-bn,C-bn,D-bn,E-bn"),
    ("compare", "--transpose"),
    ("conventions", "D"),
    ("conventions", "D", "--of", "thop"),
    ("memory", "D", "--training", "--batch", "64"),
    ("configs",),
    ("formula", "D"),
    ("stack", "3x3", "3x3"),
    ("explain", "15.61G"),
    ("fit", "D", "--memory", "24GiB"),
)


@pytest.mark.parametrize("width", [60, 72, 100, 140, 200])
@pytest.mark.parametrize("words", WIDE, ids=" ".join)
def test_the_screen_keeps_to_its_width(vggcost, monkeypatch, words, width):
    monkeypatch.setenv("COLUMNS", str(width))
    widest = max(vggcost(*words).out.splitlines(), key=len)
    assert len(widest) <= width, widest


def test_columns_give_way_in_their_order_and_are_named(vggcost, monkeypatch):
    left = []
    for width in range(200, 59, -1):
        monkeypatch.setenv("COLUMNS", str(width))
        out = " ".join(vggcost("table", "D", "--batch", "1000000").out.split())
        named = re.search(rf"Left out to fit {width} columns: (.*?);", out)
        names = named[1] if named else ""
        if names not in left:
            left.append(names)
    assert (
        left
        == [
            "",
            "Parameters from",
            "Parameters from, FLOPs",
            "Parameters from, FLOPs, % of params",
            "Parameters from, FLOPs, % of params, % of count",
            "Parameters from, FLOPs, % of params, % of count, Output",
        ][: len(left)]
    )
    assert len(left) >= 5


GIVEN = {"60": 60, "7": NARROWEST, "100000": WIDEST, "": 100, "x": 100, "-5": 100, "0": 100}


@pytest.mark.parametrize(("given", "width"), GIVEN.items())
def test_the_width_is_that_of_columns(monkeypatch, given, width):
    monkeypatch.setenv("COLUMNS", given)
    assert line_columns() == width


def test_the_width_is_that_of_the_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def fileno(self):
            return 1

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((150, 40)))
    assert line_columns() == 150
