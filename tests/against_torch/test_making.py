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
        size = () if "--input" in words else ("--size", "8")
        ran = vggcost("audit", f"{path}:{name}" if name else str(path), *size, *words, "--format", "json")
        assert (ran.status, ran.err) == (0, ""), ran
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


VGG = FCN.partition("class FCN")[0]
URL = "https://example.invalid/vgg-0123abcd.pth"
NOTE = f"built without its pretrained weights: the program would have downloaded {URL}"


@pytest.fixture(autouse=True)
def connections(monkeypatch):
    """What really goes to the network; none may."""
    import socket

    opened = []
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, lambda *args, **_: opened.append(args))
    yield opened
    assert opened == []


PRETRAINED = {
    "torch.hub": "net.load_state_dict(torch.hub.load_state_dict_from_url(URL))",
    "its name": "net.load_state_dict(load_state_dict_from_url(URL, progress=False), strict=True)",
    "model_zoo": "net.load_state_dict(model_zoo.load_url(url=URL))",
    "a part": "state = load_url(URL, map_location='cpu')['model']; state.pop('a'); net.load_state_dict(state)",
    "by key": "net.load_state_dict({key: value for key, value in load_url(URL).items() if 'head' not in key})",
    "urlretrieve": "path, _ = urllib.request.urlretrieve(URL, '/nowhere/v.pth'); net.load_state_dict(torch.load(path))",
    "download": "torch.hub.download_url_to_file(URL, 'v.pth'); net.load_state_dict(torch.load('v.pth', 'cpu'))",
    "the answer": "missing, unexpected = net.load_state_dict(load_url(URL)); assert not missing + unexpected",
}


@pytest.mark.parametrize("way", PRETRAINED)
@pytest.mark.parametrize("place", ["constructor", "top level"])
def test_pretrained_weights_are_left_out_and_said(audit, way, place):
    load = PRETRAINED[way].replace("URL", repr(URL))
    text = (
        "import urllib.request\nfrom torch.hub import load_state_dict_from_url\nfrom torch.utils import model_zoo\n"
        f"from torch.utils.model_zoo import load_url\n{VGG}\n"
    )
    if place == "constructor":
        text += f"def build(pretrained=True):\n    net = VGGNet()\n    {load}\n    return net\n"
    else:
        text += f"net = VGGNet()\n{load}\n\ndef build():\n    return net\n"
    document = audit(text, "build")  # which also sees that nothing is written to standard error
    assert document["totals"]["macs"] == SMALL
    assert document["notes"] == [NOTE]


def test_weights_that_are_there_are_loaded_as_ever(audit, tmp_path):
    path = tmp_path / "here.pth"
    torch.save({"weight": torch.ones(4, 3, 1, 1), "bias": torch.zeros(4)}, path)
    text = (
        "import torch\nfrom torch import nn\ndef build():\n    net = nn.Conv2d(3, 4, 1)\n"
        f"    net.load_state_dict(torch.load({str(path)!r}))\n    return net\n"
    )
    assert audit(text, "build")["totals"]["macs"] == 8 * 8 * 12
    broken = text.replace("Conv2d(3, 4, 1)", "Conv2d(3, 5, 1)")
    path = tmp_path / "broken.py"
    path.write_text(broken)


