"""Rules of single tools, called with symbols: what they compute, and what they ask on the way, as one expression.

A rule may branch, take a remainder and compute in floats, which sympy's numbers would answer or simplify away. A
`Traced` number answers nothing: each of its questions is asked both ways, and the answers become ``?:``.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

import sympy

from vggcost.conventions import counting, special_rules
from vggcost.explorer import printer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.conventions.special_rules import Count
    from vggcost.costs.table import Row

OPEN, CLOSE = "\x02", "\x03"
"""What stands around a number's expression in a text."""


class _Questions:
    """The questions of one call: the answers given in advance, and what was asked, in order."""

    answers: tuple[bool, ...] = ()
    asked: list[str]


_now = _Questions()


class Traced:
    """A number that is an expression.

    is_float says whether Python would have a float there, is_positive that it is known to be above 0.
    """

    def __init__(self, expression: Any, *, is_float: bool = False, is_positive: bool = False) -> None:
        self.expression = sympy.sympify(expression)
        self.is_float = is_float
        self.is_positive = is_positive

    def __bool__(self) -> bool:
        return self.is_positive or _ask(f"{printer.javascript(self.expression)}!==0n")

    def __eq__(self, other: object) -> bool:
        return _ask(f"{printer.javascript(self.expression)}==={printer.javascript(_expression(other))}")

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # nobody knows its value

    def __str__(self) -> str:
        return f"{OPEN}{printer.javascript(self.expression)}{CLOSE}"

    def _with(self, other: Any, of_ints: Callable[[Any, Any], Any], of_floats: Any = None) -> Traced:
        mine, its = self.expression, _expression(other)
        other_is_float = isinstance(other, Traced) and other.is_float
        if not (self.is_float or other_is_float):
            return Traced(of_ints(mine, its))
        mine = mine if self.is_float else printer.as_float(mine)
        its = its if other_is_float else printer.as_float(its)
        return Traced(of_floats(mine, its), is_float=True)

    def __add__(self, other: Any) -> Traced:
        return self._with(other, lambda a, b: a + b, printer.total)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Traced:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Traced:
        return self._with(other, lambda a, b: a * b, printer.product)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Traced:
        return self._with(other, lambda a, b: a // b)

    def __rfloordiv__(self, other: int) -> Traced:
        return Traced(sympy.sympify(other) // self.expression)

    def __mod__(self, other: Any) -> Traced:
        return self._with(other, sympy.Mod)

    def __truediv__(self, other: Any) -> Traced:
        return Traced(printer.quotient(self.expression, _expression(other)), is_float=True)


def _expression(number: Any) -> Any:
    return number.expression if isinstance(number, Traced) else sympy.sympify(number)


def _ask(question: str) -> bool:
    _now.asked.append(question)
    place = len(_now.asked) - 1
    return _now.answers[place] if place < len(_now.answers) else True


def _traced_module() -> dict[str, Any]:
    """The rules' module with functions that see Traced numbers where the originals ask for ints."""
    names = dict(vars(special_rules))
    for name, value in tuple(names.items()):
        if isinstance(value, FunctionType) and value.__globals__ is vars(special_rules):
            names[name] = FunctionType(value.__code__, names, name)
    names["int"] = lambda number: Traced(printer.whole(number.expression))
    names["gcd"] = lambda one, other: Traced(printer.gcd(_expression(one), _expression(other)))
    return names


def _traced_count() -> Callable[[Convention, Row, Row | None], Count]:
    """`vggcost.conventions.counting.count` with these rules."""
    names = _traced_module()
    rules = {name: rule.replace(of=names[rule.of.__name__]) for name, rule in special_rules.RULES.items()}
    return FunctionType(counting.count.__code__, {**vars(counting), "RULES": rules}, "count")


_count = _traced_count()


def count(convention: Convention, row: Row, before: Row | None) -> str:
    """Return what a convention counts of a row of Traced numbers as JavaScript: a BigInt, or a text that says why not.

    before is the row in front of it, as in `vggcost.conventions.counting.count`.
    """
    return _both_ways(convention, row, before, ())


def _both_ways(convention: Convention, row: Row, before: Row | None, answers: tuple[bool, ...]) -> str:
    _now.answers, _now.asked = answers, []
    found = _count(convention, row, before)
    asked = tuple(_now.asked)
    if len(asked) <= len(answers):
        return _text(found.note or "") if found.value is None else printer.javascript(_expression(found.value))
    yes, no = (_both_ways(convention, row, before, (*answers, answer)) for answer in (True, False))
    return yes if yes == no else f"({asked[len(answers)]}?{yes}:{no})"


def _text(words: str) -> str:
    """A text with numbers as JavaScript."""
    pieces = []
    for piece in words.split(OPEN):
        number, close, plain = piece.partition(CLOSE)
        pieces += [number, printer.data(plain)] if close else [printer.data(piece)]
    return f"({'+'.join(pieces)})"
