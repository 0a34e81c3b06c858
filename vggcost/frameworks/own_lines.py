"""What a program raises, as one line: what it says, and the program's own line that raised it."""

from __future__ import annotations

import linecache
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Where vggcost's own files are, whose lines are nobody's business."""


LONGEST = 1000
"""A reason that is longer than this is cut [characters]."""


LONGEST_LINE = 200
"""A program's line that is longer than this is cut [characters]."""


def told(error: BaseException) -> str:
    """Return an exception as one line: its whole reason, and the program's own line that raised it."""
    words = " ".join(_reason(error).split())
    whole = _cut(f"{name_of(type(error))}: {words}" if words else name_of(type(error)))
    line = own_line(error)
    return f"{whole} ({line})" if line else whole


def said(error: BaseException) -> str:
    """Return an exception's class and the first line of what it says."""
    lines = _reason(error).splitlines()
    return _cut(f"{name_of(type(error))}: {lines[0]}" if lines else name_of(type(error)))


def name_of(kind: type) -> str:
    """Return a class's own name, whatever its metaclass says it is."""
    return str.__str__(type.__dict__["__name__"].__get__(kind))


def missing_name(error: Any, kind: type[NameError | ImportError]) -> str:
    """Return the name that an exception says is missing; none where it is not of this kind, or lies about itself.

    An exception's real class is asked: its `__class__` is the program's own, and may raise.
    """
    if not issubclass(type(error), kind):
        return ""
    try:
        name = error.name
    except BaseException:  # noqa: BLE001  # a property of the program's own
        return ""
    return name if type(name) is str else ""


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _reason(error: Any) -> str:
    """What an exception says; what it says of itself may raise, or end the process, as well."""
    try:
        return str.__str__(str(error.msg if issubclass(type(error), SyntaxError) else error)).strip()
    except BaseException as second:  # noqa: BLE001  # whatever it is, there is no text
        return f"its text cannot be had, for its __str__ raises {name_of(type(second))}"


def is_library(filename: str) -> bool:
    """Whether a file is Python's own, an installed package's or vggcost's, and so no line of the program's."""
    return filename.startswith((HERE, _STDLIB)) or "site-packages" in filename or "dist-packages" in filename


def own_line(error: BaseException) -> str | None:
    """Return ``file:line: code`` of the innermost frame that is the program's own, not vggcost's, not a library's.

    None where there is none, and where what the exception says of its place is no place.
    """
    try:
        return _own_line(error)
    except BaseException:  # noqa: BLE001  # the attributes of a program's exception are whatever it has made of them
        return None


def _own_line(error: Any) -> str | None:
    if issubclass(type(error), SyntaxError) and error.filename and not error.filename.startswith("<"):
        return _line_text(error.filename, error.lineno or 0)
    found = None
    outside = None
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not filename.startswith((HERE, "<")):
            outside = (filename, trace.tb_lineno)
            if not is_library(filename):
                found = outside
        trace = trace.tb_next
    place = found or outside
    return _line_text(*place) if place else None


_STDLIB = os.path.dirname(os.__file__) + os.sep


def short(filename: str) -> str:
    """Return a file's path, relative where it is below the working directory."""
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative


def _line_text(filename: str, number: int) -> str:
    shown = short(filename)
    code = linecache.getline(filename, number).strip()
    code = code if len(code) <= LONGEST_LINE else f"{code[:LONGEST_LINE]} ..."
    return f"{shown}:{number}: {code}" if code else f"{shown}:{number}"
