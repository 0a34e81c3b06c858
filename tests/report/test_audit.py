"""What an audit shows: the verdict first, then totals, then rows, or modules; in every format."""

import csv
import json

import pytest
from program_readings import fitting, reading_of

from vggcost.network import catalogue
from vggcost.network.layers import AdaptiveAvgPool2d, Conv2d, Flatten, Linear, ReLU
from vggcost.report.audit import AuditView
from vggcost.report.depth import by_module
from vggcost.results.audit import Audit

FORMATS = ("table", "markdown", "csv", "json", "latex", "html")


def plain(text):
    """A text without the escapes of any format."""
    return text.replace("\\", "").replace("&gt;", ">").replace("{", "").replace("}", "")


def unlike():
    layers = [Conv2d("conv", "conv", 3, 8, (7, 7), (4, 4), (0, 0)), ReLU("relu", "relu")]
    layers += [AdaptiveAvgPool2d("pool", "pool", (1, 1)), Flatten("flat", None), Linear("fc", "fc", 8, 10)]
    return Audit(reading_of(fitting(layers), program="odd.py:Net"))


def thin():
    layers = [
        layer.replace(c_out=layer.c_out // 2) if isinstance(layer, Conv2d) and layer.name < "conv5" else layer
        for layer in catalogue.network("D", catalogue.Variant()).layers
    ]
    return Audit(reading_of(fitting(layers), program="thin.py:Net"))


def test_the_screen_begins_with_what_the_program_is():
    lines = thin().to_text().splitlines()
    assert lines[:5] == [
        "It is no VGG of the paper",
        "The nearest is D (VGG-16), with 1 difference:",
        "  ~ thinner: conv1_1 .. conv4_3 have 32, 32, 64, 64, ... of 64, 64, 128, 128, ... channels,",
        "    -6,904,992 parameters, -10,679,058,432 MACs",
        "13 convolutions and 3 linear layers; 131,452,552 parameters, 4,791,205,888 MACs in all",
    ]
    assert lines[7].startswith("thin.py:Net (by hand); input 1x3x224x224 float32")


def test_a_configuration_is_its_first_line(vggcost):
    lines = vggcost("audit", "vgg16_bn").out.splitlines()
    assert lines[0] == "It is D (VGG-16) with batch normalization"


@pytest.mark.parametrize("fmt", [each for each in FORMATS if each != "csv"])
def test_what_is_like_no_vgg_is_said_to_be_so_in_every_format(fmt):
    audit = unlike()
    shown = plain(audit.rendered(fmt))
    assert "not like any VGG of the paper" in shown
    assert "nearest is" not in shown
    assert "not like any VGG of the paper" in repr(audit)


def test_the_json_of_what_is_like_no_vgg_names_no_nearest_and_no_differences():
    data = unlike().to_dict()
    assert (data["is"], data["nearest"], data["as_near"], data["differences"]) == (None, None, [], [])
    assert data["likeness"]["like"] is False
    assert data["network"]["title"] == "not like any VGG of the paper"
    near = thin().to_dict()
    assert (near["nearest"], near["likeness"]) == ("D", {"like": True, "found": 13.0, "of": 18})
    assert near["differences"][0]["layers"][:2] == ["conv1_1", "conv1_2"]


def sums(rows, keys=("params", "macs", "flops", "count", "weight_bytes", "buffers")):
    return {key: sum(row[key] or 0 for row in rows) for key in keys}


@pytest.mark.parametrize("depth", range(4))
def test_folded_rows_have_the_sums_of_the_rows_that_they_stand_for(depth):
    audit = thin()
    data = json.loads(audit.to_json(AuditView(depth=depth)))
    whole = audit.to_dict()
    assert sums(data["layers"]) == sums(whole["layers"]) == {key: whole["totals"][key] for key in sums([])}
    assert sum(row["operations"] for row in data["layers"]) == len(whole["layers"])
    names = [row["name"] for row in data["layers"]]
    if depth == 0:
        assert names == ["thin.py:Net"]
    if depth == 1:
        assert names == ["features", "avgpool", "flatten", "classifier"]
    if depth > 1:
        assert names[:2] == ["features.0", "features.1"]


def test_a_folded_row_begins_and_ends_where_its_module_does():
    first = json.loads(thin().to_json(AuditView(depth=1)))["layers"][0]
    assert (first["kind"], first["path"], first["input"], first["output"]) == (
        "module",
        "features",
        [1, 3, 224, 224],
        [1, 512, 7, 7],
    )


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_folds(vggcost, fmt):
    shown = plain(vggcost("audit", "D", "--depth", "1", "--format", fmt).out)
    assert "classifier" in shown
    assert "features.0" not in shown
    if fmt == "csv":
        rows = list(csv.DictReader(shown.splitlines()))
        assert (rows[0]["name"], rows[0]["operations"], rows[-1]["name"]) == ("features", "31", "total")


def test_what_runs_in_no_module_stands_in_a_row_of_its_own():
    row = {"source": None, "input": None, "output": None, "note": None, "macs": 2, "params": 1, "flops": 4, "count": 2}
    row |= dict.fromkeys(("params_trainable", "params_frozen", "weight_bytes", "buffers", "buffer_bytes"), 0)
    rows = [row | {"name": name, "path": path} for name, path in (("add", None), ("a.b.c", "a.b.c"), ("mul", None))]
    folded = by_module(rows, 2, "net.py:Net")
    assert [(each["name"], each["path"], each["operations"], each["macs"]) for each in folded] == [
        ("forward", None, 2, 4),
        ("a.b", "a.b", 1, 2),
    ]
    unknown = by_module([row | {"name": "x", "path": "a", "macs": None, "count": None}], 1, "net.py:Net")
    assert (unknown[0]["macs"], unknown[0]["note"]) == (None, "without 1 operation")


@pytest.mark.parametrize("depth", ["-1", "x", "1.5", "", "9999999999"])
def test_a_depth_is_a_whole_number(refused, depth):
    assert f"--depth is {depth!r}; give a whole number" in refused("audit", "D", f"--depth={depth}")


def test_as_toml_writes_a_file_that_table_takes(vggcost, tmp_path):
    path = tmp_path / "out.toml"
    ran = vggcost("audit", "vgg13_bn", "--size", "64x96", "--as-toml", "-o", str(path))
    assert (ran.status, ran.out) == (0, "")
    assert 'source = "vggcost audit vgg13_bn"' in path.read_text()
    ours = json.loads(vggcost("table", "--file", str(path), "--format", "json").out)
    theirs = json.loads(vggcost("table", "vgg13_bn", "--size", "64x96", "--format", "json").out)
    assert ours["totals"] == theirs["totals"]
    assert ours["layers"] == theirs["layers"]


def test_as_toml_and_a_format_are_not_for_one_call(refused):
    assert "--as-toml and the format json are both given" in refused("audit", "D", "--as-toml", "--format", "json")
