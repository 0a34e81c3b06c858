"""How much memory one forward took at its worst moment, and each of its layers: measured, outside the timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vggcost.bench.protocol import Operation
    from vggcost.bench.trace import ForwardTrace

HOST_DEVICE_TYPE = 0
"""What the profiler calls a host in its memory events."""


class MemoryPeaks(Record):
    """High-water marks [B], the weights and the network's input in them."""

    whole: int
    layers: tuple[int, ...] | None
    """Each while the layer ran; None where there are no layers."""


def held_bytes(tensors: Iterable[Any]) -> int:
    """Return the bytes of the storages behind these tensors, each once: what a forward holds before it begins."""
    storages = {}
    for tensor in tensors:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


def allocator_peaks(
    room: Any,
    held: int,
    whole: Operation,
    layers: Sequence[Operation] | None,
    x: Any,
    reset: Callable[[], None] | None = None,
) -> MemoryPeaks:
    """Ask the device's caching allocator: `room` is torch.cuda or torch.xpu.

    The allocator counts what others hold too (the flush buffer, a graph's pool), so only the increase over what was
    allocated before the forward is taken from it. Workspaces of the libraries come from it and are in the marks.
    """
    before = _begin(room, reset)
    whole(x)
    peak = held + max(0, int(room.max_memory_allocated()) - before)
    if layers is None:
        return MemoryPeaks(peak, None)
    before, peaks = _begin(room, reset), []
    for operation in layers:
        room.reset_peak_memory_stats()
        x = operation(x)
        peaks.append(held + max(0, int(room.max_memory_allocated()) - before))
    return MemoryPeaks(peak, tuple(peaks))


def _begin(room: Any, reset: Callable[[], None] | None) -> int:
    if reset is not None:
        reset()
    room.synchronize()
    room.reset_peak_memory_stats()
    return int(room.memory_allocated())


def host_peaks(trace: ForwardTrace, held: int) -> MemoryPeaks | None:
    """Read a host's allocations out of a trace; None where the profiler recorded none.

    What a library allocates by itself, past torch's allocator, is not among them.
    """
    changes = [
        (float(event["ts"]), int(event["args"]["Bytes"]))
        for event in trace.events
        if event.get("name") == "[memory]" and event["args"].get("Device Type") == HOST_DEVICE_TYPE
    ]
    if not changes:
        return None
    peaks, now, position = [], 0, 0
    for _, end in trace.layers:
        most = now
        while position < len(changes) and changes[position][0] <= end:
            now += changes[position][1]
            most = max(most, now)
            position += 1
        peaks.append(held + max(0, most))
    return MemoryPeaks(max(peaks), tuple(peaks))
