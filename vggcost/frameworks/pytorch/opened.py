"""Torch's functions that are written in Python over other functions of torch: what these do is what they cost."""

from __future__ import annotations

from inspect import unwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OPENED = frozenset(
    (
        *("multi_head_attention_forward", "einsum", "tensordot", "chain_matmul", "linear_cross_entropy"),
        *("triplet_margin_with_distance_loss",),
    )
)
"""The functions that the trace looks into; it takes the others written in Python for one operation each."""


def opened(func: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return a function's own body, which calls what it is made of; None where the trace does not look into it.

    Such a function hands a call over as a whole where somebody watches. A copy of it, in whose module nobody does, does
    its work, and the functions that it calls are seen.
    """
    if getattr(func, "__name__", "") not in OPENED:
        return None
    inner = unwrap(func)
    if not isinstance(inner, FunctionType):
        return None
    unwatched = {name: _nobody for name in inner.__globals__ if name.startswith("has_torch_function")}
    module = {**inner.__globals__, **unwatched}
    body = FunctionType(inner.__code__, module, inner.__name__, inner.__defaults__, inner.__closure__)
    body.__kwdefaults__ = inner.__kwdefaults__
    return body


def _nobody(*_: Any) -> bool:
    return False
