"""What torch writes: nothing in it is run, and what training puts beside the weights is left aside."""

from __future__ import annotations

import argparse
import collections
import io
import json
import os
import pickle
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vggcost.frameworks import door
from vggcost.frameworks.pytorch.build import build_module
from vggcost.frameworks.target import STORED_ENDINGS, Given
from vggcost.network import catalogue
from vggcost.network.plan import Variant
from vggcost.results.audit import Audit
from vggcost.results.audit import audit as audit_of

SMALL = Variant(width=0.125, head=(24, 16), classes=7, batch_norm=True)
TITLE = "D (VGG-16) with batch normalization, width 0.125, head 24,16, 7 classes"


@pytest.fixture(scope="module")
def model():
    return build_module(catalogue.network("D", SMALL), "cpu")


@pytest.fixture(scope="module")
def state(model):
    return model.state_dict()


def saved(folder, value, name="x.pth", **options):
    torch.save(value, folder / name, **options)
    return str(folder / name)


def audited(path, **given):
    return Audit(door.read_target(path, Given(**given)))


def params(model):
    return sum(parameter.numel() for parameter in model.parameters())


WRAPPED = {
    "plain": lambda state: state,
    "ordered": collections.OrderedDict,
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "best": 0.9},
    "model": lambda state: {"model": state, "optimizer": {"state": {}, "param_groups": []}},
    "model_state_dict": lambda state: {"model_state_dict": state, "loss": torch.tensor(1.0)} | {"loss": 1.0},
    "unknown key": lambda state: {"vgg": state, "arch": "vgg16_bn"},
    "data parallel": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "compiled": lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
    "compiled in parallel": lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()},
    "average beside it": lambda state: {"model": state, "model_ema": state},
    "average alone": lambda state: {"state_dict_ema": state, "epoch": 1},
    "average among it": lambda state: {**state, **{f"ema.{name}": tensor.clone() for name, tensor in state.items()}},
    "half": lambda state: {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()
    },
    "parameters": lambda state: {
        name: nn.Parameter(tensor) if tensor.is_floating_point() else tensor for name, tensor in state.items()
    },
    "arguments": lambda state: {"args": argparse.Namespace(lr=0.1, path=Path("x")), "state_dict": state},
    "numpy numbers": lambda state: {"best": np.float64(0.5), "seed": np.int64(3), "model": state},
    "reversed": lambda state: dict(reversed(state.items())),
    "list": lambda state: list(state.values()),
    "a list of dictionaries": lambda state: [state],
}
"""What training scripts write, by what is peculiar about it."""


@pytest.mark.parametrize("form", WRAPPED)
def test_a_checkpoint_is_told_in_every_wrapping(tmp_path, model, state, form):
    audit = audited(saved(tmp_path, WRAPPED[form](state)))
    assert audit.verdict == TITLE
    assert audit.params == params(model)
    assert audit.macs == audit_of(model, (1, 3, 224, 224)).macs
    assert audit.reading.dtype == ("float16" if form == "half" else "float32")


@pytest.mark.parametrize("name", ["x.pt", "x.pth", "x.bin", "x.ckpt", "x.pth.tar"])
def test_a_file_of_before_release_1_6_is_read(tmp_path, model, state, name):
    path = saved(tmp_path, {"state_dict": state}, name, _use_new_zipfile_serialization=False)
    assert audited(path).params == params(model)


def test_values_are_not_read(tmp_path, state, monkeypatch):
    path = saved(tmp_path, state)
    asked = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda *args, **options: asked.append(options) or load(*args, **options))
    audited(path)
    assert (asked[0]["mmap"], asked[0]["weights_only"]) == (True, True)


def test_what_stands_beside_the_weights_is_named(tmp_path, state):
    path = saved(
        tmp_path,
        {"model": state, "model_ema": state, "optimizer": {"state": {0: {"m": torch.ones(3)}}, "param_groups": []}},
    )
    reading = audited(path).reading
    assert "beside the weights in 'model' stand 'model_ema' (" in " ".join(reading.notes)
    assert reading.params == audited(saved(tmp_path, state, "y.pth")).params


def test_two_networks_in_one_file_are_both_counted(tmp_path, state):
    other = {"fc.weight": torch.ones(3, 4), "fc.bias": torch.ones(3)}
    audit = audited(saved(tmp_path, {"netG": other, "netD": state}))
    assert audit.params == 15 + audited(saved(tmp_path, state, "y.pth")).params
    assert {row.path for row in audit.layers} >= {"netG.fc", "netD.features.0"}


