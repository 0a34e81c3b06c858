"""A file that is written whole, or not touched at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from vggcost.errors import VggcostError, in_part


def check_writable(path: str, option: str = "--output") -> None:
    """Refuse a place that cannot be written, before anything long is done.

    Raises:
        VggcostError: the path is a directory, or its directory is missing or closed to us.
    """
    if _is_device(path):
        return
    if not path:
        raise VggcostError(f"{option} is empty; give a file")
    if os.path.isdir(path):
        raise VggcostError(f"{option} is {in_part(path)!r}, which is a directory; give a file")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise VggcostError(
            f"{option} is {in_part(path)!r}, but there is no directory {in_part(folder)!r}; make it first"
        )
    blocked = path if os.path.exists(path) else folder
    if not os.access(blocked, os.W_OK):
        raise VggcostError(
            f"{option} is {in_part(path)!r}, and {in_part(blocked)!r} may not be written; choose another place"
        )


def write(path: str, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8 with its line ends as they are.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str, content: bytes) -> None:
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
    sweep(path)
    beside = _beside(target, os.getpid())
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
            f"cannot write {in_part(path)!r}: {error.strerror or error}; nothing was changed there; choose another"
        ) from None


def sweep(path: str) -> None:
    """Remove what processes have left beside a file that died while they wrote it; those that live keep theirs."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    head, end = f".{name}.", ".part"
    try:
        found = os.listdir(folder)
    except OSError:
        return
    for each in found:
        number = each.removeprefix(head).removesuffix(end)
        if each == f"{head}{number}{end}" and number.isdecimal() and not _lives(int(number)):
            with suppress(OSError):  # another run has swept it
                os.unlink(os.path.join(folder, each))


def _beside(target: str, process: int) -> str:
    """Where a process writes a file before it is moved to its place."""
    return os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{process}.part")


def _lives(process: int) -> bool:
    """Whether another process of this number runs; a file with our own number is one that an earlier process left."""
    if process == os.getpid():
        return False
    if os.name == "nt":
        return True  # there a signal of number 0 is Ctrl-C
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True


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
        raise VggcostError(f"cannot write {in_part(path)!r}: {error.strerror or error}; choose another place") from None
