"""Every change of every layer of D is seen and named in programs, too: in one of torch and in one of Keras."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from vggcost.frameworks import door
from vggcost.lock.comparison import compared
from vggcost.lock.facts import entry_of
from vggcost.network import catalogue
from vggcost.results.audit import Audit

torch = pytest.importorskip("torch")


class Spec(NamedTuple):
    """A layer as both frameworks can make it; padding is "same" or "valid"."""

    kind: str
    name: str
    width: int = 0
    kernel: int = 3
    stride: int = 1
    padding: str = "same"
    bias: bool = True
    frozen: bool = False


THINNER = 8


def specs_of_d():
    found = []
    for layer in catalogue.unfolded(catalogue.find("D"), catalogue.find("D").variant).layers:
        kind = {"Conv2d": "conv", "Linear": "linear", "ReLU": "relu", "MaxPool2d": "pool"}.get(layer.kind)
        if layer.kind == "Flatten":
            found.append(Spec("flatten", "flatten"))
        elif kind == "linear":
            found.append(Spec(kind, layer.name, 10 if layer.name == "fc8" else 64))
        elif kind is not None:
            found.append(Spec(kind, layer.name, getattr(layer, "c_out", 0) // THINNER))
    return found


D = specs_of_d()
CHANGES = {
    "bias": lambda spec: [spec._replace(bias=False)],
    "width": lambda spec: [spec._replace(width=spec.width + 1)],
    "kernel": lambda spec: [spec._replace(kernel=5)],
    "stride": lambda spec: [spec._replace(stride=2)],
    "padding": lambda spec: [spec._replace(padding="valid")],
    "dropped": lambda _: [],
    "doubled": lambda spec: [spec, spec._replace(name=f"{spec.name}_again")],
    "frozen": lambda spec: [spec._replace(frozen=True)],
}


def mutants():
    for place, spec in enumerate(D):
        for word, change in CHANGES.items():
            if spec.kind == "conv" or (spec.kind == "linear" and word not in ("kernel", "stride", "padding")):
                yield pytest.param(
                    word, spec.name, [*D[:place], *change(spec), *D[place + 1 :]], id=f"{spec.name}-{word}"
                )


def with_norms(specs, *, behind_relu=False):
    found = []
    for spec in specs:
        norm = Spec("norm", spec.name.replace("conv", "bn").replace("relu", "bn"))
        after = spec.kind == ("relu" if behind_relu else "conv") and spec.name[4].isdigit() and "_" in spec.name
        found += [spec, norm] if after else [spec]
    return found


def of_torch(specs, channels=3):
    """A module whose children are called as the layers are."""
    from torch import nn

    model, first = nn.Sequential(), channels
    with torch.device("meta"):
        for spec in specs:
            if spec.kind == "conv":
                padding = spec.kernel // 2 if spec.padding == "same" else 0
                made: Any = nn.Conv2d(channels, spec.width, spec.kernel, spec.stride, padding, bias=spec.bias)
                channels = spec.width
            elif spec.kind == "linear":
                features = model(torch.empty(1, first, SIDE, SIDE)).shape[1]
                made = nn.Linear(features, spec.width, bias=spec.bias)
            elif spec.kind == "flatten":
                made = nn.Flatten()
            else:
                made = {"relu": nn.ReLU, "pool": lambda: nn.MaxPool2d(2), "norm": lambda: nn.BatchNorm2d(channels)}[  # noqa: B023  # called here
                    spec.kind
                ]()
            made.requires_grad_(not spec.frozen)
            model.add_module(spec.name, made)
    return model


def of_keras(specs, channels=3):
    """A Sequential of Keras with the same layers."""
    import keras
    from keras import layers

    found = [layers.Input((SIDE, SIDE, channels))]
    for spec in specs:
        name = {"name": spec.name}
        if spec.kind == "conv":
            made = layers.Conv2D(spec.width, spec.kernel, spec.stride, padding=spec.padding, use_bias=spec.bias, **name)
        elif spec.kind == "linear":
            made = layers.Dense(spec.width, use_bias=spec.bias, **name)
        elif spec.kind == "flatten":
            made = layers.Flatten(**name)
        else:
            made = {"relu": layers.ReLU, "pool": layers.MaxPooling2D, "norm": layers.BatchNormalization}[spec.kind](
                **name
            )
        made.trainable = not spec.frozen
        found.append(made)
    return keras.Sequential(found)


SIDE = 96
FRAMEWORKS = {"torch": of_torch, "keras": of_keras}


def entry(framework, specs, channels=3):
    return entry_of("d", reading(framework, specs, channels))


def reading(framework, specs, channels=3):
    if framework == "keras" and find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    door.FRAMEWORKS[2].prepare()
    model = FRAMEWORKS[framework](specs, channels)
    shape = (1, channels, SIDE, SIDE) if framework == "torch" else (1, SIDE, SIDE, channels)
    return door.read(model, shape, "d")


def written(folder, **keys):
    """A network file of the thin D that writes every key, these otherwise."""
    features = [each for spec in D for each in ([spec.width] if spec.kind == "conv" else ["M"][: spec.kind == "pool"])]
    keys = {"features": features, "head": [64, 64], "classes": 10, "adaptive_pool": False, "size": SIDE, **keys}
    keys = {"in_channels": 3, "bias": True, "batch_norm": False, "softmax": False, **keys}
    path = folder / "thin.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    return str(path)


@pytest.fixture(scope="module")
def like(tmp_path_factory):
    return written(tmp_path_factory.mktemp("like"))


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request):
    return request.param


@pytest.fixture(scope="module")
def locked(framework):
    return entry(framework, D)


@pytest.mark.parametrize(("word", "name", "specs"), list(mutants()))
def test_every_change_of_every_weight_layer_is_named(framework, locked, like, word, name, specs):
    read = reading(framework, specs)
    held = Audit(read, like).held
    if word == "frozen":
        assert held.same  # a network file has no word for it
    else:
        check_named(framework, held, word, name)
    check_named(framework, compared(locked, entry_of("d", read)), word, name)


def check_named(framework, comparison, word, name):
    (found,) = comparison.findings
    change = {"dropped": "dropped", "doubled": "added", "frozen": "frozen"}.get(word, "changed")
    assert (found.change, found.layers) == (change, (f"{name}_again" if word == "doubled" else name,))
    settings = {each.setting for each in found.changes}
    assert settings == {
        "kernel": {"kernel", "padding"},
        "width": {"c_out" if name.startswith("conv") else "out_features"},
        # Keras's "same" at stride 2 pads otherwise.
        "stride": {"stride", "padding"} if framework == "keras" else {"stride"},
        **{each: set() for each in ("dropped", "doubled", "frozen")},
    }.get(word, {word})


def test_changes_of_the_whole_network_are_named(framework, locked):
    (norms,) = compared(locked, entry(framework, with_norms(D))).findings
    assert (norms.change, norms.kind, len(norms.layers)) == ("added", "BatchNorm2d", 13)
    assert norms.layers[0] == "bn1_1"
    before, after = entry(framework, with_norms(D)), entry(framework, with_norms(D, behind_relu=True))
    (order,) = compared(before, after).findings
    assert (order.change, len(order.layers), order.layers[0]) == ("moved", 13, "bn1_1")
    (classes,) = compared(locked, entry(framework, [*D[:-1], D[-1]._replace(width=7)])).findings
    assert classes.text.startswith("fc8 width 10 -> 7 (classes): - ")
    (channels,) = compared(locked, entry(framework, D, channels=1)).findings
    assert (channels.change, channels.behind) == ("input", ("conv1_1",))
    assert "input channels 3 -> 1" in channels.text_behind


def test_changes_of_the_whole_network_are_named_by_a_network_file(framework, like, tmp_path):
    (norms,) = Audit(reading(framework, with_norms(D)), like).held.findings
    assert (norms.change, len(norms.layers), norms.layers[0]) == ("added", 13, "bn1_1")
    with_norm = written(tmp_path, batch_norm=True)
    assert Audit(reading(framework, with_norms(D)), with_norm).as_like
    (order,) = Audit(reading(framework, with_norms(D, behind_relu=True)), with_norm).held.findings
    assert (order.change, len(order.layers), order.layers[0]) == ("moved", 13, "bn1_1")
    (classes,) = Audit(reading(framework, [*D[:-1], D[-1]._replace(width=7)]), like).held.findings
    assert classes.text.startswith("fc8 width 10 -> 7 (classes): - ")
    (channels,) = Audit(reading(framework, D, channels=1), like).held.findings
    assert (channels.change, channels.behind) == ("input", ("conv1_1",))


def test_what_is_the_same_is_the_same(framework, locked, like):
    assert compared(locked, entry(framework, D)).same
    assert Audit(reading(framework, D), like).as_like


# As a file that is checked by the command.


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


TORCH = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.conv(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block(3, 8)
        self.second = nn.Conv2d(
            8,
            8,
            3,
            padding=1,
        )
        self.third = nn.Conv2d(8, 16, 3, padding=1)
        self.fourth = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        x = self.second(self.first(x))
        x = self.third(x)
        x = self.fourth(x)
        return self.head(x.mean((2, 3)))


ready = Net()
"""


