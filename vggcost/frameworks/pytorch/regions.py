"""The parts of an exported program that it hands over as functions: blocks without gradients, branches, loops."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ONCE = {
    "wrap": 0,
    "wrap_with_set_grad_enabled": 1,
    "wrap_with_autocast": 4,
    "wrap_activation_checkpoint": 0,
    "tag_activation_checkpoint": 0,
    "checkpoint": 0,
}
"""The operators that run a function once, and the place of that function among their arguments."""


class UndecidedError(Exception):
    """Which way a program goes depends on a value that is not known."""


def body(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Callable[[], Any] | None:
    """Return a call of what such an operator runs, for its arguments; None for an operator that is not known.

    Raises:
        UndecidedError: it depends on a value that is not known.
    """
    if name in ONCE:
        function, operands = args[ONCE[name]], args[ONCE[name] + 1 :]
        return lambda: function(*operands)
    if name == "invoke_subgraph":
        return lambda: args[0](*args[2:])
    if name == "cond":
        predicate, branches = args[0], args[1:3]
        operands = kwargs.get("operands", args[3] if len(args) > 3 else ())
        if getattr(predicate, "is_meta", False):
            raise UndecidedError
        return lambda: branches[0 if bool(predicate) else 1](*operands)
    if name == "while_loop":
        return partial(_looped, *args, **kwargs)
    return None


def _looped(
    cond_fn: Callable[..., Any],
    body_fn: Callable[..., Any],
    carried_inputs: Sequence[Any],
    additional_inputs: Sequence[Any] = (),
) -> tuple[Any, ...]:
    """What torch's loop does, each of its rounds a part of the program."""
    carried = tuple(carried_inputs)
    while bool(cond_fn(*carried, *additional_inputs)):
        carried = tuple(body_fn(*carried, *additional_inputs))
    return carried
