"""How a program's model is made: arguments in its file's own names, lazy layers, weights that nobody downloads."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

FCN = """
import torch
from torch import nn

cfgs = {"S": [8, "M", 16], "L": [8, 8, "M", 16, 16]}


class VGGNet(nn.Module):
    def __init__(self, cfg=cfgs["S"], act=nn.ReLU):
        super().__init__()
        layers, c_in = [], 3
        for entry in cfg:
            if entry == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(c_in, entry, 3, padding=1), act()]
                c_in = entry
        self.features = nn.Sequential(*layers)

    def forward(self, x):
        return self.features(x)


class FCN(nn.Module):
    def __init__(self, pretrained_net, n_class=4):
        super().__init__()
        self.pretrained_net = pretrained_net
        self.head = nn.Conv2d(16, n_class, 1)

    def forward(self, x):
        return self.head(self.pretrained_net(x))
"""
SMALL = 8 * 8 * 8 * 27 + 4 * 4 * 16 * 72
LARGE = 8 * 8 * (8 * 27 + 8 * 72) + 4 * 4 * (16 * 72 + 16 * 144)


@pytest.fixture
def audit(tmp_path, vggcost):
    def run(text, name, *words):
        path = tmp_path / "making_program.py"
        path.write_text(text)
        ran = vggcost("audit", f"{path}:{name}" if name else str(path), "--size", "8", *words, "--format", "json")
        assert ran.status == 0, ran
        return json.loads(ran.out)

    return run


@pytest.mark.parametrize(
    ("name", "call", "macs", "notes"),
    [
        ("FCN", "pretrained_net=VGGNet()", SMALL + 16 * 16 * 4, []),
        ("FCN", "VGGNet(cfgs['L']), n_class=5", LARGE + 16 * 16 * 5, []),
        ("VGGNet", "cfg=cfgs['L'], act=nn.Tanh", LARGE, []),
        ("VGGNet", "*[cfgs['L']], **{'act': nn.ELU}", LARGE, []),
    ],
)
def test_call_takes_expressions_in_the_files_own_names(audit, name, call, macs, notes):
    document = audit(FCN, name, "--call", call)
    assert (document["totals"]["macs"], document["notes"]) == (macs, notes)


def test_a_model_in_an_argument_is_built_without_weights(audit):
    # 400 GB, were they real
    document = audit(
        FCN, "FCN", "--call", "nn.Sequential(nn.Conv2d(3, 16, 1), nn.Conv2d(16, 16, 20001, padding=10000))"
    )
    assert document["totals"]["params"] == 16 * 3 + 16 + 16 * 16 * 20001**2 + 16 + 16 * 4 + 4


def test_the_only_model_of_a_torch_file(audit):
    text = FCN.partition("class FCN")[0]
    assert audit(text, None)["totals"]["macs"] == SMALL
