"""Which of several polynomials can be the largest, where every symbol is a whole number of at least 1."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import sympy
from sympy.polys.rings import PolyRing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Terms = dict[Any, int]
    """A polynomial's coefficients by its monomials."""


def can_be_largest(expressions: Sequence[Any], symbols: Sequence[sympy.Symbol]) -> list[int]:
    """Return the places of those of these expressions whose maximum is the maximum of all of them.

    One is left out where another is never below it, or where two others are so between them: with every symbol written
    as 1 + a number of at least 0, no coefficient of it is above the other's, or above those of one mixture of the two,
    which the larger of the two is never below. Of equal ones the first stays. What is no polynomial in the symbols
    stays, too.
    """
    ring = PolyRing(symbols, sympy.ZZ)
    above_one = [(each, each + 1) for each in ring.gens]
    terms: dict[int, Terms] = {}
    places = []
    for place, expression in enumerate(expressions):
        try:
            found = dict(ring.from_expr(sympy.sympify(expression)).compose(above_one))
        except ValueError:  # a floor that no size's multiple of the unit takes away
            places.append(place)
            continue
        if found not in terms.values():
            terms[place] = found
    for place in tuple(terms):
        if any(_mixture(terms[place], terms[other], terms[other]) for other in terms if other != place):
            del terms[place]
    for place in tuple(terms):
        others = [terms[other] for other in terms if other != place]
        if any(_mixture(terms[place], one, other) for i, one in enumerate(others) for other in others[:i]):
            del terms[place]
    return sorted([*places, *terms])


def _mixture(below: Terms, one: Terms, other: Terms) -> bool:
    """Whether some share of one and the rest of other have no coefficient under that of below."""
    least, most = Fraction(0), Fraction(1)
    for monomial in {*below, *one, *other}:
        slope = one.get(monomial, 0) - other.get(monomial, 0)
        needed = below.get(monomial, 0) - other.get(monomial, 0)
        if slope > 0:
            least = max(least, Fraction(needed, slope))
        elif slope < 0:
            most = min(most, Fraction(needed, slope))
        elif needed > 0:
            return False
    return least <= most
