"""A device that is not there: queue, clock, allocator, graphs, events, and a host clock that only work moves.

It stands where `torch` does, so that all of `bench` runs on it unchanged. Everything that is asked of it is logged with
the host's time and the device's. What it does as CUDA does: a launch returns before the kernel runs, or waits where the
queue is full; an event is reached when the queue gets to it; elapsed times are float32 milliseconds and may be asked of
reached events only; the first runs of a kernel are slow; the spin lasts cycles of a clock that rises with work; memory
that a pool has once taken stays its own until the cache is emptied, which a capture does; a capture that fails leaves
its stream current.
"""

from __future__ import annotations

import struct
import weakref
from collections import deque
from contextlib import contextmanager, nullcontext
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

COLD_RUNS = 14
COLD_FACTOR = 7
RAMP_NS = 60_000_000  # busy for this long, the clock stands at its highest


class Entry(NamedTuple):
    what: str  # "kernel", "flush", "spin", "event", "sync", "reset", "malloc", "capture", "nvml"
    name: str
    host_ns: int  # when the host asked for it
    begins_ns: int
    ends_ns: int
    stream: int = 0


class OutOfMemoryError(RuntimeError):
    pass


class CompilerError(Exception):
    pass


class Device(NamedTuple):
    type: str
    index: int | None = None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


class SimulatedDevice:
    """One queue; `torch` is what the code under test takes for torch."""

    def __init__(
        self,
        launch_ns: int = 5_000,
        *,
        depth: int = 1_000_000,
        blocking: bool = False,
        idle_mhz: int = 1500,
        boost_mhz: int = 1500,
        memory: int = 80 << 30,
        malloc_ns: int = 200_000,
    ) -> None:
        self.host_ns = 1_000
        self.free_ns = 0
        self.busy_ns = 0
        self.launch_ns = launch_ns
        self.depth = depth
        self.blocking = blocking
        self.idle_mhz, self.boost_mhz = idle_mhz, boost_mhz
        self.memory, self.malloc_ns = memory, malloc_ns
        self.log: list[Entry] = []
        self.streams: list[SimulatedStream] = []
        self.default_stream = self.stream = SimulatedStream(self)
        self.graph: SimulatedGraph | None = None
        self.refuses: dict[str, str] = {}  # dtype or call, and the words it fails with
        self._pending: deque[int] = deque()
        self._allocated: dict[str, int] = {}
        self._reserved: dict[str, int] = {}
        self.torch = simulated_torch(self)

    def launch(self, what: str, name: str, busy_ns: int, *, depth: int | None = None) -> None:
        if self.graph is not None:
            self.graph.kernels.append((name, busy_ns))
            return
        while self._pending and self._pending[0] <= self.host_ns:
            self._pending.popleft()
        while len(self._pending) >= (depth or self.depth):
            self.host_ns = max(self.host_ns, self._pending.popleft())
        begins = max(self.host_ns, self.free_ns)
        self.free_ns = begins + busy_ns
        self.busy_ns += busy_ns
        self._pending.append(self.free_ns)
        self.log.append(Entry(what, name, self.host_ns, begins, self.free_ns, self.stream.number))
        self.host_ns += self.launch_ns
        if self.blocking:
            self.host_ns = max(self.host_ns, self.free_ns)

    def mhz(self) -> int:
        return self.boost_mhz if self.busy_ns > RAMP_NS else self.idle_mhz

    def layer(self, name: str, busy_ns: int, dispatch_ns: int = 0, *, takes: int = 1 << 20, tuning_ns: int = 0):
        """An operation of one kernel: the host takes its time to dispatch it, its first runs are slow.

        Its output takes memory for as long as somebody holds it; with tuning_ns the library tries its algorithms at
        the first run, and the host waits.
        """
        runs = 0

        def operation(x):
            nonlocal runs
            if self.graph is None:
                runs += 1
                self.host_ns += dispatch_ns + (tuning_ns if runs == 1 else 0)
            out = SimulatedTensor(self, takes)
            # From seven times its time down to its time.
            cold = (COLD_FACTOR - 1) * max(0, COLD_RUNS - runs) / COLD_RUNS if self.graph is None else 0
            self.launch("kernel", name, busy_ns + round(cold * busy_ns))
            return out

        return operation

    def waits(self, x):
        """An operation that synchronises, as .item() does."""
        self.synchronize()
        return x

    def synchronize(self, *_) -> None:
        if self.graph is not None:
            self.graph.broken = True
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        self.host_ns = max(self.host_ns, self.free_ns)

    def take(self, size: int) -> tuple[str, int]:
        pool = self.graph.name if self.graph is not None else f"stream{self.stream.number}"
        used = self._allocated.get(pool, 0) + size
        if used > self._reserved.get(pool, 0):
            if self._others(pool) + used > self.memory:
                self.empty_cache()
            if self._others(pool) + used > self.memory:
                raise OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size} B")
            self._reserved[pool] = used
            self.host_ns += self.malloc_ns
            self.log.append(Entry("malloc", pool, self.host_ns, self.host_ns, self.host_ns))
        self._allocated[pool] = used
        return pool, size

    def _others(self, pool: str) -> int:
        return sum(amount for name, amount in self._reserved.items() if name != pool)

    def give(self, pool: str, size: int) -> None:
        self._allocated[pool] -= size

    def empty_cache(self) -> None:
        """A graph's own pool is kept for as long as the graph lives."""
        graphs = {name: size for name, size in self._reserved.items() if name.startswith("graph")}
        self._reserved = dict(self._allocated) | graphs

    def free_bytes(self) -> int:
        return self.memory - sum(self._reserved.values())

    def drop_pool(self, name: str) -> None:
        self._reserved.pop(name, None)

    def note(self, what: str) -> None:
        self.log.append(Entry(what, what, self.host_ns, self.host_ns, self.host_ns, self.stream.number))

    def now_ns(self) -> int:
        return self.host_ns

    def make_stream(self, device=None) -> SimulatedStream:
        self.streams.append(SimulatedStream(self, len(self.streams) + 1, device))
        return self.streams[-1]

    def set_stream(self, stream: SimulatedStream) -> None:
        self.stream = stream

    @contextmanager
    def on_stream(self, stream: SimulatedStream):
        before, self.stream = self.stream, stream
        try:
            yield
        finally:
            self.stream = before