@pytest.fixture
def program(vggcost, folder):
    Path("nets.py").write_text(TORCH)
    sys.modules.pop("nets", None)
    assert vggcost("lock", "nets.py:Net", "nets.py:ready", "--size", "32").status == 0

    def change(*pairs):
        text = TORCH
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        Path("nets.py").write_text(text)
        return text

    return change


def line_of(text, words):
    """The number of the one line that has these words."""
    (number,) = (number for number, line in enumerate(text.splitlines(), 1) if words in line)
    return number


FOURTH = "        self.fourth = nn.Conv2d(16, 16, 3, padding=1)\n"
CALLED = "        x = self.fourth(x)\n"
EDITS = {
    "bias": ([(FOURTH, FOURTH.replace("=1)", "=1, bias=False)"))], "fourth", "self.fourth = "),
    "several lines": ([("1,\n        )", "1,\n            bias=False,\n        )")], "second", "self.second = "),
    "in a block": ([("c_out, 3, padding=1)", "c_out, 5, padding=2)")], "first.conv", "self.conv = "),
    "dropped": ([(CALLED, ""), (FOURTH, "")], "fourth", "self.third = "),
    "added": (
        [
            (CALLED, CALLED.replace("self.fourth(x)", "self.more(self.fourth(x))")),
            (FOURTH, f"{FOURTH}        self.more = nn.Conv2d(16, 16, 1)\n"),
        ],
        "more",
        "self.more = ",
    ),
    "cannot run": ([("self.third = nn.Conv2d(8, 16", "self.third = nn.Conv2d(9, 16")], "third", "x = self.third(x)"),
}
"""What is edited, the layer that is named for it, and the line at which that is shown."""


