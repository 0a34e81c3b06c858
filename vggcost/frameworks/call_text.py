"""What --call means: the arguments of a call, as Python writes them, in the names of the program's own file."""

from __future__ import annotations

import ast
import builtins
import os
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError, nearest
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.own_lines import missing_name, told
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class CallText(Record):
    """The arguments of a call as expressions, which are evaluated each time that the call is made."""

    positional: tuple[ast.expr, ...]
    named: tuple[ast.keyword, ...]

    @property
    def words(self) -> str:
        """The arguments as they were written, or ``nothing``."""
        parts = [ast.unparse(each) for each in (*self.positional, *self.named)]
        return ", ".join(parts) or "nothing"

    def placeholders(self) -> tuple[list[None], dict[str, None]] | None:
        """A None for each argument, to ask a signature with; None where a star leaves their number open."""
        if any(isinstance(each, ast.Starred) for each in self.positional):
            return None
        names = [each.arg for each in self.named]
        if None in names:
            return None
        return [None for _ in self.positional], {name: None for name in names if name is not None}

    def values(self, names: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Evaluate every argument in these names.

        Raises:
            VggcostError: one raises; the message has the argument as it was written.
        """
        positional: list[Any] = []
        for each in self.positional:
            if isinstance(each, ast.Starred):
                positional += _evaluated(each.value, ast.unparse(each), names, list)
            else:
                positional.append(_evaluated(each, ast.unparse(each), names))
        named: dict[str, Any] = {}
        for word in self.named:
            if word.arg is None:
                named.update(_evaluated(word.value, ast.unparse(word), names, dict))
            else:
                named[word.arg] = _evaluated(word.value, ast.unparse(word), names)
        return positional, named


def _evaluated(node: ast.expr, written: str, names: Mapping[str, Any], turned: Any = None) -> Any:
    try:
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<--call>", "eval")
        value = eval(code, {**names})  # noqa: S307  # what its owner typed, in a file of theirs that is run anyway
        return value if turned is None else turned(value)
    except BaseException as error:  # noqa: BLE001  # whatever the expression raises is its own
        pass_on(error)
        hint = ""
        if name := missing_name(error, NameError):
            known = tuple(name for name in {**names, **vars(builtins)} if not name.startswith("_"))
            found = nearest(name, known)
            hint = f"; {found}" if found.names else "; give an expression in the names of the program's own file"
        raise VggcostError(f"--call has {written}, which raises {told(error)}{hint}") from None


def as_in_source(text: str) -> str:
    """Return a text from the command line as a Python file would have it: UTF-8, whatever the locale says.

    What is no UTF-8 either stays as it is.
    """
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def read_call(text: str, option: str = "--call") -> CallText:
    """Return the arguments that a text has, none of them evaluated.

    Raises:
        VggcostError: it is not what stands between the parentheses of a call.
    """
    try:
        call = ast.parse(f"f({as_in_source(text)}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
        return CallText(tuple(call.args), tuple(call.keywords))
    raise VggcostError(
        f"{option} is {text[:80]!r}; give arguments as Python writes them, in the names of the file, as"
        f' {option} "num_classes=4, block=nn.ReLU"'
    )


NO_ARGUMENTS = CallText((), ())
