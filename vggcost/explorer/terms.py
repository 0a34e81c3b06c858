"""Bytes as sums of monomials: what a walk over hundreds of moments adds up, for which sympy's sums are slow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import sympy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Monomials:
    """A sum of monomials, each with a whole number; an expression to sympy. Zeros are left out.

    >>> a, b = sympy.symbols("a b")
    >>> (terms(a * (b + 1)) - terms(a) + 2).numbers == {a * b: 1, sympy.Integer(1): 2}
    True
    """

    __slots__ = ("numbers",)

    def __init__(self, numbers: Mapping[Any, int]) -> None:
        self.numbers = numbers

    def __add__(self, other: Any) -> Monomials:
        return self._with(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Monomials:
        return self._with(other, -1)

    def _with(self, other: Any, sign: int) -> Monomials:
        found = dict(self.numbers)
        for monomial, number in terms(other).numbers.items():
            total = found.get(monomial, 0) + sign * number
            if total:
                found[monomial] = total
            else:
                del found[monomial]
        return Monomials(found)

    def __mul__(self, times: int) -> Monomials:
        return Monomials({monomial: times * number for monomial, number in self.numbers.items()} if times else {})

    __rmul__ = __mul__

    def covers(self, other: Monomials) -> bool:
        """Whether no monomial of the other one has a larger number there than here; none is below 0."""
        here = self.numbers
        return len(here) >= len(other.numbers) and all(
            here.get(one, 0) >= number for one, number in other.numbers.items()
        )

    def _sympy_(self) -> Any:
        return sympy.Add(*(number * monomial for monomial, number in self.numbers.items()))


class Width:
    """The bytes of an element, of which a tensor's elements make Monomials."""

    def __init__(self, size: Any) -> None:
        self._size = size

    def __rmul__(self, elements: Any) -> Monomials:
        return terms(elements * self._size)


def terms(number: Any) -> Monomials:
    """Return a number as a sum of monomials; an expression is expanded."""
    return number if isinstance(number, Monomials) else _expanded(sympy.sympify(number))


@cache
def _expanded(expression: Any) -> Monomials:
    found = sympy.expand(expression).as_coefficients_dict()
    return Monomials({monomial: int(number) for monomial, number in found.items() if number})
