"""Refusals carry data beside their sentence, and reading is not writing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import vggcost
from vggcost.bench.devices import torch_dtype
from vggcost.conventions.rows import convention
from vggcost.costs.table import table
from vggcost.errors import MissingExtraError, VggcostError, nearest
from vggcost.frameworks.peers.registry import peers_named
from vggcost.network import catalogue, network_file
from vggcost.network.blocks import Residual
from vggcost.network.catalogue import Network, Variant
from vggcost.network.layers import Conv2d
from vggcost.units import dtype_bytes


def refusal(call, *args, **options):
    with pytest.raises(VggcostError) as caught:
        call(*args, **options)
    return caught.value


def data(error):
    return {name: value for name, value in vars(error).items() if value not in (None, ())}


def test_a_linear_layer_that_does_not_fit():
    error = refusal(vggcost.cost, "D", adaptive_pool=False, size=256)
    assert data(error) == {"layer": "fc6", "takes": 512 * 7 * 7, "gets": 512 * 8 * 8}


def test_a_convolution_that_does_not_fit():
    layers = (Conv2d("first", "0", 3, 8), Conv2d("second", "1", 9, 4))
    error = refusal(table, Network("odd", Variant(), layers), (1, 3, 5, 7))
    assert data(error) == {"layer": "second", "takes": 9, "gets": 8}


def test_an_image_that_is_too_small():
    error = refusal(vggcost.cost, "D", size=(31, 64))
    assert data(error) == {"layer": "pool5", "takes": (2, 2), "gets": (1, 4), "smallest": (32, 32)}


def test_a_network_that_no_size_fits_has_no_smallest():
    layers = tuple(Conv2d(f"conv{i}", str(i), 1, 1, (1, 1), (10**6, 10**6), (0, 0)) for i in range(3))
    layers = (*layers, Conv2d("last", "last", 1, 1, (2, 2), (1, 1), (0, 0)))
    error = refusal(table, Network("odd", Variant(in_channels=1), layers), (1, 1, 9, 9))
    assert "no size up to 10^18 works" in str(error)
    assert data(error) == {"layer": "last", "takes": (2, 2), "gets": (1, 1)}


def test_an_addition_of_unlike_shapes():
    block = Residual("block", "block", (Conv2d("body", "block.body.0", 3, 8),))
    error = refusal(table, Network("odd", Variant(), (block,)), (1, 3, 5, 7))
    assert data(error) == {"layer": "block", "takes": (1, 3, 5, 7), "gets": (1, 8, 5, 7)}


@pytest.mark.parametrize(
    ("call", "word", "names"),
    [
        (vggcost.cost, "vgg61", ("vgg19", "vgg16")),
        (convention, "fvcor", ("fvcore",)),
        (dtype_bytes, "float23", ("float32",)),
        (torch_dtype, "bfloat", ("bfloat16",)),
        (catalogue.network("D", Variant()).layer, "conv9", ("conv5_3", "conv5_2", "conv5_1")),
        (lambda word: peers_named([word]), "torchprofil", ("torchprofile",)),
        (lambda word: peers_named([word]), "ptflops-aten", ("ptflops",)),
    ],
)
def test_an_unknown_word_has_the_nearest(call, word, names):
    error = refusal(call, word)
    assert error.nearest[: len(names)] == names
    assert set(data(error)) - {"unknown"} == {"nearest"}
    assert error.unknown is None or error.unknown[1] == word


def test_the_command_line_too(monkeypatch):
    from vggcost.cli import _run

    assert refusal(_run, ["tabel"]).nearest == ("table",)
    assert refusal(_run, ["table", "--confg", "D"]).nearest[0] == "--config"
    assert refusal(_run, ["table", "--format", "jsn"]).nearest == ("json",)


def test_nearest_is_a_text_and_names():
    found = nearest("JSN", ("csv", "json"))
    assert (str(found), found.names) == ("the nearest are json", ("json",))
    found = nearest("zzz", ("csv", "json"))
    assert (str(found), found.names) == ("known are csv, json", ())


def test_a_missing_extra_has_its_package():
    error = MissingExtraError("verify", "fvcore", "torch")
    assert data(error) == {"package": "fvcore", "extra": "torch"}
    assert isinstance(error, ImportError)


def test_a_file_that_cannot_be_read_is_named(tmp_path, refused):
    missing = str(tmp_path / "net.toml")
    assert data(refusal(network_file.read, missing)) == {"file": missing}
    assert f"cannot read the network file {missing!r}: No such file" in refused("table", "--file", missing)


def denied(path, *_, **__):
    raise PermissionError(13, "Permission denied", path)


def test_a_packaged_folder_that_cannot_be_read_is_named(monkeypatch, refused):
    folder = str(Path(network_file.__file__).with_name("networks"))
    monkeypatch.setattr(os, "listdir", denied)
    line = refused("configs")
    assert line == f"vggcost: error: cannot read {folder!r}: Permission denied\n"
    assert data(refusal(network_file.packaged_names)) == {"file": folder}


def test_any_other_fault_of_the_system_is_no_failed_write(monkeypatch, refused):
    monkeypatch.setattr("vggcost.cli.table.run", lambda _: denied("/some/where"))
    assert refused("table") == "vggcost: error: the system refuses at '/some/where': Permission denied\n"
