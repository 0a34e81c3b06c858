"""Where results go: standard output, or a file that is whole or not there at all."""

from __future__ import annotations

import os
import stat
import sys

from vggcost.errors import VggcostError


def emit(text: str, path: str | None) -> None:
    """Write a result to standard output, or to the file that --output names.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_whole(path, text)


def check_writable(path: str | None) -> None:
    """Refuse an --output that cannot be written, before anything long is done.

    Raises:
        VggcostError: the path is a directory, or its directory is missing or closed to us.
    """
    if path is None:
        return
    if os.path.isdir(path):
        raise VggcostError(f"--output is {path!r}, which is a directory; give a file")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise VggcostError(f"--output is {path!r}, but there is no directory {folder!r}; make it first")
    blocked = path if os.path.exists(path) else folder
    if not os.access(blocked, os.W_OK):
        raise VggcostError(f"--output is {path!r}, and {blocked!r} may not be written; choose another place")


def write_whole(path: str, text: str) -> None:
    """Write a file whole or not at all: beside its place first, then moved there in one step.

    A link is followed; a device or a pipe is written to directly, for it must not be replaced by a file.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    check_writable(path)
    target = os.path.realpath(path)
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}.part")
    try:
        mode = os.stat(target).st_mode if os.path.exists(target) else None
        if mode is not None and not stat.S_ISREG(mode):
            with open(target, "w", encoding="utf-8", newline="") as device:
                device.write(text)
            return
        try:
            with open(beside, "x", encoding="utf-8", newline="") as part:
                part.write(text)
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