def test_tied_weights_count_once_and_are_said_to_be(tmp_path):
    weight = torch.ones(16, 16)
    audit = audited(saved(tmp_path, {"a.weight": weight, "b.weight": weight, "c.weight": weight.clone()}))
    assert audit.params == 2 * 16 * 16
    assert [row.note for row in audit.layers] == [
        "linear 16->16 without bias",
        "shares its parameters",
        "linear 16->16 without bias",
    ]


@pytest.mark.parametrize(
    ("wrap", "extra"),
    [(nn.utils.parametrizations.weight_norm, 8 * 3), (nn.utils.parametrizations.spectral_norm, 0)],
)
def test_a_kernel_that_is_made_of_others_is_one_layer(tmp_path, wrap, extra):
    conv = wrap(nn.Conv2d(3, 8, 3))
    audit = audited(saved(tmp_path, nn.Sequential(conv).state_dict()))
    assert [row.kind for row in audit.layers] == ["Conv2d"]
    assert audit.params == params(conv)


def residual_network():
    """ResNet-18's tensors, as torchvision names them."""

    def block(inputs, outputs):
        made = nn.Module()
        made.conv1, made.bn1 = nn.Conv2d(inputs, outputs, 3, bias=False), nn.BatchNorm2d(outputs)
        made.conv2, made.bn2 = nn.Conv2d(outputs, outputs, 3, bias=False), nn.BatchNorm2d(outputs)
        if inputs != outputs:
            made.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        return made

    net = nn.Module()
    net.conv1, net.bn1 = nn.Conv2d(3, 64, 7, bias=False), nn.BatchNorm2d(64)
    for place, (inputs, outputs) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)], 1):
        net.add_module(f"layer{place}", nn.Sequential(block(inputs, outputs), block(outputs, outputs)))
    net.fc = nn.Linear(512, 1000)
    return net


def test_another_networks_checkpoint_has_its_layers_and_no_macs(tmp_path):
    with torch.device("meta"):
        net = residual_network()
    state = {
        name: torch.empty((), dtype=tensor.dtype).expand(tensor.shape) for name, tensor in net.state_dict().items()
    }
    audit = audited(saved(tmp_path, state))
    assert audit.params == 11689512
    assert (audit.macs, audit.totals.macs, audit.paper.same) == (None, None, False)
    assert audit.runs
    assert [row.note for row in audit.layers if row.path == "layer2.0.downsample.0"] == ["1x1 64->128"]
    assert audit.verdict == "not like any VGG of the paper"
    assert [row.path for row in audit.layers if row.kind == "Add"] == [
        f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)
    ]


def test_the_command_says_first_what_a_file_is(tmp_path, state, vggcost, refused):
    path = saved(tmp_path, state, "vgg16_bn.pth")
    lines = vggcost("audit", path).out.splitlines()[:3]
    assert lines[0].startswith("vgg16_bn.pth, a PyTorch checkpoint, is D (VGG-16) with batch normalization")
    assert f"{audited(path).params:,} parameters" in " ".join(lines)
    other = saved(tmp_path, residual_network().state_dict(), "resnet18.pth")
    out = vggcost("audit", other).out
    assert "is not like any VGG of the paper" in " ".join(out.splitlines()[:2])
    column = vggcost("compare", other, path, "--format", "json").out
    assert [each["macs"] is None for each in json.loads(column)["networks"]] == [True, False]
    assert [each["weight_layer_output_bytes"] is None for each in json.loads(column)["networks"]] == [True, False]
    assert "nobody knows what a tool counts" in refused("conventions", other)


