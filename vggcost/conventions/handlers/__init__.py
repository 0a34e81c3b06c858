"""What each counter that runs counts of one call of a module or a function: its table of handlers, tool by tool.

A handler is a plain function of the call: what has none in a table is nothing to its tool, which is a known 0. Where a
handler gives words in place of a number, what the tool counts is not known, and the words say why.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Protocol

    class Call(Protocol):
        """What handlers look at of a `vggcost.programs.calls.ModuleCall` or `FunctionCall` that has come to its end."""

        @property
        def inputs(self) -> tuple[tuple[int, ...], ...]:
            """The shapes of the tensors that go in."""

        @property
        def output(self) -> tuple[int, ...]:
            """The shape of the first tensor that comes out."""

        @property
        def facts(self) -> Mapping[str, Any]:
            """Attributes, or arguments."""

        @property
        def name(self) -> str:
            """What is called: the class of a module, the bare name of a function."""

        @property
        def leaf(self) -> bool:
            """Of a module: whether it holds no other."""

        @property
        def parameters(self) -> Mapping[str, int]:
            """Of a module: its own parameters [elements]."""

    Handler = Callable[[Any], int | str]
    """Of a `Call`: a count, or why there is none."""


def handler_of(convention: str, way: str, call: Any) -> Iterator[tuple[str, Handler]]:
    """Yield the handlers that a convention's tool has for a call, each with what it takes the call for.

    way is one of the ways of `vggcost.conventions.rows` in which the tool sees a program. A function that hands on to
    another may have two.
    """
    from vggcost.conventions.convention import BY_MODULE, FUNCTIONS, MODULES, ONE_IMAGE
    from vggcost.conventions.handlers import by_function, by_hook, by_operator

    if way in (MODULES, ONE_IMAGE):
        handler = by_hook.handler(convention, call)
        if handler is not None:
            yield call.name, handler
    elif way in (FUNCTIONS, BY_MODULE):
        table = by_function.HANDLERS[convention]
        yield from ((name, table[name]) for name in call.through if name in table)
        inside = by_function.INSIDE[convention].get(call.name)
        if inside is not None:
            yield call.name, inside
    else:
        handler = by_operator.HANDLERS[convention].get(call.name)
        if handler is not None:
            yield call.name, handler
