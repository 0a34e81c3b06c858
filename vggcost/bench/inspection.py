"""What a case is asked once its timing is over: kernels, memory, a trace. Nothing here can fail the case."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vggcost.bench.kernels import device_kernels, host_operators, onednn_primitives
from vggcost.bench.measured_memory import MemoryPeaks, allocator_peaks, held_bytes, host_peaks
from vggcost.bench.trace import ForwardTrace, traced_forward_pass
from vggcost.costs.memory import in_use_bytes, layer_in_use_bytes
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from vggcost.bench.protocol import Samples, Work
    from vggcost.costs.table import Table


class Inspection(Record):
    """What was found, and why something was not."""

    kernels: tuple[list[str], ...] | None = None
    """Names a layer, in execution order; None where the layers were not timed, or nobody tells."""
    memory: MemoryPeaks | None = None
    trace: bytes | None = None
    """A Chrome trace of one forward."""
    notes: tuple[str, ...] = ()


def inspected(torch: Any, kind: str, work: Work, module: Any, names: list[str]) -> Inspection:
    """Run a few more forwards under the profiler and the allocator's counters; whatever fails becomes a note.

    kind is the device's (cpu, cuda, xpu, mps); names are the layers', in execution order, empty where the whole was
    timed alone; module is what holds the weights.
    """
    notes: list[str] = []

    def tried(what: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001  # the numbers are measured; no extra may cost them
            notes.append(f"{what}: {' '.join(str(error).split())[:200] or type(error).__name__}")
            return None

    kernels_missing, memory_missing = "kernels are not named", "memory was not measured"
    operations = work.layers if work.layers is not None else (work.whole,)
    trace = tried(
        "no trace of a forward",
        lambda: traced_forward_pass(torch, kind, operations, names or ["forward"], work.x, work.reset),
    )
    kernels = None
    if work.layers is not None:
        if trace is not None:
            kernels = tried(kernels_missing, lambda: _kernels(torch, kind, work, trace))
        else:
            notes.append(f"{kernels_missing}: they are read out of the trace")

    def peaks() -> MemoryPeaks | None:
        return _memory(torch, kind, work, trace, held_bytes([*module.parameters(), *module.buffers(), work.x]))

    memory = tried(memory_missing, peaks)
    if kernels is None and trace is not None and work.layers is not None and not notes:
        notes.append(f"{kernels_missing}: torch's profiler recorded no kernel of this {kind} device")
    if memory is None and not any(note.startswith(memory_missing) for note in notes):
        notes.append(f"{memory_missing}: nothing counts what this {kind} device allocates")
    return Inspection(
        tuple(kernels) if kernels is not None else None, memory, trace.content if trace else None, tuple(notes)
    )


def _kernels(torch: Any, kind: str, work: Work, trace: ForwardTrace) -> list[list[str]] | None:
    """Each layer's kernels: the device's own; on a CPU oneDNN's primitives, and torch's operators elsewhere."""
    if kind != "cpu":
        return device_kernels(trace)
    operators = host_operators(trace)
    # Who has set oneDNN's own switch reads what it prints, and would find it switched off behind us.
    if not torch.backends.mkldnn.is_available() or {"ONEDNN_VERBOSE", "DNNL_VERBOSE"} & set(os.environ):
        return operators
    primitives = onednn_primitives(torch, work.layers or (), work.x)
    return [told or named for told, named in zip(primitives, operators, strict=True)]


def _memory(torch: Any, kind: str, work: Work, trace: ForwardTrace | None, held: int) -> MemoryPeaks | None:
    if kind in ("cuda", "xpu"):
        return allocator_peaks(getattr(torch, kind), held, work.whole, work.layers, work.x, work.reset)
    if kind != "cpu" or trace is None:
        return None
    peaks = host_peaks(trace, held)
    return peaks if peaks is None or work.layers is not None else MemoryPeaks(peaks.whole, None)


def inspect_case(
    torch: Any,
    device: Any,
    work: Work,
    module: Any,
    rows: list[dict[str, Any]],
    samples: Samples,
    counted: Table | None,
    *,
    in_place: bool = True,
) -> dict[str, Any]:
    """Inspect a case that was measured: a layer's keys go into its row, the case's own are returned.

    Layers: ``kernels``, ``in_use_bytes_measured`` beside ``in_use_bytes_estimated``. Case: the same two, ``notes`` with
    the reason of every null, and ``trace``, which the caller takes out again. Estimates are those of the network's
    table, counted; a module of the user's own has none. After Ctrl-C nothing is asked; Ctrl-C while asking ends the run
    behind this case, whose times are kept.
    """
    names = [row["name"] for row in rows] if work.layers is not None else []
    found = Inspection(notes=("kernels and memory were not asked for: interrupted",))
    if samples.stopped_by != "interrupted":
        try:
            found = inspected(torch, device.type, work, module, names)
        except KeyboardInterrupt:
            samples.stopped_by = "interrupted"
    memory, bytes_each = found.memory, work.x.element_size()
    estimated: list[int] = []
    peak = None
    if counted is not None:
        estimated = list(layer_in_use_bytes(counted, bytes_each, in_place=in_place))
        # Gradients are cleared before every training step, and before nothing else.
        peak = in_use_bytes(counted, bytes_each, backward=work.reset is not None, in_place=in_place)
    for index, row in enumerate(rows):
        row["kernels"] = found.kernels[index] if found.kernels is not None else None
        row["in_use_bytes_measured"] = memory.layers[index] if memory and memory.layers else None
        row["in_use_bytes_estimated"] = estimated[index] if estimated else None
    return {
        "in_use_bytes_measured": memory.whole if memory else None,
        "in_use_bytes_estimated": peak,
        "notes": list(found.notes),
        "trace": found.trace,
    }
