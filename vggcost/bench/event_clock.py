"""The device's own clock: events on its queue, read after one wait.

`torch` is handed in, so that a simulated device can stand in its place and every promise below can be tested without
a GPU. Events serve CUDA and XPU alike; the spin is CUDA's alone.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.environment import launch_blocking
from vggcost.bench.protocol import DeviceState, ForwardTimes, mostly_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Readings = Mapping[str, Sequence[ForwardTimes]]

FIRST_SPIN_NS = 2_000_000
"""The spin of a case's warm-up, and the shortest there is."""

LONGEST_SPIN_NS = 50_000_000
"""No longer: a host that needs more than half of this to queue a forward is late, and the verdict says so."""

DOUBLINGS = 3
"""How often a spin that was too short is doubled; a host that waits for the device is late behind any spin."""

CALIBRATION_CYCLES = 20_000_000


class EventClock:
    """Events on the device's current queue, in front of them zeros written over the last-level cache, and a spin.

    `prepare` writes first and spins second: the spin keeps the device busy while the host queues the forward, so that
    no gap between two marks holds Python's dispatch. `settle` sets its length. An event in front of the spin times it,
    so that every forward tells how fast the multiprocessors' clock runs.
    """

    def __init__(
        self,
        torch: Any,
        device: Any,
        flush_bytes: int,
        watch: Callable[[], DeviceState] | None = None,
        host_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._torch = torch
        self._device = device
        self._host_ns = host_ns
        self._watch = watch
        self._made: dict[int, list[Any]] = {}
        self._flush_bytes = flush_bytes
        self._buffer = torch.empty(flush_bytes, dtype=torch.uint8, device=device) if flush_bytes else None
        self._spins = str(device).startswith("cuda")
        # On AMD's devices torch's spin counts a timer of its own, which says nothing of the clock.
        self._tells_clock = self._spins and not torch.version.hip
        self.spin_ns = FIRST_SPIN_NS
        self._cycles = CALIBRATION_CYCLES
        self._before_spin = self._event() if self._spins else None
        self._cycles_per_ns = self._calibrated() if self._spins else 0.0
        self.name = f"{str(device).partition(':')[0]} events"

    def marks(self, count: int) -> EventMarks:
        """Return that many marks; events are made once for each count and recorded again."""
        if count not in self._made:
            self._made[count] = [self._event() for _ in range(count)]
        return EventMarks(self, self._made[count])

    def prepare(self) -> None:
        """Write over the cache, then spin; both are queued before the first mark and so outside every time."""
        if self._buffer is not None:
            self._buffer.zero_()
        if self._before_spin is not None:
            self._cycles = round(self.spin_ns * self._cycles_per_ns)
            self._before_spin.record()
            self._sleep(self._cycles)

    def begin(self) -> None:
        """Forget the spin of the work before."""
        self.spin_ns = FIRST_SPIN_NS

    def settle(self, warm: Readings, again: Callable[[], Readings]) -> str | None:
        """Set the spin from warm forwards of every pass; return why the host cannot run ahead, None where it can.

        The spin becomes twice what the host needed to queue the slowest pass, and is tried on further forwards. Where
        it does not cover them, because something on the host waits for the device, a few doublings end the search, and
        the spin is again what serves the passes that can be queued ahead.
        """
        if not self._spins:
            return None
        needs_ns = {name: self._host_needs_ns(readings) for name, readings in warm.items()}
        self.spin_ns = self._covering(needs_ns.values())
        if self.spin_ns == FIRST_SPIN_NS and all(map(mostly_ahead, warm.values())):
            return None
        for attempt in range(DOUBLINGS + 1):
            warm = again()
            if all(map(mostly_ahead, warm.values())):
                return None
            if attempt == DOUBLINGS or self.spin_ns == LONGEST_SPIN_NS:
                break
            self.spin_ns = min(2 * self.spin_ns, LONGEST_SPIN_NS)
        ahead = {name for name, readings in warm.items() if mostly_ahead(readings)}
        self.spin_ns = self._covering(needs_ns[name] for name in ahead)
        return _why_late(max(needs_ns[name] for name in warm if name not in ahead))

    def now_ns(self) -> int:
        """The host's time."""
        return self._host_ns()

    def state(self) -> DeviceState:
        """What the device says of itself at this moment, where it is asked."""
        return self._watch() if self._watch else DeviceState()

    def spun_at_mhz(self, first: Any) -> int | None:
        """Calibrate the spin by the one before this first mark; return the clock that it ran at [MHz].

        Source: torch's spin kernel counts the multiprocessor's own cycles (clock64).
        """
        if self._before_spin is None:
            return None
        spun_ns = self._before_spin.elapsed_time(first) * 1e6
        if spun_ns <= 0:
            return None
        self._cycles_per_ns = self._cycles / spun_ns
        return round(self._cycles_per_ns * 1e3) if self._tells_clock else None

    def policy(self) -> dict[str, Any]:
        """The spin and what is written over the cache."""
        return {
            "clock": self.name,
            "spin": "torch.cuda._sleep before the first event" if self._spins else None,
            "spin_ns": self.spin_ns if self._spins else None,
            "cache": f"{units.human_bytes(self._flush_bytes)} zeroed before every forward, outside the events, never"
            " between layers"
            if self._flush_bytes
            else "caches as the forward before left them",
            "flush_bytes": self._flush_bytes or None,
            "synchronised_marks": False,
        }

    def _host_needs_ns(self, readings: Sequence[ForwardTimes]) -> int:
        """The host's median time to queue a forward; where it was late, less the spin that it may have waited for."""
        waited = self.spin_ns
        own = (each.queued_ns[-1] - (waited if each.queued_ahead is False else 0) for each in readings)
        return round(median(max(0, needs) for needs in own))

    def _covering(self, needs_ns: Iterable[int]) -> int:
        """Twice the host's time for the slowest of these passes, within the limits [ns]."""
        return min(max(FIRST_SPIN_NS, *(2 * needs for needs in needs_ns), 0), LONGEST_SPIN_NS)

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


def _why_late(needs_ns: int) -> str:
    switch = launch_blocking()
    if switch:
        return f"{switch} is set, so every launch waits for its kernel; unset it"
    if 2 * needs_ns > LONGEST_SPIN_NS:
        limit = f"more than half of the longest spin, {LONGEST_SPIN_NS // 1_000_000} ms"
        cause = "many launches, or an operation that waits for the device (.item(), .cpu(), nonzero)"
        return f"the host needs {needs_ns / 1e6:.0f} ms to queue a forward, {limit}: {cause}"
    return (
        "the host waits for the device inside the forward, behind any spin: an operation synchronises (.item(),"
        " .cpu(), nonzero), or there are more launches than the queue holds (about a thousand)"
    )


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
        """Ask whether the device is still in front of the first event, wait once for the last, read all.

        What the device says of itself is asked before the wait, while it works: an idle one tells another clock.
        """
        events = self._events
        ahead = not events[0].query()
        state = self._clock.state()
        events[-1].synchronize()
        # Whole nanoseconds since event 0, not pairs of neighbours: differences of these sum to the whole exactly.
        elapsed = (0, *(round(events[0].elapsed_time(event) * 1e6) for event in events[1:]))
        queued = tuple(moment - self._queued[0] for moment in self._queued)
        return ForwardTimes(elapsed, queued, ahead, state.slower(self._clock.spun_at_mhz(events[0])))
