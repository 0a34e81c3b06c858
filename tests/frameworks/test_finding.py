"""Where a program is found: files inside packages, neighbours, files of one name, the only model of a file."""

from __future__ import annotations

import json
import sys

import pytest

from vggcost.frameworks import door
from vggcost.frameworks.finding import place_of

FRAMEWORK = """
class Model:
    def __init__(self, width=8):
        self.width = width
"""
LAYERS = "import fourth\n\ndef width():\n    return {width}\n"
NET = """
import fourth
{imports}

class Net(fourth.Model):
    def __init__(self, extra=0):
        super().__init__(width() + extra)
"""


class FourthFramework:
    """A framework whose models are one linear layer of 3 inputs."""

    PACKAGE = EXTRA = "fourth"
    MODEL = "a fourth.Model"
    BASE = None

    def parts(self, model):
        return iter(())

    def prepare(self):
        pass

    def owns(self, model):
        return isinstance(model, self._model())

    def is_class(self, value):
        return isinstance(value, type) and issubclass(value, self._model())

    def _model(self):
        return getattr(sys.modules.get("fourth"), "Model", ())

    def makes(self, value):
        return False

    def image_shapes(self, model, size, batch):
        return [(batch, 3)]

    def read(self, model, arguments, program, rebuild):
        from vggcost.network.layers import Linear
        from vggcost.programs.reading import Operation, ProgramReading
        from vggcost.programs.state import State

        layer = Linear("", "fc", 3, model.width)
        output, ledger = layer.apply((1, 3))
        operation = Operation(layer, (1, 3), output, State.of(layer.params(), 4, "float32"), ledger)
        return ProgramReading(program, "fourth", arguments.shapes(), (operation,))


