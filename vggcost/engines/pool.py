"""The standard library's process pool, which is made anew where one of its processes is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from vggcost.engines import MOST_TRIES, Job
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

WATCH_SECONDS = 0.5
"""How often a worker looks whether the process that started it is still there."""


class PoolEngine:
    """So many processes on this machine."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self.slots = 2 * workers
        self._jobs: dict[Future[Any], Job] = {}
        self._pool = self._made()

    @staticmethod
    def usual_workers() -> int:
        """Return how many processors this process may use."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    def submit(self, function: Callable[[Any], Any], argument: Any, needs: Mapping[str, float] | None = None) -> Job:
        """Hand in a task."""
        job = Job(function, argument, needs or {})
        self._start(job)
        return job

    def as_completed(self) -> Iterator[Job]:
        """Yield each task as it ends; those of a pool that broke are started again."""
        while self._jobs:
            done, _ = wait(self._jobs, return_when=FIRST_COMPLETED)
            broken = [self._jobs.pop(future) for future in done if isinstance(future.exception(), BrokenProcessPool)]
            if broken:
                yield from self._again(broken)
            for future in done:
                if future in self._jobs:
                    yield self._ended(future)

    def tags(self) -> Mapping[str, float]:
        """Return no resources: all processes are alike."""
        return {}

    def close(self) -> None:
        """End the processes."""
        self._jobs.clear()
        for process in self._processes():
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _processes(self) -> list[Any]:
        return list((getattr(self._pool, "_processes", None) or {}).values())

    def _made(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, get_context("spawn"), _settle, (os.getpid(),))

    def _start(self, job: Job) -> None:
        try:
            future = self._pool.submit(job.function, job.argument)
        except BrokenProcessPool:
            self._renew()
            future = self._pool.submit(job.function, job.argument)
        self._jobs[future] = job

    def _renew(self) -> None:
        for process in self._processes():
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._made()

    def _ended(self, future: Future[Any]) -> Job:
        job = self._jobs.pop(future)
        job.error = future.exception()
        if job.error is None:
            job.value = future.result()
        return job

    def _again(self, broken: list[Job]) -> Iterator[Job]:
        """Start again what a pool had in hand that broke; yield those tasks that were ended, or tried too often."""
        # Those that had ended before keep what they came to.
        done = [future for future in self._jobs if future.done()]
        ended = [self._ended(future) for future in done if not isinstance(future.exception(), BrokenProcessPool)]
        broken += self._jobs.values()
        self._jobs.clear()
        self._renew()
        yield from ended
        for job in broken:
            job.tries += 1
            if job.tries < MOST_TRIES:
                self._start(job)
                continue
            job.error = VggcostError(f"the process that ran it was killed {job.tries} times")
            yield job


def _settle(parent: int) -> None:
    """Settle a worker: Ctrl-C is its parent's to answer, and no worker outlives that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)
