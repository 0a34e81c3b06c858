"""The same measurement in fresh processes, one behind the other, and their results as one.

Autotuning, the placement of memory and a library's choices are made once a process; only another process shows what
they are worth. Each process is the command line that this process was started by, with its own place for the result.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from vggcost.bench import gates
from vggcost.bench.compare import case_identity
from vggcost.bench.result import load, sample_statistics, shares
from vggcost.errors import VggcostError
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Document = Mapping[str, Any]
    RunChild = Callable[[str], tuple[int, str]]
    """Measures once into the file of this name; returns the exit status and what was written to standard error."""

OPTION = "--repeat"
INTERRUPTED = 130
"""The exit status of a process that Ctrl-C has ended."""

ENDINGS = ("interrupted", "budget", "most", "deviation")
"""Why a measurement stopped, the one that leaves most to wish for first: it stands for all processes."""


class Repeated(Record):
    """What the processes have measured, and a line for each that failed."""

    document: dict[str, Any] | None
    """One result of all processes; None where none measured anything."""
    failures: tuple[str, ...]
    interrupted: bool


def child_command(words: Sequence[str], place: str) -> list[str]:
    """Return the command line that measures once what `vggcost` was asked with these words, into a JSON file.

    It is this process's own command line, interpreter options, script and all, where that ends in the words from
    --repeat on: so what a script sets up before it calls `vggcost.cli.main` (a device, a backend) is set up in the
    children too. Where the words came from elsewhere, as from a call of `main` in a longer program, it is
    ``python -m vggcost``.
    """
    asked = next((place for place, word in enumerate(words) if word.partition("=")[0] == OPTION), 0)
    tail = list(words[asked:])
    started = sys.orig_argv[1:]
    own = bool(tail) and started[-len(tail) :] == tail
    command = started if own else ["-m", "vggcost", *words]
    # Of an option that is given twice the last one counts; behind a bare -- there are names alone.
    end = len(command) - len(tail) + (tail.index("--") if "--" in tail else len(tail))
    once = [OPTION, "1", "--format", "json", "--output", place]
    return [sys.executable, *command[:end], *once, *command[end:]]


def run_command(words: Sequence[str]) -> RunChild:
    """Return what starts one process after the other for these words of a command line."""

    def run(place: str) -> tuple[int, str]:
        # In a session of its own, so that Ctrl-C comes once: from here, and not from the terminal as well.
        with subprocess.Popen(  # noqa: S603  # this process's own command line
            child_command(words, place),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as child:
            try:
                _, said = child.communicate()
            except KeyboardInterrupt:
                child.send_signal(signal.SIGINT)
                _, said = child.communicate()
                return INTERRUPTED, said
            finally:
                if child.poll() is None:
                    child.kill()
        return child.returncode, said

    return run


def repeated(count: int, run: RunChild, say: Callable[[str], object]) -> Repeated:
    """Measure in so many processes, one behind the other; one that fails is a line, and the others go on.

    Ctrl-C keeps what was measured, that of the process it met included.
    """
    documents: list[Document] = []
    failures: list[str] = []
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="vggcost-") as folder:
        for number in range(1, count + 1):
            say(f"process {number} of {count}" + (f", {len(failures)} failed" if failures else ""))
            place = os.path.join(folder, f"{number}.json")
            try:
                status, said = run(place)
            except KeyboardInterrupt:
                status, said = INTERRUPTED, ""
            fault = None if status == 0 else _reason(status, said)
            if os.path.exists(place):
                try:
                    documents.append(load(place))
                except VggcostError as error:
                    fault = str(error)
            elif fault is None:
                fault = "it has written no result"
            if status == INTERRUPTED:
                interrupted = True
                break
            if fault is not None:
                failures.append(f"process {number} of {count}: {fault}")
    document = pooled(documents, count, failures) if documents else None
    return Repeated(document, tuple(failures), interrupted)


def _reason(status: int, said: str) -> str:
    """Return the last thing a process said, or how it ended."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if lines:
        return lines[-1].removeprefix("vggcost: ").removeprefix("error: ")
    return f"signal {-status} ended it" if status < 0 else f"it ended with status {status}"


def pooled(documents: Sequence[Document], asked: int, failures: Sequence[str] = ()) -> dict[str, Any]:
    """Return the results of several processes as one: all samples, each pass with `n_by_process`, judged anew.

    The ceilings are those of the process that reached most, for a speed once reached is one that the device has;
    everything else that belongs to a process is the first one's. `repeats` has a row for each process.
    """
    first = documents[0]
    best = max(documents, key=_peak)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        for case in document["cases"]:
            groups.setdefault(case_identity(case), []).append(case)
    whole = len(documents) == asked and all(document["complete"] for document in documents) and not failures
    answer = {
        **first,
        "complete": whole and all(len(cases) == asked for cases in groups.values()),
        **{key: best[key] for key in ("ceilings", "ceiling") if key in best},
        "cases": [_pooled_case(cases) for cases in groups.values()],
        "repeats": [_process(document) for document in documents],
        "repeats_asked": asked,
        "repeats_failed": list(failures),
    }
    refusals = [refusal for document in documents for refusal in document.get("refused") or ()]
    if any("refused" in document for document in documents):
        answer["refused"] = [one for place, one in enumerate(refusals) if one not in refusals[:place]]
    answer["verdict"] = gates.verdict(answer)
    return answer


def _peak(document: Document) -> float:
    ceilings = document["ceilings"]
    return float(ceilings["flops_per_s"]) if ceilings else 0.0


def _process(document: Document) -> dict[str, Any]:
    ceilings, environment = document["ceilings"], document["environment"]
    return {
        "created": document.get("created"),
        "complete": document["complete"],
        "load_average": environment["load_average"],
        "load_average_after": environment.get("load_average_after"),
        "flops_per_s": ceilings["flops_per_s"] if ceilings else None,
        "bytes_per_s": ceilings["bytes_per_s"] if ceilings else None,
    }


def _pooled_case(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = [case["deviation"] for case in cases if case.get("deviation") is not None]
    names = dict.fromkeys(name for case in cases for name in case["passes"])
    answer = {
        **cases[0],
        "rounds": sum(case["rounds"] for case in cases),
        "stopped_by": next(word for word in ENDINGS if any(case["stopped_by"] == word for case in cases)),
        "deviation": max(known) if len(known) == len(cases) else None,
        "warm_up_ns": [time for case in cases for time in case["warm_up_ns"]],
        "sm_clock_mhz": [clock for case in cases for clock in case["sm_clock_mhz"]],
        "passes": {name: _pooled_pass([case["passes"].get(name, {}) for case in cases]) for name in names},
    }
    layers = [
        _pooled_layer([case["layers"][place] for case in cases if case["layers"]])
        for place in range(len(next((case["layers"] for case in cases if case["layers"]), [])))
    ]
    answer["layers"] = layers
    for layer, share in zip(layers, shares(answer), strict=True):
        if "share" in layer:
            layer["share"] = share
    return answer


def _pooled_pass(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = [time for part in parts for time in part.get("samples_ns", ())]
    return {
        **next(part for part in parts if part),
        **sample_statistics(times),
        "n_by_process": [len(part.get("samples_ns", ())) for part in parts],
        "queued_ahead": [ahead for part in parts for ahead in part.get("queued_ahead", ())],
        "samples_ns": times,
    }


def _pooled_layer(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = [time for part in parts for time in part["samples_ns"]]
    bound = sum(part["dispatch_bound"] for part in parts)
    return {**parts[0], **sample_statistics(times), "dispatch_bound": bound, "samples_ns": times}
