"""A device that is not there: a queue, a busy time a kernel, events of its own, and a host clock that only work moves.

It stands where `torch` does, so that the event clock and the protocol run on it unchanged. Everything that is asked of
it is logged with the host's time and the device's. What it does as CUDA does: a launch returns before the kernel runs;
an event is reached when the queue gets to it; elapsed times are float32 milliseconds and may be asked of reached events
only; the first runs of a kernel are slow.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from types import SimpleNamespace
from typing import NamedTuple

CYCLES_PER_NS = 1.5
COLD_RUNS = 4
COLD_FACTOR = 7


class Entry(NamedTuple):
    what: str  # "kernel", "flush", "spin", "event", "sync", "reset", "graph"
    name: str
    host_ns: int  # when the host asked for it
    begins_ns: int
    ends_ns: int


class SimulatedDevice:
    """One queue; `torch` is what the code under test takes for torch."""

    def __init__(self, launch_ns: int = 5_000) -> None:
        self.host_ns = 1_000
        self.free_ns = 0
        self.launch_ns = launch_ns
        self.log: list[Entry] = []
        self._capturing: list[tuple[str, int]] | None = None
        self.torch = SimpleNamespace(
            Event=lambda device, enable_timing: SimulatedEvent(self),
            empty=lambda size, dtype, device: SimpleNamespace(zero_=lambda: self.launch("flush", "zero_", 400_000)),
            uint8=None,
            cuda=SimpleNamespace(
                _sleep=lambda cycles: self.launch("spin", "_sleep", round(cycles / CYCLES_PER_NS)),
                Stream=lambda: SimpleNamespace(wait_stream=lambda other: None),
                current_stream=lambda: SimpleNamespace(wait_stream=lambda other: None),
                stream=self._on_stream,
                CUDAGraph=lambda: SimulatedGraph(self),
                graph=self._capture,
            ),
        )

    def launch(self, what: str, name: str, busy_ns: int) -> None:
        if self._capturing is not None:
            self._capturing.append((name, busy_ns))
            return
        begins = max(self.host_ns, self.free_ns)
        self.free_ns = begins + busy_ns
        self.log.append(Entry(what, name, self.host_ns, begins, self.free_ns))
        self.host_ns += self.launch_ns

    def layer(self, name: str, busy_ns: int, dispatch_ns: int = 0):
        """An operation of one kernel: the host takes its time to dispatch it, its first runs are slow."""
        runs = 0

        def operation(x):
            nonlocal runs
            if self._capturing is None:
                runs += 1
                self.host_ns += dispatch_ns
            self.launch("kernel", name, busy_ns * (COLD_FACTOR if runs <= COLD_RUNS else 1))
            return x

        return operation

    def note(self, what: str) -> None:
        self.log.append(Entry(what, what, self.host_ns, self.host_ns, self.host_ns))

    def now_ns(self) -> int:
        return self.host_ns

    @contextmanager
    def _on_stream(self, stream):
        yield

    @contextmanager
    def _capture(self, graph):
        self._capturing = graph.kernels
        try:
            yield
        finally:
            self._capturing = None


class SimulatedEvent:
    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self.reached_ns: int | None = None

    def record(self) -> None:
        device = self._device
        device.host_ns += 500
        self.reached_ns = max(device.host_ns, device.free_ns)
        device.log.append(Entry("event", "", device.host_ns, self.reached_ns, self.reached_ns))

    def query(self) -> bool:
        return self.reached_ns is not None and self.reached_ns <= self._device.host_ns

    def synchronize(self) -> None:
        device = self._device
        device.host_ns = max(device.host_ns, self.reached_ns)
        device.log.append(Entry("sync", "", device.host_ns, device.host_ns, device.host_ns))

    def elapsed_time(self, end: SimulatedEvent) -> float:
        for event in (self, end):
            if not event.query():
                raise RuntimeError("Both events must be completed before calculating elapsed time.")
        return struct.unpack("f", struct.pack("f", (end.reached_ns - self.reached_ns) / 1e6))[0]


class SimulatedGraph:
    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self.kernels: list[tuple[str, int]] = []

    def replay(self) -> None:
        device = self._device
        for name, busy_ns in self.kernels:
            device.launch("kernel", name, busy_ns)
            device.host_ns -= device.launch_ns  # one launch for all
        device.host_ns += device.launch_ns
