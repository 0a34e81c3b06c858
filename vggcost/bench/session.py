"""A whole run: refuse what cannot be, measure the ceilings, then build and measure one network after another."""

from __future__ import annotations

import gc
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vggcost.bench import gates
from vggcost.bench.ceilings import Ceilings, ceilings
from vggcost.bench.compiled import compiled
from vggcost.bench.devices import (
    cache_bytes,
    check_dtype,
    default_device,
    device_named,
    free_bytes,
    has_events,
    is_device_lost,
    torch_dtype,
)
from vggcost.bench.environment import environment, load_average, uuid_of
from vggcost.bench.event_clock import EventClock
from vggcost.bench.graph_replay import capture
from vggcost.bench.host_clock import HostClock
from vggcost.bench.memory_check import check_fits, graph_refused, is_out_of_memory, refused
from vggcost.bench.numerics import numerics
from vggcost.bench.nvml import monitor
from vggcost.bench.protocol import StopRule, Work, measure
from vggcost.bench.result import SCHEMA, case_document
from vggcost.bench.subjects import build, check_runs, layer_rows, probe, random_input
from vggcost.bench.sustained import Throughput
from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.frameworks.pytorch.flat_forward import flat_operations
from vggcost.frameworks.pytorch.traced_forward import NotTraceableError, traced_steps
from vggcost.frameworks.target import said
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from vggcost.bench.nvml import Monitor
    from vggcost.bench.protocol import Clock, Operation, Samples
    from vggcost.bench.subjects import Subject

    Say = Callable[[str], None]

GPU_WARM_UP_S = 0.5
"""A GPU's clocks take this long to rise from idle."""

LEAST_FLUSH_BYTES = 64 << 20


class Settings(Record):
    """How to measure; what to measure comes beside it."""

    device: str | None = None
    """None: cuda where there is one, cpu otherwise."""
    dtype: str = "float32"
    channels_last: bool = False
    compile: bool = False
    """Through torch.compile; the whole only, for fused kernels have no layers."""
    backward: bool = False
    """A training step's forward and backward; the whole only."""
    per_layer: bool = True
    threads: int | None = None
    budget_s: float = 30.0
    """For each network at each batch, warm-up included."""
    cudnn_benchmark: bool = True
    sustained_s: float | None = None
    """Forwards back to back for this long, after the budget's; None: none."""


class BenchOutcome(Record):
    """A run's document, with the refusals in it, and whether Ctrl-C ended it."""

    document: dict[str, Any]
    interrupted: bool


class _Bench(Record):
    """What all cases of a run share."""

    torch: Any
    clock: Clock
    device: torch.device
    dtype: torch.dtype
    settings: Settings
    watch: Monitor | None
    say: Say


def run(subjects: Sequence[Subject], settings: Settings, say: Say, version: str | None = None) -> BenchOutcome:
    """Measure every subject; one that fails is refused, with its reason in the document, and the others go on.

    Ctrl-C, or an error after which the device runs nothing more, ends the run; what was measured before is in the
    document. say is told what is being measured, line by line; version is vggcost's own, for the record.

    Raises:
        VggcostError: no such device, a dtype that it does not do, not enough memory, a target that is none: before
            anything is built.
    """
    _check_settings(settings)
    torch = require_torch("bench")
    device = device_named(settings.device or default_device())
    dtype = torch_dtype(settings.dtype)
    with numerics(device, settings.dtype, threads=settings.threads, cudnn_benchmark=settings.cudnn_benchmark):
        check_dtype(device, settings.dtype)
        flush = _flush_bytes(device)
        _check_memory(subjects, device, dtype, flush, settings)
        watch, watch_refused = monitor(device, uuid_of(device))
        # Without inference mode the flush buffer is an ordinary tensor, which backward passes may run beside.
        clock = _clock(torch, device, flush, watch)
        document = _empty_document(settings, device, watch, watch_refused, version)
        interrupted = False
        try:
            _measure_all(_Bench(torch, clock, device, dtype, settings, watch, say), subjects, document)
        except KeyboardInterrupt:
            interrupted = True
        interrupted = interrupted or any(case["stopped_by"] == "interrupted" for case in document["cases"])
        document["settings"]["protocol"] = clock.policy() | _longest_spin(document["cases"])
        document["environment"]["load_average_after"] = load_average()
    document["interrupted"] = interrupted
    document["complete"] = not interrupted and not document["refused"]
    document["verdict"] = gates.verdict(document)
    return BenchOutcome(document, interrupted)


