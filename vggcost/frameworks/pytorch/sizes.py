"""Sizes that a program asks its tensors for: ints that say when they are multiplied, which torch.jit records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

ASK_SIZES = frozenset(("size", "__get__", "numel", "nelement"))
"""The functions by which a program asks for sizes; ``x.shape`` is an attribute that is got, and so is ``x.ndim``."""


class TracedSize(int):
    """A size of a tensor, or what whole numbers made of one; each product with another number is told."""

    told: Callable[[], None]

    def __mul__(self, other: Any) -> Any:
        return self._multiplied(int.__mul__(self, other) if isinstance(other, int) else _real(self, other))

    def __rmul__(self, other: Any) -> Any:
        return self._multiplied(int.__rmul__(self, other) if isinstance(other, int) else _real(self, other))

    def _multiplied(self, value: Any) -> Any:
        if value is not NotImplemented:
            self.told()
        return self._kept(value)

    def __add__(self, other: Any) -> Any:
        return self._kept(int.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return self._kept(int.__radd__(self, other))

    def __sub__(self, other: Any) -> Any:
        return self._kept(int.__sub__(self, other))

    def __rsub__(self, other: Any) -> Any:
        return self._kept(int.__rsub__(self, other))

    def __floordiv__(self, other: Any) -> Any:
        return self._kept(int.__floordiv__(self, other))

    def __mod__(self, other: Any) -> Any:
        return self._kept(int.__mod__(self, other))

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return self._kept(int.__pow__(self, other, modulus) if isinstance(other, int) else int(self) ** other)

    def __neg__(self) -> Any:
        return self._kept(int.__neg__(self))

    def __rtruediv__(self, other: Any) -> Any:
        return self._multiplied(int.__rtruediv__(self, other))  # its inverse, times the other

    def __reduce__(self) -> Any:
        return int, (int(self),)

    def _kept(self, value: Any) -> Any:
        return traced(value, self.told) if type(value) is int else value


def _real(size: int, other: Any) -> Any:
    """The product with a float; anything else, such as a list that is repeated, answers for itself."""
    return int(size) * other if isinstance(other, float) else NotImplemented


def traced(value: int, told: Callable[[], None]) -> TracedSize:
    """Return a whole number that calls told when it is multiplied."""
    size = TracedSize(value)
    size.told = told
    return size


def sizes(name: str, value: Any, told: Callable[[], None]) -> Any:
    """Return what a program gets that asks for sizes by a function of this name: the same, its numbers traced."""
    if isinstance(value, torch.Size):
        return torch.Size(traced(side, told) for side in value)
    return traced(value, told) if type(value) is int and name != "__get__" else value
