"""A file that is written whole, or not touched at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from vggcost.errors import VggcostError, in_part


def check_writable(path: str, option: str = "--output") -> None:
    """Refuse a place that cannot be written, before anything long is done.

    Raises:
        VggcostError: the path is a directory, its name is too long, or its directory is missing or closed to us.
    """
    if is_device(path):
        return
    if not path:
        raise VggcostError(f"{option} is empty; give a file")
    if "\0" in path:
        raise VggcostError(f"{option} is {in_part(path)!r}, and no name has a NUL in it; choose another place")
    if os.path.isdir(path):
        raise VggcostError(f"{option} is {in_part(path)!r}, which is a directory; give a file")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise VggcostError(
            f"{option} is {in_part(path)!r}, but there is no directory {in_part(folder)!r}; make it first"
        )
    try:
        there = [path] if os.stat(path) else []
    except FileNotFoundError:
        there = []
    except OSError as error:
        raise VggcostError(f"{option} is {in_part(path)!r}: {error.strerror}; choose another place") from None
    for needed, mode in (*((file, os.W_OK) for file in there), (folder, os.W_OK | os.X_OK)):
        if not os.access(needed, mode):
            raise VggcostError(
                f"{option} is {in_part(path)!r}, and {in_part(needed)!r} may not be written; choose another place"
            )


def write(path: str, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8 with its line ends as they are.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str, content: bytes) -> None:
    """Write a file whole or not at all: beside its place first, then moved there as `move` does it.

    A link is followed; a device or a pipe is written to directly, for it must not be replaced by a file.

    Raises:
        VggcostError: the file cannot be written; what stood there is untouched.
    """
    check_writable(path)
    if is_device(path):
        _write_through(path, content)
        return
    target = os.path.realpath(path)
    sweep(path)
    beside = _beside(target, os.getpid())
    try:
        try:
            put(beside, content, target)
            move(beside, target)
        except BaseException:
            if os.path.exists(beside):
                os.unlink(beside)
            raise
    except OSError as error:
        raise VggcostError(
            f"cannot write {in_part(path)!r}: {error.strerror or error}; nothing was changed there; choose another"
        ) from None


def put(part: str, content: bytes, place: str) -> None:
    """Write a file that is not there yet, down to the disk, with owner and mode of what stands at its later place.

    Raises:
        OSError: it cannot be written; a part of it may stand there.
    """
    with open(part, "xb") as file:
        now = _stat(place)
        if now is not None and stat.S_ISREG(now.st_mode):
            with suppress(OSError, AttributeError):  # not ours to give away, which `move` sees; or Windows
                os.fchown(file.fileno(), now.st_uid, now.st_gid)
            os.chmod(part, stat.S_IMODE(now.st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def move(part: str, place: str) -> None:
    """Move a file that was `put` to its place, in one step; a link there is followed.

    What stands there under several names (hard links), or is another user's and we may not give a file to them, is
    written over where it is, since a new file would be neither: only a kill in that moment can cut it.

    Raises:
        OSError: it cannot be moved, or its place be written; what stood there is untouched.
    """
    place = os.path.realpath(place)
    now, new = _stat(place), os.stat(part)
    if now is not None and not stat.S_ISREG(now.st_mode):
        with open(part, "rb") as file, open(place, "wb") as device:
            device.write(file.read())
    elif now is not None and (now.st_nlink > 1 or (now.st_uid, now.st_gid) != (new.st_uid, new.st_gid)):
        with open(part, "rb") as file:
            _write_over(place, file.read())
    else:
        os.replace(part, place)
        return
    os.unlink(part)


def _write_over(place: str, content: bytes) -> None:
    """Write into a file that is there, after the room for all of it is ours."""
    with open(place, "r+b", buffering=0) as file:
        before = os.stat(place).st_size
        try:
            if len(content) > before and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, len(content))
        except OSError:
            file.truncate(before)
            raise
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        file.truncate(len(content))
        os.fsync(file.fileno())


def sweep(path: str) -> None:
    """Remove what processes have left beside a file that died while they wrote it; those that live keep theirs."""
    target = os.path.realpath(path)
    folder, head = os.path.split(_beside(target, None))
    try:
        found = os.listdir(folder)
    except OSError:
        return
    for each in found:
        number = each.removeprefix(head).removesuffix(_PART)
        if each == f"{head}{number}{_PART}" and number.isdecimal() and not lives(int(number)):
            with suppress(OSError):  # another run has swept it
                os.unlink(os.path.join(folder, each))


_PART = ".part"
_LONGEST_NAME_BYTES = 240
"""What of the 255 bytes of a name is left beside two dots, the number of a process and the ending."""


def _beside(target: str, process: int | None) -> str:
    """Where a process writes a file before it is moved to its place; without one, what all these names begin with.

    The name of a file that fills what a name may have is taken for its digest.
    """
    folder, name = os.path.split(target)
    written = os.fsencode(name)
    if len(written) > _LONGEST_NAME_BYTES:
        from hashlib import blake2b

        name = blake2b(written, digest_size=16).hexdigest()
    end = "" if process is None else f"{process}{_PART}"
    return os.path.join(folder, f".{name}.{end}")


def lives(process: int) -> bool:
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


def is_device(path: str) -> bool:
    """Whether something stands there that is neither a file nor a directory: a device, a pipe."""
    now = _stat(path)
    return now is not None and not (stat.S_ISREG(now.st_mode) or stat.S_ISDIR(now.st_mode))


def _stat(path: str) -> os.stat_result | None:
    """What stands at a path, a link followed; None where nothing does, or nobody may know."""
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _write_through(path: str, content: bytes) -> None:
    try:
        with open(path, "wb") as device:
            device.write(content)
    except OSError as error:
        raise VggcostError(f"cannot write {in_part(path)!r}: {error.strerror or error}; choose another place") from None
