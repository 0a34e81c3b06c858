"""``vggcost explain --among``: numbers of programs, whole, by module and by layer."""

import json
from pathlib import Path

import pytest

from vggcost.cli import main

pytest.importorskip("torch")

MODELS = Path(__file__).parents[1] / "models"
FEATURES, CLASSIFIER = 14_714_688, 123_642_856
MACS = 15_346_630_656


@pytest.fixture
def explained(capsys):
    def run(number, *targets, options=()):
        among = ",".join(str(MODELS / target) for target in targets)
        status = main(["explain", number, "--among", among, *options, "--format", "json"])
        document = json.loads(capsys.readouterr().out)
        assert status == (0 if document["answers"] else 1)
        return document

    return run


@pytest.mark.parametrize(
    ("number", "convention", "value", "title"),
    [
        ("138,357,544", None, FEATURES + CLASSIFIER, "plain_vgg16.py:VGG16, at 224x224"),
        ("138M params", None, FEATURES + CLASSIFIER, "plain_vgg16.py:VGG16, at 224x224"),
        ("528 MiB", None, 4 * (FEATURES + CLASSIFIER), "plain_vgg16.py:VGG16, at 224x224"),
        ("15.47 GMACs", "mac", MACS + 123_633_664, "plain_vgg16.py:VGG16, at 224x224"),
        ("30.94G", "torch", 2 * (MACS + 123_633_664), "plain_vgg16.py:VGG16, at 224x224"),
        ("14.71M", None, FEATURES, "plain_vgg16.py:VGG16, convolutions alone, at 224x224"),
        ("15.35G", "conv-only", MACS, "plain_vgg16.py:VGG16, at 224x224"),
        ("15.38G", "ptflops-modules", 15_379_847_168, "plain_vgg16.py:VGG16, convolutions alone, at 224x224"),
        ("123,642,856", None, CLASSIFIER, "plain_vgg16.py:VGG16, linears alone, at 224x224"),
    ],
)
def test_a_program_is_searched_whole_and_by_module(explained, number, convention, value, title):
    first = explained(number, "plain_vgg16.py:VGG16")["answers"][0]
    assert (first["convention"], first["value"], first["network"]["title"]) == (convention, value, title)
    assert first["input"] == [1, 3, 224, 224]


def test_a_layer_of_a_program_is_found_by_its_name(explained):
    first = explained("102,764,544", "plain_vgg16.py:VGG16")["answers"][0]
    assert first["only_layers"] == ["linears.0"]
    first = explained("135,997,736", "plain_vgg16.py:VGG16")["answers"][0]
    assert first["less_layer"].startswith("convolutions.")


def test_programs_networks_and_stored_models_are_searched_together(explained):
    found = explained("4.79 GMACs", "on_vgg16.py:ThiNet", "plain_vgg16.py:VGG16", "../networks/D.toml")
    assert {one["network"]["name"] for one in found["answers"]} == {"on_vgg16.py:ThiNet"}


def test_a_program_of_several_inputs(explained):
    options = ("--input", "3x64x64", "--input", "3x64x64")
    first = explained("14,715,201", "on_vgg16.py:Siamese", options=options)["answers"][0]
    assert first["input"] == [[1, 3, 64, 64], [1, 3, 64, 64]]


def test_a_program_that_cannot_run_still_has_parameters(explained):
    found = explained("138,357,544", "plain_vgg16.py:VGG16", options=("--size", "256"))
    assert found["answers"][0]["fit"] == "exact"
    found = explained("15.47G", "plain_vgg16.py:VGG16", options=("--size", "256"))
    assert found["answers"] == []
