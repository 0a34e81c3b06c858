"""``vggcost explain`` on what tools print of memory and training, on vggcost's own definitions, and on quotes."""

from __future__ import annotations

import json

import pytest

from vggcost.conventions.amounts import read_amount
from vggcost.conventions.explain import explain
from vggcost.conventions.figure_rows import FIGURES, QUOTES, figure
from vggcost.conventions.figures import Sizes
from vggcost.conventions.figures_searched import figures_of, prints, quotes_of
from vggcost.conventions.searched import searched

pytestmark = pytest.mark.torch  # for its time: every answer searches thousands of networks


def answered(vggcost, *words):
    return json.loads(vggcost("explain", *words, "--format", "json").out)


def said(vggcost, *words):
    return " ".join(vggcost("explain", *words).out.split())


@pytest.mark.parametrize(
    ("number", "name", "value", "fit"),
    [
        ("108.45MB", "torchinfo-pass", 108_453_696, "printed"),
        ("108.45 MB", "torchinfo-pass", 108_453_696, "printed"),
        ("662.49 MB", "torchinfo-total", 662_486_048, "printed"),
        ("218.78 MB", "torchsummary-pass", 229_408_576, "printed"),
        ("218.78 MiB", "torchsummary-pass", 229_408_576, "rounded"),
        ("747.15MB", "torchsummary-total", 783_440_864, "printed"),
        ("527.79 MB", "keras-params", 553_430_176, "printed"),
        ("92.92 GFLOPS", "calflops-training", 92_921_335_296, "printed"),
        ("46.41 GMACs", "calflops-training-macs", 46_410_792_960, "printed"),
        ("46.4 GFLOPs", "calflops-training-macs", 46_410_792_960, "rounded"),
        ("109.39MB", "torchstat-memory", 114_704_288, "printed"),
        ("58.13 MiB", "cs231n", 60_950_432, "rounded"),
        ("15,237,608", "cs231n-values", 15_237_608, "exact"),
        ("114804640 B", "output_bytes", 114_804_640, "exact"),
        ("114,804,640", "output_bytes", 114_804_640, "exact"),
        ("54226848", "weight_layer_output_bytes", 54_226_848, "exact"),
        ("73355264", "saved_bytes", 73_355_264, "exact"),
        ("69.96 MiB", "saved_bytes", 73_355_264, "rounded"),
        ("25690112", "peak_bytes", 25_690_112, "exact"),
        ("1.0892 GiB", "training_peak_bytes", 1_169_562_696, "rounded"),
        ("1169562696 bytes", "training_peak_bytes", 1_169_562_696, "exact"),
        ("1106860352", "optimizer_bytes", 1_106_860_352, "exact"),
        ("92,648,177,664", "step_flops", 92_648_177_664, "exact"),
    ],
)
def test_a_figure_is_found_first(vggcost, number, name, value, fit):
    first = answered(vggcost, number)["answers"][0]
    assert (first["figure"], first["value"], first["fit"]) == (name, value, fit)
    assert first["convention"] is None
    assert "D (VGG-16)" in said(vggcost, number).partition(" 2. ")[0]


def test_with_batch_normalization(vggcost):
    for number, name in (("216.83 MB", "torchinfo-pass"), ("770.90 MB", "torchinfo-total")):
        first = answered(vggcost, number)["answers"][0]
        assert (first["figure"], first["network"]["options"]["batch_norm"]) == (name, True)


@pytest.mark.parametrize("number", ["93MB", "93 MB", "93 MiB", "24M", "24 million"])
def test_the_notes_totals_are_no_sum_of_their_rows(vggcost, number):
    found = answered(vggcost, number)
    (quoted,) = found["quoted"]
    assert (quoted["figure"], quoted["value"], quoted["network"]["name"]) == ("cs231n", 60_950_432, "D")
    assert found["nearest"] == []
    text = said(vggcost, number)
    assert "sum to 15,237,608 values = 60,950,432 B = 58.13 MiB" in text
    assert "the printed 24M and 93MB are no sum of them" in text
    assert not [one for one in found["answers"] if one["figure"]]


@pytest.mark.parametrize("number", ["93M params", "93 GB", "24 MB", "24.0M", "93.5MB", "24G"])
def test_other_numbers_are_no_quotes(number):
    assert explain(read_amount(number)).quoted == ()


def test_every_quote_can_be_read_and_is_of_a_network_that_is_searched():
    for quote in QUOTES:
        ((found, one, rows, value),) = quotes_of(read_amount(quote.text), searched())
        assert found == quote
        assert rows.name == quote.figure
        assert value == figure(quote.figure).value(Sizes(one.described.table))


def test_macs_quoted_as_flops_are_told(vggcost):
    assert "in the wrong unit: these are MACs, 92,821,585,920 FLOP" in said(vggcost, "46.4 GFLOPs")
    assert "in the wrong unit: these are MACs, 30,940,528,640 FLOP" in said(vggcost, "15.47 GFLOPs")
    assert "wrong unit" not in said(vggcost, "15.47 GMACs")
    assert "wrong unit" not in said(vggcost, "30.94 GFLOPs").partition(" 2. ")[0]


def test_a_few_digits_without_a_unit_say_nothing_of_figures():
    assert list(figures_of(read_amount("15.5G"), searched())) == []
    assert list(figures_of(read_amount("138M params"), searched())) == []
    assert list(figures_of(read_amount("108.45M"), searched()))


def test_each_figure_is_found_by_its_own_text():
    among = [one for one in searched() if one.name == "E" and one.departures == (0, 0)]
    for one in FIGURES:
        value = one.value(Sizes(among[0].described.table))
        if one.text is None:
            continue
        text = one.text(value)
        assert prints(one, value, read_amount(text))
        assert not prints(one, 2 * value, read_amount(text))
        found = explain(read_amount(text), among).answers
        names = {each.figure.name for answer in found for each in (answer.candidate, *answer.also) if each.figure}
        assert one.name in names, (one.name, text)


def test_among_a_network_at_a_batch_of_its_own(vggcost):
    first = answered(vggcost, "1750.25 MB", "--among", "D", "--batch", "8")["answers"][0]
    assert (first["figure"], first["value"]) == ("torchsummary-pass", 8 * 229_408_576)
    first = answered(vggcost, "586842112 B", "--among", "D", "--batch", "8")["answers"][0]
    assert first["figure"] == "saved_bytes"


def test_a_number_of_bytes_that_nothing_gives_has_figures_near_it(vggcost):
    first = answered(vggcost, "16.74 MB")["nearest"][0]
    assert (first["figure"], first["value"], first["network"]["name"]) == ("peak_bytes", 22_478_848, "A")


def test_a_quote_is_a_row_of_the_csv(vggcost):
    head, row = vggcost("explain", "93MB", "--format", "csv").out.splitlines()
    assert head.startswith("fit,network,counted,value")
    assert row.startswith('"in print, no fit","D (VGG-16), 1000 classes, at 224x224",cs231n,60950432,B,')


def test_json_has_the_tools_text(vggcost):
    (first, *_) = answered(vggcost, "662.49 MB")["answers"]
    assert first["printed"] == "662.49 MB"
    assert answered(vggcost, "73355264")["answers"][0]["printed"] is None
