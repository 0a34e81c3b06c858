"""What the run of mutants makes of a source; tests/against_tools/test_mutants_run.py holds what it says of tests."""

from __future__ import annotations

import inspect
import tomllib
from itertools import permutations

import mutations
import pytest
import sympy

from vggcost.formulas import forward, memory, roofline, sequences

AREA = '''"""A formula."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    SIZE = 1 + 1


def area(height: int, width: int = 3) -> int:
    """Return height * width."""
    return height * (width + 0)
'''
WEIGHTS = """WEIGHTS = {"conv_macs": 1, "conv_outputs": -1, "relu_elements": 2}
def has(shape, text):
    if shape[0] < 1 or isinstance(shape, tuple):
        raise ValueError(f"{shape[0] + 1}" + "text")
    return call(shape, *text, text, one=1, other=2)
"""


def made_of(source, monkeypatch):
    monkeypatch.setattr(mutations, "PER_FUNCTION", 1000)
    return [(one.function, one.after) for one in mutations.of_the_tree("file.py", source)]


def test_the_mutants_of_a_formula(monkeypatch):
    assert sorted(made_of(AREA, monkeypatch)) == [
        ("area", "def area(height: int, width: int = 4) -> int:"),
        ("area", "return (width + 0)"),
        ("area", "return height"),
        ("area", "return height * (0)"),
        ("area", "return height * (height + 0)"),
        ("area", "return height * (width + 1)"),
        ("area", "return height * (width - 0)"),
        ("area", "return height * (width)"),
        ("area", "return height // (width + 0)"),
        ("area", "return width * (width + 0)"),
    ]


def test_the_mutants_of_weights_and_of_conditions(monkeypatch):
    assert sorted(made_of(WEIGHTS, monkeypatch)) == [
        ("<module>", 'WEIGHTS = {"conv_macs": -1, "conv_outputs": 1, "relu_elements": 2}'),
        ("<module>", 'WEIGHTS = {"conv_macs": 1, "conv_macs": -1, "relu_elements": 2}'),
        ("<module>", 'WEIGHTS = {"conv_macs": 1, "conv_outputs": -1, "relu_elements": 3}'),
        ("<module>", 'WEIGHTS = {"conv_macs": 1, "conv_outputs": -2, "relu_elements": 2}'),
        ("<module>", 'WEIGHTS = {"conv_macs": 1, "conv_outputs": 2, "relu_elements": -1}'),
        ("<module>", 'WEIGHTS = {"conv_macs": 2, "conv_outputs": -1, "relu_elements": 2}'),
        ("<module>", 'WEIGHTS = {"conv_outputs": 1, "conv_outputs": -1, "relu_elements": 2}'),
        ("has", "if (shape[0] < 1):"),
        ("has", "if isinstance(shape, tuple):"),
        ("has", "if shape[0] < 2 or isinstance(shape, tuple):"),
        ("has", "if shape[0] <= 1 or isinstance(shape, tuple):"),
        ("has", "if shape[1] < 1 or isinstance(shape, tuple):"),
        ("has", "return call(shape, *text, text, one=1, other=3)"),
        ("has", "return call(shape, *text, text, one=2, other=1)"),
        ("has", "return call(shape, *text, text, one=2, other=2)"),
    ]


@pytest.mark.parametrize("name", sorted(mutations.SYMMETRIC))
def test_a_formula_whose_arguments_are_not_exchanged_is_symmetric(name):
    (function,) = (vars(module)[name] for module in (forward, memory, roofline, sequences) if name in vars(module))
    symbols = sympy.symbols("a:z", integer=True, positive=True)[: len(inspect.signature(function).parameters)]
    assert len({sympy.simplify(function(*order)) for order in permutations(symbols)}) == 1


def test_arguments_of_a_symmetric_formula_are_not_exchanged(monkeypatch):
    assert made_of("PEAK = [memory.tensor_bytes(a, b), other(a, b)]", monkeypatch) == [
        ("<module>", "PEAK = [memory.tensor_bytes(a, b), other(b, a)]")
    ]


def test_a_sample_is_in_every_function_and_always_the_same(monkeypatch):
    every = set(made_of(AREA, monkeypatch))
    monkeypatch.setattr(mutations, "PER_FUNCTION", 3)
    few = [one.name for one in mutations.of_the_tree("file.py", AREA)]
    moved = [one.name for one in mutations.of_the_tree("other.py", "WIDTH = 3\n\n" + AREA)]
    assert len(few) == 3 < len(every)
    assert moved[1:] == few


def test_a_mutant_by_hand_is_found_in_its_function_wherever_that_stands():
    entry = {"function": "area", "old": "(width + 0)", "new": "width"}
    one = mutations.by_hand({"a.py": WEIGHTS, "b.py": AREA}, entry)
    assert (one.file, one.name) == ("b.py", "area: return height * (width + 0) -> return height * width")
    assert one.source == AREA.replace("(width + 0)", "width")


@pytest.mark.parametrize(
    ("entry", "times"),
    [
        ({"function": "area", "old": "depth", "new": "width"}, 0),
        ({"function": "volume", "old": "(width + 0)", "new": "width"}, 0),
        ({"function": "area", "old": "height", "new": "width"}, 3),
    ],
)
def test_a_mutant_by_hand_whose_text_is_gone_is_refused(entry, times):
    with pytest.raises(ValueError, match=rf"has '.*' {times} times; mend tests/mutants\.toml"):
        mutations.by_hand({"b.py": AREA}, entry)


def test_the_plan_is_one_for_this_checkout(checkout):
    plan = tomllib.loads((checkout / "tests" / "mutants.toml").read_text())
    sources = mutations.rooms(checkout, plan)
    made = mutations.mutants(sources, plan)
    assert len(made) >= 100
    assert {one.file for one in made} == {file for file, source in sources.items() if "def " in source}
    names = {one.name for one in made}
    for entry in plan.get("equivalent", ()):
        assert f"{entry['function']}: {entry['change']}" in names
        assert entry["proof"]
    with pytest.raises(ValueError, match=r"no file matches vggcost/gone/\*\.py"):
        mutations.rooms(checkout, {"rooms": ["vggcost/gone/*.py"]})