TORCHVISION = """
import torch
from torch import nn
from torch.hub import load_state_dict_from_url


class Weights:
    url = URL

    def get_state_dict(self, progress=True, check_hash=False):
        return load_state_dict_from_url(self.url, progress=progress, check_hash=check_hash)


def vgg(weights=None, progress=True):
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))
    if weights is not None:
        model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
    return model
"""
HUB = """
import os, socket


def hf_hub_download(repo_id, filename, revision=None):
    socket.create_connection((repo_id, 443))
"""
TIMM_BUILDER = """
from huggingface_hub.file_download import hf_hub_download


def load_pretrained(model, pretrained_cfg=None, num_classes=1000):
    hf_hub_download(pretrained_cfg["hf_hub_id"], "model.safetensors")
"""
TIMM = """
from torch import nn
from timm.models._builder import load_pretrained


def create_model(name, pretrained=False):
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))
    if pretrained:
        load_pretrained(model, pretrained_cfg={"hf_hub_id": "timm/vgg", "url": ""}, num_classes=1000)
    return model
"""


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("from fake_vision import vgg, Weights\n\ndef build():\n    return vgg(weights=Weights())\n", URL),
        ("import timm\n\ndef build():\n    return timm.create_model('vgg16', pretrained=True)\n", "timm/vgg"),
        (
            (
                "import torch\nfrom torch import nn\nfrom huggingface_hub import hf_hub_download\n\ndef build():\n"
                "    net = nn.Conv2d(3, 8, 3, padding=1)\n"
                "    net.load_state_dict(torch.load(hf_hub_download('me/vgg', filename='v.bin')))\n    return net\n"
            ),
            "huggingface.co/me/vgg/v.bin",
        ),
    ],
)
def test_loaders_of_other_packages_are_known(audit, tmp_path, monkeypatch, text, note):
    import sys

    for name, source in {
        "fake_vision.py": TORCHVISION.replace("URL", repr(URL)),
        "huggingface_hub/__init__.py": "from huggingface_hub.file_download import hf_hub_download\n",
        "huggingface_hub/file_download.py": HUB,
        "timm/__init__.py": TIMM,
        "timm/models/__init__.py": "",
        "timm/models/_builder.py": TIMM_BUILDER,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "huggingface_hub"}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    document = audit(text, "build")
    assert document["totals"]["macs"] == 8 * 8 * 8 * 27
    assert document["notes"] == [f"built without its pretrained weights: the program would have downloaded {note}"]


def test_what_cannot_be_left_out_is_refused_in_one_line(refused, tmp_path):
    path = tmp_path / "reaches.py"
    path.write_text(
        "import torch, urllib.request, json\n\ndef build():\n"
        f"    config = json.load(urllib.request.urlopen({URL!r}))\n    return torch.nn.Conv2d(3, config['width'], 1)\n"
    )
    line = refused("audit", f"{path}:build")
    assert f"reaches.py:build cannot be built: it would download from {URL} (" in line
    assert "reaches.py:4: config = json.load(" in line
    assert "torch.hub" not in line


def test_a_program_that_needs_the_weights_themselves_is_told_that_they_are_not_there(refused, tmp_path):
    path = tmp_path / "needs_weights.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\ndef build():\n    net = nn.Conv2d(3, 4, 1)\n"
        f"    net.weight = nn.Parameter(torch.hub.load_state_dict_from_url({URL!r})['weight'])\n    return net\n"
    )
    line = refused("audit", f"{path}:build")
    assert "needs_weights.py:build cannot be built: " in line
    assert f"; it was {NOTE}" in line


def test_keras_applications_are_built_without_imagenet(audit):
    pytest.importorskip("keras")
    text = "import keras\n\ndef build():\n    return keras.applications.VGG16(weights='imagenet')\n"
    document = audit(text, "build", "--size", "224")
    assert document["totals"]["params"] == 138_357_544
    (note,) = document["notes"]
    assert note.startswith("built without its pretrained weights: the program would have downloaded https://")


def test_a_keras_constructors_whole_reason_is_shown(refused, tmp_path):
    pytest.importorskip("keras")
    path = tmp_path / "wrong_keras.py"
    path.write_text(
        "import keras\n\ndef build():\n    return keras.applications.VGG16(weights='imagenet', classes=7)\n"
    )
    line = refused("audit", f"{path}:build")
    assert "wrong_keras.py:build cannot be built: ValueError: If using `weights='imagenet'`" in line
    assert "Received classes=7" in line


WARNS = """
import warnings
import torch
from torch import nn

warnings.warn("at the top")


class Warns(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        torch.range(0, 3)  # torch itself warns, from below Python

    def forward(self, x):
        warnings.warn("in\\nforward", DeprecationWarning, stacklevel=2)
        return self.conv(x) + torch.range(0, 7)
"""


