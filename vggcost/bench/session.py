"""A whole run: refuse what cannot be, measure the ceilings, then build and measure one network after another."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vggcost.bench import gates
from vggcost.bench.algorithms import uses_winograd
from vggcost.bench.ceilings import ceilings
from vggcost.bench.devices import (
    cache_bytes,
    check_dtype,
    default_device,
    device_named,
    free_bytes,
    has_events,
    torch_dtype,
)
from vggcost.bench.environment import environment, load_average, uuid_of
from vggcost.bench.event_clock import EventClock
from vggcost.bench.graph_replay import capture
from vggcost.bench.host_clock import HostClock
from vggcost.bench.inspection import inspect_case
from vggcost.bench.memory_estimate import check_fits, refused
from vggcost.bench.numerics import numerics
from vggcost.bench.nvml import monitor
from vggcost.bench.protocol import StopRule, Work, measure
from vggcost.bench.result import SCHEMA, case_document
from vggcost.bench.subjects import build, check_runs, layer_rows, probe, random_input
from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.frameworks.pytorch.flat_forward import flat_operations
from vggcost.frameworks.pytorch.traced_forward import NotTraceableError, traced_steps
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class BenchOutcome(Record):
    """A run's document, and the refusal that ended it early if one did."""

    document: dict[str, Any]
    refusal: VggcostError | None
    interrupted: bool
    trace: bytes | None = None
    """A Chrome trace of one forward of the last case."""


