"""``vggcost conventions``: a person who has read only this can say why tools differ."""

from __future__ import annotations

import csv
import json

import pytest

from vggcost.conventions.counting import KINDS
from vggcost.conventions.rows import CONVENTIONS, NAMES, convention


def test_json_has_every_convention_in_order(vggcost):
    document = json.loads(vggcost("conventions", "D", "--format", "json").out)
    assert document["schema"] == "vggcost.conventions/1"
    assert document["network"]["name"] == "D"
    assert document["input"] == [1, 3, 224, 224]
    rows = document["conventions"]
    assert tuple(row["name"] for row in rows) == NAMES
    by_name = {row["name"]: row for row in rows}
    assert by_name["torch"]["total"] == 30940528640
    assert by_name["torch"]["unit"] == "FLOP"
    assert by_name["ptflops"]["total"] == 15523225576
    assert by_name["ptflops-aten"]["words"] == "+ 13,547,520 conv bias + 9,192 linear bias"
    for row in rows:
        assert row["total"] - 15470264320 == row["difference"] == sum(part["amount"] for part in row["parts"])
        assert all(part["amount"] == part["times"] * part["of"] for part in row["parts"])


def test_the_screen_answers_why(vggcost):
    out = vggcost("conventions").out
    assert max(map(len, out.splitlines())) <= 100
    torch = next(line for line in out.splitlines() if line.startswith("torch "))
    assert "30,940,528,640" in torch
    assert "MACs again (1 MAC = 2" in torch
    assert "2 x 13,555,712 ReLU elements (as module" in out
    assert "ptflops: it counts modules and, again, the functional calls" in out
    assert "23 conventions, 15 different totals" in out


def test_no_total_has_its_reason(vggcost):
    rows = json.loads(vggcost("conventions", "A-LRN", "--format", "json").out)["conventions"]
    (onnx,) = [row for row in rows if row["total"] is None]
    assert onnx["name"] == "onnx-tool"
    assert onnx["difference"] is None
    assert "lrn1" in onnx["words"]
    lines = csv.DictReader(vggcost("conventions", "A-LRN", "--format", "csv").out.splitlines())
    assert {line["name"]: line["total"] for line in lines}["onnx-tool"] == ""


def test_a_total_per_image_says_so(vggcost):
    rows = json.loads(vggcost("conventions", "D", "--batch", "2", "--format", "json").out)["conventions"]
    by_name = {row["name"]: row for row in rows}
    assert by_name["ptflops-modules"]["per"] == "image"
    assert "- 15,470,264,320 MACs of the other image (the total is per image)" in by_name["ptflops"]["words"]
    assert by_name["ptflops"]["total"] == 15542927848


