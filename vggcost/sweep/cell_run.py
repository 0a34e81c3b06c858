"""A bench over a space: each cell in a process of its own on its device, and its result a file, whatever it came to."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.record import Record
from vggcost.results import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vggcost.engines import Engine, Job
    from vggcost.sweep.cells import Cell

FAILURE_SCHEMA = "vggcost.bench_failure/1"

OUT_OF_MEMORY, REFUSED, CRASHED = "out of memory", "refused", "crashed"
"""What a cell came to that has no times."""

MEMORY_WORDS = ("memory", "allocator refused", "does not fit")
"""Words of refusals for want of memory."""


class CellTask(Record):
    """What a worker is handed: the words of `vggcost bench`, a network file's text, the cell, and where results lie.

    folder is looked at where the worker sees it: a finished cell is not measured again when a worker's death has
    lost what it had returned. again says that a failure there is no result.
    """

    words: tuple[str, ...]
    network_file: str | None
    cell: Mapping[str, Any]
    folder: str
    file: str
    again: bool


class CellTally(Record):
    """How many cells were measured, failed, and were there before."""

    measured: int
    failed: int
    kept: int
    failures: tuple[str, ...]


def measured(task: CellTask) -> dict[str, Any]:
    """Measure a cell in a fresh process, and return its document; one that is there already is returned as it is."""
    place = os.path.join(task.folder, task.file)
    there = _there(place, again=task.again)
    if there is not None:
        return there
    with tempfile.TemporaryDirectory(prefix="vggcost-") as folder:
        result = os.path.join(folder, "result.json")
        words = list(task.words)
        if task.network_file is not None:
            network = os.path.join(folder, "network.toml")
            with open(network, "w", encoding="utf-8") as file:
                file.write(task.network_file)
            words[words.index("--file") + 1] = network
        command = [sys.executable, "-m", "vggcost", "bench", *words, "--format", "json", "--output", result]
        ran = subprocess.run(  # noqa: S603  # this interpreter, and words that were checked
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
        document = _read(result) if ran.returncode in (0, 1) else None
    if document is None:
        document = {"schema": FAILURE_SCHEMA, "failure": _failure(ran.returncode, ran.stderr)}
    document = {**document, "cell": dict(task.cell), "host": platform.node()}
    if os.path.isdir(task.folder):
        whole_file.write(place, _text(document))
    return document


def _failure(status: int, said: str) -> dict[str, Any]:
    lines = [line.removeprefix("vggcost: error: ") for line in said.strip().splitlines()]
    message = lines[-1] if lines else ""
    if status < 0 or status not in (0, 1, 2):
        how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return {"kind": CRASHED, "message": f"{how}{': ' if message else ''}{message}"}
    kind = OUT_OF_MEMORY if any(word in message for word in MEMORY_WORDS) else REFUSED
    return {"kind": kind, "message": message or "it has written no result"}


def _read(place: str) -> dict[str, Any] | None:
    """What is in a result's file; None where there is none, or no whole one."""
    try:
        with open(place, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _there(place: str, *, again: bool) -> dict[str, Any] | None:
    """A cell's document that was written before; a failure does not count where it is to be tried again."""
    document = _read(place)
    if document is None or "cell" not in document or (again and "failure" in document):
        return None
    return document


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"


def run_cells(
    cells: Sequence[Cell], folder: str, engine: Engine, say: Callable[[str], object], *, retry: bool, tagged: bool
) -> CellTally:
    """Measure those cells that have no result in the folder, one at a time on a device, and write each as it comes.

    Raises:
        VggcostError: a result cannot be written.
    """
    waiting = [cell for cell in cells if _there(os.path.join(folder, cell.file), again=retry) is None]
    kept, failures = len(cells) - len(waiting), []
    named: dict[int, Cell] = {}
    left = iter(waiting)

    def submit() -> None:
        cell = next(left, None)
        if cell is not None:
            words = tuple(cell.words("network.toml" if cell.network_file is not None else None))
            task = CellTask(words, cell.network_file, cell.identity, os.path.abspath(folder), cell.file, retry)
            needs = {cell.tag: 1.0} if tagged else None
            named[id(engine_job := engine.submit(measured, task, needs))] = cell
            jobs.append(engine_job)

    jobs: list[Job] = []
    # Without tags nothing says that two workers have two devices: one cell at a time.
    for _ in range(len(waiting) if tagged else 1):
        submit()
    done = 0
    for job in engine.as_completed():
        cell = named[id(job)]
        document = _document(job, cell)
        if _there(os.path.join(folder, cell.file), again=retry) is None:
            whole_file.write(os.path.join(folder, cell.file), _text(document))
        done += 1
        if "failure" in document:
            failures.append(f"{cell.title}: {document['failure']['kind']}: {document['failure']['message']}")
        say(f"{done} of {len(waiting)} cells, {len(failures)} failed; {cell.title}")
        if not tagged:
            submit()
    return CellTally(done - len(failures), len(failures), kept, tuple(failures))


def _document(job: Job, cell: Cell) -> dict[str, Any]:
    """What a task returned; a failure where its worker died as often as it was tried."""
    try:
        document: dict[str, Any] = job.result()
    except VggcostError as error:
        failure = {"kind": CRASHED, "message": str(error)}
        return {"schema": FAILURE_SCHEMA, "failure": failure, "cell": cell.identity, "host": None}
    return document


def check_tags(engine: Engine, wanted: Sequence[str], name: str) -> None:
    """Refuse tags that no worker offers, before the first cell: its tasks would wait for ever.

    Raises:
        VggcostError: there is one.
    """
    offered = engine.tags()
    missing = [tag for tag in wanted if not offered.get(tag)]
    if missing:
        have = ", ".join(sorted(offered)) or "none"
        raise VggcostError(
            f"no worker of {name} offers {' or '.join(missing)}; it has {have}: start one with dask worker"
            f" HOST:8786 --nthreads 1 --resources '{missing[0]}=1'"
        )
