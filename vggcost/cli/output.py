"""Where results go: standard output, or a file; and what must not get in between."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, redirect_stdout, suppress

from vggcost.errors import VggcostError
from vggcost.printable import one_line, printable_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def emit(text: str, place: str | None) -> None:
    """Write a result to standard output, where every line is printable, or to the file that --output names.

    Raises:
        VggcostError: it cannot be written there; what stood in the file is untouched.
        BrokenPipeError: who read standard output has gone.
    """
    if place is not None and place != "-":
        from vggcost.results import whole_file

        whole_file.write(place, text)
        return
    try:
        sys.stdout.write(printable_lines(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # nobody is left to read, which is no fault
    except OSError as error:
        close_quietly()
        raise VggcostError(
            f"cannot write the result: {error.strerror or error}; free the place or choose another"
        ) from None


def note(message: str) -> None:
    """Write a line to standard error; where nobody is left to tell, the exit status still says it."""
    with suppress(OSError):
        sys.stderr.write(f"vggcost: {one_line(message)}\n")


def close_quietly() -> None:
    """Point standard output at nothing, so that Python's own flush at exit cannot fail a second time."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def check_writable(place: str | None, option: str = "--output") -> None:
    """Refuse the file of an option that cannot be written, before anything long is done; standard output always can.

    Raises:
        VggcostError: the path is a directory, or its directory is missing or closed to us.
    """
    if place is not None and place != "-":
        from vggcost.results import whole_file

        whole_file.check_writable(place, option)


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Send what a program of the user's own prints to standard error, subprocesses and C code included."""
    sys.stdout.flush()
    try:
        real = sys.stdout.fileno() == 1
    except (OSError, ValueError, AttributeError):
        real = False
    saved = os.dup(1) if real else None
    try:
        if saved is not None:
            os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)