def test_other_kinds_of_layer_are_told(tmp_path):
    net = nn.ModuleDict(
        {
            "line": nn.Conv1d(3, 5, 7),
            "volume": nn.Conv3d(3, 5, (1, 2, 3), bias=False),
            "up": nn.ConvTranspose2d(6, 4, 2),
            "deconv": nn.ConvTranspose2d(6, 6, 2, bias=False),
            "word_embeddings": nn.Embedding(30, 8),
            "lstm": nn.LSTM(8, 5, num_layers=2, bidirectional=True),
            "gru": nn.GRU(8, 5, bias=False),
            "cell": nn.RNNCell(8, 5),
            "norm": nn.LayerNorm(8),
            "attention": nn.MultiheadAttention(8, 2),
        }
    )
    audit = audited(saved(tmp_path, net.state_dict()))
    rows = {row.path: (row.kind, row.note) for row in audit.layers}
    assert rows["line"] == ("Conv1d", "7 3->5")
    assert rows["volume"] == ("Conv3d", "1x2x3 3->5")
    assert rows["up"] == ("ConvTranspose2d", "transposed 2x2 6->4")
    assert rows["deconv"][0] == "ConvTranspose2d"
    assert rows["word_embeddings"] == ("Embedding", "embedding of 30 rows, 8 wide")
    assert rows["lstm"] == ("LSTM", "LSTM 8->5, 2 layers, both directions")
    assert rows["gru"][0] == "GRU"
    assert rows["cell"][0] == "RNNCell"
    assert rows["norm"] == ("Parameter", "8, 8")
    assert audit.params == params(net)
    assert [each.layer.params() for each in audit.reading.operations if each.layer.kind == "LSTM"] == [
        params(net["lstm"])
    ]


class Payload:
    """Says what was run."""

    ran = False

    def __reduce__(self):
        return (setattr, (Payload, "ran", True))


class Touches:
    """Leaves a file where it is unpickled, in this process or another."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.mark.parametrize("ending", [each for each in STORED_ENDINGS if each != ".onnx"])
@pytest.mark.parametrize("wrapped", ["archive", "legacy", "pickle"])
def test_no_command_runs_the_code_of_a_stored_model(tmp_path, vggcost, ending, wrapped):
    trap = tmp_path / "ran"
    path = tmp_path / f"net{ending}"
    value = {"state_dict": {"features.0.weight": torch.ones(4, 3, 3, 3)}, "hook": Touches(trap)}
    if wrapped == "pickle":
        path.write_bytes(pickle.dumps(value))
    else:
        torch.save(value, path, _use_new_zipfile_serialization=wrapped == "archive")
    for words in (("audit",), ("table",), ("memory",), ("conventions",), ("lock", "-o", str(tmp_path / "lock.json"))):
        ran = vggcost(words[0], str(path), *words[1:])
        assert ran.status == 2, ran
        assert not trap.exists()
    pickle.loads(pickle.dumps(Touches(trap)))  # noqa: S301  # what would have happened
    assert trap.exists()


def test_code_is_refused_and_not_run(tmp_path, refused, model):
    message = refused("audit", saved(tmp_path, {"state_dict": {}, "hook": Payload()}))
    assert "holds code: " in message
    assert "setattr" in message
    assert not Payload.ran
    message = refused("audit", saved(tmp_path, nn.Sequential(nn.Linear(2, 2))))
    assert "torch.nn.modules.container.Sequential, pickled whole" in message
    assert "state_dict()" in message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "a dictionary without tensors"),
        ([], "a list without tensors"),
        ({"epoch": 3, "history": [1, 2]}, "a dictionary without tensors"),
        (3, "a int without tensors"),
        (torch.ones(2), "one tensor and no state_dict()"),
        ({"optimizer": {"state": {0: torch.ones(2)}, "param_groups": []}}, "a dictionary without tensors"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path, refused, value, words):
    assert words in refused("audit", saved(tmp_path, value))


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path, refused, state, archive, part):
    path = Path(saved(tmp_path, state, _use_new_zipfile_serialization=archive))
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * part))
    assert "truncated" in refused("audit", str(path))


def test_pickles_and_archives_that_torch_save_has_not_written_are_refused(tmp_path, refused):
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"a": np.ones(3)}))
    assert "x.pth" in refused("audit", str(tmp_path / "x.pth"))
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert "tar format" in refused("audit", str(tmp_path / "x.tar"))
    with zipfile.ZipFile(tmp_path / "y.pth", "w") as archive:
        archive.writestr("readme.txt", "no weights")
    assert "a torch file" in refused("audit", str(tmp_path / "y.pth"))


def test_programs_in_files_are_refused(tmp_path, refused):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own advice against its older formats
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), str(tmp_path / "x.pt"))
        torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), str(tmp_path / "y.pt"))
    assert "TorchScript" in refused("audit", str(tmp_path / "x.pt"))
    assert "exported program" in refused("audit", str(tmp_path / "y.pt"))
