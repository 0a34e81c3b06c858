"""A formula written out: the same function that gives the number, called with words instead of numbers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_SUM, _PRODUCT, _ATOM = range(3)

LETTERS = {
    "batch": "N",
    "c_in": "Cin",
    "c_out": "Cout",
    "channels": "C",
    "kernel_h": "kh",
    "kernel_w": "kw",
    "h_out": "Hout",
    "w_out": "Wout",
    "in_features": "Fin",
    "out_features": "Fout",
    "groups": "g",
    "kernel": "K",
    "positions": "P",
    "outputs": "O",
    "inner": "I",
    "queries": "Q",
    "keys": "T",
    "width": "D",
    "value_width": "Dv",
    "other_features": "Fin2",
    "steps": "S",
    "gates": "G",
    "hidden": "H",
    "state": "Hs",
    "projection": "Hp",
    "layers": "L",
    "directions": "d",
}
"""The letter that stands for each argument of a formula; a square kernel's sides are both ``k``, its elements K."""


class Term:
    """A piece of a written formula, which `+ - * //` join into a longer one.

    A factor 1, a divisor 1 and a summand 0 are left away, as one does by hand: a layer without bias shows no bias.
    """

    __slots__ = ("_binding", "text")

    def __init__(self, text: str, binding: int = _ATOM) -> None:
        self.text = text
        self._binding = binding

    def __str__(self) -> str:
        return self.text

    def _within(self, binding: int) -> str:
        return self.text if self._binding >= binding else f"({self.text})"

    def __add__(self, other: Term | int) -> Term:
        return self if other == 0 else Term(f"{self.text} + {_term(other).text}", _SUM)

    def __radd__(self, other: int) -> Term:
        return self if other == 0 else _term(other) + self

    def __sub__(self, other: Term | int) -> Term:
        return self if other == 0 else Term(f"{self.text} - {_term(other)._within(_PRODUCT)}", _SUM)

    def __rsub__(self, other: int) -> Term:
        return _term(other) - self

    def __mul__(self, other: Term | int) -> Term | int:
        if isinstance(other, int) and other in (0, 1):
            return self if other else 0
        return Term(f"{self._within(_PRODUCT)}*{_term(other)._within(_PRODUCT)}", _PRODUCT)

    def __rmul__(self, other: int) -> Term | int:
        if other in (0, 1):
            return self if other else 0
        return Term(f"{other}*{self._within(_PRODUCT)}", _PRODUCT)

    def __floordiv__(self, other: Term | int) -> Term:
        # The quotient is floored, so it is kept apart from factors on either side of it.
        return self if other == 1 else Term(f"({self._within(_PRODUCT)}//{_term(other)._within(_ATOM)})")


def _term(value: Term | int) -> Term:
    return value if isinstance(value, Term) else Term(str(value))


def in_letters(formula: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Return the formula in letters: ``k*k*Cin*Cout + Cout``.

    Arguments that are 0 or 1 (a bias or none, one group, one image) count as what they are and get no letter,
    but for sizes, which keep theirs.
    """
    letters = LETTERS
    if arguments.get("kernel_h") == arguments.get("kernel_w"):
        letters = {**LETTERS, "kernel_h": "k", "kernel_w": "k"}
    return str(formula(**{name: _spoken(name, value, letters.get(name)) for name, value in arguments.items()}))


def in_numbers(formula: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Return the formula with its numbers: ``3*3*128*256 + 256``."""
    return str(formula(**{name: _spoken(name, value, str(value)) for name, value in arguments.items()}))


_SWITCHES = frozenset(("batch", "groups", "bias", "affine", "projection", "layers", "directions"))
"""Arguments that are left away where they change nothing."""


def _spoken(name: str, value: Any, text: str | None) -> Any:
    if name in _SWITCHES and value in (0, 1):
        return int(value)
    return Term(text or str(value))
