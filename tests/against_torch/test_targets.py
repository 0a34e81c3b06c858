"""A program in every command: a table, a column, a row of a report, conventions, closed forms, a bench."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import vggcost as package

torch = pytest.importorskip("torch")

MODELS = Path(__file__).parents[1] / "models"
PLAIN, SHORT, FOREIGN = (
    str(MODELS / name) for name in ("plain_vgg16.py:VGG16", "short_vgg.py:VGG", "foreign.py:AlexNet")
)


def document(ran):
    assert ran.status == 0, ran
    return json.loads(ran.out)


def test_the_table_of_a_program_is_its_audit(vggcost):
    words = (PLAIN, "--size", "224x224", "--batch", "2", "--format", "json")
    assert document(vggcost("table", *words)) == document(vggcost("audit", *words))


def test_a_program_that_cannot_run_is_an_answer_everywhere(vggcost):
    for command in ("table", "compare", "conventions"):
        ran = vggcost(command, FOREIGN, "--size", "8")
        assert ran.status == 1 and ran.err == ""
        assert "cannot run" in ran.out


def test_a_program_is_a_column(vggcost):
    found = document(vggcost("compare", "D", PLAIN, SHORT, "--format", "json"))["networks"]
    assert [each["name"] for each in found] == ["D", "plain_vgg16.py:VGG16", "short_vgg.py:VGG"]
    ours, plain, short = found
    assert {**plain, "name": "D", "paper_params_millions": 138, "receptive_field": [212, 212]} == ours
    assert (short["params"], short["macs"], short["weight_layers"]) == (135_997_736, 13_620_576_256, 15)
    assert vggcost("compare", PLAIN).out.startswith("Programs; input 1x3x224x224 float32; convention mac")


def test_a_program_is_a_row_of_a_report(vggcost, tmp_path):
    folder = str(tmp_path / "reports")
    words = ("report", "D", SHORT, "--no-figures", "-o", folder)
    assert vggcost(*words).status == 0
    assert "7 files in" in vggcost(*words, "--check").out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "reports" / "summary.csv").read_text())))
    assert [(row["name"], int(row["macs"])) for row in rows] == [
        ("D", 15_470_264_320),
        ("short_vgg.py:VGG", 13_620_576_256),
    ]
    table = list(csv.DictReader(io.StringIO((tmp_path / "reports" / "short_vgg.py-VGG.csv").read_text())))
    assert table[-1]["macs"] == "13620576256"


def test_conventions_of_a_program_are_those_of_its_network(vggcost):
    theirs = document(vggcost("conventions", PLAIN, "--format", "json"))
    ours = document(vggcost("conventions", "D", "--no-adaptive-pool", "--format", "json"))
    assert [(row["name"], row["total"], row["difference"]) for row in theirs["conventions"]] == [
        (row["name"], row["total"], row["difference"]) for row in ours["conventions"]
    ]
    assert theirs["network"]["framework"] == "torch"
    for row in theirs["conventions"]:
        if row["total"] is not None:
            assert row["difference"] == sum(part["amount"] for part in row["parts"])
    one = document(vggcost("conventions", PLAIN, "--of", "fvcore", "--format", "json"))
    assert one["total"] == one["table"]["totals"]["count"]


def test_closed_forms_of_a_program_are_those_of_what_it_is(vggcost, refused):
    theirs = document(vggcost("formula", PLAIN, "--size", "224", "--format", "json"))
    ours = document(vggcost("formula", "D", "--no-adaptive-pool", "--size", "224", "--format", "json"))
    assert theirs == ours
    assert "twelve-conv-vgg" in vggcost("formula", SHORT).out
    assert "closed forms are a configuration's, and" in refused("formula", FOREIGN)
    assert package.closed_form("D").params == package.closed_form("vgg16").params


def test_bench_takes_configurations_and_programs_side_by_side(vggcost, tmp_path):
    path = tmp_path / "tiny_target.py"
    path.write_text("from torch import nn\n\ndef make():\n    return nn.Conv2d(3, 4, 3)\n")
    net = tmp_path / "tiny.toml"
    net.write_text('features = [4, "M"]\nhead = []\nclasses = 2\nsize = 16\n')
    words = (f"{path}:make", str(net), "--whole", "--size", "16", "--plan", "--format", "json")
    cases = document(vggcost("bench", *words))["cases"]
    assert len(cases) == 2


def test_two_programs_of_one_name_keep_theirs_apart(vggcost, tmp_path):
    targets = []
    for name, width in (("one", 3), ("two", 4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.py").write_text(
            f"from torch import nn\n\ndef net():\n    return nn.Conv2d(3, {width}, 3)\n"
        )
        targets.append(f"{tmp_path}/{name}/net.py:net")
    found = document(vggcost("compare", *targets, "A", "--size", "32", "--format", "json"))["networks"]
    assert [each["name"] for each in found] == [*targets, "A"]
    assert [each["params"] for each in found[:2]] == [3 * 27 + 3, 4 * 27 + 4]
    folder = tmp_path / "reports"
    assert vggcost("report", *targets, "--no-figures", "--size", "32", "-o", str(folder)).status == 0
    assert len(list(folder.iterdir())) == 7


def test_bench_downloads_nothing_and_says_so(vggcost, tmp_path):
    path = tmp_path / "bench_pretrained.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\ndef make():\n    net = nn.Conv2d(3, 4, 3)\n"
        "    net.load_state_dict(torch.hub.load_state_dict_from_url('https://example.invalid/v.pth'))\n    return net\n"
    )
    ran = vggcost("bench", f"{path}:make", "--whole", "--size", "8", "--budget", "1", "--format", "json")
    assert ran.status == 0
    note = "built without its pretrained weights: the program would have downloaded https://example.invalid/v.pth"
    assert f"vggcost: {note}\n" in ran.err
