"""One grammar for targets in every command: a network file stands wherever a name does; options keep their use."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "thin.toml"
    path.write_text('name = "thin"\nfeatures = [8, "M", 16, "M"]\nhead = []\nclasses = 5\nsize = 32\n')
    return str(path)


PARAMS, MACS = 8 * 27 + 8 + 16 * 8 * 9 + 16 + 5 * (16 * 49 + 1), 32 * 32 * 8 * 27 + 16 * 16 * 16 * 72 + 5 * 16 * 49


@pytest.mark.parametrize("form", ["positional", "--config", "--file"])
def test_a_network_file_stands_where_a_name_does(vggcost, net, form):
    words = [net] if form == "positional" else [form, net]
    document = json.loads(vggcost("table", *words, "--format", "json").out)
    assert (document["totals"]["params"], document["totals"]["macs"]) == (PARAMS, MACS)
    assert document["network"]["name"] == "thin"


def test_every_command_takes_it(vggcost, net, tmp_path):
    document = json.loads(vggcost("compare", "A", net, "--format", "json").out)
    assert [each["name"] for each in document["networks"]] == ["A", "thin"]
    assert document["networks"][1]["macs"] == MACS
    assert "785*K + 1392" in vggcost("formula", net).out
    assert json.loads(vggcost("conventions", net, "--format", "json").out)["macs"] == MACS
    folder = tmp_path / "reports"
    assert vggcost("report", "A", net, "--no-figures", "-o", str(folder)).status == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        *("A.csv", "A.md", "index.html", "summary.csv", "summary.md", "thin.csv", "thin.md"),
    ]
    assert json.loads(vggcost("audit", net, "--format", "json").out)["totals"]["macs"] == MACS


def test_options_beat_the_file_wherever_it_stands(vggcost, net):
    for words in ([net], ["--file", net]):
        document = json.loads(vggcost("table", *words, "--classes", "7", "--size", "16", "--format", "json").out)
        assert document["layers"][-1]["output"] == [1, 7]
        assert document["input"] == [1, 3, 16, 16]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("table", "nowhere.toml"), "cannot read the network file 'nowhere.toml': No such file"),
        (("compare", "D", "nowhere.toml"), "cannot read the network file 'nowhere.toml'"),
        (("table", "nowhere.py:VGG"), "the file 'nowhere.py' is not there"),
        (("compare", "D", "nowhere.py:VGG"), "the file 'nowhere.py' is not there"),
        (("report", "nowhere.py:VGG"), "the file 'nowhere.py' is not there"),
        (("conventions", "nowhere.py:VGG"), "the file 'nowhere.py' is not there"),
        (("formula", "nowhere.py:VGG"), "the file 'nowhere.py' is not there"),
        (("table", "nosuchmodule.inside:VGG"), "there is no module 'nosuchmodule' here"),
        (("table", "D", "--file", "nowhere.toml"), "cannot read the network file 'nowhere.toml'"),
    ],
)
def test_what_is_not_there_is_one_line_in_every_command(refused, words, line):
    if words[1] == "D" and "--file" in words:
        line = "2 configurations are given, D, nowhere.toml; this command takes one"
    assert line in refused(*words)
