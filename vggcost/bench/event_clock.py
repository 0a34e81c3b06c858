"""The device's own clock: events on its queue, read after one wait.

`torch` is handed in, so that a simulated device can stand in its place and every promise below can be tested without
a GPU. Events serve CUDA and XPU alike; the spin is CUDA's alone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import ForwardTimes

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_SPIN_NS = 2_000_000
LONGEST_SPIN_NS = 1_000_000_000
CALIBRATION_CYCLES = 20_000_000


class EventClock:
    """Events on the device's current queue, in front of them a flush of the last-level cache and a spin.

    `prepare` flushes first and spins second: the spin keeps the device busy while the host queues the forward, so that
    no gap between two marks holds Python's dispatch. The spin grows until it does.
    """

    def __init__(
        self,
        torch: Any,
        device: Any,
        flush_bytes: int,
        sm_clock_mhz: Callable[[], int | None] | None = None,
        host_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._torch = torch
        self._device = device
        self._host_ns = host_ns
        self._ask_sm_clock = sm_clock_mhz
        self._made: dict[int, list[Any]] = {}
        self._flush_bytes = flush_bytes
        self._buffer = torch.empty(flush_bytes, dtype=torch.uint8, device=device) if flush_bytes else None
        self._spins = str(device).startswith("cuda")
        self.spin_ns = FIRST_SPIN_NS
        self._cycles_per_ns = self._calibrated() if self._spins else 0.0
        self.name = f"{str(device).partition(':')[0]} events"

    def marks(self, count: int) -> EventMarks:
        """Return that many marks; events are made once for each count and recorded again."""
        if count not in self._made:
            self._made[count] = [self._event() for _ in range(count)]
        return EventMarks(self, self._made[count])

    def prepare(self) -> None:
        """Flush the cache, then spin; both are queued before the first mark and so outside every time."""
        if self._buffer is not None:
            self._buffer.zero_()
        if self._spins:
            self._sleep(round(self.spin_ns * self._cycles_per_ns))

    def now_ns(self) -> int:
        """The host's time."""
        return self._host_ns()

    def sm_clock_mhz(self) -> int | None:
        """The device's clock, where NVML gives it."""
        return self._ask_sm_clock() if self._ask_sm_clock else None

    def policy(self) -> dict[str, Any]:
        """The spin and the flush."""
        return {
            "clock": self.name,
            "spin": "torch.cuda._sleep before the first event" if self._spins else None,
            "spin_ns": self.spin_ns if self._spins else None,
            "cache": "last-level cache flushed before every forward, outside the events, never between layers"
            if self._flush_bytes
            else "caches as the forward before left them",
            "flush_bytes": self._flush_bytes or None,
            "synchronised_marks": False,
        }

    def lengthen_spin(self, queueing_ns: int) -> None:
        """Make the spin at least twice what the host needed to queue a forward."""
        self.spin_ns = min(max(2 * self.spin_ns, 2 * queueing_ns), LONGEST_SPIN_NS)

    def _sleep(self, cycles: int) -> None:
        self._torch.cuda._sleep(cycles)  # noqa: SLF001  # torch's only kernel that waits; its own tests spin with it

    def _event(self) -> Any:
        return self._torch.Event(device=self._device, enable_timing=True)

    def _calibrated(self) -> float:
        """Cycles a nanosecond of the spin, by the device's own events; the second of two, for the first is cold."""
        rate = 1.0
        for _ in range(2):
            start, end = self._event(), self._event()
            start.record()
            self._sleep(CALIBRATION_CYCLES)
            end.record()
            end.synchronize()
            rate = CALIBRATION_CYCLES / max(1.0, start.elapsed_time(end) * 1e6)
        return rate


class EventMarks:
    """One chain of events on the current queue: event i ends layer i and starts layer i + 1."""

    def __init__(self, clock: EventClock, events: list[Any]) -> None:
        self._clock = clock
        self._events = events
        self._queued = [0] * len(events)

    def record(self, index: int) -> None:
        """Queue an event; the host's own time beside it costs no call to the device."""
        self._events[index].record()
        self._queued[index] = self._clock.now_ns()

    def read(self) -> ForwardTimes:
        """Ask whether the device is still in front of the first event, wait once for the last, read all."""
        events = self._events
        ahead = not events[0].query()
        events[-1].synchronize()
        # Whole nanoseconds since event 0, not pairs of neighbours: differences of these sum to the whole exactly.
        elapsed = (0, *(round(events[0].elapsed_time(event) * 1e6) for event in events[1:]))
        queued = tuple(moment - self._queued[0] for moment in self._queued)
        if not ahead:
            self._clock.lengthen_spin(queued[-1])
        return ForwardTimes(elapsed, queued, ahead)
