"""What became of one entry of a lock: it is as it was, it differs, or it cannot run any more."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.lock.budgets import Headroom
    from vggcost.lock.findings import Finding
    from vggcost.lock.pairing import Change

SAME, DIFFERS, FAILS, NOT_LOCKED = "same", "differs", "cannot run", "not locked"
"""What an entry may be; one that keeps to none of these but its budgets alone is SAME and not `held`."""


class FileLine(Record):
    """A line of a file, with slashes in its path, from 1."""

    file: str
    line: int


class Told(Record):
    """One thing that is other than it was: a line for people, and where it is best shown."""

    text: str
    place: FileLine | None
    finding: Finding | None = None
    budget: Headroom | None = None

    @property
    def sort(self) -> str:
        """A word for what it is, as rules are called: ``layer-added``, ``over-budget``."""
        if self.budget is not None:
            return "over-budget"
        if self.finding is None:
            return "cannot-run"
        return f"layer-{self.finding.change}" if self.finding.layers else f"other-{self.finding.change}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The line, and what follows from it."""
        behind = None if self.finding is None else self.finding.text_behind
        return (self.text, f"behind it: {behind}") if behind else (self.text,)


class Outcome(Record):
    """An entry that was checked.

    status is SAME, DIFFERS, FAILS or NOT_LOCKED. told has what is to be said, the failure first and the budgets that do
    not hold last; totals has each sum that is another; headrooms each budget of the entry.
    """

    name: str
    target: str
    status: str
    place: FileLine
    told: tuple[Told, ...] = ()
    totals: tuple[Change, ...] = ()
    headrooms: tuple[Headroom, ...] = ()

    @property
    def held(self) -> bool:
        """Whether all is as it was written down, and every budget holds."""
        return self.status == SAME and not self.told