@pytest.mark.parametrize(("pairs", "layer", "line"), EDITS.values(), ids=EDITS)
def test_a_finding_stands_at_the_line_of_the_constructor(vggcost, program, pairs, layer, line):
    text = program(*pairs)
    ran = vggcost("check", "--format", "json")
    assert ran.status == 1
    for outcome in json.loads(ran.out)["entries"]:
        finding = outcome["findings"][0]
        assert layer in finding["text"]
        assert finding["place"] == {"file": "nets.py", "line": line_of(text, line)}


def test_a_model_that_cannot_run_is_named_with_its_layer(vggcost, program):
    program(("self.third = nn.Conv2d(8, 16", "self.third = nn.Conv2d(9, 16"))
    ran = vggcost("check", "Net")
    assert ran.status == 1
    assert ran.out.startswith("Net: cannot run: third takes 9 channels and gets 8 [nets.py:")
    assert vggcost("check", "Net", "--update").status == 1
    before = Path("vggcost.lock.json").read_bytes()
    assert vggcost("lock", "nets.py:Net").status == 1
    assert Path("vggcost.lock.json").read_bytes() == before


def test_a_model_that_cannot_be_imported_is_refused(refused, program):
    before = Path("vggcost.lock.json").read_bytes()
    program(("import torch\n", "import torch\nimport nothing_of_this_name\n"))
    error = refused("check")
    assert error.startswith("vggcost: error: entry 'Net': nets.py cannot be imported: ModuleNotFoundError")
    assert error.count("\n") == 1
    assert Path("vggcost.lock.json").read_bytes() == before
    assert torch.nn.Module.__init__.__name__ == "__init__"
    assert not hasattr(torch.nn.Module.__init__, "__wrapped__")


