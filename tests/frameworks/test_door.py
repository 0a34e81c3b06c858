"""The door to the frameworks: one row makes a framework known, and nothing outside `frameworks/` recognises one."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

import vggcost
from vggcost.errors import MissingExtraError, VggcostError
from vggcost.frameworks import door, finding
from vggcost.network.layers import Conv2d, Linear
from vggcost.programs.reading import Operation, ProgramReading
from vggcost.programs.state import State

THIRD = '''
"""A framework of three lines: a model is a list of layers."""


class Model:
    def __init__(self, layers):
        self.layers = layers
'''
PROGRAM = """
import third
from vggcost.network.layers import Conv2d, Linear


def build(classes=10):
    return third.Model([Conv2d("", "body.0", 3, 8, (3, 3), (1, 1), (1, 1)), Linear("", "head", 8, classes)])


def nothing():
    return 3
"""


class ThirdFramework:
    """What a folder's module `framework` has, for the framework above; only Conv2d and Linear, as they come."""

    PACKAGE = EXTRA = "third"
    MODEL = "a third.Model"
    BASE = None

    def parts(self, model):
        return iter(())

    def prepare(self):
        pass

    def owns(self, model):
        return isinstance(model, getattr(sys.modules.get("third"), "Model", ()))

    def is_class(self, value):
        return isinstance(value, type) and issubclass(value, getattr(sys.modules.get("third"), "Model", ()))

    def makes(self, value):
        return "third" in sys.modules

    def construct(self, make):
        return make(), ("built by a third",)

    def image_shapes(self, model, size, batch):
        return [(batch, model.layers[0].c_in, *(size or (4, 6)))]

    def read(self, model, arguments, program, rebuild):
        operations = []
        shape = arguments.shapes()[0]
        for layer in model.layers:
            shape = shape if isinstance(layer, Conv2d) else shape[:2]
            output, ledger = layer.apply(shape)
            operations.append(Operation(layer, shape, output, State.of(layer.params(), 4, "float32"), ledger))
            shape = output
        return ProgramReading(program, "third", arguments.shapes(), tuple(operations))


@pytest.fixture
def third(tmp_path, monkeypatch):
    """A third framework, installed and known to the door; and a program that uses it."""
    (tmp_path / "third.py").write_text(THIRD)
    (tmp_path / "program_of_third.py").write_text(PROGRAM)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(door, "FRAMEWORKS", (*door.FRAMEWORKS, ThirdFramework()))
    yield str(tmp_path / "program_of_third.py")
    for name in ("third", "program_of_third"):
        sys.modules.pop(name, None)


def test_a_live_model_of_a_new_framework_is_read_by_its_row(third):
    import third as framework

    model = framework.Model([Conv2d("", "body.0", 3, 8, (3, 3), (1, 1), (1, 1)), Linear("", "head", 8, 5)])
    audit = vggcost.audit(model, (2, 3, 4, 6))
    assert audit.reading.framework == "third"
    assert audit.params == 8 * 3 * 3 * 3 + 8 + 8 * 5 + 5
    assert audit.macs == 2 * (4 * 6 * 8 * 3 * 3 * 3 + 8 * 5)


def test_the_command_makes_and_shapes_a_model_of_a_new_framework(third, vggcost):
    ran = vggcost("audit", f"{third}:build", "--call", "classes=7", "--batch", "3", "--format", "json")
    document = json.loads(ran.out)
    assert ran.status == 0
    assert document["network"]["framework"] == "third"
    assert document["input"] == [3, 3, 4, 6]
    assert document["notes"][0] == "built by a third"
    assert document["layers"][-1]["output"] == [3, 7]


def test_refusals_name_every_framework(third, refused):
    models = "a torch.nn.Module or an ONNX ModelProto or a Keras model or a third.Model"
    with pytest.raises(VggcostError, match=f"give {models}, or what"):
        vggcost.audit(3, (1, 3, 4, 6))
    line = refused("audit", f"{third}:nothing")
    assert f"gives int, which is no model; name what makes {models}" in line


