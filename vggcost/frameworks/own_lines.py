"""What a program raises, as one line: what it says, and the program's own line that raised it."""

from __future__ import annotations

import linecache
import os

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""Where vggcost's own files are, whose lines are nobody's business."""


def told(error: BaseException) -> str:
    """Return an exception as one line: what it says, and the program's own line that raised it."""
    line = own_line(error)
    return f"{said(error)} ({line})" if line else said(error)


def said(error: BaseException) -> str:
    """Return an exception's class and the first line of what it says."""
    text = str(error.msg if isinstance(error, SyntaxError) else error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def own_line(error: BaseException) -> str | None:
    """Return ``file:line: code`` of the innermost frame that is the program's own, not vggcost's, not a library's."""
    if isinstance(error, SyntaxError) and error.filename:
        return _line_text(error.filename, error.lineno or 0)
    found = None
    outside = None
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not filename.startswith((HERE, "<")):
            outside = (filename, trace.tb_lineno)
            if "site-packages" not in filename and not filename.startswith(_STDLIB):
                found = outside
        trace = trace.tb_next
    place = found or outside
    return _line_text(*place) if place else None


_STDLIB = os.path.dirname(os.__file__) + os.sep


def _line_text(filename: str, number: int) -> str:
    relative = os.path.relpath(filename)
    shown = filename if relative.startswith("..") else relative
    code = linecache.getline(filename, number).strip()
    return f"{shown}:{number}: {code}" if code else f"{shown}:{number}"
