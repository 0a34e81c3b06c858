"""Kills at random moments of sweeps: of a worker of the pool, of a Dask worker, of the driver, which is run again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

WHAT = "kills of sweeps"
FULL, SHORT = 30, 3
VGGCOST = Path(sys.executable).with_name("vggcost")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
SPACE = """
[axes]
config = ["A", "B", "D", "E"]
in_channels = { from = 1, to = 40, step = 1 }
batch_norm = [false, true]
width = { from = 0.25, to = 2, step = 0.25 }
size = { from = 32, to = 224, step = 32 }
batch = { powers_of = 2, to = 64 }
"""
KINDS = ("a worker of the pool", "a Dask worker", "the driver")


def broken(number, seed, folder):
    """Yield each promise that a kill broke; return how many kills met a sweep at work."""
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    (folder / "space.toml").write_text(SPACE)
    begun = time.perf_counter()
    wanted, _ = finished(started(folder, "pool:2"), folder)
    whole_s = time.perf_counter() - begun
    met: Counter[str] = Counter()
    with cluster(folder) as address:
        for turn in range(number):
            kind = KINDS[turn % len(KINDS)]
            engine = address if kind == KINDS[1] else "pool:2"
            shutil.rmtree(folder / "out.csv.parts", ignore_errors=True)
            (folder / "out.csv").unlink(missing_ok=True)
            run = started(folder, engine)
            time.sleep(chance.uniform(0.1, 0.9) * whole_s)
            victims = [run.pid] if kind == KINDS[2] else sorted(workers(run.pid if engine == "pool:2" else None))
            if run.poll() is None and victims:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(victims), signal.SIGKILL)
                    met[kind] += 1
            what = resumed(run, folder, wanted) if kind == KINDS[2] else ended(run, folder, wanted)
            yield from (f"kill {turn} of {kind}: {each}" for each in what)
    return ", ".join(f"{met[kind]} of {kind}" for kind in KINDS)


def started(folder, engine):
    """The command, at work."""
    words = (VGGCOST, "sweep", "space.toml", "-o", "out.csv", "--engine", engine)
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finished(run, folder):
    """The rows, or None, and what was said."""
    _, said = run.communicate(timeout=300)
    out = folder / "out.csv"
    return (out.read_bytes() if out.exists() else None), said


def ended(run, folder, wanted):
    """Yield what is wrong with a sweep whose worker was killed."""
    rows, said = finished(run, folder)
    if run.returncode != 0:
        yield f"status {run.returncode}: {said[-300:]!r}"
    if rows != wanted:
        yield "other rows"
    if (folder / "out.csv.parts").exists():
        yield "parts are left"


def resumed(run, folder, wanted):
    """Yield what is wrong with the parts of a sweep that was killed, and with its second run."""
    run.communicate(timeout=60)
    parts = folder / "out.csv.parts"
    kept = state(parts)
    again = started(folder, "pool:2")
    while again.poll() is None and len(state(parts)) <= len(kept):
        time.sleep(0.01)
    now = state(parts)
    if now and any(now.get(name) != what for name, what in kept.items()) and again.poll() is None:
        yield "a part that was there is another"
    yield from ended(again, folder, wanted)


def state(parts):
    """Of each whole part its inode, when it was written, and how long it is."""
    found = {}
    with suppress(FileNotFoundError):
        for path in parts.glob("*.part"):
            with suppress(FileNotFoundError):
                status = path.stat()
                found[path.name] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found


def workers(driver):
    """The processes that a driver has started to work, or those of the Dask cluster of this process."""
    found = set()
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            words = (each / "cmdline").read_bytes().split(b"\0")
            parents = ancestors(int(each.name))
            if b"spawn_main" in b" ".join(words) and (driver or os.getpid()) in parents:
                found.add(int(each.name))
    return found


def ancestors(pid):
    """The processes that a process descends from."""
    found = []
    while pid > 1:
        pid = int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


@contextmanager
def cluster(folder):
    """The address of a scheduler with two worker processes, which are started again when they die."""
    module = (sys.executable, "-m")
    common = ("--no-dashboard", "--scheduler-file", str(folder / "scheduler.json"))
    running = [
        subprocess.Popen(
            (*module, "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1", *common),
            cwd=folder,
            **QUIET,
        )
    ]
    running.append(
        subprocess.Popen(
            (*module, "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1", *common), cwd=folder, **QUIET
        )
    )
    try:
        while len(workers(None)) < 2:
            time.sleep(0.1)
        time.sleep(2)  # until they have told the scheduler
        yield f"dask-file://{folder / 'scheduler.json'}"
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)
