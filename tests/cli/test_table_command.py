"""`vggcost table`: the first screen."""

from __future__ import annotations

import csv
import io
import json

import pytest

from vggcost.report.document import LINE_COLUMNS

NAMES = ("A", "A-LRN", "B", "C", "D", "E")


def test_the_first_screen(vggcost):
    ran = vggcost("table", "--config", "D")
    assert ran.status == 0
    head = ran.out.splitlines()[0]
    assert head == ("VGG D (VGG-16), 1000 classes; input 1x3x224x224 float32; convention mac, 1 MAC = 2 FLOP")
    for needle in ("138,357,544", "15,470,264,320", "30,940,528,640", "527.8 MiB", "3*3*128*256 + 256", "512x14x14"):
        assert needle in ran.out
    assert "Folded, as they cost nothing (--all shows them):\n  15 ReLU, 1 AdaptiveAvgPool2d, 1 Flatten" in ran.out
    assert [line.split()[:2] for line in ran.out.splitlines() if line.startswith("pool")] == [
        ["pool1", "64x112x112"],
        ["pool2", "128x56x56"],
        ["pool3", "256x28x28"],
        ["pool4", "512x14x14"],
        ["pool5", "512x7x7"],
    ]


def test_all_ways_to_name_a_network_are_one(vggcost):
    first = vggcost("table", "--config", "D").out
    for words in (("table",), ("table", "D"), ("table", "d"), ("table", "vgg16"), ("table", "--config", "VGG-16")):
        assert vggcost(*words).out == first
    with_norm = vggcost("table", "D", "--batch-norm").out
    for name in ("vgg16_bn", "D-bn", "d_BN"):
        assert vggcost("table", name).out == with_norm


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [(), ("--batch-norm",), ("--all",), ("--batch", "64"), ("--formulas",)])
@pytest.mark.parametrize("extra", [(), ("--activations", "--receptive-field")])
def test_the_screen_fits_100_columns(vggcost, name, more, extra):
    widest = max(vggcost("table", name, *more, *extra).out.splitlines()[2:], key=len)
    assert len(widest) <= LINE_COLUMNS, widest


def test_what_leaves_to_fit_is_said(vggcost):
    out = vggcost("table", "D", "--batch", "100000").out
    assert "3*3*3*64 + 64" not in out
    assert "Left out to fit 100 columns: Parameters from" in out


def test_formulas_stand_in_letters_and_in_numbers(vggcost):
    out = vggcost("table", "--formulas").out
    assert "k*k*Cin*Cout + Cout" in out
    assert "3*3*128*256 + 256" in out
    assert "k*k*Cin*Cout*Hout*Wout" in out
    document = json.loads(vggcost("table", "--formulas", "--format", "json").out)
    fc6 = next(layer for layer in document["layers"] if layer["name"] == "fc6")
    assert (fc6["params_formula"], fc6["params_numbers"]) == ("Fin*Fout + Fout", "25088*4096 + 4096")
    for layer in document["layers"]:
        for key in ("params", "macs"):
            assert (eval(layer[f"{key}_numbers"]) if layer[f"{key}_numbers"] else 0) == layer[key]  # noqa: S307


def test_activations_and_receptive_fields(vggcost):
    words = ("table", "D", "--activations", "--receptive-field", "--batch", "2", "--dtype", "float16")
    document = json.loads(vggcost(*words, "--format", "json").out)
    layers = {layer["name"]: layer for layer in document["layers"]}
    assert layers["pool5"]["receptive_field"] == [212, 212]
    assert layers["pool5"]["stride"] == [32, 32]
    assert layers["pool5"]["padding"] == [90, 90]
    assert layers["fc6"]["receptive_field"] is None
    assert layers["conv1_1"]["output_elements"] == 2 * 64 * 224 * 224
    assert layers["conv1_1"]["output_bytes"] == 2 * 2 * 64 * 224 * 224
    assert document["totals"]["output_bytes"] == sum(layer["output_bytes"] for layer in document["layers"])
    screen = vggcost(*words).out
    assert "Receptive field" in screen
    assert "212" in screen


