"""Without any extra every command answers, or says which extra to install; it never fails in its imports."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

SCRIPT = """
import contextlib, io, json, sys

for name in ("numpy", "pandas", "sympy", "torch", "matplotlib", "onnx", "h5py", "keras", "fvcore"):
    sys.modules[name] = None

from vggcost.cli import main

said = {}
for line in sys.argv[1:]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(line.split())
    said[line] = status, len(out.getvalue()), err.getvalue()
print(json.dumps(said))
"""

ANSWERED = (
    *("table D", "table --config D", "table D --format latex", "table D --formulas", "table D --format json"),
    *("compare A,D", "memory D", "memory D --training", "fit D --memory 8GiB", "conventions D", "explain 138M"),
    "configs",
)
NEEDS = {
    "formula D": ("sympy", "formula"),
    "stack 3x3 3x3": ("sympy", "formula"),
    "explorer": ("sympy", "formula"),
    "plot layers D -o x.svg": ("matplotlib", "plot"),
    "verify D": ("torch", "torch"),
    "bench D": ("torch", "torch"),
    "audit vggcost_nowhere.onnx": ("onnx", "onnx"),
}


def test_every_command_answers_or_names_its_extra(tmp_path):
    lines = [*ANSWERED, *NEEDS]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *lines], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    said = json.loads(done.stdout)
    for line in ANSWERED:
        status, length, err = said[line]
        assert (status, err) == (0, ""), line
        assert length > 100
    for line, (package, extra) in NEEDS.items():
        status, length, err = said[line]
        assert (status, length) == (2, 0), line
        assert err.count("\n") == 1
        assert err.endswith(f"needs {package}, which is not installed; run: pip install 'vggcost[{extra}]'\n")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("call", "package", "extra"),
    [
        ("cost('D').to_frame()", "pandas", "frame"),
        ("closed_form('D')", "sympy", "formula"),
        ("memory_totals('D', batch=[1, 2])", "numpy", "frame"),
        ("cost('D').plot.layers()", "matplotlib", "plot"),
    ],
)
def test_calls_name_theirs_too(call, package, extra):
    blocked = f"import sys; sys.modules[{package!r}] = None; from vggcost import *; {call}"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        f"needs {package}, which is not installed; run: pip install 'vggcost[{extra}]'"
    )


def test_the_base_is_two_small_packages(checkout):
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [each.partition(">")[0] for each in project["dependencies"]] == ["msgspec", "tabulate"]
