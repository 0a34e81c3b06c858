"""What a program's forward call takes: several inputs, by place and by name, in lists and dictionaries, integers."""

from __future__ import annotations

import json

import pytest

import vggcost as package

torch = pytest.importorskip("torch")

PROGRAM = """
import torch
from torch import nn


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(10, 3), nn.Conv2d(3, 3, 1)

    def forward(self, image, *, meta):
        return self.right(image).mean((2, 3)) + self.left(meta)


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images, targets=None):
        return [self.conv(image.unsqueeze(0) if image.dim() == 3 else image) for image in images]


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, batch):
        return {"out": self.fc(batch["x"]) + self.fc(batch["y"][0])}


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.fc = nn.Embedding(50, 8), nn.Linear(8, 2)

    def forward(self, input_ids, attention_mask=None, scale=1.0, double=False):
        x = self.embed(input_ids)
        if attention_mask is not None:
            x = x * attention_mask.unsqueeze(-1)
        return self.fc(x) + (self.fc(x) if double else 0)


class AsksIds(Words):
    def forward(self, input_ids):
        return self.fc(self.embed(input_ids)) if int(input_ids[0, 0]) < 50 else None


class Steps(Named):
    def forward(self, x, steps: int, *, last=0):
        for _ in range(steps + last):
            x = nn.functional.linear(x, self.fc.weight[:, :2], self.fc.bias)
        return x


class OneImage(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x)
"""


@pytest.fixture
def audit(tmp_path, vggcost):
    path = tmp_path / "inputs_program.py"
    path.write_text(PROGRAM)

    def run(name, *words):
        ran = vggcost("audit", f"{path}:{name}", *words, "--format", "json")
        assert ran.err == "", ran
        return ran.status, json.loads(ran.out)

    return run


@pytest.fixture
def refusal(tmp_path, refused):
    path = tmp_path / "inputs_program.py"
    path.write_text(PROGRAM)
    return lambda name, *words: refused("audit", f"{path}:{name}", *words)


@pytest.mark.parametrize(
    ("name", "inputs", "macs", "shapes"),
    [
        ("Pair", ["3x4x5", "meta=10"], 2 * (4 * 5 * 3 * 3 + 10 * 3), [[2, 3, 4, 5], [2, 10]]),
        ("Pair", ["meta=10", "image=3x4x5"], 2 * (4 * 5 * 3 * 3 + 10 * 3), [[2, 10], [2, 3, 4, 5]]),
        ("Listed", ["[3x4x5, 3x6x6]"], 2 * (4 * 5 + 6 * 6) * 4 * 3 * 9, [[2, 3, 4, 5], [2, 3, 6, 6]]),
        ("Listed", ["(3x4x5,)", "None"], 2 * 4 * 5 * 4 * 3 * 9, [[2, 3, 4, 5]]),
        ("Named", ["{x: 8, y: [8]}"], 2 * 2 * 8 * 2, [[2, 8], [2, 8]]),
        ("Steps", ["2", "+3", "last=+1"], 4 * 2 * 2 * 2, [[2, 2]]),
        ("Words", ["int64[2x7]"], 2 * 7 * 8 * 2, [[2, 7]]),
        ("Words", ["int64[2x7]", "attention_mask=bool[2x7]"], 2 * 7 * 8 * 2, [[2, 7], [2, 7]]),
        ("Words", ["input_ids=int64[2x7]", "double=True"], 2 * 2 * 7 * 8 * 2, [[2, 7]]),
        ("Words", ["int32[2x7]", "None", "0.5", "True"], 2 * 2 * 7 * 8 * 2, [[2, 7]]),
        ("AsksIds", ["int64[2x7]"], 2 * 7 * 8 * 2, [[2, 7]]),
    ],
)
def test_arguments_reach_forward(audit, name, inputs, macs, shapes):
    options = [word for text in inputs for word in ("--input", text)]
    status, document = audit(name, *options, "--batch", "2")
    assert (status, document["cannot_run"], document["inputs"]) == (0, None, shapes)
    assert document["totals"]["macs"] == macs


def test_images_without_a_batch_in_a_list(audit):
    _, document = audit("Listed", "--input", "[float32[3x4x5]]")
    assert (document["inputs"], document["totals"]["macs"]) == ([[3, 4, 5]], 4 * 5 * 4 * 3 * 9)


