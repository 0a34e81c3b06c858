"""Every formula of the folder: three kinds of number, and nothing but + - * // in it."""

from __future__ import annotations

import ast
import doctest
import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import vggcost
from vggcost import formulas
from vggcost.formulas import forward

MODULES = [
    import_module(f"vggcost.formulas.{module.name}")
    for module in pkgutil.iter_modules(formulas.__path__)
    if module.name != "notation"  # writes formulas out, and has none
]
FORMULAS = {
    name: function
    for module in MODULES
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__
}
SWITCHES = {"bias", "scale", "groups", "affine", "dilation", "element_bytes"}

CALLABLE = {*FORMULAS, "prod"}
"""What a formula may call: another formula, and the product of a shape, which is * over as many sizes as there are."""


def impurities(source: str) -> list[str]:
    """What a formula holds beside one return of + - * // on its arguments, and of calls of formulas."""
    (function,) = ast.parse(source).body
    body = function.body[1:]  # the docstring stands first
    found = [] if len(body) == 1 and isinstance(body[0], ast.Return) else ["more than one return"]
    allowed = (ast.Return, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Name, ast.Constant, ast.Load)
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in CALLABLE or node.keywords:
                found.append(f"a call of {ast.unparse(node.func)}")
        elif not isinstance(node, allowed):
            found.append(type(node).__name__)
    return found


def test_every_module_of_the_folder_is_looked_at():
    assert [module.__name__.rpartition(".")[2] for module in MODULES] == [
        *("collectives", "convolutions", "forward", "latency", "memory", "norms", "roofline", "sequences", "windows"),
    ]
    # A name stands for one formula in the whole folder.
    assert len(FORMULAS) == sum(
        inspect.isfunction(value) and value.__module__ == module.__name__
        for module in MODULES
        for value in vars(module).values()
    )
    for module in MODULES:
        for node in ast.parse(inspect.getsource(module)).body:
            assert not isinstance(node, ast.ClassDef | ast.For | ast.AugAssign), module.__name__


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_one_return_of_plain_arithmetic(name):
    assert impurities(inspect.getsource(FORMULAS[name])) == []


@pytest.mark.parametrize(
    "body",
    [
        *("return a / b", "return max(a, b)", "return a if a else b", "a = 1\n    return a", "return a % b"),
        *("return a ** b", "return elements(shape=a)", "return a.prod(b)", "return [a]", "return -a"),
    ],
)
def test_the_arithmetic_guard_can_fail(body):
    assert impurities(f'def f(a, b):\n    """Doc."""\n    {body}\n') != []


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_says_what_it_counts_in_which_unit_with_an_example(name):
    text = inspect.getdoc(FORMULAS[name])
    assert "Source: " in text
    assert "[" in text.splitlines()[0]
    assert f">>> {name}(" in text
    for parameter in inspect.signature(FORMULAS[name]).parameters.values():
        assert parameter.annotation != inspect.Parameter.empty


def _elements_of_three(one, two, three):
    return forward.elements((one, two, three))


@pytest.mark.parametrize("name", FORMULAS)
@given(data=st.data())
def test_ints_arrays_and_symbols_agree(name, data):
    function = FORMULAS[name]
    parameters = inspect.signature(function).parameters
    if name == "elements":
        function, parameters = _elements_of_three, inspect.signature(_elements_of_three).parameters
    values = {parameter: data.draw(st.integers(1, 60), label=parameter) for parameter in parameters}
    values |= {switch: data.draw(st.integers(0, 1)) for switch in {"bias", "scale", "affine"} & set(values)}
    if "groups" in values:
        values["groups"] = 1
    expected = function(**values)
    assert type(expected) is int
    sizes = [parameter for parameter in parameters if parameter not in SWITCHES]
    arrays = {size: np.array([values[size], values[size] + 1], dtype=np.int64) for size in sizes}
    swept = function(**(values | arrays))
    assert swept.dtype == np.int64
    assert swept[0] == expected
    assert swept[1] == function(**(values | {size: values[size] + 1 for size in sizes}))
    symbols = {size: sympy.Symbol(size, integer=True, positive=True) for size in sizes}
    closed = function(**(values | symbols))
    assert sympy.sympify(closed).subs({symbols[size]: values[size] for size in sizes}) == expected


def test_int64_holds_the_largest_network_anyone_sizes_hardware_for():
    # Arrays overflow in silence, so the largest corner is worked out in Python ints first.
    largest = forward.conv2d_macs(65536, 512, 512, 3, 3, 1024, 1024)
    assert largest < 2**63
    sizes = (np.array([size], dtype=np.int64) for size in (65536, 512, 512, 3, 3, 1024, 1024))
    assert forward.conv2d_macs(*sizes)[0] == largest


PACKAGE = [
    # Rooms of the frameworks import them.
    pytest.param(name, marks=pytest.mark.torch if name.startswith("vggcost.frameworks.") else ())
    for _, name, _ in pkgutil.walk_packages(vggcost.__path__, "vggcost.")
    if not name.endswith("__main__")
]


@pytest.mark.parametrize("name", PACKAGE)
def test_every_example_in_a_docstring_runs(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_the_examples_are_found():
    assert sum(doctest.testmod(module).attempted for module in MODULES) >= len(FORMULAS)