@pytest.mark.parametrize("name", NAMES)
def test_of_shows_rules_source_and_layers(vggcost, name):
    out = vggcost("conventions", "--of", name).out
    one = convention(name)
    assert out.startswith(f"{name}: {one.title}\n")
    assert "Source: " in out
    assert all(f"\n{kind} " in out for kind in KINDS)
    assert "\nconv1_1 " in out
    document = json.loads(vggcost("conventions", "--of", name, "--format", "json").out)
    assert set(document["rules"]) == set(KINDS)
    assert document["table"]["convention"] == name
    assert document["table"]["totals"]["count"] == document["total"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("network", ["D", "A-LRN"])
def test_the_screen_keeps_to_its_width(vggcost, name, network):
    for words in (("conventions", network, "--of", name), ("table", network, "--convention", name)):
        assert max(map(len, vggcost(*words).out.splitlines())) <= 100


def test_what_holds_each_row_is_said(vggcost):
    rows = json.loads(vggcost("conventions", "--format", "json").out)["conventions"]
    proof = {row["name"]: row["proof"] for row in rows}
    assert (proof["torch"], proof["torchstat"], proof["mac"]) == ("live", "recorded", "definition")
    lines = csv.DictReader(vggcost("conventions", "--format", "csv").out.splitlines())
    assert {line["name"]: line["proof"] for line in lines} == proof
    out = " ".join(vggcost("conventions").out.split())
    assert "run live by vggcost verify --against all: fvcore, torch," in out
    assert "a formula, which needs no tool: mac, torchvision, conv-only" in out
    assert "held by totals recorded from its release" in vggcost("conventions", "--of", "deepspeed").out


@pytest.mark.parametrize("fmt", ["markdown", "latex", "csv"])
def test_other_formats(vggcost, fmt):
    out = vggcost("conventions", "--format", fmt).out
    assert "15523225576" in out.replace(",", "")
    assert "conv1\\_1" in out or "conv1_1" in vggcost("conventions", "--of", "thop", "--format", fmt).out.replace(
        "\\", ""
    )


def test_bad_words(refused):
    assert "'thop' is a convention, not a network; --of thop shows it" in refused("conventions", "thop")
    assert "the nearest are torchscan" in refused("conventions", "--of", "torchscam")
    assert "unknown configuration" in refused("conventions", "F")


def test_every_source_is_shown(vggcost):
    rows = json.loads(vggcost("conventions", "--format", "json").out)["conventions"]
    assert [row["source"] for row in rows] == [one.source for one in CONVENTIONS]


def test_memory_in_json_has_what_each_tool_prints(vggcost):
    document = json.loads(vggcost("conventions", "D", "--memory", "--format", "json").out)
    assert (document["schema"], document["dtype"]) == ("vggcost.figures/1", "float32")
    rows = {row["name"]: row for row in document["figures"]}
    row = rows["torchinfo-pass"]
    assert (row["words"], row["printed"], row["value"]) == (
        "Forward/backward pass size (MB)",
        "108.45 MB",
        108_453_696,
    )
    assert row["parts"] == [{"weight": 2, "words": "outputs of layers with parameters", "amount": 108_453_696}]
    assert (row["definition"], row["difference"]) == ("saved_bytes", 108_453_696 - 73_355_264)
    assert rows["cs231n"]["printed"] is None
    assert document["definitions"]["training_peak_bytes"] == 1_169_562_696
    for row in rows.values():
        own = document["definitions"].get(row["definition"])
        assert row["difference"] == (None if own is None else row["value"] - own)
        assert row["of_count"] or not row["parts"] or row["value"] == sum(part["amount"] for part in row["parts"])


def test_memory_on_the_screen_fits_and_says_why(vggcost):
    out = vggcost("conventions", "E", "--memory", "--batch", "8", "--batch-norm").out
    assert max(map(len, out.splitlines())) <= 100
    assert "torchsummary, Forward/backward pass size (MB): twice the outputs of every module" in " ".join(out.split())
    assert "MiB" in vggcost("conventions", "E", "--memory", "--human").out


def test_memory_in_half_says_which_tools_refuse(vggcost):
    out = vggcost("conventions", "D", "--memory", "--dtype", "float16", "--format", "json").out
    rows = {row["name"]: row for row in json.loads(out)["figures"]}
    assert rows["torchsummary-total"]["value"] is None
    assert "which a network in float16 refuses" in rows["torchsummary-total"]["why"]
    assert rows["torchinfo-params"]["value"] == 276_715_088
    assert rows["cs231n"]["value"] == 60_950_432


def test_memory_of_a_network_file(vggcost, tmp_path):
    place = tmp_path / "net.toml"
    place.write_text('features = [8, "M"]\nhead = []\nadaptive_pool = false\nclasses = 4\n')
    out = vggcost("conventions", str(place), "--memory", "--size", "8", "--format", "json").out
    rows = {row["name"]: row for row in json.loads(out)["figures"]}
    # conv1_1 yields 8x8x8, ReLU as much, the pool 8x4x4 and the classifier 4.
    assert rows["torchinfo-pass"]["value"] == 2 * 4 * (512 + 4)
    assert rows["torchsummary-pass"]["value"] == 2 * 4 * (512 + 512 + 128 + 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("D", "--memory", "--of", "thop"), "--of thop is a count, and --memory is given"),
        (("net.py:VGG", "--memory"), "'net.py:VGG' is none; give a name such as D, or NET.toml"),
    ],
)
def test_memory_refuses_what_it_has_no_use_for(refused, words, said):
    assert said in refused("conventions", *words)


def test_memory_in_files_says_what_each_number_consists_of(vggcost):
    for fmt in ("csv", "markdown", "html"):
        out = vggcost("conventions", "D", "--memory", "--format", fmt).out
        assert "2 x 54,226,848 outputs of layers with parameters" in out
        assert "3 x 30,973,778,432 that calflops counts" in out
