"""A followed network does not load torch's compiler, and leaves torch as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from vggcost.frameworks.pytorch import untraced  # noqa: E402  # torch first

PRODUCT = "torch.addmm(*(torch.empty(size, device='meta') for size in ((5,), (3, 4), (4, 5))))"

VGG = """
from torch import nn


def vgg():
    layers, channels = [], 3
    for width in (64, 128, 256, 256, 512, 512, 512, 512):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(True)]
        layers += [nn.MaxPool2d(2)] if len(layers) in (3, 7, 14, 21, 28) else []
        channels = width
    head = [nn.Linear(512 * 49, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *head, nn.Linear(4096, 1000))
"""


def run(code, folder):
    """What a process prints that runs this code, by lines."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    return done.stdout.splitlines()


def test_torch_loads_its_compiler_for_a_product_without_values(tmp_path):
    code = f"import sys, torch\n{PRODUCT}\nprint('torch._dynamo' in sys.modules)"
    assert run(code, tmp_path) == ["True"]  # where it does not, nothing needs to be kept from it


def test_a_training_step_of_a_network_is_locked_and_checked_without_it(tmp_path):
    (tmp_path / "vgg.py").write_text(VGG)
    code = """
import json, sys
from vggcost.cli import main
status = main(["lock", "vgg.py:vgg"]), main(["check"])
entry = json.load(open("vggcost.lock.json"))["entries"][0]
print(*status, entry["training_peak_bytes"] > 8 * entry["params"], "torch._dynamo" in sys.modules)
"""
    assert run(code, tmp_path)[-1] == "0 0 True False"


def test_functions_are_as_they_were_behind_it(tmp_path):
    code = f"""
import sys, torch
from vggcost.frameworks.pytorch import untraced as module
functions = module._not_to_be_traced()
def marked():
    return sum(hasattr(each, module.UNTRACED) for each in functions)
print(marked())
with module.untraced():
    {PRODUCT}
    with module.untraced():
        pass
    print(marked() == len(functions) > 100, "torch._dynamo" in sys.modules)
print(marked())
{PRODUCT}
print(0 < marked() < len(functions), "torch._dynamo" in sys.modules)
"""
    assert run(code, tmp_path) == ["0", "True False", "0", "True True"]


def test_where_the_compiler_is_loaded_nothing_is_changed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", object())
    monkeypatch.setattr(untraced, "_not_to_be_traced", lambda: pytest.fail("a function is looked for"))
    with untraced.untraced():
        pass


def test_what_another_made_of_a_function_stays(monkeypatch):
    def function():
        """One that torch wraps."""

    other = object()
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    monkeypatch.setattr(untraced, "_not_to_be_traced", lambda: (function,))
    with untraced.untraced():
        assert getattr(function, untraced.UNTRACED) is function
        setattr(function, untraced.UNTRACED, other)  # the compiler was loaded by the program
    assert getattr(function, untraced.UNTRACED) is other
    with untraced.untraced():
        assert getattr(function, untraced.UNTRACED) is other
