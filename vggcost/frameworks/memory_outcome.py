"""What came of holding a network's memory against what torch holds: both sides, and by what."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from vggcost.costs.course import Peak
    from vggcost.costs.memory_totals import MemoryTotals
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training

    class Claimed(Protocol):
        """Our numbers of one network and one way of a step; `vggcost.results.memory.Memory` is one."""

        table: Table
        dtype: str
        training: Training | None
        in_place: bool
        mixed: str | None

        @property
        def totals(self) -> MemoryTotals:
            """The whole network's numbers."""

        @property
        def peak(self) -> Peak:
            """The worst moment, part by part."""


class HeldProgram(Record):
    """A program whose memory is held; named and described as the network of a table is."""

    short_name: str
    title: str
    framework: str
    input: tuple[int, ...]

    @property
    def network(self) -> HeldProgram:
        """Itself."""
        return self

    @property
    def heading(self) -> str:
        """Its name and what it is."""
        return f"{self.short_name} ({self.title})"

    def identity(self) -> dict[str, str | None]:
        """What JSON says of it."""
        return {"name": self.short_name, "title": self.title, "options": None, "framework": self.framework}


class MemoryCheck(Record):
    """One quantity of a network from both sides.

    step says in words which step it belongs to (``adam, foreach``), None for a forward call or any step. held_by names
    what made theirs, a tool or a part of torch. theirs is None where that could not run, and note says why; else note
    says what of theirs was corrected. at_most: where theirs may be more than ours, the most it may be.
    """

    table: Table | HeldProgram
    quantity: str
    step: str | None
    held_by: str
    ours: int
    theirs: int | None
    note: str | None = None
    at_most: int | None = None
    crashed: bool = False

    @property
    def ran(self) -> bool:
        """Whether there is something to compare with."""
        return self.theirs is not None

    @property
    def differs(self) -> bool:
        """Whether the two sides are not the same, or theirs outside its bounds; what crashed differs."""
        if self.theirs is None:
            return self.crashed
        return not self.ours <= self.theirs <= (self.ours if self.at_most is None else self.at_most)

    @property
    def difference(self) -> int | None:
        """Theirs less ours; None where nothing ran."""
        return None if self.theirs is None else self.theirs - self.ours

    @property
    def status(self) -> str:
        """``equal``, ``within``, ``differs``, ``not run`` or ``crashed``."""
        if self.theirs is None:
            return "crashed" if self.crashed else "not run"
        return "differs" if self.differs else "within" if self.difference else "equal"
