"""formula, compare, report, help and version, as a person types them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

import vggcost as package
from vggcost.cli import COMMANDS
from vggcost.network.catalogue import TABLE_1


def test_formula_shows_the_closed_forms(vggcost):
    out = vggcost("formula", "--config", "D").out
    assert "4097*K + 134260544" in out
    assert "4096*N*(K + 76464*a*b + 29184)" in out
    assert "At N = 1, K = 1000, 224x224 pixels: 138,357,544 parameters, 15,470,264,320 MACs" in out


def test_formula_as_json_evaluates_to_the_table(vggcost):
    document = json.loads(vggcost("formula", "E", "--batch-norm", "--format", "json").out)
    values = {"N": 2, "K": 10, "a": 3, "b": 4}
    cost = package.cost("E", batch_norm=True, classes=10, batch=2, size=(96, 128))
    assert eval(document["params"], values) == cost.totals.params  # noqa: S307  # our own expression
    assert eval(document["macs"], values) == cost.totals.macs  # noqa: S307
    assert {"bias_adds", "weight_layer_output_elements", "output_elements"} <= set(document)


def test_formula_as_python_runs_without_sympy(vggcost):
    code = vggcost("formula", "D", "--format", "python").out
    assert eval(code)()["macs"] == 15_470_264_320  # noqa: S307  # that it runs is the promise
    assert eval(code)(N=2, K=10, a=1, b=1)["params"] == package.cost("D", classes=10).totals.params  # noqa: S307


def test_formula_of_one_layer(vggcost):
    out = vggcost("formula", "D", "--layer", "conv3_1").out
    for needle in ("k*k*Cin*Cout + Cout", "3*3*128*256 + 256", "295168", "18874368*N*a*b"):
        assert needle in out
    document = json.loads(vggcost("formula", "D", "--layer", "conv3_1", "--format", "json").out)
    assert (document["layer"], document["params"]) == ("conv3_1", "295168")


def test_formula_in_latex_and_with_numbers(vggcost):
    assert r"4096 N \left(K + 76464 a b + 29184\right)" in vggcost("formula", "--format", "latex").out
    out = vggcost("formula", "D", "--classes", "10", "--no-adaptive-pool").out
    assert "134301514" in out
    assert "K" not in out.splitlines()[4]


def test_compare_puts_configurations_beside_each_other(vggcost):
    out = vggcost("compare").out
    for total in ("132,863,336", "133,047,848", "133,638,952", "138,357,544", "143,667,240"):
        assert total in out
    assert max(map(len, out.splitlines())) <= 100
    exact = vggcost("compare", "A", "B", "D", "E").out
    assert "15,470,264,320" in exact
    assert vggcost("compare", "A,B,D,E").out == vggcost("compare", "--config", "A,B,D,E").out == exact


def test_compare_in_every_format(vggcost):
    networks = json.loads(vggcost("compare", "--format", "json").out)["networks"]
    assert [network["name"] for network in networks] == list(TABLE_1)
    d = next(network for network in networks if network["name"] == "D")
    assert (d["weight_layers"], d["paper_params_millions"], d["receptive_field"]) == (16, 138, [212, 212])
    assert d["weight_layer_output_bytes"] == 4 * (1000 + 276480 * 49 + 8192)
    rows = list(csv.DictReader(io.StringIO(vggcost("compare", "--format", "csv").out)))
    assert [int(row["params"]) for row in rows] == [network["params"] for network in networks]
    assert vggcost("compare", "vgg16_bn", "--format", "json").out.count('"paper_params_millions": null') == 1


TABLES = ("--no-figures", "--format", "csv,markdown")
"""What any release of matplotlib, or none, can check of a report that has figures."""


def test_the_committed_reports_are_up_to_date(vggcost, checkout):
    ran = vggcost("report", *TABLES, "-o", str(checkout / "reports"), "--check")
    assert (ran.status, ran.err) == (0, ""), ran.out


def test_a_report_holds_twelve_networks_and_a_summary(vggcost, tmp_path):
    folder = tmp_path / "new" / "reports"
    assert vggcost("report", "--no-figures", "-o", str(folder)).status == 0
    names = {path.name for path in folder.iterdir()}
    assert len(names) == 27
    assert {"D.csv", "D-bn.md", "A-LRN-bn.csv", "summary.csv", "summary.md", "index.html"} <= names
    assert vggcost("report", "--no-figures", "-o", str(folder), "--check").status == 0


def test_check_names_every_stale_file_and_writes_nothing(vggcost, tmp_path):
    folder = tmp_path / "reports"
    vggcost("report", "--no-figures", "-o", str(folder))
    (folder / "D.csv").write_text((folder / "D.csv").read_text().replace("2359808", "2359809", 1))
    (folder / "E-bn.md").unlink()
    (folder / "summary.csv").write_bytes(b"\xff\xfe")
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    ran = vggcost("report", "--no-figures", "-o", str(folder), "--check")
    assert ran.status == 1
    assert "D.csv: out of date from line" in ran.out
    assert "E-bn.md: missing" in ran.out
    assert "summary.csv: cannot be read" in ran.out
    assert "3 of 27 files differ" in ran.out
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before


@pytest.mark.parametrize("word", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_every_command(vggcost, word):
    ran = vggcost(*word)
    assert ran.status == 0
    for command in COMMANDS:
        assert f"\n  {command} " in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example_that_runs(command, process, tmp_path):
    ran = process(command, "--help")
    assert ran.status == 0
    assert f"usage: vggcost {command}" in ran.out
    assert "example: vggcost " in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


def test_version_and_module_are_the_same_program(process):
    assert process("--version").out == f"vggcost {package.__version__}\n"
    code = "from importlib.metadata import version; print('vggcost', version('vggcost'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == process("--version").out


SMALL_NETWORK = 'name = "{name}"\nfeatures = [64, "M"]\nsize = 32\nclasses = 10\nhead = []\n'


@pytest.fixture
def small_file(tmp_path):
    """A network of 32x32 pixels in a file, under a name of one's own."""

    def write(name="small"):
        path = tmp_path / f"{name}.toml"
        path.write_text(SMALL_NETWORK.format(name=name))
        return str(path)

    return write


