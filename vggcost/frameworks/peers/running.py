"""Run the other counters on networks, and hold every number against its convention."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

from vggcost.conventions.counting import tally
from vggcost.conventions.rows import convention
from vggcost.errors import VggcostError
from vggcost.frameworks.outcome import TOTAL, Check, ToolOutcome
from vggcost.frameworks.peers.reading import answer
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vggcost.costs.table import Table
    from vggcost.frameworks.peers.reading import Subject
    from vggcost.frameworks.peers.registry import Peer

    Progress = Callable[[str], None]
    Answer = list[dict[str, Any]] | str


_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Iteration)\b")
"""How the line of an exception begins, below its traceback."""


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
    """Run one tool on every network; after a crash it is not asked again, for it may have left torch patched.

    Raises:
        VggcostError: a forward does not fit into memory, or there is no place for what the tool prints.
    """
    installed = peer.installed()
    if installed is None:
        return ToolOutcome(peer.name, None)
    checks: list[Check] = []
    with place_for_prints(peer) as said:
        questions = [(_named(table), (table.network, table.input)) for table in tables]
        answers = asked(peer, questions, said, (progress, started or Started()))
        for index, (table, answered) in enumerate(zip(tables, answers, strict=False)):
            if answered is None:
                crash = f"on {_named(table)}: {last_words(said)}{_left(len(tables) - index - 1)}"
                return ToolOutcome(peer.name, installed, tuple(checks), crash)
            checks += _checked(table, answered)
    return ToolOutcome(peer.name, installed, tuple(checks))


def run_here(peer: Peer, tables: Sequence[Table], progress: Progress | None = None) -> ToolOutcome:
    """Run one tool on every network in this process, which saves loading torch again; one that leaves torch as it was.

    What the tool raises comes through.

    Raises:
        VggcostError: a forward does not fit into memory.
    """
    checks: list[Check] = []
    for table in tables:
        if progress:
            progress(f"{peer.name}: {_named(table)}")
        checks += _checked(table, answer(peer.adapter, peer.device, (table.network, table.input)))
    return ToolOutcome(peer.name, peer.installed(), tuple(checks))


def _named(table: Table) -> str:
    return f"{table.network.short_name} at {shape_text(table.input)}"


def place_for_prints(peer: Peer) -> IO[bytes]:
    """Return a file for what a tool prints.

    Raises:
        VggcostError: there is no place for one.
    """
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise VggcostError(
            f"there is no temporary file for what {peer.name} prints: {error.strerror or error}; free the place, or"
            " name another with TMPDIR"
        ) from None


def asked(
    peer: Peer, questions: Sequence[tuple[str, Subject]], said: IO[bytes], run: tuple[Progress | None, Started]
) -> Iterator[Answer | None]:
    """Yield a tool's readings of each network or program, or NO_MEMORY; None where its process ended instead.

    A question is what is told of it and what is asked for; said gets what the tool prints.
    """
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
            for told, subject in questions:
                if progress:
                    progress(f"{peer.name}: {told}")
                line = _answered(process.stdin, process.stdout, subject)
                yield json.loads(line) if line else None
        finally:
            process.kill()


def _answered(questions: IO[bytes], answers: IO[bytes], question: object) -> bytes:
    try:
        pickle.dump(question, questions)
        questions.flush()
    except BrokenPipeError:
        return b""
    return answers.readline()


def last_words(said: IO[bytes]) -> str:
    """Return the line of the exception that a tool crashed with, or else the last line that it printed."""
    said.seek(0)
    lines = [line.rstrip() for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    raised = [line for line in lines if _EXCEPTION.match(line)]
    return (raised or lines or ["it ended without a word"])[-1].strip()


def _left(number: int) -> str:
    return f"; {number} networks behind it were not run" if number else ""


def _checked(table: Table, answered: Answer) -> Iterator[Check]:
    if isinstance(answered, str):
        raise VggcostError(
            f"a real forward of {table.network.title} at {shape_text(table.input)} does not fit into memory;"
            " give a smaller --batch, --size or --classes"
        )
    for reading in answered:
        name = reading["convention"]
        ours = tally(convention(name), table)
        if reading["layers"] is not None:
            for row, count in zip(table.rows, ours.counts, strict=True):
                if row.path is not None:
                    yield Check(table, row.name, name, count.value, reading["layers"].get(row.path, 0))
        yield Check(table, TOTAL, name, ours.total, reading["total"])
