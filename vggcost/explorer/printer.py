"""sympy expressions as JavaScript over BigInt, in which whole numbers have no largest.

sympy's own printer writes ``Math.floor((1/2)*a)``, in floats. Here an integer is a literal such as ``2n``, and a
floored quotient is `div` of RUNTIME, which rounds down whatever the signs, as Python's ``//`` does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sympy
from sympy.core.function import AppliedUndef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

RUNTIME = """
const rest = (a, b) => { const r = a % b; return r !== 0n && (r < 0n) !== (b < 0n) ? r + b : r; };
const div = (a, b) => (a - rest(a, b)) / b;
const most = (...all) => all.reduce((a, b) => b > a ? b : a);
const least = (...all) => all.reduce((a, b) => b < a ? b : a);
const gcd = (a, b) => { while (b) [a, b] = [b, a % b]; return a < 0n ? -a : a; };
"""
"""What the expressions call: Python's ``%``, ``//``, ``max``, ``min`` and ``math.gcd`` over BigInt."""

# What sympy would simplify, and single tools compute in float64, in this order of operations.
quotient, product, total, whole, gcd = (
    sympy.Function(name) for name in ("quotient", "product", "total", "whole", "gcd")
)
as_float = sympy.Function("as_float")

_CALLS: dict[str, Callable[..., str]] = {
    "quotient": lambda a, b: f"(Number({a})/Number({b}))",
    "product": lambda a, b: f"({a}*{b})",
    "total": lambda a, b: f"({a}+{b})",
    "whole": lambda a: f"BigInt(Math.trunc({a}))",
    "as_float": lambda a: f"Number({a})",
    "gcd": lambda a, b: f"gcd({a},{b})",
}


def javascript(expression: Any) -> str:
    """Return an expression in whole numbers as JavaScript over BigInt, with brackets around sums.

    Raises:
        TypeError: it has a fraction outside a floor, or a function that is not known here.

    >>> h = sympy.Symbol("h", integer=True)
    >>> javascript(sympy.floor(h / 2)), javascript(h**2 - 3)
    ('div(h,2n)', '(h**2n+(-3n))')
    """
    expression = sympy.sympify(expression)
    for kind, write in _WRITTEN.items():
        if isinstance(expression, kind):
            return write(expression)
    raise _no_whole_number(expression)


def _no_whole_number(expression: Any) -> TypeError:
    return TypeError(f"{expression} is no whole number that JavaScript could be made of")


def _integer(number: Any) -> str:
    return f"{number}n" if number >= 0 else f"({number}n)"


def _sum(expression: Any) -> str:
    return f"({'+'.join(javascript(each) for each in expression.as_ordered_terms())})"


def _product(expression: Any) -> str:
    return "*".join(javascript(each) for each in expression.as_ordered_factors())


def _power(expression: Any) -> str:
    base, exponent = expression.args
    if not (exponent.is_Integer and exponent > 0):
        raise _no_whole_number(expression)
    text = javascript(base)
    return f"{text if base.is_Symbol or base.is_Add else f'({text})'}**{exponent}n"


def _call(name: str, arguments: Iterable[Any]) -> str:
    return f"{name}({','.join(javascript(each) for each in arguments)})"


def _floor(expression: Any) -> str:
    return _call("div", sympy.fraction(sympy.together(expression.args[0])))


def _unordered(name: str) -> Callable[[Any], str]:
    """A function whose arguments sympy keeps as a set."""
    return lambda expression: _call(name, sorted(expression.args, key=sympy.default_sort_key))


def _named(expression: Any) -> str:
    write = _CALLS.get(expression.func.__name__)
    if write is None:
        raise _no_whole_number(expression)
    return write(*(javascript(each) for each in expression.args))


_WRITTEN: dict[Any, Callable[[Any], str]] = {
    sympy.Integer: _integer,
    sympy.Symbol: str,
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.floor: _floor,
    sympy.Mod: lambda expression: _call("rest", expression.args),
    sympy.Max: _unordered("most"),
    sympy.Min: _unordered("least"),
    AppliedUndef: _named,
}


def data(value: Any) -> str:
    """Return plain values as JavaScript that nothing in them can end or leave: a ``<`` is no sign of HTML there."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