def test_a_summary_of_networks_of_several_sizes_says_so(vggcost, tmp_path, small_file):
    vggcost("report", "D", "--no-figures", "--file", small_file(), "-o", str(tmp_path / "mixed"))
    assert "input of their own sizes float32" in (tmp_path / "mixed" / "summary.md").read_text()
    assert "input of their own sizes float32" in vggcost("compare", "D", "--file", small_file()).out


def test_check_shows_the_first_line_that_differs(vggcost, tmp_path):
    vggcost("report", "D", "--no-figures", "-o", str(tmp_path))
    (tmp_path / "D.csv").write_text((tmp_path / "D.csv").read_text().replace("1792", "1793", 1))
    out = vggcost("report", "D", "--no-figures", "-o", str(tmp_path), "--check").out
    assert "\n  - conv1_1,Conv2d,features.0,1x3x224x224,1x64x224x224,1793," in out
    assert "\n  + conv1_1,Conv2d,features.0,1x3x224x224,1x64x224x224,1792," in out
    assert "the same command without --check writes them anew" in out


def test_no_network_takes_the_summarys_file(refused, tmp_path, small_file):
    assert "which is the file of all networks" in refused(
        "report", "--file", small_file("summary"), "-o", str(tmp_path)
    )


def test_config_may_be_repeated_and_loses_no_network(vggcost, refused):
    assert vggcost("compare", "--config", "A", "--config", "D").out == vggcost("compare", "A", "D").out
    assert "2 configurations are given, A, D" in refused("table", "--config", "A", "--config", "D")


@pytest.mark.parametrize(
    ("ending", "fmt"), [("json", "json"), ("csv", "csv"), ("md", "markdown"), ("tex", "latex"), ("html", "html")]
)
def test_the_outputs_ending_says_the_format_where_nothing_else_does(vggcost, tmp_path, ending, fmt):
    path = tmp_path / f"d.{ending}"
    vggcost("table", "D", "-o", str(path))
    assert path.read_text() == vggcost("table", "D", "--format", fmt).out
    vggcost("table", "D", "--format", "table", "-o", str(path))
    assert path.read_text() == vggcost("table", "D").out


def test_standard_output_may_be_named(vggcost, process, refused):
    assert vggcost("table", "-o", "-").out == vggcost("table").out
    assert process("table", "-o", "/dev/stdout").out == vggcost("table").out
    assert "--output is empty" in refused("table", "-o", "")


def test_the_closed_forms_parts_are_features_and_classifier(vggcost):
    out = vggcost("formula", "B", "--batch-norm").out
    assert "features" in out
    assert "9410880" in out  # batch normalization stands before the classifier, and is no convolution
    assert len(repr(package.closed_form("D"))) < 200


@pytest.mark.parametrize("name", [5, None, ["D"], {"D"}])
def test_a_name_is_a_text(name):
    if name is None:
        assert package.cost(name).totals.params == 138_357_544
    else:
        with pytest.raises(package.VggcostError, match="the network is"):
            package.cost(name)
