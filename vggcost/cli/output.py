"""Where results go: standard output, or a file that is whole or not there at all."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, redirect_stdout

from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def emit(text: str, path: str | None) -> None:
    """Write a result to standard output, or to the file that --output names.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    if path is None or path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_whole(path, text)


def check_writable(path: str | None, option: str = "--output") -> None:
    """Refuse the file of an option that cannot be written, before anything long is done.

    Raises:
        VggcostError: the path is a directory, or its directory is missing or closed to us.
    """
    if path is None or path == "-" or _is_device(path):
        return
    if not path:
        raise VggcostError(f"{option} is empty; give a file")
    if os.path.isdir(path):
        raise VggcostError(f"{option} is {path!r}, which is a directory; give a file")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise VggcostError(f"{option} is {path!r}, but there is no directory {folder!r}; make it first")
    blocked = path if os.path.exists(path) else folder
    if not os.access(blocked, os.W_OK):
        raise VggcostError(f"{option} is {path!r}, and {blocked!r} may not be written; choose another place")


def write_whole(path: str, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8 with its line ends as they are.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    write_whole_bytes(path, text.encode("utf-8"))


def write_whole_bytes(path: str, content: bytes) -> None:
    """Write a file whole or not at all: beside its place first, then moved there in one step.

    A link is followed; a device or a pipe is written to directly, for it must not be replaced by a file.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    check_writable(path)
    if _is_device(path):
        _write_through(path, content)
        return
    target = os.path.realpath(path)
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}.part")
    try:
        mode = os.stat(target).st_mode if os.path.exists(target) else None
        try:
            with open(beside, "xb") as part:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
            if mode is not None:
                os.chmod(beside, stat.S_IMODE(mode))
            os.replace(beside, target)
        except BaseException:
            if os.path.exists(beside):
                os.unlink(beside)
            raise
    except OSError as error:
        raise VggcostError(
            f"cannot write {path!r}: {error.strerror or error}; nothing was changed there, choose another place"
        ) from None


def _is_device(path: str) -> bool:
    """Whether something stands there that is neither a file nor a directory: a device, a pipe."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_through(path: str, content: bytes) -> None:
    try:
        with open(path, "wb") as device:
            device.write(content)
    except OSError as error:
        raise VggcostError(f"cannot write {path!r}: {error.strerror or error}; choose another place") from None


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
