"""A command in a process of its own: for programs that end or hold up the process that reads them.

The child is the same command line. It writes into a file which program it is at, and that it is done: a program that
closes every stream, or ends the process with status 0, cannot be taken for an answer. Its output is printed when it is
whole.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress

from vggcost.cli import JOURNAL
from vggcost.cli.output import emit, lend, note, prints_to_stderr
from vggcost.cli.progress import ProgressLine
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO, NoReturn

EXIT_ENDED = 1
"""The exit status where a program has ended its process, or was stopped."""

PATIENCE_S, LOOKS_PER_S = 1.0, 20
"""How long nothing is said of a wait, and how often a child is looked after."""

_START = "from vggcost.__main__ import command; command()"
"""What the child runs; -P keeps the working directory's files from standing before the libraries."""


_journal: list[str] = []
"""Where a child writes what it is at; empty in every other process."""


def keep_journal(place: str) -> None:
    """Say from now on, in this file, which program this process comes to."""
    from vggcost.frameworks.guard import Guard

    _journal[:] = [place]
    Guard.tell = lambda what: _write("at", what)
    lend()


def _write(word: str, rest: str) -> None:
    """Add a line; where the file has gone, who reads it has, too."""
    for place in _journal:
        with suppress(OSError):
            file = os.open(place, os.O_WRONLY | os.O_APPEND)
            os.write(file, f"{word}\t{' '.join(rest.split())}\n".encode("utf-8", "surrogateescape"))
            os.close(file)


def leave(status: int) -> NoReturn:
    """End this process behind what programs have done to it.

    Exit hooks of libraries run, and may print to standard error. The program's own were dropped, its threads are not
    waited for, and nobody changes the exit status.
    """
    with suppress(BaseException), prints_to_stderr():
        atexit._run_exitfuncs()  # noqa: SLF001  # what the interpreter calls; there is no public name for it
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()
    _write("done", str(status))
    os._exit(status)


def run_apart(argv: Sequence[str], limit_s: float | None) -> int:
    """Run a command line in a process of its own and print what it prints; return its exit status.

    limit_s: it is stopped after so many seconds; None for never.

    Raises:
        VggcostError: the process cannot be started; the result cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="vggcost-") as folder:
            return _run(argv, limit_s, os.path.join(folder, "journal"))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise VggcostError(f"--isolate cannot start a process: {error.strerror or error}") from None


def _run(argv: Sequence[str], limit_s: float | None, place: str) -> int:
    with open(place, "wb"):
        pass
    # What we can import, the child can.
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, JOURNAL: place, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8:surrogateescape"}
    child = subprocess.Popen(  # noqa: S603  # this process's own command line
        [sys.executable, "-P", "-c", _START, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # so that all that it starts can be ended with it
    )
    with _ended_with_us(child), ProgressLine() as progress:
        streams = [_Stream(child.stdout), _Stream(child.stderr, told=True)]
        in_time = _waited(child, limit_s, progress, place)
        if not in_time:
            _end(child)
        for stream in streams:
            stream.finish()
    at, status = _read(place)
    if in_time and status is not None and status == child.returncode:
        emit(streams[0].text, None)
        return status
    what = f"{at} " if at else "the command "
    if not in_time:
        how = f"was not done after {limit_s:g} s (--time-limit), and was stopped"
    elif child.returncode < 0:
        how = f"ended its own process while it was read: {_signal(-child.returncode)}"
    else:
        how = f"ended its own process while it was read, with status {child.returncode}"
    note(f"error: {what}{how}")
    return EXIT_ENDED


class _Stream:
    """What a child writes to one of its streams; told: to our standard error, as it comes."""

    def __init__(self, pipe: IO[bytes] | None, *, told: bool = False) -> None:
        self._pipe = pipe
        self._told = told
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._pipe is None:
            return
        with suppress(OSError, ValueError):
            while part := os.read(self._pipe.fileno(), 1 << 16):
                self._parts.append(part)
                if self._told:
                    sys.stderr.write(part.decode("utf-8", "backslashreplace"))
                    sys.stderr.flush()

    def finish(self) -> None:
        """Wait for the rest, but for no process that the child has left behind with the stream in its hands."""
        self._thread.join(PATIENCE_S)

    @property
    def text(self) -> str:
        """All of it."""
        return b"".join(self._parts).decode("utf-8", "surrogateescape")


def _waited(child: subprocess.Popen[bytes], limit_s: float | None, progress: ProgressLine, place: str) -> bool:
    """Wait for a child, and say what is waited for; whether it has ended within its limit."""
    start = time.monotonic()
    while True:
        try:
            child.wait(1 / LOOKS_PER_S)
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - start
            if limit_s is not None and passed >= limit_s:
                return False
            if passed >= PATIENCE_S:
                limit = "" if limit_s is None else f" of {limit_s:g} s"
                progress(f"reading {_read(place)[0] or '...'}: {passed:.0f} s{limit}")
        else:
            return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child with all that it has started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()


@contextmanager
def _ended_with_us(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a child where this process is ended, and whatever it has left behind."""

    def end(number: int, _: object) -> None:
        _end(child)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    asked = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    here = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, end) for number in asked} if here else {}
    try:
        yield
    finally:
        _end(child)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _read(place: str) -> tuple[str | None, int | None]:
    """What a child was at last, and the exit status that it was done with."""
    at = status = None
    with suppress(OSError), open(place, encoding="utf-8", errors="surrogateescape") as journal:
        for line in journal:
            word, _, rest = line.rstrip("\n").partition("\t")
            if word == "at":
                at = rest
            elif word == "done" and rest.isdecimal():
                status = int(rest)
    return at, status


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        return "SIGKILL, which the system sends where memory is short"
    return name