class SimulatedStream:
    def __init__(self, device: SimulatedDevice, number: int = 0, place=None) -> None:
        self.number = number
        self.place = place

    def wait_stream(self, other: SimulatedStream) -> None:
        """One queue: everything waits for what came before."""


class SimulatedTensor:
    """Memory that is given back when nobody holds it."""

    def __init__(self, device: SimulatedDevice, size: int) -> None:
        pool, size = device.take(size)
        weakref.finalize(self, device.give, pool, size)
        self.device = device
        self.size = size
        self.shape = (1, 3, 8, 8)

    def zero_(self) -> None:
        self.device.launch("flush", "zero_", 400_000)

    def to(self, dtype) -> SimulatedTensor:
        if dtype in self.device.refuses:
            raise RuntimeError(self.device.refuses[dtype])
        return self

    def flatten(self, _: int) -> SimulatedTensor:
        return self

    def element_size(self) -> int:
        return 4


class SimulatedEvent:
    def __init__(self, device: SimulatedDevice) -> None:
        self._device = device
        self.reached_ns: int | None = None

    def record(self) -> None:
        device = self._device
        if "Event" in device.refuses:
            raise RuntimeError(device.refuses["Event"])
        device.host_ns += 500
        self.reached_ns = max(device.host_ns, device.free_ns)
        device.log.append(Entry("event", "", device.host_ns, self.reached_ns, self.reached_ns, device.stream.number))

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
    made = 0

    def __init__(self, device: SimulatedDevice) -> None:
        SimulatedGraph.made += 1
        self.name = f"graph{SimulatedGraph.made}"
        self._device = device
        self.kernels: list[tuple[str, int]] = []
        self.broken = False
        weakref.finalize(self, device.drop_pool, self.name)

    def replay(self) -> None:
        device = self._device
        for name, busy_ns in self.kernels:
            device.launch("kernel", name, busy_ns, depth=1_000_000)
            device.host_ns -= device.launch_ns  # one launch for all, and one place in the queue
        device.host_ns += device.launch_ns


