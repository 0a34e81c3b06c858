"""The host's clock, for a CPU and for devices whose own events cannot be trusted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import ForwardTimes

if TYPE_CHECKING:
    from collections.abc import Callable


class HostClock:
    """`time.perf_counter_ns`; on a CPU an operation has ended when it returns.

    On a device that queues, `synchronize` waits for it at every mark. That is the only way to a layer's time without
    the device's own events, and it puts each launch into the layer's time: the result says so.
    """

    def __init__(self, synchronize: Callable[[], None] | None = None) -> None:
        self._synchronize = synchronize
        self.name = "host clock (time.perf_counter_ns)"
        if synchronize is not None:
            self.name += ", the device synchronised at every mark"

    def marks(self, count: int) -> HostMarks:
        """Return that many marks."""
        return HostMarks(count, self._synchronize)

    def prepare(self) -> None:
        """Do nothing: a CPU has no queue to fill, and its caches are left as the forward before left them."""

    def now_ns(self) -> int:
        """The host's time."""
        return time.perf_counter_ns()

    def begin(self) -> None:
        """Nothing was set by the work before."""

    def settle(self, warm: object, again: object) -> None:
        """Nothing is set: without a spin there is nothing that could be too short."""

    def policy(self) -> dict[str, Any]:
        """No spin, no flush."""
        return {
            "clock": self.name,
            "spin": None,
            "spin_ns": None,
            "cache": "caches as the forward before left them",
            "flush_bytes": None,
            "synchronised_marks": self._synchronize is not None,
        }


class HostMarks:
    """A row of host times."""

    def __init__(self, count: int, synchronize: Callable[[], None] | None) -> None:
        self._times = [0] * count
        self._synchronize = synchronize

    def record(self, index: int) -> None:
        """Note the time."""
        if self._synchronize is not None:
            self._synchronize()
        self._times[index] = time.perf_counter_ns()

    def read(self) -> ForwardTimes:
        """Return the times since the first."""
        first = self._times[0]
        elapsed = tuple(moment - first for moment in self._times)
        return ForwardTimes(elapsed, elapsed, None)