@pytest.mark.parametrize(
    ("name", "words", "line"),
    [
        ("Pair", ["--input", "3x4x4"], "takes 2 inputs (image, meta by name) and gets 1; give a shape for each, as"),
        ("Pair", ["--input", "3x4x4"], "--input 3x224x224 --input meta=10"),
        ("Pair", ["--input", "3x4x4", "--input", "10"], "takes 2 inputs (image, meta by name) and gets 2"),
        ("Pair", ["--input", "lft=3x4x4"], "has no input 'lft'; its inputs are image, meta"),
        ("Words", ["--input", "None"], "is given no tensor; give a shape"),
        (
            "OneImage",
            ["--input", "3x8x8", "--input", "3x8x8"],
            "takes 1 input (x) and gets 2; give a shape for each, as",
        ),
        ("Named", ["--input", "x=8"], "has no input 'x'; its inputs are batch"),
        ("OneImage", ["--input", "1x3x8x8"], "--input 1x3x8x8 has the batch in it, which --batch gives (1); write"),
        ("OneImage", ["--input", "4x3x8x8"], "write --input 3x8x8 --batch 4, or float32[4x3x8x8]"),
        ("OneImage", ["--input", "4x3x8x8", "--batch", "4"], "write --input 3x8x8 --batch 4, or float32[4x3x8x8]"),
        ("Words", ["--input", "int64[1x7]", "--batch", "2"], "--batch is 2 beside it; leave --batch away, or write"),
    ],
)
def test_what_does_not_fit_is_one_line(refusal, name, words, line):
    assert line in refusal(name, *words)


def test_a_shape_that_fits_no_way_is_an_answer(audit):
    status, document = audit("OneImage", "--input", "1x5x8x8")
    assert (status, document["inputs"]) == (1, [[1, 1, 5, 8, 8]])


def test_the_api_takes_dictionaries_lists_and_tensors(tmp_path):
    import importlib.util

    path = tmp_path / "inputs_of_api.py"
    path.write_text(PROGRAM)
    spec = importlib.util.spec_from_file_location("inputs_of_api", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    fc, image = 2 * 8 * 2, 4 * 5 * 4 * 3 * 9
    ids = torch.zeros(2, 7, dtype=torch.int64)
    for model, given, macs in (
        (program.Pair(), {"image": (2, 3, 4, 5), "meta": torch.zeros(2, 10)}, 2 * (4 * 5 * 3 * 3 + 10 * 3)),
        (program.Listed(), [[(3, 4, 5), torch.zeros(3, 4, 5)]], 2 * image),
        (program.Named(), {"x": (2, 8), "y": [(2, 8)]}, 2 * fc),
        (program.Named(), [{"x": (2, 8), "y": [torch.zeros(2, 8)]}], 2 * fc),
        (program.Words(), {"input_ids": ids, "attention_mask": "int64[2x7]"}, 7 * fc),
        (program.Words(), ids, 7 * fc),
        (program.AsksIds(), ids, 7 * fc),
        (program.Words(), "int64[2x7]", 7 * fc),
    ):
        assert package.audit(model, given).macs == macs


KERAS = """
import keras


def functional():
    left, right = keras.Input((8,), name="left"), keras.Input((4,), name="right")
    joined = keras.layers.Concatenate()([keras.layers.Dense(3)(left), keras.layers.Dense(5)(right)])
    return keras.Model([left, right], joined)


def dictionary():
    inputs = {"b": keras.Input((8,), name="b"), "a": keras.Input((4,), name="a")}
    joined = keras.layers.Concatenate()([keras.layers.Dense(3)(inputs["b"]), keras.layers.Dense(5)(inputs["a"])])
    return keras.Model(inputs, joined)


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.left, self.right = keras.layers.Dense(3), keras.layers.Dense(5)

    def call(self, left, right):
        return keras.ops.concatenate([self.left(left), self.right(right)], axis=-1)
"""


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("functional", []),
        ("functional", ["8", "4"]),
        ("functional", ["right=4", "left=8"]),
        ("functional", ["8", "right=4"]),
        ("functional", ["[8, 4]"]),
        ("dictionary", ["a=4", "b=8"]),
        ("dictionary", ["{b: 8, a: 4}"]),
        ("dictionary", ["4", "8"]),
        ("Subclass", ["8", "4"]),
        ("Subclass", ["right=4", "left=8"]),
    ],
)
def test_keras_inputs_by_place_and_by_name(tmp_path, vggcost, name, inputs):
    pytest.importorskip("keras")
    path = tmp_path / "keras_inputs.py"
    path.write_text(KERAS)
    options = [word for text in inputs for word in ("--input", text)]
    ran = vggcost("audit", f"{path}:{name}", *options, "--batch", "2", "--format", "json")
    assert ran.status == 0, ran
    document = json.loads(ran.out)
    assert document["totals"]["macs"] == 2 * (8 * 3 + 4 * 5)


@pytest.mark.parametrize(
    ("inputs", "line"),
    [
        (["8"], "takes 2 inputs (left, right) and gets 1; give a shape for each"),
        (["8", "4", "4"], "takes 2 inputs (left, right) and gets 3"),
        (["8", "left=8"], "takes 2 inputs (left, right) and gets 2"),
        (["lft=8", "right=4"], "has no input 'lft'; the nearest are left"),
        (["8", "None"], "is given None for an input; give a shape"),
    ],
)
def test_keras_inputs_that_do_not_fit(tmp_path, refused, inputs, line):
    pytest.importorskip("keras")
    path = tmp_path / "keras_inputs.py"
    path.write_text(KERAS)
    options = [word for text in inputs for word in ("--input", text)]
    assert line in refused("audit", f"{path}:functional", *options)
