"""Run the other counters on a program, each in a process that makes it anew, and hold what they print against ours.

Where the two differ it is said by which modules, as far as the tool tells; where we have no number it is said why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.conventions.rows import NAMES, convention
from vggcost.conventions.seen import seen
from vggcost.errors import VggcostError
from vggcost.formulas.forward import elements
from vggcost.frameworks.outcome import MODULE
from vggcost.frameworks.peers.module_adapter import OUTPUT, PARAMETERS
from vggcost.frameworks.peers.reading import Program
from vggcost.frameworks.peers.registry import Peer
from vggcost.frameworks.peers.running import Started, asked, last_words, place_for_prints
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vggcost.frameworks.outcome import Installed
    from vggcost.frameworks.target import Given
    from vggcost.programs.reading import ProgramReading

    Progress = Callable[[str], None]

ITSELF = Peer(MODULE, {"torch": "torch"}, (PARAMETERS, OUTPUT), "vggcost.frameworks.peers.module_adapter")
"""The module as a tool of its own."""


class ProgramCheck(Record):
    """One number of a program from both sides.

    quantity is the convention that it is counted by, or what `module_adapter` reads. reason says why we have no number,
    or which modules make the difference.
    """

    quantity: str
    ours: int | None
    theirs: int | None
    reason: str | None

    @property
    def differs(self) -> bool:
        """Whether the two sides are not the same."""
        return self.ours != self.theirs

    @property
    def residual(self) -> int | None:
        """Theirs less ours; None where a side has no number."""
        return None if self.ours is None or self.theirs is None else self.theirs - self.ours


class ProgramOutcome(Record):
    """What came of one tool on a program: its checks, and why it crashed if it did; then theirs is None in each.

    installed is None where the tool is not there.
    """

    name: str
    installed: Installed | None
    checks: tuple[ProgramCheck, ...] = ()
    crash: str | None = None

    @property
    def differing(self) -> tuple[ProgramCheck, ...]:
        """The checks whose two sides differ."""
        return tuple(one for one in self.checks if one.differs)


def run_on_program(
    peers: Sequence[Peer], target: str, given: Given, reading: ProgramReading, progress: Progress | None = None
) -> tuple[ProgramOutcome, ...]:
    """Run each tool on a program, one after the other, for each holds its weights.

    Raises:
        VggcostError: a forward does not fit into memory, or there is no place for what a tool prints.
    """
    started = Started()
    try:
        return tuple(_run(peer, Program(target, given), reading, (progress, started)) for peer in peers)
    finally:
        started.stop()


def _run(peer: Peer, program: Program, reading: ProgramReading, run: tuple[Progress | None, Started]) -> ProgramOutcome:
    installed = peer.installed()
    if installed is None:
        return ProgramOutcome(peer.name, None)
    with place_for_prints(peer) as said:
        (answered,) = asked(peer, [(program.target, program)], said, run)
        if answered is None:
            return ProgramOutcome(
                peer.name, installed, _alone(peer, reading), f"on {program.target}: {last_words(said)}"
            )
    if isinstance(answered, str):
        raise VggcostError(
            f"a real forward of {program.target} does not fit into memory; give a smaller --batch or --size"
        )
    checks = tuple(_check(one["convention"], one["total"], one["layers"], reading) for one in answered)
    return ProgramOutcome(peer.name, installed, checks)


def _alone(peer: Peer, reading: ProgramReading) -> tuple[ProgramCheck, ...]:
    """Our side of what a tool that crashed would have counted."""
    wanted = [name for name in peer.conventions if not name.startswith("ultralytics")]
    return tuple(ProgramCheck(name, *_ours(name, reading)) for name in wanted)


def _ours(quantity: str, reading: ProgramReading) -> tuple[int | None, None, str | None]:
    """Our number, none of theirs, and why we have none."""
    if quantity == PARAMETERS:
        return reading.params - reading.unlisted, None, None
    if quantity == OUTPUT:
        output = reading.module_calls[0].output if reading.module_calls else None
        return None if output is None else elements(output), None, None
    counted = seen(convention(quantity), reading)
    return counted.total, None, counted.reason


def _check(
    quantity: str, theirs: int | None, layers: Mapping[str, int] | None, reading: ProgramReading
) -> ProgramCheck:
    ours, _, reason = _ours(quantity, reading)
    if ours is not None and ours != theirs and layers is not None and quantity in NAMES:
        reason = "; ".join(_where(quantity, layers, reading)) or "in no module of its own"
    return ProgramCheck(quantity, ours, theirs, reason)


_SHOWN = 3
"""Modules that are named where counts differ."""


def _where(quantity: str, layers: Mapping[str, int], reading: ProgramReading) -> Iterator[str]:
    """The leaves whose counts differ, with both sides; a leaf that the tool does not name counts 0 there."""
    counts = seen(convention(quantity), reading).counts
    ours: dict[str, int] = {}
    for operation, count in zip(reading.operations, counts, strict=True):
        path = operation.layer.path or ""
        ours[path] = ours.get(path, 0) + (count.value or 0)
    leaves = dict.fromkeys(call.path for call in reading.module_calls if call.leaf)
    differing = [path for path in leaves if ours.get(path, 0) != layers.get(path, 0)]
    for path in differing[:_SHOWN]:
        yield f"{path} has {ours.get(path, 0):,} here and {layers.get(path, 0):,} there"
    if len(differing) > _SHOWN:
        yield f"and {len(differing) - _SHOWN} more"
