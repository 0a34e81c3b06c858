"""Where results go: standard output, or a file; and what must not get in between."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import TextIOWrapper, UnsupportedOperation

from vggcost.errors import VggcostError
from vggcost.printable import one_line, printable_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO


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
        _write_all(sys.stdout, printable_lines(text))
    except BrokenPipeError:  # nobody is left to read, which is no fault
        _close_quietly()
        raise
    except OSError as error:
        _close_quietly()
        why = "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
        raise VggcostError(
            f"cannot write the result to standard output: {why}; free the place or choose another with --output"
        ) from None


def note(message: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"vggcost: {one_line(message)}\n")


def _close_quietly() -> None:
    """Point standard output at nothing, so that what others have left in its buffer does not fail a second time."""
    with suppress(OSError, ValueError):  # a test's stream has no descriptor
        number = sys.stdout.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


def _write_all(stream: TextIO, text: str) -> None:
    """Write all of a text, with letters that the stream's encoding lacks escaped.

    A stream without a buffer of its own (PYTHONUNBUFFERED) takes what fits and says how much that was.
    """
    binary = getattr(stream, "buffer", None)
    if binary is None:  # a notebook's, or a test's
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    binary = getattr(binary, "raw", binary)
    rest = memoryview(text.encode(stream.encoding, "backslashreplace"))
    while rest:
        taken = binary.write(rest)
        if taken is None:  # a pipe that does not block, and is full
            from select import select

            select([], [binary], [])
        rest = rest[taken or 0 :]


def settle_streams() -> None:
    """Make the three standard streams of this process what all that follows may rely on.

    One that is closed (``>&-``) gets its number back, so that no file that is opened later gets it: input is empty,
    output refuses, and what is told to standard error is lost, as it is where that is full. No text fails for its
    letters.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # A descriptor that can only be read refuses what is written, as a closed one does.
            null = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
            setattr(sys, f"__{name}__", getattr(sys, name))  # who keeps a buffer open is the first that was made of it
    sys.stderr = _Told(sys.stderr.buffer, sys.stderr.encoding, "backslashreplace", line_buffering=True)


class _Told(TextIOWrapper):
    """Standard error, whose lines are lost where they cannot be written: the exit status still says it."""

    def write(self, text: str, /) -> int:
        """Write a text, or lose it."""
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Write what is held, or lose it."""
        with suppress(OSError):
            super().flush()


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
    """Send what a program of the user's own prints to standard error, subprocesses and C code included.

    It gets streams that it cannot close for us, and both are what they were behind it.
    """
    lend()
    sys.stdout.flush()
    try:
        real = sys.stdout.fileno() == 1
    except (OSError, ValueError, AttributeError):
        real = False
    saved = {number: _kept(number) for number in (1, 2) if _is_open(number)} if real else {}
    lent: Any = _Lent(sys.stderr)
    try:
        if len(saved) == 2:
            os.dup2(2, 1)
        with redirect_stdout(lent), redirect_stderr(lent):
            yield
    finally:
        for number, other in saved.items():
            os.dup2(other, number)
            os.close(other)


_lent: list[bool] = []


def lend() -> None:
    """Say that what others do in this process may outlast its command."""
    _lent.append(True)


def were_lent() -> bool:
    """Whether a program has had the streams of this process in its hands."""
    return bool(_lent)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _kept(number: int) -> int:
    """A second descriptor of an open one, out of the way of programs that close the first few hundred."""
    with suppress(ImportError, OSError):
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        return fcntl(number, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY)
    return os.dup(number)


OUT_OF_THE_WAY = 900
"""Few systems give a process fewer descriptors than 1,024."""


class _Lent:
    """A stream of ours in a program's hands: it writes, and stays open whatever the program does."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)
        return _Lent(found) if name == "buffer" else found

    def __iter__(self) -> Iterator[str]:
        raise UnsupportedOperation("not readable")

    def close(self) -> None:
        """Do nothing: who opened it closes it."""

    def detach(self) -> _Lent:
        """Return the buffer, for a program that makes its own stream of it; this one goes on writing to it."""
        return _Lent(getattr(self._stream, "buffer", self._stream))

    def reconfigure(self, **_: Any) -> None:
        """Do nothing: its encoding is ours."""
