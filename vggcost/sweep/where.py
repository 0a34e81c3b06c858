"""The little language of --where: a column, a comparison, a value, and ``and`` between them; parsed, never run."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.errors import VggcostError, in_part, unknown
from vggcost.record import Record
from vggcost.sweep.columns import EVERY_COLUMN, TIME
from vggcost.sweep.places import NOTHING
from vggcost.units import BYTE_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable

WHOLE = ("size", "height", "width_px", "batch", "classes", "in_channels")
WORDS = ("config", "head", "dtype", "optimizer", "depth")
FLAGS = ("batch_norm", "bias", "adaptive_pool")
NAMES = (*EVERY_COLUMN, *WHOLE, "width", *FLAGS, *WORDS)

FORM = "write a column, a comparison and a value: 'params < 20e6 and training_bytes < 8GiB'"

_COMPARISONS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
_COMPARISONS |= {"=": np.equal, "==": np.equal, "!=": np.not_equal}
_TERM = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|==|!=|<|>|=)\s*(\"[^\"]*\"|[^\s<>=!]+)\s*(and\b|\Z)")
_NUMBER = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE]\+?[0-9]{1,2})?)([A-Za-z]*)")
_COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TIMES = {"": 1, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
_MOST = 2**62


class Condition(Record):
    """One comparison: a column, its sign, and the value as the column has it."""

    column: str
    sign: str
    value: Any

    def holds(self, values: Any) -> Any:
        """Return where a column's values are as asked; what has no number is never."""
        found = _COMPARISONS[self.sign](values, self.value)
        return found & np.not_equal(values, NOTHING) if self.column in EVERY_COLUMN else found


def parse(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Return the conditions of one or several --where, all of which have to hold.

    Raises:
        VggcostError: it cannot be read, a column is not known, or a value does not fit its column.

    >>> [(one.column, one.sign, one.value) for one in parse(["params < 20e6 and dtype == float16"])]
    [('params', '<', 20000000), ('dtype', '==', 'float16')]
    """
    found = []
    for text in texts:
        place = 0
        while True:
            term = _TERM.match(text, place)
            if term is None:
                raise VggcostError(f"cannot read --where {text!r} from {text[place:].strip()[:40]!r} on; {FORM}")
            found.append(_condition(term[1], term[2], term[3].strip('"')))
            place = term.end()
            if not term[4]:
                break
    return tuple(found)


MOST_SIGNS = 100
"""Of a number that somebody writes."""


def _condition(column: str, sign: str, text: str) -> Condition:
    if column not in NAMES:
        raise unknown("column", column, NAMES, " (as in --where 'params < 20e6')")
    if column in FLAGS or column in WORDS:
        if sign not in ("=", "==", "!="):
            raise VggcostError(f"--where compares {column} by {sign}, and it is no number; write == or !=")
        if column in WORDS:
            return Condition(column, sign, text)
        if text.lower() not in ("true", "false"):
            raise VggcostError(f"--where has {column} {sign} {text}; give true or false")
        return Condition(column, sign, text.lower() == "true")
    value = _number(column, text)
    if column == "width":
        return Condition(column, sign, float(value))
    if value.denominator != 1:
        # A count is below 2.5 where it is below 3, and at most 2.5 where it is at most 2.
        value = (
            Fraction({"<": ceil, ">=": ceil}.get(sign, floor)(value))
            if sign in ("<", "<=", ">", ">=")
            else Fraction(-1)
        )
    return Condition(column, sign, min(int(value), _MOST))


def _number(column: str, text: str) -> Fraction:
    number = _NUMBER.fullmatch(text)
    if number is None or len(text) > MOST_SIGNS:
        raise VggcostError(f"--where has {column} and {in_part(text)!r}; give a number, as {_example(column)}")
    known = _COUNTS
    if column in EVERY_COLUMN and EVERY_COLUMN[column].is_bytes:
        known = {"": 1, **BYTE_UNITS}
    elif column == TIME.name:
        known = _TIMES
    if number[2] not in known or (number[2] and column not in EVERY_COLUMN):
        raise VggcostError(
            f"--where has {column} and {text!r}, and the unit {number[2]!r} does not fit it; give {_example(column)}"
        )
    return Fraction(number[1].replace("_", "")) * known[number[2]]


def _example(column: str) -> str:
    if column not in EVERY_COLUMN:
        return "224"
    if column == TIME.name:
        return "20ms or 20e6"
    return "8GiB or 8GB" if EVERY_COLUMN[column].is_bytes else "20e6 or 20M"
