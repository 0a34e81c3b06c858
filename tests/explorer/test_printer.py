"""Expressions as JavaScript: what is written, cell by cell, and what is refused; browser tests run it."""

from __future__ import annotations

import json

import pytest
import sympy

from vggcost.explorer.printer import data, javascript
from vggcost.explorer.terms import Width, terms

a, b, c = sympy.symbols("a b c", integer=True, positive=True)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (7, "7n"),
        (-7, "(-7n)"),
        (a, "a"),
        (2 * a * b, "2n*a*b"),
        (a - b - 3, "(a+(-1n)*b+(-3n))"),
        (a * (b + 1), "a*(b+1n)"),
        ((a + b) ** 2, "(a+b)**2n"),
        (-(a**3), "(-1n)*a**3n"),
        ((a + 1) // 2, "div((a+1n),2n)"),
        (a * b // c, "div(a*b,c)"),
        ((a // 2 + b) // 3, "div((b+div(a,2n)),3n)"),
        ((a - b) % 7, "rest((a+(-1n)*b),7n)"),
        (sympy.Max(1, a * b // c), "most(1n,div(a*b,c))"),
        (sympy.Min(b, a), "least(a,b)"),
    ],
)
def test_an_expression_is_written(expression, text):
    assert javascript(expression) == text


@pytest.mark.parametrize("expression", [a / 2, sympy.Rational(1, 3), sympy.sqrt(a), 1 / a, sympy.sin(a), sympy.pi * a])
def test_what_is_no_whole_number_is_refused(expression):
    with pytest.raises(TypeError, match="no whole number"):
        javascript(expression)


def test_nothing_in_a_text_ends_the_script():
    text = "</script><!-- \u2028 '\"\\"
    written = data({"name": text})
    assert "<" not in written and written.isascii()
    assert json.loads(written) == {"name": text}


def test_terms_are_what_sympy_adds_up():
    total = terms(a * (b + 1)) + 3 * terms(c) - terms(a) + 2 - terms(2 * c)
    assert sympy.expand(total) == a * b + c + 2
    assert terms(a * b) - terms(a * b) + 0 == terms(0) or not (terms(a * b) - terms(a * b)).numbers
    assert (a * b) * Width(c) and sympy.sympify((a + 2) * Width(c)) == a * c + 2 * c
    assert terms(2 * a + b).covers(terms(a)) and not terms(2 * a).covers(terms(a + b))
    assert not terms(a + b).covers(terms(2 * a)) and terms(a).covers(terms(0))
