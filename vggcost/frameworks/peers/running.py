"""Run the other counters on networks, each in a process of its own, and hold every number against its convention."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

from vggcost.conventions.counting import tally
from vggcost.conventions.rows import convention
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vggcost.costs.table import Table
    from vggcost.frameworks.peers.registry import Installed, Peer

    Progress = Callable[[str, Table], None]

TOTAL = "total"


class ToolComparison(Record):
    """One number from both sides: a layer's, or the total."""

    convention: str
    table: Table
    layer: str
    ours: int | None
    theirs: int

    @property
    def differs(self) -> bool:
        """Whether the two sides are not the same; a number that we do not have differs from any."""
        return self.ours != self.theirs

    @property
    def residual(self) -> int | None:
        """Theirs less ours; None where we have no number."""
        return None if self.ours is None else self.theirs - self.ours


class ToolOutcome(Record):
    """What came of one tool: its comparisons, and why it crashed if it did. installed is None where it is not there."""

    name: str
    installed: Installed | None
    comparisons: tuple[ToolComparison, ...] = ()
    crash: str | None = None

    @property
    def differing(self) -> tuple[ToolComparison, ...]:
        """The comparisons whose two sides differ."""
        return tuple(one for one in self.comparisons if one.differs)


class Started:
    """The processes of one run, so that an interrupted run leaves none behind and starts no further ones."""

    def __init__(self) -> None:
        self.stopped = False
        self._processes: list[subprocess.Popen[bytes]] = []

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Remember a process; one that comes too late is ended at once."""
        self._processes.append(process)
        if self.stopped:
            process.kill()

    def stop(self) -> None:
        """End every process, and let none be started."""
        self.stopped = True
        for process in self._processes:
            process.kill()


def run_peers(
    peers: Sequence[Peer], tables: Sequence[Table], progress: Progress | None = None
) -> tuple[ToolOutcome, ...]:
    """Run each tool on every network; the outcomes are in the order of the tools.

    Tools that work on real memory run one after the other, beside them those that only look at shapes: two processes
    at a time, and never two that hold a network's memory.
    """
    from concurrent.futures import ThreadPoolExecutor

    lanes: dict[str, list[Peer]] = {}
    for peer in peers:
        lanes.setdefault(peer.device, []).append(peer)

    started = Started()

    def run_lane(lane: list[Peer]) -> list[ToolOutcome]:
        return [run_peer(peer, tables, progress, started) for peer in lane if not started.stopped]

    with ThreadPoolExecutor(max(1, len(lanes))) as pool:
        try:
            outcomes = [outcome for lane in pool.map(run_lane, lanes.values()) for outcome in lane]
        finally:
            started.stop()  # after Ctrl-C the pool waits for its threads, and they for their processes
    order = [peer.name for peer in peers]
    return tuple(sorted(outcomes, key=lambda outcome: order.index(outcome.name)))


def run_peer(
    peer: Peer, tables: Sequence[Table], progress: Progress | None = None, started: Started | None = None
) -> ToolOutcome:
    """Run one tool on every network; after a crash it is not asked again, for it may have left torch patched."""
    installed = peer.installed()
    if installed is None:
        return ToolOutcome(peer.name, None)
    comparisons: list[ToolComparison] = []
    with tempfile.TemporaryFile() as said:
        for index, (table, answer) in enumerate(_answers(peer, tables, said, (progress, started or Started()))):
            if answer is None:
                return ToolOutcome(
                    peer.name, installed, tuple(comparisons), _crash(table, said, len(tables) - index - 1)
                )
            comparisons += _compared(table, answer)
    return ToolOutcome(peer.name, installed, tuple(comparisons))


def _answers(
    peer: Peer, tables: Sequence[Table], said: IO[bytes], run: tuple[Progress | None, Started]
) -> Iterator[tuple[Table, list[dict[str, Any]] | None]]:
    """Yield each network with the tool's readings, None where its process ended instead."""
    progress, started = run
    command = [sys.executable, "-m", "vggcost.frameworks.peers.worker", peer.adapter, peer.device]
    # What we can import, the tool's process can.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(  # noqa: S603  # our own interpreter and our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=environment
    ) as process:
        started.add(process)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process was started with pipes and has none")
        try:
            for table in tables:
                if progress:
                    progress(peer.name, table)
                line = _asked(process.stdin, process.stdout, (table.network, table.input))
                yield table, json.loads(line) if line else None
        finally:
            process.kill()


def _asked(questions: IO[bytes], answers: IO[bytes], question: object) -> bytes:
    try:
        pickle.dump(question, questions)
        questions.flush()
    except BrokenPipeError:
        return b""
    return answers.readline()


def _crash(table: Table, said: IO[bytes], left: int) -> str:
    said.seek(0)
    lines = [line.strip() for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    last = lines[-1] if lines else "it ended without a word"
    shape = "x".join(map(str, table.input))
    behind = f"; {left} networks behind it were not run" if left else ""
    return f"on {table.network.short_name} at {shape}: {last}{behind}"


def _compared(table: Table, readings: Sequence[dict[str, Any]]) -> Iterator[ToolComparison]:
    for reading in readings:
        ours = tally(convention(reading["convention"]), table)
        if reading["layers"] is not None:
            for row, count in zip(table.rows, ours.counts, strict=True):
                # The addition of a residual block has no module of its own; its path is the whole block's.
                if row.path is not None and row.kind != "Add":
                    theirs = reading["layers"].get(row.path, 0)
                    yield ToolComparison(reading["convention"], table, row.name, count.value, theirs)
        yield ToolComparison(reading["convention"], table, TOTAL, ours.total, reading["total"])