def run(subjects: Sequence[Subject], settings: Settings, say: Say, version: str | None = None) -> BenchOutcome:
    """Measure every subject; what was measured before Ctrl-C or before memory ran out is in the document.

    say is told what is being measured, line by line; version is vggcost's own, for the record.

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
        refusal, interrupted, trace = None, False, None
        try:
            say("ceilings: products, a direct convolution, a copy and a read")
            winograd = uses_winograd(document["environment"], settings.dtype)
            sizes = cache_bytes(device), free_bytes(device), _warm_up_s(device)
            measured = ceilings(clock, device, dtype, *sizes, winograd=winograd)
            document["ceilings"] = measured.values()
            best = measured.best_compute
            document["ceiling"] = {"kernel": best.kernel, "flops_per_s": best.per_s}
            for number, subject in enumerate(subjects, 1):
                prefix = f"{number}/{len(subjects)} {subject.identity()['name']} batch {subject.input[0]}"
                case = _measured(torch, clock, subject, settings, device, dtype, prefix, say)
                trace = case.pop("trace")
                if case["rounds"]:
                    document["cases"].append(case)
                if case["stopped_by"] == "interrupted":
                    interrupted = True
                    break
        except KeyboardInterrupt:
            interrupted = True
        except VggcostError as error:
            refusal = error
        document["settings"]["protocol"] = clock.policy()
        document["environment"]["load_average_after"] = load_average()
    document["complete"] = not interrupted and refusal is None
    document["verdict"] = gates.verdict(document)
    return BenchOutcome(document, refusal, interrupted, trace)


def _check_settings(settings: Settings) -> None:
    for switch, word in ((settings.compile, "--compile"), (settings.backward, "--backward")):
        if switch and settings.per_layer:
            raise VggcostError(
                f"{word} has no per-layer times (its kernels do not end where layers do); leave --per-layer away"
            )


def _clock(torch: Any, device: torch.device, flush: int, watch: Monitor | None) -> Clock:
    if has_events(device):
        return EventClock(torch, device, flush, watch.sm_clock_mhz if watch else None)
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
        "ceiling": None,
        "cases": [],
        "verdict": [],
    }


def _rule(settings: Settings, device: torch.device) -> StopRule:
    return StopRule(budget_s=settings.budget_s, warm_up_s=_warm_up_s(device))


def _warm_up_s(device: torch.device) -> float:
    return 0.0 if device.type == "cpu" else GPU_WARM_UP_S


def _measured(
    torch: Any,
    clock: Clock,
    subject: Subject,
    settings: Settings,
    device: torch.device,
    dtype: torch.dtype,
    prefix: str,
    say: Say,
) -> dict[str, Any]:
    """Build, warm up, measure, and let go of the module before the next one is built."""
    say(f"{prefix}: building")
    refused: list[str] = []
    try:
        samples, rows, found = _samples(torch, clock, subject, settings, device, dtype, prefix, say, refused)
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(torch, error):
            raise
        raise _memory_refusal(subject, device, dtype, settings) from None
    finally:
        gc.collect()
        if device.type in ("cuda", "xpu", "mps"):
            getattr(torch, device.type).empty_cache()
    # A training step does more than its forward, so the forward's FLOPs would give it a false rate.
    flops = None if settings.backward else _flops(subject, rows)
    case = case_document(subject.identity(), subject.input, rows, samples, flops)
    return {**case, **found, "layers_refused": refused[0] if refused else None}


def _flops(subject: Subject, rows: list[dict[str, Any]]) -> int | None:
    if subject.counted is not None:
        return subject.counted.flops
    return sum(row["flops"] for row in rows) if rows else None


def _samples(
    torch: Any,
    clock: Clock,
    subject: Subject,
    settings: Settings,
    device: torch.device,
    dtype: torch.dtype,
    prefix: str,
    say: Say,
    refused: list[str],
) -> tuple[Samples, list[dict[str, Any]], dict[str, Any]]:
    module = build(subject, device, dtype, channels_last=settings.channels_last)
    x = random_input(subject.input, device, dtype, channels_last=settings.channels_last)
    rule = _rule(settings, device)
    if subject.counted is None:
        check_runs(module, x, subject)

    def progress(samples: Samples, rule: StopRule, spent_s: float) -> None:
        say(progress_line(prefix, samples, rule, spent_s))

    def measured(work: Work, rows: list[dict[str, Any]]) -> tuple[Samples, list[dict[str, Any]], dict[str, Any]]:
        samples = measure(clock, work, rule, progress)
        return samples, rows, inspect_case(torch, device, work, module, rows, samples, subject.counted)

    if settings.backward:
        return measured(_training_step(subject, module, x), [])
    with torch.inference_mode():
        whole = _compiled(torch, module, x) if settings.compile else module
        layers, rows = _layers(subject, module, x, refused) if settings.per_layer else (None, [])
        graphs = device.type == "cuda" and has_events(device)
        replay = (lambda: capture(torch, whole, x)) if graphs else None
        return measured(Work(subject.short_title, whole, x, layers, None, replay), rows)


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


def _compiled(torch: Any, module: Any, x: Any) -> Any:
    """Return the compiled module, compiled now, so that its failure is a refusal and not a sample."""
    whole = torch.compile(module)
    try:
        whole(x)
    except torch._dynamo.exc.TorchDynamoException as error:  # noqa: SLF001  # torch names it nowhere else
        reason = " ".join(str(error).split())[:160]
        raise VggcostError(
            f"torch.compile failed ({reason}); leave --compile away, or install a C++ compiler"
        ) from None
    return whole


def _is_out_of_memory(torch: Any, error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _memory_refusal(subject: Subject, device: torch.device, dtype: torch.dtype, settings: Settings) -> VggcostError:
    if subject.counted is None:
        return VggcostError(f"the allocator refused {subject.short_title} half way; give a smaller --batch")
    free = free_bytes(device)
    return refused(subject.counted, dtype.itemsize, free, _flush_bytes(device), backward=settings.backward)


def progress_line(prefix: str, samples: Samples, rule: StopRule, spent_s: float) -> str:
    """Say what is being measured and how far the uncertainty has come down."""
    if not samples.readings:
        return f"{prefix}: warm-up {len(samples.warm_up_ns)}, {spent_s:.1f} s"
    deviation = (
        "" if samples.deviation is None else f", median within {samples.deviation:.1%} (goal {rule.deviation:.1%})"
    )
    return f"{prefix}: {samples.rounds}/{rule.forwards} forwards{deviation}, {spent_s:.1f} of {rule.budget_s:g} s"