class Capture:
    """torch.cuda.graph: it empties the cache first, and where the capture is broken it never leaves its stream."""

    def __init__(self, device: SimulatedDevice, graph: SimulatedGraph, stream: SimulatedStream | None = None) -> None:
        self._device, self._graph = device, graph
        self._stream = stream or device.make_stream()

    def __enter__(self) -> None:
        self._device.synchronize()
        self._device.empty_cache()
        self._before = self._device.stream
        self._device.stream = self._stream
        self._device.graph = self._graph
        self._device.note("capture")

    def __exit__(self, *_) -> None:
        self._device.graph = None
        if self._graph.broken:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
        self._device.stream = self._before


def simulated_torch(device: SimulatedDevice) -> ModuleType:
    """What of torch `bench` touches, as a module that `import torch` finds where a test puts it."""
    torch = ModuleType("torch")

    def tensor(*_, **__) -> SimulatedTensor:
        if "rand" in device.refuses:
            raise RuntimeError(device.refuses["rand"])
        return SimulatedTensor(device, 1 << 10)

    card = SimpleNamespace(
        major=9,
        minor=0,
        multi_processor_count=132,
        total_memory=device.memory,
        L2_cache_size=50 << 20,
        uuid="1234",
    )
    vars(torch).update(
        __version__="2.13.0",
        version=SimpleNamespace(cuda="13.0", hip=None),
        OutOfMemoryError=OutOfMemoryError,
        Event=lambda device=None, enable_timing=True, _own=device: SimulatedEvent(_own),
        empty=lambda size, dtype=None, device=None, _own=device: SimulatedTensor(_own, size),
        rand=tensor,
        randn=tensor,
        device=Device,
        inference_mode=nullcontext,
        no_grad=nullcontext,
        get_num_threads=lambda: 4,
        set_num_threads=lambda _: None,
        compile=lambda module: module,
        uint8="uint8",
        _dynamo=SimpleNamespace(exc=SimpleNamespace(TorchDynamoException=CompilerError)),
        nn=SimpleNamespace(functional=SimpleNamespace(conv2d=tensor, linear=tensor)),
        cuda=SimpleNamespace(
            _sleep=lambda cycles: device.launch("spin", "_sleep", round(cycles / device.mhz() * 1e3)),
            Stream=device.make_stream,
            current_stream=lambda _=None: device.stream,
            set_stream=device.set_stream,
            stream=device.on_stream,
            device=lambda _: nullcontext(),
            CUDAGraph=lambda: SimulatedGraph(device),
            graph=lambda graph, stream=None: Capture(device, graph, stream),
            synchronize=device.synchronize,
            empty_cache=device.empty_cache,
            is_available=lambda: True,
            device_count=lambda: 2,
            get_device_capability=lambda _=None: (9, 0),
            get_device_properties=lambda _=None: card,
            get_device_name=lambda _=None: "Simulated 9000",
            mem_get_info=lambda _=None: (device.free_bytes(), device.memory),
        ),
        xpu=SimpleNamespace(
            is_available=lambda: False, device_count=lambda: 0, synchronize=device.synchronize, mem_get_info=None
        ),
        backends=SimpleNamespace(
            cudnn=SimpleNamespace(
                benchmark=True,
                deterministic=False,
                benchmark_limit=10,
                conv=SimpleNamespace(fp32_precision="tf32"),
                rnn=SimpleNamespace(fp32_precision="tf32"),
                version=lambda: 91300,
            ),
            cuda=SimpleNamespace(
                matmul=SimpleNamespace(
                    fp32_precision="none",
                    allow_fp16_reduced_precision_reduction=True,
                    allow_bf16_reduced_precision_reduction=True,
                )
            ),
            cpu=SimpleNamespace(get_cpu_capability=lambda: "AVX512"),
            mkldnn=SimpleNamespace(is_available=lambda: True),
            mps=SimpleNamespace(is_available=lambda: False),
        ),
    )
    for name, size in (("float32", 4), ("float16", 2), ("bfloat16", 2), ("float64", 8)):
        setattr(torch, name, Dtype(name, size))
    return torch


class Dtype(str):
    """A dtype that knows its size."""

    __slots__ = ("itemsize",)

    def __new__(cls, name: str, itemsize: int):
        made = super().__new__(cls, name)
        made.itemsize = itemsize
        return made