def test_a_programs_warnings_are_its_own_words(tmp_path):
    import subprocess
    import sys

    path = tmp_path / "warns.py"
    path.write_text(WARNS)
    done = subprocess.run(
        [sys.executable, "-W", "always", "-m", "vggcost", "audit", "warns.py", "--size", "8", "--format", "csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert "UserWarning: at the top (warns.py:6)" in lines
    assert any(line.startswith("DeprecationWarning: in forward") for line in lines)
    assert any(line.startswith("UserWarning: torch.range is deprecated") for line in lines)
    assert any(line.endswith("(warns.py:13)") for line in lines)
    assert len(set(lines)) == len(lines)
    assert not any(word in done.stderr for word in ("site-packages", "vggcost", "nn/modules", "warnings.warn("))


def test_a_warning_of_a_live_model_bears_its_own_line(tmp_path):
    import importlib.util
    import warnings

    import vggcost

    path = tmp_path / "warns_live.py"
    path.write_text(WARNS.replace('warnings.warn("at the top")', "").replace("stacklevel=2", "stacklevel=3"))
    spec = importlib.util.spec_from_file_location("warns_live", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = program.Warns()
        caught.clear()
        vggcost.audit(model, (1, 3, 8, 8))
    assert caught
    assert all("vggcost/" not in str(each.filename) and "torch/" not in str(each.filename) for each in caught)


LAZY = """
import torch
from torch import nn


class Lazy(nn.Module):
    def __init__(self, asks=False, classes=5):
        super().__init__()
        self.features = nn.Sequential(
            nn.LazyConv2d(8, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3)
        )
        self.head = nn.Sequential(nn.Flatten(), nn.LazyLinear(12), nn.LazyBatchNorm1d(), nn.LazyLinear(classes))
        self.asks = asks

    def forward(self, x):
        x = self.head(self.features(x))
        return x if not self.asks or float(x[0, 0]) > -1e9 else -x


class Unreached(Lazy):
    def __init__(self):
        super().__init__()
        self.spare = nn.LazyLinear(3)


class Breaks(Lazy):
    def forward(self, x):
        return self.head(self.features(x).missing)
"""
CONVS = 8 * 27 + 8 + 16 * 8 * 9 + 16
NORMS = 2 * 8 + 2 * 12


@pytest.mark.parametrize(("call", "noted"), [("", False), ("asks=True", True)])
def test_lazy_layers_take_the_known_input(audit, call, noted):
    document = audit(LAZY, "Lazy", "--call", call)
    features = 16 * 2 * 2
    assert document["totals"]["params"] == CONVS + NORMS + 12 * features + 12 + 5 * 12 + 5
    assert document["totals"]["macs"] == 8 * 8 * 8 * 27 + 2 * 2 * 16 * 72 + 12 * features + 5 * 12
    assert [row["kind"] for row in document["layers"] if row["params"]] == [
        *("Conv2d", "BatchNorm2d", "Conv2d", "Linear", "BatchNorm1d", "Linear"),
    ]
    assert any("run on real values" in note for note in document["notes"]) == noted


def test_lazy_layers_of_one_channel_and_another_size(audit):
    document = audit(LAZY, "Lazy", "--call", "classes=2", "--input", "1x12x10")
    assert document["layers"][0]["params"] == 8 * 9 + 8


def test_a_live_lazy_model_stays_lazy_and_may_be_audited_at_any_input(tmp_path):
    import importlib.util

    from torch.nn.parameter import is_lazy

    import vggcost

    path = tmp_path / "lazy_live.py"
    path.write_text(LAZY)
    spec = importlib.util.spec_from_file_location("lazy_live", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    model = program.Lazy()
    kinds = [type(module) for module in model.modules()]
    for channels in (1, 3):
        audit = vggcost.audit(model, (2, channels, 8, 8))
        assert audit.layers[0].params == 8 * channels * 9 + 8
    assert [type(module) for module in model.modules()] == kinds
    assert sum(map(is_lazy, model.parameters())) == 2 * (2 + 2 + 1)
    assert model.training
    model(torch.rand(2, 3, 8, 8))  # and takes its own first input as ever
    assert vggcost.audit(model, (1, 3, 8, 8)).params == sum(each.numel() for each in model.parameters())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Unreached", "has lazy layers that this forward call does not reach: spare; give the input that it takes"),
        (
            "Breaks",
            "does not reach: head.1, head.2, head.3 (AttributeError: 'Tensor' object has no attribute 'missing'",
        ),
    ],
)
def test_lazy_layers_that_are_not_reached_are_named(refused, tmp_path, name, words):
    path = tmp_path / "lazy_bad.py"
    path.write_text(LAZY)
    assert words in refused("audit", f"{path}:{name}", "--size", "8")
