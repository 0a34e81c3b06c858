"""A program's warnings in its own words: with its own line, and with none of vggcost's or of a library's."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vggcost.frameworks.own_lines import is_library, name_of, short
from vggcost.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import TextIO


@contextmanager
def own_warnings(*, in_words: bool) -> Iterator[None]:
    """Let warnings bear the program's own line.

    in_words: each is a line on standard error, once; otherwise they go where they would have gone.
    """
    before = warnings.showwarning
    seen: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        place = (filename, lineno) if not is_library(filename) and not filename.startswith("<") else _own_place()
        if not in_words:
            before(message, category, *(place or (filename, lineno)), file, line)
            return
        where = f" ({short(place[0])}:{place[1]})" if place else ""
        text = one_line(f"{name_of(category)}: {_said(message)}{where}")
        if text not in seen:
            seen.add(text)
            sys.stderr.write(f"{text}\n")

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def _said(message: Warning | str) -> str:
    try:
        return " ".join(str(message).split())
    except Exception as error:  # noqa: BLE001  # a program's own warning, which is no reason to end
        return f"its text cannot be had, for its __str__ raises {name_of(type(error))}"


def _own_place() -> tuple[str, int] | None:
    """The innermost line that runs and is the program's own."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the interpreter's own name for it
    while frame is not None:
        filename = frame.f_code.co_filename
        if not is_library(filename) and not filename.startswith("<"):
            return filename, frame.f_lineno
        frame = frame.f_back
    return None
