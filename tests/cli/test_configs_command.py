"""vggcost configs, --width and --head, as a user types them."""

import json
import os

import pytest

from vggcost.cli import main
from vggcost.network import catalogue, network_file


def run(capsys, *words):
    status = main(list(words))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_configs_lists_every_name_what_it_is_and_where_it_comes_from(capsys):
    status, out, _ = run(capsys, "configs")
    assert status == 0
    assert max(map(len, out.splitlines())) <= 100
    for name in catalogue.names():
        plan = catalogue.find(name)
        assert f"\n{name} " in f"\n{out}"
        assert plan.about in out
        assert plan.source in out
    for alias in catalogue.ALIASES:
        assert alias in out


def test_configs_json_has_exact_numbers(capsys):
    _, out, _ = run(capsys, "configs", "--format", "json")
    document = json.loads(out)
    assert document["schema"] == "vggcost.configs/1"
    networks = {network["name"]: network for network in document["networks"]}
    assert list(networks) == list(catalogue.names())
    assert networks["D"] == {
        "name": "D",
        "aliases": ["vgg16"],
        "about": "C with 3x3 kernels in place of 1x1",
        "source": "the paper's Table 1, column D",
        "input": [1, 3, 224, 224],
        "convolutions": 13,
        "linear_layers": 3,
        "params": 138_357_544,
        "macs": 15_470_264_320,
    }
    assert networks["keras-residual-vgg"]["linear_layers"] == 0


@pytest.mark.parametrize("fmt", ["csv", "markdown", "latex"])
def test_configs_in_other_formats(capsys, fmt):
    status, out, _ = run(capsys, "configs", "--format", fmt)
    assert status == 0
    assert "twelve-conv-vgg" in out
    assert ("135997736" if fmt == "csv" else "135,997,736") in out


def test_a_configuration_becomes_a_file_to_start_from(capsys, tmp_path):
    path = os.path.join(str(tmp_path), "mine.toml")
    assert run(capsys, "configs", "vgg19_bn", "-o", path) == (0, "", "")
    from_file, by_name = (
        json.loads(run(capsys, "table", *words, "--format", "json")[1]) for words in (("--file", path), ("vgg19_bn",))
    )
    assert from_file.pop("network")["name"] == "mine"
    assert by_name.pop("network")["name"] == "E"
    assert from_file == by_name


def test_the_schema_is_printed_as_it_is_shipped(capsys):
    assert run(capsys, "configs", "--schema") == (0, network_file.schema_text(), "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["configs", "F"], "unknown configuration 'F'"),
        (["configs", "residual-vgg"], "the nearest are residual-vgg16"),
        (["configs", "D", "--schema"], "both 'D' and --schema are given"),
        (["configs", "D", "--format", "json"], "are for the list of all networks"),
        (["table", "twelve-conv"], "the nearest are twelve-conv-vgg"),
        (["table", "--head", "512,"], "--head is '512,'; give hidden widths such as 512,512, or none"),
        (["table", "--head", "0"], "--head is 0; give a whole number of at least 1"),
        (["table", "--head", ""], "--head is empty"),
        (["table", "--head", "5x5"], "--head is '5x5'; give hidden widths"),
        (["table", "--head", "9999999999999999999"], "above the limit of 10^18"),
        (["table", "--width", "0"], "width is 0; give a number above 0"),
        (["table", "--width", "-1"], "width is -1; give a number above 0"),
        (["table", "--width", "half"], "width is 'half'; give a decimal number such as 0.5"),
        (["table", "--width", "1e999999999"], "width is 1e999999999; give a number above 0 and up to 10^18"),
        (["table", "--width", "1e-999999999"], "width is 1e-999999999; give a number above 0"),
        (["formula", "--width", "x"], "width is 'x'"),
        (["compare", "A", "--file", "nowhere.toml"], "cannot read the network file 'nowhere.toml'"),
        (["verify", "--every-network", "--file", "nowhere.toml"], "--every-network takes every configuration"),
        (["table", "--fil", "x"], "the nearest are --file"),
    ],
)
def test_refusals(capsys, words, said):
    status, out, err = run(capsys, *words)
    assert status == 2
    assert out == ""
    assert err.startswith("vggcost: error: ")
    assert err.count("\n") == 1
    assert said in err


CIFAR = ["--size", "32", "--classes", "10", "--no-adaptive-pool"]


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["--head", "none"], 14_719_818),
        (["--head", "none", "--batch-norm"], 14_728_266),
        (["--head", "512"], 14_982_474),
        (["--head", "512,512"], 15_245_130),
    ],
)
def test_vgg16_for_32x32_images_in_every_command(capsys, words, params):
    _, out, _ = run(capsys, "table", *CIFAR, *words)
    assert f"{params:,}" in out
    _, out, _ = run(capsys, "compare", "D", *CIFAR, *words, "--format", "json")
    assert json.loads(out)["networks"][0]["params"] == params
    _, out, _ = run(capsys, "formula", *CIFAR, *words, "--format", "json")
    assert json.loads(out)["params"] == str(params)


def test_width_is_said_in_title_and_options(capsys):
    _, out, _ = run(capsys, "table", "--width", "0.50")
    assert out.startswith("VGG D (VGG-16) with width 0.5, 1000 classes;")
    _, out, _ = run(capsys, "table", "--width", "0.50", "--format", "json")
    document = json.loads(out)
    assert document["network"]["options"]["width"] == 0.5
    assert document["layers"][0]["params"] == 3 * 3 * 3 * 32 + 32


def test_no_classes_are_claimed_for_a_network_without_classifier(capsys):
    for command in ("table", "formula"):
        _, out, _ = run(capsys, command, "keras-residual-vgg")
        assert out.startswith("VGG keras-residual-vgg with no classifier")
        assert "classes" not in out.splitlines()[0]


def test_a_given_option_beats_the_names_ending(capsys):
    _, out, _ = run(capsys, "table", "vgg16_bn", "--no-batch-norm", "--format", "json")
    assert json.loads(out)["network"]["options"]["batch_norm"] is False


def test_names_may_stand_on_both_sides_of_an_option(capsys):
    status, out, _ = run(capsys, "compare", "A", "--batch", "2", "twelve-conv-vgg", "--format", "csv")
    assert status == 0
    assert [line.partition(",")[0] for line in out.splitlines()] == ["name", "A", "twelve-conv-vgg"]


def test_help_names_every_key_of_a_network_file_and_its_example_is_one(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["configs", "--help"])
    text = capsys.readouterr().out
    for key in json.loads(network_file.schema_text())["properties"]:
        assert key in text
    (example,) = (line.strip() for line in text.splitlines() if line.startswith("  features = "))
    path = tmp_path / "example.toml"
    path.write_text(example)
    assert len(network_file.read(path).features) == 6