def test_the_training_peak_of_a_program_is_that_of_memory(vggcost, program):
    shown = json.loads(vggcost("memory", "nets.py:Net", "--size", "32", "--training", "--format", "json").out)["totals"]
    for data in json.loads(Path("vggcost.lock.json").read_text())["entries"]:
        assert data["training_peak_bytes"] == shown["training_peak_bytes"]
        assert data["output_bytes"] == shown["output_bytes"]


def test_what_cannot_be_trained_has_no_training_peak(vggcost, program):
    text = program(("self.head(x.mean((2, 3)))", "self.head(x.mean((2, 3))).argmax(1)"))
    assert "argmax" in text
    assert vggcost("lock", "nets.py:Net", "--size", "32").status == 0
    (data,) = json.loads(Path("vggcost.lock.json").read_text())["entries"]
    assert data["training_peak_bytes"] is None
    assert data["macs"] > 0
    assert vggcost("check") == (0, "", "")


KERAS = """
import keras
from keras import layers


def small():
    return keras.Sequential([
        layers.Input((32, 32, 3)),
        layers.Conv2D(8, 3, padding="same"),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5),
    ])


def other():
    small()
    return small()
"""


def test_layers_that_keras_numbers_are_called_alike_in_every_process(vggcost, folder):
    pytest.importorskip("keras")
    Path("knets.py").write_text(KERAS)
    assert vggcost("lock", "knets.py:other", "knets.py:small").status == 0
    document = json.loads(Path("vggcost.lock.json").read_text())
    for entry_data in document["entries"]:
        names = [layer["name"] for layer in entry_data["layers"]]
        assert names == ["conv2d", "conv2d_1", "conv2d_1.relu", "global_average_pooling2d", "dense"]
    assert vggcost("check") == (0, "", "")
    text = KERAS.replace('layers.Conv2D(8, 3, padding="same"),', 'layers.Conv2D(8, 5, padding="same"),')
    Path("knets.py").write_text(text)
    ran = vggcost("check", "small", "--format", "json")
    (finding,) = json.loads(ran.out)["entries"][0]["findings"]
    assert finding["layers"] == ["conv2d"]
    assert finding["place"] == {"file": "knets.py", "line": line_of(text, "Conv2D(8, 5")}
    gone = "\n".join(line for line in KERAS.splitlines() if 'Conv2D(8, 3, padding="same")' not in line)
    Path("knets.py").write_text(gone)
    (finding,) = json.loads(vggcost("check", "small", "--format", "json").out)["entries"][0]["findings"]
    assert (finding["change"], finding["layers"]) == ("dropped", ["conv2d_1"])


def test_a_checkpoint_is_locked_by_its_tensors(vggcost, folder):
    from torch import nn

    def save(width):
        model = nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, 4, 3))
        torch.save(model.state_dict(), "weights.pt")

    save(8)
    assert vggcost("lock", "weights.pt").status == 0
    (data,) = json.loads(Path("vggcost.lock.json").read_text())["entries"]
    assert (data["name"], data["macs"], data["params"]) == ("weights", None, 3 * 8 * 9 + 8 + 8 * 4 * 9 + 4)
    assert vggcost("check") == (0, "", "")
    save(9)
    ran = vggcost("check")
    assert ran.status == 1
    assert ran.out.splitlines()[0] == "weights: 0 width 8 -> 9: + 28 parameters"
