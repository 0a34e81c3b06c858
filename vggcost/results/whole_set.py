"""Files of one folder that are written as a set: all are new, or all are as they were.

They are written whole into a folder beside, which is then renamed: its new name says that the set is complete, and what
it holds is the list of what is still to be moved. Who dies before leaves the old set, and a folder that the next writer
sweeps; who dies after leaves a set that the next writer completes before anything else. One writer at a time has the
folder, so that of two one waits, and its set is the one that stays.
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress

from vggcost.errors import VggcostError, in_part
from vggcost.results import whole_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEAD, _PART, _WHOLE = ".vggcost-set.", ".part", ".whole"


def check_places(folder: str, names: Sequence[str]) -> None:
    """Refuse a set of which a file cannot be written, before anything long is done.

    Raises:
        VggcostError: the folder is none and cannot be made, or what stands at a file's place is no file of ours.
    """
    check_folder(folder)
    if not os.path.exists(folder):
        above = os.path.dirname(os.path.abspath(folder))
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        why = "is no directory" if not os.path.isdir(above) else "may not be written"
        if why == "is no directory" or not os.access(above, os.W_OK | os.X_OK):
            raise VggcostError(
                f"cannot make {in_part(folder)!r}: {in_part(above)!r} {why}; choose another directory for --output"
            )
        return
    places: dict[str, str] = {}
    for name in names:
        path = os.path.join(folder, name)
        whole_file.check_writable(path)
        before = places.setdefault(os.path.realpath(path), name)
        if before != name:
            raise VggcostError(f"{before!r} and {name!r} in {in_part(folder)!r} are links to one file; remove one")


def check_folder(folder: str) -> None:
    """Refuse a place that no folder can stand at.

    Raises:
        VggcostError: a file stands there.
    """
    if not folder:
        raise VggcostError("--output is empty; give a directory")
    if "\0" in folder:
        raise VggcostError(f"--output is {in_part(folder)!r}, and no name has a NUL in it; choose another place")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise VggcostError(f"--output is {in_part(folder)!r}, which is a file; give a directory")


def write(folder: str, files: Sequence[tuple[str, str]]) -> None:
    """Write the files (name, text) into the folder, which is made where it is missing: all of them, or none.

    Raises:
        VggcostError: they cannot be written, and nothing is changed; or a file cannot be moved to its place, and the
            next call completes the set.
    """
    check_places(folder, [name for name, _ in files])
    made = _make(folder)
    with turn(folder) as alone:
        _complete(folder)
        _sweep(folder, [name for name, _ in files], alone=alone)
        part = os.path.join(folder, f"{_HEAD}{os.getpid()}{_PART}")
        path = folder
        try:
            os.mkdir(part)
            for name, text in files:
                path = os.path.join(folder, name)
                whole_file.put(os.path.join(part, name), text.encode("utf-8", "backslashreplace"), path)
            os.rename(part, part.removesuffix(_PART) + _WHOLE)
        except BaseException as error:
            _remove(part)
            for each in made:
                with suppress(OSError):  # somebody else has a use for it
                    os.rmdir(each)
            if not isinstance(error, OSError):
                raise
            raise VggcostError(
                f"cannot write {in_part(path)!r}: {error.strerror or error}; nothing was changed in"
                f" {in_part(folder)!r}; free the place or choose another"
            ) from None
        _complete(folder)


def unfinished(folder: str) -> list[str]:
    """The paths that have not got the file of a set whose writer died when all of it was written."""
    return sorted(os.path.join(folder, name) for stage in _stages(folder, _WHOLE) for name in os.listdir(stage))


@contextmanager
def turn(folder: str, *, shared: bool = False) -> Iterator[bool]:
    """Wait until nobody else writes into the folder, and keep others from it; says whether that can be known.

    shared keeps only writers out, as for reading. Where the system has no locks of folders nobody waits.
    """
    try:
        from fcntl import LOCK_EX, LOCK_SH, flock

        lock = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield False
        return
    try:
        try:
            flock(lock, LOCK_SH if shared else LOCK_EX)
            alone = True
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(lock)


def _make(folder: str) -> list[str]:
    """Make a folder and those above it; return what was made, the innermost first."""
    missing: list[str] = []
    above = os.path.abspath(folder)
    while not os.path.lexists(above):
        missing.append(above)
        above = os.path.dirname(above)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise VggcostError(
            f"cannot make {in_part(folder)!r}: {error.strerror or error}; choose another directory"
        ) from None
    return missing


def _complete(folder: str) -> None:
    """Move to their places the files of each set that was written whole."""
    for stage in _stages(folder, _WHOLE):
        for name in sorted(os.listdir(stage)):
            part, place = os.path.join(stage, name), os.path.join(folder, name)
            try:
                _move(part, place)
            except FileNotFoundError:
                continue  # where nobody can wait for his turn, another has moved it
            except OSError as error:
                raise VggcostError(
                    f"cannot write {in_part(place)!r}: {error.strerror or error}; the set is written in"
                    f" {in_part(stage)!r}, and the next vggcost report moves what is left there"
                ) from None
        with suppress(OSError):
            os.rmdir(stage)


def _move(part: str, place: str) -> None:
    """Move a file to its place, which may be a link into another file system."""
    try:
        whole_file.move(part, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open(part, "rb") as file:
            whole_file.write_bytes(place, file.read())
        os.unlink(part)


def _sweep(folder: str, names: Sequence[str], *, alone: bool) -> None:
    """Remove what writers left that died before their set was whole, or before a single one of these files was."""
    for name in names:
        whole_file.sweep(os.path.join(folder, name))
    for stage in _stages(folder, _PART):
        number = os.path.basename(stage).removeprefix(_HEAD).removesuffix(_PART)
        if alone or not (number.isdecimal() and whole_file.lives(int(number))):
            _remove(stage)


def _remove(stage: str) -> None:
    from shutil import rmtree

    rmtree(stage, ignore_errors=True)


def _stages(folder: str, end: str) -> list[str]:
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    return sorted(os.path.join(folder, each) for each in found if each.startswith(_HEAD) and each.endswith(end))