def _measure_all(bench: _Bench, subjects: Sequence[Subject], document: dict[str, Any]) -> None:
    """Measure the ceilings, then every subject; whatever one of them raises is its refusal."""
    bench.say("ceilings: a large matrix product and a large copy")
    lost = False
    try:
        document["ceilings"] = _ceiling_values(_ceilings(bench))
    except Exception as error:  # noqa: BLE001  # whatever a library raises: the networks can be measured without
        lost = is_device_lost(error)
        document["refused"].append({"case": "the ceilings", "reason": _reason(error)})
    _release(bench)
    for number, subject in enumerate(subjects, 1):
        if lost:
            reason = "not begun, for the device runs nothing more in this process"
            document["refused"].append({"case": subject.short_title, "reason": reason})
            continue
        prefix = f"{number}/{len(subjects)} {subject.identity()['name']} batch {subject.input[0]}"
        case = None
        try:
            case = _measured(bench, subject, prefix)
        except Exception as error:  # noqa: BLE001  # the user's module, torch and its libraries raise what they like
            lost = is_device_lost(error)
            document["refused"].append({"case": subject.short_title, "reason": _reason(error)})
        _release(bench)  # behind the exception, whose traceback has held the module
        if case and case["rounds"]:
            document["cases"].append(case)
        if case and case["stopped_by"] == "interrupted":
            raise KeyboardInterrupt


def _reason(error: BaseException) -> str:
    """Return an exception as one line, torch's own words in it."""
    return str(error) if isinstance(error, VggcostError) else said(error)


def _release(bench: _Bench) -> None:
    """Give back what the last case held."""
    gc.collect()
    if bench.device.type in ("cuda", "xpu", "mps"):
        with suppress(RuntimeError):  # of a device that is lost
            getattr(bench.torch, bench.device.type).empty_cache()