def test_a_framework_that_is_missing_is_named_with_its_extra(third, tmp_path, refused):
    (tmp_path / "third.py").write_text("raise ModuleNotFoundError(name='third')\n")
    assert "needs third, which is not installed; run: pip install 'vggcost[third]'" in refused(
        "audit", f"{third}:build"
    )
    target = f"{third}:build"
    with pytest.raises(MissingExtraError) as caught, finding.place_of(target) as place:
        door.found(target, place)
    assert (caught.value.package, caught.value.extra) == ("third", "third")


# Nothing outside the frameworks recognises one.

NAMES = {framework.PACKAGE for framework in door.FRAMEWORKS} | {"tensorflow", "jax", "fvcore"}
KNOWERS = ("frameworks", "bench")
"""The rooms that may know a framework; the subject of `bench` is torch."""
FOLDERS = ("pytorch", "keras")


def recognised(tree: ast.Module) -> list[str]:
    """What in a module knows a framework: loaded modules, where a class comes from, a name that is compared or loaded.

    A name alone is a word: of a convention, an extra, a help text. `__module__ == __name__` and `sys.modules[__name__]`
    ask of a module itself.
    """
    found = []
    own_module = {
        node.left
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "__name__"
    }
    own_module |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "__name__"
    }
    for node in ast.walk(tree):
        if node in own_module:
            continue
        if isinstance(node, ast.Attribute) and node.attr in ("modules", "__module__"):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            own = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = (*own, *(f"{''.join(own)}.{alias.name}".lstrip(".") for alias in node.names))
            if any(_first(name) in NAMES or name == "sys.modules" or _in_a_folder(name) for name in names):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Compare):
            found += [f"{node.lineno}: {ast.unparse(node)}" for word in _words(node) if _first(word) in NAMES]
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "find_spec", "__import__"):
            words = [word for argument in node.args for word in _words(argument)]
            found += [ast.unparse(node) for word in words if _first(word) in NAMES or _in_a_folder(word)]
    return found


def _first(name: str) -> str:
    return name.partition(".")[0]


def _in_a_folder(name: str) -> bool:
    return name.startswith(tuple(f"vggcost.frameworks.{folder}" for folder in FOLDERS))


def _words(node: ast.AST) -> list[str]:
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


BESIDE = ("report/tabulated.py",)
"""What asks `sys.modules` for something else: it keeps a library that prints tables from loading what it never uses."""


def sources_outside() -> list[Path]:
    package = Path(vggcost.__file__).parent
    inside = [path.relative_to(package) for path in package.rglob("*.py")]
    assert set(BESIDE) <= {path.as_posix() for path in inside}
    return [package / path for path in inside if path.parts[0] not in KNOWERS and path.as_posix() not in BESIDE]


@pytest.mark.torch  # for its time
def test_nothing_outside_the_frameworks_recognises_one():
    assert len(sources_outside()) > 50
    assert {
        path.name: found for path in sources_outside() if (found := recognised(ast.parse(path.read_text("utf-8"))))
    } == {}


@pytest.mark.parametrize(
    "line",
    [
        "import torch",
        "from keras import layers",
        "from sys import modules",
        "from vggcost.frameworks.pytorch.build import build_module",
        "from vggcost.frameworks import keras",
        "known = sys.modules.get('torch')",
        "if 'torch' in loaded: pass",
        "if kind.__module__ == other: pass",
        "if name.partition('.')[0] == 'keras': pass",
        "import_module('torch.nn')",
        "importlib.util.find_spec('jax')",
    ],
)
def test_what_recognises_a_framework_is_found(line):
    assert recognised(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "names = ('mac', 'torch')",
        "convention('torch')",
        "raise MissingExtraError('verify', 'fvcore', 'torch')",
        "text = 'a torch.nn.Module or a Keras model'",
        "from vggcost.frameworks import door",
        "import_module(f'vggcost.cli.{word}')",
    ],
)
def test_words_stay(line):
    assert not recognised(ast.parse(line))
