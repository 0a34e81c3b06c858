"""What an editor shows of the Python API, and what a type checker takes and refuses."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

import vggcost
from vggcost.network.plan import Variant

ENVIRONMENT = jedi.InterpreterEnvironment()


def script(code):
    return jedi.Script(f"import vggcost\n{code}", environment=ENVIRONMENT)


def completions(code):
    return {found.name for found in script(code).complete()}


def test_the_wheel_has_a_stub_of_the_public_names():
    stub = ast.parse(Path(vggcost.__file__).with_name("__init__.pyi").read_text())
    imported = {name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert imported | {"__version__"} == set(vggcost.__all__)
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            assert {vggcost._HOMES[name.name] for name in node.names} == {node.module}


def test_an_editor_completes_the_public_names():
    assert len(vggcost.__all__) == 13
    assert set(vggcost.__all__) <= completions("vggcost.")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ('vggcost.cost("D").', {"totals", "layers", "to_json", "to_frame", "convention", "counted_by"}),
        ('vggcost.cost("D").totals.', {"params", "macs", "flops", "count", "weight_bytes"}),
        ('vggcost.cost("D").layers[0].', {"name", "kind", "params", "macs"}),
        ('vggcost.closed_form("D").', {"params", "macs", "at"}),
        ('vggcost.memory("D").', {"totals", "layers", "peak", "to_dict"}),
        ('vggcost.fit("D", memory="24GiB").', {"batch", "size", "width", "next", "levers", "to_dict"}),
        ("vggcost.audit(model, image).", {"params", "macs", "to_json", "same_as"}),
        ('vggcost.cost("D", batch_', {"batch_norm="}),
    ],
)
def test_an_editor_completes_what_the_calls_return(code, names):
    assert names <= completions(code)


@pytest.mark.parametrize("call", ["cost", "closed_form", "memory", "memory_totals", "fit", "audit", "sweep"])
def test_an_editor_shows_the_signature_that_python_has(call):
    (shown,) = script(f"vggcost.{call}(").get_signatures()
    assert [one.name for one in shown.params] == list(inspect.signature(getattr(vggcost, call)).parameters)


def test_an_editor_shows_the_first_sentence():
    (shown,) = script("vggcost.cost").help(2, 9)
    assert "Return what a network costs, layer by layer." in shown.docstring()


def test_both_calls_take_every_option_of_a_variant():
    one, other = (inspect.signature(call).parameters for call in (vggcost.cost, vggcost.closed_form))
    for name in Variant._fields:
        assert one[name] == other[name]
        assert (one[name].default, one[name].kind) == (None, inspect.Parameter.KEYWORD_ONLY)
    assert set(one) - set(other) == {"dtype", "convention"}


SNIPPET = """
import vggcost

cost = vggcost.cost("D", batch_norm=True, head=(), width="0.5", size=(224, 320), dtype="float16", convention="fvcore")
params: int = cost.totals.params
count: int | None = vggcost.cost(file="net.toml").layers[0].count
text: str = vggcost.audit(object(), (1, 3, 224, 224), convention="thop").to_json()
vggcost.closed_form("D", classes=10).params
vggcost.cost("D", convention="fvcor")
vggcost.cost("D", dtype="float23")
vggcost.cost("D", bach_norm=True)
vggcost.cost("D", classes="10")
vggcost.audit(object(), (1, 3, 224, 224), convention="flops")
vggcost.closed_form("D", convention="mac")
vggcost.cost("D").total
cost.totals.params = 3
vggcost.costs("D")
"""
FIRST_WRONG = 9


def test_a_type_checker_takes_what_is_right_and_refuses_what_is_wrong(tmp_path):
    (tmp_path / "snippet.py").write_text(SNIPPET)
    # Only the types of this package are asked for; those of pandas and torch would take longer than all else here.
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = True\n[mypy-pandas.*,numpy.*,sympy.*,msgspec.*,torch.*,keras.*,matplotlib.*]\n"
        "follow_imports = skip\nfollow_imports_for_stubs = True\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "snippet.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    refused = {int(line) for line in re.findall(r"^snippet\.py:(\d+): error:", done.stdout, re.MULTILINE)}
    assert refused == set(range(FIRST_WRONG, SNIPPET.count("\n") + 1)), done.stdout + done.stderr