def _longest_spin(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each case has a spin of its own; the run's protocol tells the longest."""
    spins = [case["spin_ns"] for case in cases if case["spin_ns"] is not None]
    return {"spin_ns": max(spins)} if spins else {}


def _check_settings(settings: Settings) -> None:
    for switch, word in ((settings.compile, "--compile"), (settings.backward, "--backward")):
        if switch and settings.per_layer:
            raise VggcostError(
                f"{word} has no per-layer times (its kernels do not end where layers do); leave --per-layer away"
            )


def _clock(torch: Any, device: torch.device, flush: int, watch: Monitor | None) -> Clock:
    if has_events(device):
        try:
            return EventClock(torch, device, flush, watch.state if watch else None)
        except RuntimeError as error:
            raise VggcostError(f"device {device} cannot be timed ({said(error)}); see what else runs on it") from None
    if device.type == "cpu":
        return HostClock()
    return HostClock(getattr(torch, device.type).synchronize)


def _flush_bytes(device: torch.device) -> int:
    """Twice the last-level cache, so that nothing of the forward before stays in it; none on a host."""
    if device.type == "cpu" or not has_events(device):
        return 0
    return max(LEAST_FLUSH_BYTES, 2 * (cache_bytes(device) or 0))


def _check_memory(
    subjects: Sequence[Subject], device: torch.device, dtype: torch.dtype, beside: int, settings: Settings
) -> None:
    free = free_bytes(device)
    for subject in subjects:
        if subject.counted is not None:
            check_fits(subject.counted, dtype.itemsize, free, beside, backward=settings.backward)


def _empty_document(
    settings: Settings, device: torch.device, watch: Monitor | None, watch_refused: str | None, version: str | None
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "complete": False,
        "vggcost": version,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(device, watch, watch_refused),
        "settings": {
            **{name: getattr(settings, name) for name in settings._fields},  # a Record's own fields
            "device": str(device),
            "mode": "train, forward and backward" if settings.backward else "eval, inference mode",
            "rule": {name: getattr(_rule(settings, device), name) for name in StopRule._fields},  # the same
        },
        "ceilings": None,
        "cases": [],
        "refused": [],
        "verdict": [],
    }


def _rule(settings: Settings, device: torch.device) -> StopRule:
    return StopRule(budget_s=settings.budget_s, warm_up_s=_warm_up_s(device))


def _warm_up_s(device: torch.device) -> float:
    return 0.0 if device.type == "cpu" else GPU_WARM_UP_S


def _ceilings(bench: _Bench) -> Ceilings:
    device = bench.device
    bench.clock.begin()
    return ceilings(bench.clock, device, bench.dtype, cache_bytes(device), free_bytes(device), _warm_up_s(device))


def _ceiling_values(measured: Ceilings) -> dict[str, Any]:
    values = {name: getattr(measured, name) for name in Ceilings._fields}  # a Record's own fields
    return {**values, "matmul_ns": list(measured.matmul_ns), "copy_ns": list(measured.copy_ns)}


def _measured(bench: _Bench, subject: Subject, prefix: str) -> dict[str, Any]:
    """Build, warm up, measure.

    Raises:
        VggcostError: memory ran out half way; the batch that it advises fits in what was free before building.
        Exception: whatever the module, torch or its libraries raise.
    """
    bench.say(f"{prefix}: building")
    free = free_bytes(bench.device)
    refused: list[str] = []
    try:
        samples, rows = _samples(bench, subject, prefix, free, refused)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(bench.torch, error):
            raise
        raise _memory_refusal(bench, subject, free) from None
    # A training step does more than its forward, so the forward's FLOPs would give it a false rate.
    flops = None if bench.settings.backward else _flops(subject, rows)
    case = case_document(subject.identity(), subject.input, rows, samples, flops)
    spin_ns = bench.clock.policy()["spin_ns"]
    return {**case, "layers_refused": refused[0] if refused else None, "spin_ns": spin_ns}


def _flops(subject: Subject, rows: list[dict[str, Any]]) -> int | None:
    if subject.counted is not None:
        return subject.counted.flops
    return sum(row["flops"] for row in rows) if rows else None


def _samples(
    bench: _Bench, subject: Subject, prefix: str, free: int | None, refused: list[str]
) -> tuple[Samples, list[dict[str, Any]]]:
    torch, device, settings = bench.torch, bench.device, bench.settings
    module = build(subject, device, bench.dtype, channels_last=settings.channels_last)
    x = random_input(subject.input, device, bench.dtype, channels_last=settings.channels_last)
    rule = _rule(settings, device)
    if subject.counted is None:
        check_runs(module, x, subject)

    def progress(samples: Samples, rule: StopRule, spent_s: float) -> None:
        bench.say(progress_line(prefix, samples, rule, spent_s))

    if settings.backward:
        work = _training_step(subject, module, x)
        samples = measure(bench.clock, work, rule, progress)
        _sustain(bench, work, samples, prefix)
        return samples, []
    with torch.inference_mode():
        whole = compiled(torch, module, x) if settings.compile else module
        layers, rows = _layers(subject, module, x, refused) if settings.per_layer else (None, [])
        graphs, no_room = device.type == "cuda" and has_events(device), None
        if graphs and subject.counted is not None:
            no_room = graph_refused(subject.counted, x.element_size(), free)
        replay = (lambda: capture(torch, device, whole, x)) if graphs and no_room is None else None
        work = Work(subject.short_title, whole, x, layers, None, replay)
        samples = measure(bench.clock, work, rule, progress)
        samples.graph_refused = samples.graph_refused or no_room
        _sustain(bench, work, samples, prefix)
        return samples, rows


def _sustain(bench: _Bench, work: Work, samples: Samples, prefix: str) -> None:
    """Run forwards back to back where that was asked for; Ctrl-C keeps what came before."""
    seconds, device, torch = bench.settings.sustained_s, bench.device, bench.torch
    if seconds is None or samples.stopped_by == "interrupted":
        return

    events = has_events(device)  # which waits for the device, so it is asked once

    def wait_behind() -> Callable[[], None]:
        if not events:
            getattr(torch, device.type).synchronize()
            return lambda: None
        event = torch.Event(device=device)
        event.record()
        wait: Callable[[], None] = event.synchronize
        return wait

    def step() -> None:
        if work.reset is not None:
            work.reset()
        work.whole(work.x)

    bench.say(f"{prefix}: forwards back to back for {seconds:g} s")
    now_ns, waits = bench.clock.now_ns, None if device.type == "cpu" else wait_behind
    watch = bench.watch
    device_run = Throughput(now_ns, waits, watch.state, watch.energy_mj) if watch else Throughput(now_ns, waits)
    try:
        samples.sustained = device_run.measure(step, work.x.shape[0], seconds)
    except KeyboardInterrupt:
        samples.stopped_by = "interrupted"


def _layers(
    subject: Subject, module: Any, x: Any, refused: list[str]
) -> tuple[tuple[Operation, ...] | None, list[dict[str, Any]]]:
    """Return the layers' operations and rows, or none and the reason in `refused`."""
    if subject.counted is not None:
        layers = flat_operations(module, subject.counted.network)
        rows = layer_rows(subject.counted, x.element_size())
        probe(layers, x, rows)
        return layers, rows
    try:
        steps = traced_steps(module, x)
    except NotTraceableError as error:
        refused.append(str(error))
        return None, []
    return tuple(step.call for step in steps), [step.row for step in steps]


def _training_step(subject: Subject, module: Any, x: Any) -> Work:
    module.train()
    x.requires_grad_(False)

    def step(x: Any) -> Any:
        output = module(x)
        # The mean of squares has a gradient for every output, whatever the network ends in.
        output.float().square().mean().backward()
        return output.detach()

    def reset() -> None:
        module.zero_grad(set_to_none=True)

    return Work(subject.short_title, step, x, None, reset, None)


def _memory_refusal(bench: _Bench, subject: Subject, free: int | None) -> VggcostError:
    if subject.counted is None:
        smaller = "--batch" if subject.input[0] > 1 else "--size or --dtype"
        return VggcostError(f"the allocator refused {subject.short_title} half way; give a smaller {smaller}")
    # The buffer that is zeroed was allocated before free was asked.
    return refused(subject.counted, bench.dtype.itemsize, free, backward=bench.settings.backward)


def progress_line(prefix: str, samples: Samples, rule: StopRule, spent_s: float) -> str:
    """Say what is being measured and how far the uncertainty has come down."""
    if not samples.readings:
        return f"{prefix}: warm-up {len(samples.warm_up_ns)}, {spent_s:.1f} s"
    deviation = (
        "" if samples.deviation is None else f", median within {samples.deviation:.1%} (goal {rule.deviation:.1%})"
    )
    return f"{prefix}: {samples.rounds}/{rule.forwards} forwards{deviation}, {spent_s:.1f} of {rule.budget_s:g} s"
