"""The line that says what is being done."""

from __future__ import annotations

import sys

from vggcost.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

LONGEST = 99
"""What is shown of a line, so that it keeps to one [characters]."""


class ProgressLine:
    """One line on standard error that is written over again and cleared at the end; silent where that is no terminal.

    >>> with ProgressLine() as progress:
    ...     progress("fvcore: D at 1x3x224x224")
    """

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __call__(self, line: str) -> None:
        """Show a line in place of the one before."""
        if self._shown:
            line = printable(line)[:LONGEST]
            sys.stderr.write(f"\r{line.ljust(self._width)}")
            sys.stderr.flush()
            self._width = len(line)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
