"""The recipes of ARCHITECTURE.md name files and tests that are there; modules and functions stay readable in size."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vggcost

MOST_FILES = {
    "a kind of layer": 4,
    "a convention": 1,
    "a figure that a tool prints": 2,
    "a format": 2,
    "a framework": 2,
    "a kind of stored model": 1,
    "a command": 2,
    "a counter that runs": 3,
    "a campaign": 1,
}
"""The most files that a recipe may name; a row in a list counts as a file."""
LONGEST_MODULE, LONGEST_FUNCTION = 400, 50


def recipes(page):
    """What is added, the files and the test of each recipe."""
    rows = re.findall(r"^\| (an? [\w ]+?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    return {
        what: (re.findall(r"`([\w/]+\.py)`", files), re.findall(r"`(test_\w+)`", shown)) for what, files, shown in rows
    }


def test_each_recipe_names_files_and_a_test_that_are_there(checkout):
    found = recipes((checkout / "ARCHITECTURE.md").read_text())
    assert set(found) == set(MOST_FILES)
    tests = "".join(path.read_text() for path in (checkout / "tests").rglob("test_*.py"))
    for what, (files, shown) in found.items():
        # X stands for what is new; two homes of a layer's class are one file.
        names = [name for name in files if "X" not in name]
        assert all((checkout / "vggcost" / name).exists() for name in names), what
        assert len(files) - (what == "a kind of layer") <= MOST_FILES[what], what
        assert shown, what
        for name in shown:
            assert f"def {name}(" in tests, name


def test_a_recipe_without_its_test_would_be_seen():
    assert recipes("| a thing | `x/y.py` | nothing |\n") == {"a thing": (["x/y.py"], [])}


@pytest.fixture
def copied(tmp_path):
    """The package somewhere it may be changed, and a way to run its command."""
    shutil.copytree(Path(vggcost.__file__).parent, tmp_path / "vggcost", ignore=shutil.ignore_patterns("__pycache__"))

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-m", "vggcost", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


NEW_ROW = """
    Convention(
        name="macs-and-relu",
        tool="a tool that was made up",
        release="1",
        unit="mixed",
        called="ops",
        proof=RECORDED,
        source="this test",
        weights={**_MACS, "relu_elements": 3},
    ),
"""


def test_a_new_convention_is_one_row(copied, tmp_path):
    rows = tmp_path / "vggcost" / "conventions" / "rows.py"
    text = rows.read_text()
    end = '''
)
"""Every convention, in the order in which they are shown."""'''
    assert text.count(end) == 1
    rows.write_text(text.replace(end, NEW_ROW.rstrip() + end))
    table = json.loads(copied("table", "A", "--size", "32", "--convention", "macs-and-relu", "--format", "json"))
    relu = [layer for layer in table["layers"] if layer["kind"] == "ReLU"]
    elements = sum(layer["count"] for layer in relu)
    assert elements == 3 * sum(
        layer["output"][1] * (layer["output"] + [1, 1])[2] * (layer["output"] + [1, 1])[3] for layer in relu
    )
    assert table["totals"]["count"] == table["totals"]["macs"] + elements
    assert "macs-and-relu" in copied("conventions", "D")
    assert "macs-and-relu" in copied("compare", "A", "--convention", "macs-and-relu")


NEW_FIGURE = """
    Figure(
        name="twice-the-weights",
        tool="a tool",
        release=None,
        words="Size of weights and gradients",
        unit=BYTES,
        proof=DEFINITION,
        source="somewhere",
        why="as a test has it",
        text=in_mb,
        weights={"params": 2},
    ),
"""


def test_a_new_figure_is_one_row(copied, tmp_path):
    rows = tmp_path / "vggcost" / "conventions" / "figure_rows.py"
    text = rows.read_text()
    end = '''
)
"""Every figure of a tool, in the order in which they are shown."""'''
    assert text.count(end) == 1
    rows.write_text(text.replace(end, NEW_FIGURE.rstrip() + end))
    (shown,) = json.loads(copied("conventions", "A", "--memory", "--format", "json"))["figures"][-1:]
    assert (shown["name"], shown["value"], shown["printed"]) == ("twice-the-weights", 8 * 132_863_336, "1062.91 MB")
    assert "Size of weights and gradients" in copied("explain", "1062.91 MB", "--among", "A")


def too_long(source):
    """The functions of a module that are longer, behind their signature, than one reads at a glance."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return [node.name for node in functions if (node.end_lineno or 0) - node.body[0].lineno + 1 > LONGEST_FUNCTION]


@pytest.mark.torch  # for its time
def test_modules_and_functions_stay_readable_in_size():
    for path in Path(vggcost.__file__).parent.rglob("*.py"):
        source = path.read_text()
        assert len(source.splitlines()) <= LONGEST_MODULE, path
        assert too_long(source) == [], path


def test_a_function_that_is_too_long_is_found():
    lines = "\n".join(f"    x = {number}" for number in range(LONGEST_FUNCTION + 1))
    assert too_long(f"def f():\n{lines}\n") == ["f"]
    assert too_long("def f():\n    x = 1\n") == []
