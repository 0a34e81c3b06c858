"""Lets torch say shapes without loading its compiler."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from torch._compile import _disable_dynamo

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTRACED = "__dynamo_disable"
"""Where ``torch._disable_dynamo`` keeps what the compiler made of a function, for the calls after the first."""


@contextmanager
def untraced() -> Iterator[None]:
    """Keep torch from loading its compiler until the block ends; where it is loaded, all is as it was.

    The shapes of many operators without values (a sum's, a product's) are computed by Python functions that the
    compiler may not trace. The first call of each asks it to look away, and imports torch._dynamo for that, which takes
    as long as torch itself. Where it is not loaded nothing is traced, so that each function does for its untraced self.
    One that is not found here runs as well, and imports it.
    """
    if "torch._dynamo" in sys.modules:
        yield
        return
    ours = [function for function in _not_to_be_traced() if not hasattr(function, UNTRACED)]
    for function in ours:
        setattr(function, UNTRACED, function)
    try:
        yield
    finally:
        for function in ours:
            if getattr(function, UNTRACED, None) is function:
                delattr(function, UNTRACED)


@cache
def _not_to_be_traced() -> tuple[Any, ...]:
    """The functions that ``torch._disable_dynamo`` wraps; none where it does not wrap them in a closure over ``fn``."""
    wrapper = _disable_dynamo(lambda: None).__code__
    if "fn" not in wrapper.co_freevars:
        return ()
    place = wrapper.co_freevars.index("fn")
    # They share their code, by which they are found: torch lists them nowhere, and __wrapped__ may name another.
    closures = [each.__closure__ for each in gc.get_referrers(wrapper) if isinstance(each, FunctionType)]
    return tuple(dict.fromkeys(closure[place].cell_contents for closure in closures if closure))
