"""One thread's CPU time as a clock of `vggcost.bench`: what other work on the machine takes is not in it."""

from __future__ import annotations

import time

from vggcost.bench.host_clock import HostClock, HostMarks


class ThreadMarks(HostMarks):
    """A row of the thread's CPU times."""

    def record(self, index: int) -> None:
        """Note the time that the thread has computed for."""
        self._times[index] = time.thread_time_ns()


class ThreadClock(HostClock):
    """`time.thread_time_ns`: for one thread of torch, which is the one that asks."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "the thread's CPU time (time.thread_time_ns)"

    def marks(self, count: int) -> ThreadMarks:
        """Return that many marks."""
        return ThreadMarks(count, None)

    def now_ns(self) -> int:
        """The thread's time."""
        return time.thread_time_ns()