def test_all_shows_every_row(vggcost):
    out = vggcost("table", "D", "--all").out
    assert "relu1_1" in out
    assert "Folded" not in out
    assert "relu1_1" not in vggcost("table", "D").out


def test_json_is_the_documented_object(vggcost):
    document = json.loads(vggcost("table", "vgg16_bn", "--size", "64x96", "--batch", "2", "--format", "json").out)
    assert document["schema"] == "vggcost.table/1"
    assert document["network"]["name"] == "D"
    assert document["network"]["options"]["batch_norm"] is True
    assert document["input"] == [2, 3, 64, 96]
    assert (document["convention"], document["unit"]) == ("mac", "MAC")
    first = document["layers"][0]
    assert {"name", "kind", "path", "input", "output", "params", "macs", "flops", "count"} <= set(first)
    assert (first["name"], first["kind"], first["path"]) == ("conv1_1", "Conv2d", "features.0")
    for key in ("params", "macs", "flops", "count"):
        assert sum(layer[key] for layer in document["layers"]) == document["totals"][key]


@pytest.mark.parametrize("fmt", ["csv", "markdown", "latex", "html", "typst"])
@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_every_row_and_the_totals(vggcost, fmt, name):
    document = json.loads(vggcost("table", name, "--format", "json").out)
    every = ("--rows", "all") if fmt in ("latex", "typst") else ()  # a paper has room for those with weights
    out = vggcost("table", name, "--format", fmt, *every).out
    for layer in document["layers"]:
        assert layer["name"].replace("_", r"\_") in out or layer["name"] in out
    total = document["totals"]["params"]
    assert (f"{total}" if fmt == "csv" else f"{total:,}") in out


def test_csv_rows_sum_to_its_total(vggcost):
    rows = list(csv.DictReader(io.StringIO(vggcost("table", "E", "--format", "csv", "--human").out)))
    assert rows[-1]["name"] == "total"
    for key in ("params", "macs", "flops", "count"):
        assert sum(int(row[key]) for row in rows[:-1]) == int(rows[-1][key])
    assert rows[-1]["path"] == ""


def test_human_rounds_the_screen_and_never_json(vggcost):
    assert "138.4 M" in vggcost("table", "--human").out
    assert json.loads(vggcost("table", "--human", "--format", "json").out)["totals"]["params"] == 138_357_544


def test_a_cost_stays_as_it_is():
    import vggcost as package

    cost = package.cost("D")
    for name in ("dtype", "convention", "totals", "layers"):
        with pytest.raises(AttributeError, match=f"Cost is frozen; {name} cannot be assigned"):
            setattr(cost, name, "float16")
    with pytest.raises(AttributeError, match="Cost is frozen; dtype cannot be deleted"):
        del cost.dtype
    assert cost.layers is cost.layers
    assert cost.to_dict()["dtype"] == cost.dtype == "float32"


def test_variants_are_named_in_the_header(vggcost):
    head = vggcost("table", "D", "--no-bias", "--batch-norm", "--no-adaptive-pool", "--classes", "7").out.splitlines()[
        0
    ]
    for words in ("batch normalization", "bias-less convolutions", "no adaptive pool", "7 classes"):
        assert words in head


def test_the_api_gives_the_same(vggcost):
    import vggcost as package

    cost = package.cost("vgg16_bn", classes=10, size=(64, 96), batch=2)
    words = ("table", "vgg16_bn", "--classes", "10", "--size", "64x96", "--batch", "2", "--format")
    assert cost.to_json() == vggcost(*words, "json").out
    assert cost.to_csv() == vggcost(*words, "csv").out
    assert cost.to_markdown() == vggcost(*words, "markdown").out
    assert cost.to_text() == vggcost(*words, "table").out
    assert cost.to_latex() == vggcost(*words, "latex").out
    assert cost.to_html() == vggcost(*words, "html").out
    frame = cost.to_frame()
    assert frame["params"].sum() == cost.totals.params
    assert list(frame["name"]) == [layer.name for layer in cost.layers]
    assert f"{cost.totals.params:,}" in cost._repr_html_()
    assert f"{cost.totals.params:,} parameters" in repr(cost)
