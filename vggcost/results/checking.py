"""A lock held against what its entries are now; and what is written where they are to be as they are."""

from __future__ import annotations

import os

from vggcost.errors import VggcostError, unknown
from vggcost.frameworks.target import NETWORK_FILE
from vggcost.lock.budgets import headroom
from vggcost.lock.comparison import compared
from vggcost.lock.definition import Definition
from vggcost.lock.lock_file import (
    check_document,
    document_of,
    entry_data,
    entry_from,
    line_of,
    lock_text,
)
from vggcost.lock.outcome import DIFFERS, FAILS, NOT_LOCKED, SAME, FileLine, Outcome, Told
from vggcost.lock.settings import definitions, given_from
from vggcost.results import whole_file
from vggcost.results.recording import found_target, recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.lock.findings import Finding
    from vggcost.programs.reading import Operation, ProgramReading
    from vggcost.results.recording import Recorded

LARGEST_LOCK_BYTES = 1 << 28
"""A lock of a thousand networks has some MB; more than this is something else."""


class LockFolder:
    """A lock's file and the table beside it: what is written down, and what is to be.

    Raises:
        VggcostError: the lock is there and is none, or the table is wrong.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder = os.path.dirname(path) or os.curdir
        self.table = {each.name: self._found(each) for each in definitions(self.folder)}
        self.text = _text(path)
        self.document: Mapping[str, Any] | None = None if self.text is None else document_of(self.text, path)

    @property
    def locked(self) -> list[dict[str, Any]]:
        """The entries that are written down."""
        entries: list[dict[str, Any]] = [] if self.document is None else list(self.document["entries"])
        return entries

    def checked(self, names: Sequence[str], tell: Callable[[str], None]) -> Iterator[tuple[Outcome, Recorded | None]]:
        """Yield what became of each entry of these names, or of all; this runs programs. tell says what is read.

        Raises:
            VggcostError: there is no lock, no entry of a name; an entry cannot be read; the lock was edited.
        """
        if self.document is None:
            raise VggcostError(f"there is no lock {self.path!r}; vggcost lock TARGET ... writes one")
        known = {entry["name"]: entry for entry in self.locked}
        every = {**known, **self.table}
        for name in names:
            if name not in every:
                raise unknown("entry", name, tuple(sorted(every)), f" ({self.path})")
        for name in sorted({*names} or every):
            tell(name)
            yield self._outcome(name, known.get(name))

    def _outcome(self, name: str, entry: Mapping[str, Any] | None) -> tuple[Outcome, Recorded | None]:
        definition = self.table.get(name) or self._definition(entry or {})
        place = FileLine(self.path.replace(os.sep, "/"), 1)
        if definition is None:
            return Outcome(name, "", SAME, place), None  # a test wrote it down, which has its model
        try:
            now = recorded(definition, self.folder, constructors=True)
        except VggcostError as error:
            raise VggcostError(f"entry {name!r}: {error}") from None
        rooms = tuple(headroom(now.entry, definition.budgets))
        over = [Told(room.text, None, budget=room) for room in rooms if not room.held]
        status, told, totals = self._held(entry, now)
        if (told or over) and self.text is not None:
            place = place.replace(line=line_of(self.text, name))
        return Outcome(name, definition.target, status, place, (*told, *over), totals, rooms), now

    def outcome_of(self, now: Recorded) -> Outcome:
        """Return what became of the entry of this name that a live model is now.

        Raises:
            VggcostError: the lock was edited.
        """
        name = now.entry.name
        entry = next((each for each in self.locked if each["name"] == name), None)
        if entry is not None:  # a model that a test has made has none of these; its training step is not followed
            totals = {**now.entry.totals, "training_peak_bytes": entry.get("training_peak_bytes")}
            now = now.replace(entry=now.entry.replace(target=entry["target"], given=entry["given"], totals=totals))
        status, told, others = self._held(entry, now)
        return Outcome(name, "", status, FileLine(self.path.replace(os.sep, "/"), 1), tuple(told), others)

    def _held(self, entry: Mapping[str, Any] | None, now: Recorded) -> tuple[str, list[Told], Any]:
        """Whether an entry is as it was written down, and what is to be said of it."""
        failures = now.reading.failures
        told = [Told(failure(now.reading), _place(failures[0].source))] if failures else []
        if entry is None:
            return NOT_LOCKED, told or [Told("not in the lock; vggcost lock writes it", None)], ()
        if entry_data(now.entry) == entry:
            return SAME, told, ()
        check_document(self.document or {}, self.path)
        result = compared(entry_from(entry), now.entry)
        own = _own_place(now)
        told += [Told(each.text, _place_of(each, now.reading) or own, each) for each in result.findings]
        return FAILS if failures else SAME if result.same else DIFFERS, told, result.totals

    def _found(self, definition: Definition) -> Definition:
        return definition.replace(target=found_target(definition.target, self.folder))

    def _definition(self, entry: Mapping[str, Any]) -> Definition | None:
        if entry.get("target") is None:
            return None
        return self._found(
            Definition(entry["name"], entry["target"], given_from(entry["given"]), tuple(entry["counts"]))
        )

    def definitions(self) -> list[Definition]:
        """Return what is to be locked where nothing is named: the table's entries, or, without any, the lock's own."""
        if self.table:
            return list(self.table.values())
        return [made for entry in self.locked if (made := self._definition(entry)) is not None]

    def write(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Write the lock with these entries, whole or not at all.

        Raises:
            VggcostError: it cannot be written; the old one stands.
        """
        whole_file.write(self.path, lock_text(entries))


def _text(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_LOCK_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VggcostError(f"cannot read the lock {path!r}: {error.strerror or error}", file=path) from None
    if len(data) > LARGEST_LOCK_BYTES:
        raise VggcostError(f"{path} has more than {LARGEST_LOCK_BYTES:,} bytes, and is no lock")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise VggcostError(f"{path}: not UTF-8 text, and no lock; remove it and run vggcost lock") from None


def failure(reading: ProgramReading) -> str:
    """Return where and why a program cannot run, in words: ``cannot run: fc6 takes 25,088 features and gets 512``."""
    first = reading.failures[0]
    name = first.path or (first.subject.name if first.subject is not None else first.operation)
    return f"cannot run: {name} {first.problem}"


def _place_of(finding: Finding, reading: ProgramReading) -> FileLine | None:
    """The line of a finding: that of the layer's constructor; of a dropped layer, that of the one before it."""
    if finding.place is None or not reading.operations:
        return None
    place = finding.place - 1 if finding.change == "dropped" else finding.place
    return _place(_source(reading.operations[min(max(place, 0), len(reading.operations) - 1)], reading))


def _own_place(now: Recorded) -> FileLine | None:
    """The line of a network file that has its layers; None of anything else."""
    if now.reading.framework != NETWORK_FILE:
        return None
    path = now.reading.program
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [number for number, line in enumerate(file, 1) if line.lstrip().startswith("features")]
    return FileLine(path.replace(os.sep, "/"), (lines or [1])[0])


def _source(operation: Operation, reading: ProgramReading) -> str | None:
    """The line that makes the module of an operation; where it has none of its own, the line that runs it."""
    path = operation.layer.path
    own = path is not None and operation.layer.name.partition(":")[0] == path
    made = reading.constructed.get(path or "")
    return (made if own else None) or operation.source or made


def _place(source: str | None) -> FileLine | None:
    if source is None:
        return None
    file, _, line = source.rpartition(":")
    return FileLine(file.replace(os.sep, "/"), int(line)) if file and line.isdecimal() else None
