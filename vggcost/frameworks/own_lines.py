"""What a program raises, as one line: what it says, and the program's own line that raised it."""

from __future__ import annotations

import linecache
import os

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Where vggcost's own files are, whose lines are nobody's business."""


LONGEST = 1000
"""A reason that is longer than this is cut [characters]."""


def told(error: BaseException) -> str:
    """Return an exception as one line: its whole reason, and the program's own line that raised it."""
    words = " ".join(_reason(error).split())
    whole = f"{type(error).__name__}: {words}" if words else type(error).__name__
    if len(whole) > LONGEST:
        whole = f"{whole[:LONGEST]} ..."
    line = own_line(error)
    return f"{whole} ({line})" if line else whole


def said(error: BaseException) -> str:
    """Return an exception's class and the first line of what it says."""
    text = _reason(error)
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _reason(error: BaseException) -> str:
    return str(error.msg if isinstance(error, SyntaxError) else error).strip()


def is_library(filename: str) -> bool:
    """Whether a file is Python's own, an installed package's or vggcost's, and so no line of the program's."""
    return filename.startswith((HERE, _STDLIB)) or "site-packages" in filename or "dist-packages" in filename


def own_line(error: BaseException) -> str | None:
    """Return ``file:line: code`` of the innermost frame that is the program's own, not vggcost's, not a library's."""
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
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
    return f"{shown}:{number}: {code}" if code else f"{shown}:{number}"
