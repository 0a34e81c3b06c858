"""What --input means: shapes with or without their batch, dtypes, names, lists and dictionaries."""

from __future__ import annotations

import re

from vggcost.errors import VggcostError
from vggcost.frameworks.arguments import Arguments, Shaped, checked_dtype
from vggcost.units import COUNT_LIMIT, shape_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

_SHAPE, _NUMBER = r"\d+(?:[xX]\d+)*", r"[-+]?\d+(?:\.\d+)?(?:[eE]-?\d+)?"
_TOKEN = re.compile(rf"\s*({_SHAPE}(?![\w.])|{_NUMBER}|[A-Za-z_]\w*|'[^']*'|\"[^\"]*\"|\S)")
_ENDS = {"[": "]", "(": ")", "{": "}"}
_WORDS = {"True": True, "False": False, "None": None}


def read_inputs(texts: Sequence[str], batch: int | None, option: str = "--input") -> Arguments | None:
    """Return the arguments of a forward call; None where none are given.

    batch is what was asked for, None where it was not.

    Raises:
        VggcostError: a text that is written otherwise, a name that is given twice, or a batch in the brackets beside
            another one.
    """
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for text in texts:
        found = re.match(r"\s*([A-Za-z_]\w*)\s*=(.*)", text, re.DOTALL)
        value = _Reader(found[2] if found else text, text, batch, option).whole()
        if found is None:
            positional.append(value)
        elif found[1] in named:
            raise VggcostError(f"{option} gives {found[1]!r} twice; give each argument once")
        else:
            named[found[1]] = value
    return Arguments(tuple(positional), named) if texts else None


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str, whole: str, batch: int | None, option: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._whole, self._batch, self._option = whole, batch, option

    def whole(self) -> Any:
        """The one value that the text is."""
        try:
            value = self._value()
        except RecursionError:
            self._refuse()
        if self._tokens:
            self._refuse()
        return value

    def _value(self) -> Any:
        begin = self._next()
        if begin in _ENDS:
            return self._within(begin)
        if begin in _WORDS:
            return _WORDS[begin]
        if begin[0] in "'\"" and len(begin) > 1:
            return begin[1:-1]
        return self._with_dtype(begin) if begin[0].isalpha() else self._number(begin)

    def _within(self, begin: str) -> Any:
        if begin == "{":
            return self._dictionary()
        values = self._several(_ENDS[begin])
        return values if begin == "[" else tuple(values)

    def _number(self, text: str) -> Any:
        """A shape where it is whole and has no sign."""
        if re.fullmatch(_SHAPE, text):
            return Shaped((self._batch or 1, *self._sides(text)), None, batch_added=True)
        if re.fullmatch(_NUMBER, text):
            return float(text) if set(text) & set(".eE") else int(text)
        return self._refuse()

    def _with_dtype(self, dtype: str) -> Shaped:
        if self._next() != "[":
            self._refuse()
        sides = self._next()
        shape = () if sides == "]" else self._sides(sides)
        if sides != "]" and self._next() != "]":
            self._refuse()
        checked_dtype(dtype, f"{self._option} {self._whole[:80]!r}")
        if self._batch is not None and shape[:1] != (self._batch,):
            turned = f"{dtype}[{shape_text((self._batch, *shape[1:]))}]"
            raise VggcostError(
                f"{self._option} {self._whole[:80]!r} has its batch in the brackets, and --batch is {self._batch}"
                f" beside it; leave --batch away, or write {turned}"
            )
        return Shaped(shape, dtype)

    def _sides(self, token: str) -> tuple[int, ...]:
        if not re.fullmatch(_SHAPE, token):
            self._refuse()
        sides = token.lower().split("x")
        if any(len(side.lstrip("0")) > len(str(COUNT_LIMIT)) for side in sides):
            self._refuse()  # int() refuses a number of thousands of digits in words of its own
        shape = tuple(int(side) for side in sides)
        if not all(1 <= side <= COUNT_LIMIT for side in shape):
            self._refuse()
        return shape

    def _several(self, end: str) -> list[Any]:
        values: list[Any] = []
        while not self._ends(end):
            values.append(self._value())
            if not self._ends(end, peek=True) and self._next() != ",":
                self._refuse()
        return values

    def _dictionary(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self._ends("}"):
            key = self._next().strip("'\"")
            if not key or self._next() not in (":", "="):
                self._refuse()
            values[key] = self._value()
            if not self._ends("}", peek=True) and self._next() != ",":
                self._refuse()
        return values

    def _ends(self, end: str, *, peek: bool = False) -> bool:
        if not self._tokens or self._tokens[0] != end:
            return False
        if not peek:
            self._tokens.pop(0)
        return True

    def _next(self) -> str:
        if not self._tokens:
            self._refuse()
        token: str = self._tokens.pop(0)
        return token

    def _refuse(self) -> NoReturn:
        raise VggcostError(
            f"{self._option} is {self._whole[:80]!r}; give a shape of whole numbers from 1 to 10^18 without the batch,"
            " as 3x224x224, or a dtype and a shape with it, as int64[1x20] (--help has names, lists and dictionaries)"
        )