@pytest.fixture(autouse=True)
def fourth(tmp_path_factory, monkeypatch):
    """A framework that is installed, not beside the program."""
    folder = tmp_path_factory.mktemp("site-packages")
    (folder / "fourth.py").write_text(FRAMEWORK)
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    monkeypatch.setattr(door, "FRAMEWORKS", (FourthFramework(),))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        sys.modules.pop(name)


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/').replace('/init', '/__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def outputs(vggcost):
    """The width of each target's model, read in one process."""

    def run(*targets, options=()):
        ran = vggcost("compare", *targets, *options, "--format", "json")
        assert ran.status == 0, ran
        return [each["macs"] // 3 for each in json.loads(ran.out)["networks"]]

    return run


@pytest.mark.parametrize(
    "imports",
    [
        "from .layers import width",
        "from ..inside.layers import width",
        "from package.inside.layers import width",
        "from layers import width",
    ],
)
def test_a_file_inside_a_package_works_by_its_path(tmp_path, outputs, imports):
    write(
        tmp_path,
        package__init="",
        package__inside__init="",
        package__inside__layers=LAYERS.format(width=5),
        package__inside__net=NET.format(imports=imports),
    )
    assert outputs(f"{tmp_path}/package/inside/net.py:Net") == [5]


def test_the_working_directory_is_on_the_path(tmp_path, outputs, monkeypatch):
    write(
        tmp_path, tools__widths=LAYERS.format(width=6), nets__net=NET.format(imports="from tools.widths import width")
    )
    monkeypatch.chdir(tmp_path)
    assert outputs("nets/net.py:Net", "nets.net:Net") == [6, 6]


def test_a_package_that_cannot_be_imported_leaves_a_file_that_stands_alone(tmp_path, outputs, refused):
    imports = "def width():\n    return 4"
    write(tmp_path, broken__init="import nosuchthing", broken__net=NET.format(imports=imports))
    assert outputs(f"{tmp_path}/broken/net.py:Net") == [4]
    write(tmp_path, broken__part=NET.format(imports="from .layers import width"))
    assert "No module named 'nosuchthing'" in refused("table", f"{tmp_path}/broken/part.py:Net")


def test_a_name_of_the_standard_library_inside_a_package_hides_nothing(tmp_path, outputs):
    write(
        tmp_path,
        named__init="",
        named__queue="raise SystemExit",
        named__random=NET.format(imports="import queue\n\ndef width():\n    return queue.Queue(9).maxsize"),
    )
    assert outputs(f"{tmp_path}/named/random.py:Net") == [9]


def test_files_and_neighbours_of_one_name_are_each_programs_own(tmp_path, outputs):
    for folder, width in (("one", 3), ("two", 4)):
        write(
            tmp_path,
            **{
                f"{folder}__model": NET.format(imports="from layers import width"),
                f"{folder}__layers": LAYERS.format(width=width),
                f"{folder}__models__init": "",
                f"{folder}__models__net": NET.format(imports="from models.blocks import width"),
                f"{folder}__models__blocks": LAYERS.format(width=10 * width),
            },
        )
    one, two = f"{tmp_path}/one", f"{tmp_path}/two"
    targets = [f"{folder}/{name}" for folder in (one, two, one) for name in ("model.py:Net", "models/net.py:Net")]
    assert outputs(*targets) == [3, 30, 4, 40, 3, 30]


@pytest.mark.parametrize("stem", ["json", "vggcost", "fourth", "net-v2", "net.v3"])
def test_a_file_may_be_called_anything(tmp_path, outputs, stem):
    import fourth  # noqa: F401  # its name is taken

    (tmp_path / f"{stem}.py").write_text(NET.format(imports="def width():\n    return 7"))
    before = dict(sys.modules)
    assert outputs(f"{tmp_path}/{stem}.py:Net") == [7]
    assert all(sys.modules[name] is module for name, module in before.items() if name in ("json", "vggcost", "fourth"))


def test_a_place_keeps_its_modules_while_another_is_entered(tmp_path):
    write(tmp_path, a__one="value = 1", b__one="value = 2")
    places = [place_of(f"{tmp_path}/{folder}/one.py:value") for folder in ("a", "b")]
    path = list(sys.path)
    for place, value in zip(places, (1, 2), strict=True):
        with place:
            assert door.found(place.text + ":value", place).value == value
    for place, value in zip(places, (1, 2), strict=True):
        with place:
            assert sys.modules["one"].value == value
    assert sys.path == path


ONE = "import fourth\nfrom fourth import Model\n\nclass Net(Model):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ONE, "Net"),
        (f"{ONE}\ndef build():\n    return Net()\n", "Net"),
        ("import fourth\nnet = fourth.Model(2)\n", "net"),
        ("import fourth\n\ndef build():\n    return fourth.Model(2)\n", "build"),
        (f"{ONE}\nclass _Hidden(Model):\n    pass\n", "Net"),
        ("from json import dumps\nimport fourth\n\ndef build():\n    return fourth.Model(2)\n", "build"),
    ],
)
def test_the_only_model_of_a_file_needs_no_name(tmp_path, vggcost, text, name):
    path = tmp_path / "only.py"
    path.write_text(text)
    ran = vggcost("audit", str(path), "--format", "json")
    assert ran.status == 0, ran
    assert json.loads(ran.out)["network"]["name"] == f"{path}:{name}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{ONE}\nclass Other(Net):\n    pass\n", "only.py has the models Net, Other; name one, as"),
        (
            f"{ONE.replace('    pass', '    def __init__(self, needed):  pass')}\ndef build():\n    return Net(3)\n",
            "only.py has the model Net and the function build; name one, as",
        ),
        ("def a():\n    pass\n\ndef b():\n    pass\n", "only.py has the functions a, b; name one, as"),
        ("x = 3\n", "only.py has no model and no function of its own; name one that has, as vgg.py:VGG16"),
        ("", "only.py has no model and no function of its own"),
    ],
)
def test_several_models_or_none_are_listed(tmp_path, refused, text, words):
    path = tmp_path / "only.py"
    path.write_text(text)
    assert words in refused("audit", str(path))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("{0}", "is neither a module's name nor a .py file"),
        ("{0}/", "is a directory; give path/to/file.py:callable"),
        ("{0}/:f", "is a directory"),
        ("{0}/none.py", "none.py' is not there"),
        ("{0}/text.txt:f", "text.txt' is no Python file; give one that ends in .py"),
        ("no-module.at.all:f", "'no-module.at.all' is neither a module's name nor a .py file"),
        ("nosuchmodule.at.all", "there is no module 'nosuchmodule' here"),
        ("json.loads", "'json.loads' is no module, and json has 'loads'; write json:loads"),
        ("json:decoder.JSONDecodr", "decoder has no 'JSONDecodr'; the nearest are JSONDecoder"),
        ("::", "TARGET is '::'"),
        (".", "neither a module's name nor a .py file"),
    ],
)
def test_what_cannot_be_found_is_one_line(tmp_path, refused, target, words):
    (tmp_path / "text.txt").write_text("f = 3")
    text = target.format(tmp_path)
    if target == "{0}":
        words = "is a directory"
    assert words in refused("audit", text)
