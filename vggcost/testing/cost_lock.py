"""The lock of a test session: live models held to their entries, and what is to be written at the end."""

from __future__ import annotations

import json
import os
from functools import cached_property

from vggcost.conventions.rows import convention
from vggcost.errors import VggcostError
from vggcost.frameworks import door
from vggcost.lock.facts import entry_of
from vggcost.lock.lock_file import DEFAULT_PLACE, entry_data
from vggcost.lock.outcome import NOT_LOCKED
from vggcost.printable import printable, shown
from vggcost.report import check
from vggcost.results.checking import LockFolder, failure
from vggcost.results.recording import Recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

UPDATE = "--update-cost-lock"


class CostLock:
    """The lock in a folder, while tests run.

    update: what differs is to be written, and no failure. `recorded` has what is to be written: by name the entry as
    JSON, and the lines that say what is other than it was.
    """

    def __init__(self, folder: str, *, update: bool) -> None:
        self._path = os.path.join(folder, DEFAULT_PLACE)
        self._update = update
        self.recorded: dict[str, tuple[str, list[str]]] = {}

    @cached_property
    def _lock(self) -> LockFolder:
        return LockFolder(self._path)

    def complaint(self, model: Any, name: str, given: Any) -> str | None:
        """Return what is other than it was locked, in lines; None where nothing is, or where it is to be written.

        Raises:
            VggcostError: the model cannot be read, the lock is none, or two tests write one entry otherwise.
        """
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise VggcostError(
                f"cost_lock: the name is {shown(name)}; give one of printable characters, such as 'vgg16'"
            )
        reading = door.read(model, given, type(model).__name__)
        conventions = tuple(convention(each) for each in self._locked(name).get("counts", ()))
        if reading.failures and self._update:
            return printable(f"{name} {failure(reading)}; nothing is written for it")
        now = Recorded(entry_of(name, reading, conventions=conventions), reading)
        outcome = self._lock.outcome_of(now)
        if outcome.held:
            return None
        lines = [*map(printable, check.lines((outcome,)))]
        new = outcome.status == NOT_LOCKED
        if self._update:
            self._record(now, [] if new else lines)
            return None
        if new:
            return f"{name!r} is not in {DEFAULT_PLACE}; pytest {UPDATE} writes it"
        return "\n".join((f"{name} is not as locked; pytest {UPDATE} writes it as it is", *lines))

    def _locked(self, name: str) -> Mapping[str, Any]:
        """The entry of a name; an empty one where there is none."""
        return next((each for each in self._lock.locked if each["name"] == name), {})

    def _record(self, now: Recorded, lines: list[str]) -> None:
        name = now.entry.name
        target = self._locked(name).get("target")
        if target is not None:
            raise VggcostError(
                f"entry {name!r} of {DEFAULT_PLACE} is that of {target!r}; vggcost check --update {name} writes it"
            )
        text = json.dumps(entry_data(now.entry))
        if self.recorded.setdefault(name, (text, lines))[0] != text:
            raise VggcostError(f"two tests lock {name!r}, and not as the same; give each a name of its own")


def written(folder: str, recorded: Iterable[Mapping[str, tuple[str, list[str]]]]) -> tuple[list[str], bool]:
    """Write what the processes of a session have recorded, and return what to say, and whether all could be written.

    Raises:
        VggcostError: the lock is none, or cannot be written; the old one stands.
    """
    entries: dict[str, str] = {}
    lines: list[str] = []
    double: set[str] = set()
    for each in recorded:
        for name, (text, told) in each.items():
            if entries.setdefault(name, text) != text:
                double.add(name)
            elif told not in ([], lines[-len(told) :]):
                lines += told
    lock = LockFolder(os.path.join(folder, DEFAULT_PLACE))
    now = {name: json.loads(text) for name, text in entries.items() if name not in double}
    if now:
        lock.write([*({each["name"]: each for each in lock.locked} | now).values()])
        lines.append(f"written to {DEFAULT_PLACE}: {', '.join(sorted(now))}")
    lines += [f"two tests lock {name!r}, and not as the same; nothing is written for it" for name in sorted(double)]
    return lines, not double
