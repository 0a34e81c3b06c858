"""One case: a network at one input, built, warmed up, measured, run back to back, and inspected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.bench.compiled import compiled
from vggcost.bench.devices import free_bytes, has_events
from vggcost.bench.graph_replay import capture
from vggcost.bench.inspection import inspect_case
from vggcost.bench.memory_check import graph_refused, is_out_of_memory, refused
from vggcost.bench.protocol import Work, measure
from vggcost.bench.result import case_document
from vggcost.bench.settings import rule_of
from vggcost.bench.subjects import build, check_runs, layer_rows, probe, random_input
from vggcost.bench.sustained import Throughput
from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.flat_forward import flat_operations
from vggcost.frameworks.pytorch.traced_forward import NotTraceableError, traced_steps
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from vggcost.bench.nvml import Monitor
    from vggcost.bench.protocol import Clock, Operation, Samples, StopRule
    from vggcost.bench.settings import Settings
    from vggcost.bench.subjects import Subject

    Say = Callable[[str], None]


class Bench(Record):
    """What all cases of a run share."""

    torch: Any
    clock: Clock
    device: torch.device
    dtype: torch.dtype
    settings: Settings
    watch: Monitor | None
    say: Say


def measured_case(bench: Bench, subject: Subject, prefix: str) -> dict[str, Any]:
    """Build, warm up, measure.

    Raises:
        VggcostError: memory ran out half way; the batch that it advises fits in what was free before building.
        Exception: whatever the module, torch or its libraries raise.
    """
    bench.say(f"{prefix}: building")
    free = free_bytes(bench.device)
    refused: list[str] = []
    try:
        samples, rows, found = _samples(bench, subject, prefix, free, refused)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(bench.torch, error):
            raise
        raise _memory_refusal(bench, subject, free) from None
    # A training step does more than its forward, so the forward's FLOPs would give it a false rate.
    flops = None if bench.settings.backward else _flops(subject, rows)
    case = case_document(subject.identity(), subject.input, rows, samples, flops)
    spin_ns = bench.clock.policy()["spin_ns"]
    return {**case, **found, "layers_refused": refused[0] if refused else None, "spin_ns": spin_ns}


def _flops(subject: Subject, rows: list[dict[str, Any]]) -> int | None:
    if subject.counted is not None:
        return subject.counted.flops
    return sum(row["flops"] for row in rows) if rows else None


def _samples(
    bench: Bench, subject: Subject, prefix: str, free: int | None, refused: list[str]
) -> tuple[Samples, list[dict[str, Any]], dict[str, Any]]:
    torch, device, settings = bench.torch, bench.device, bench.settings
    module = build(subject, device, bench.dtype, channels_last=settings.channels_last, in_place=settings.in_place)
    x = random_input(subject.input, device, bench.dtype, channels_last=settings.channels_last)
    rule = rule_of(settings, device)
    if subject.counted is None:
        check_runs(module, x, subject)

    def progress(samples: Samples, rule: StopRule, spent_s: float) -> None:
        bench.say(progress_line(prefix, samples, rule, spent_s))

    if settings.backward:
        work = _training_step(subject, module, x)
        samples = measure(bench.clock, work, rule, progress)
        _sustain(bench, work, samples, prefix)
        return (
            samples,
            [],
            inspect_case(torch, device, work, module, [], samples, subject.counted, in_place=settings.in_place),
        )
    with torch.inference_mode():
        whole = compiled(torch, module, x) if settings.compile else module
        layers, rows = _layers(subject, module, x, refused) if settings.per_layer else (None, [])
        graphs, no_room = device.type == "cuda" and has_events(device), None
        if graphs and subject.counted is not None:
            no_room = graph_refused(subject.counted, x.element_size(), free, in_place=settings.in_place)
        replay = (lambda: capture(torch, device, whole, x)) if graphs and no_room is None else None
        work = Work(subject.short_title, whole, x, layers, None, replay)
        samples = measure(bench.clock, work, rule, progress)
        samples.graph_refused = samples.graph_refused or no_room
        _sustain(bench, work, samples, prefix)
        return (
            samples,
            rows,
            inspect_case(torch, device, work, module, rows, samples, subject.counted, in_place=settings.in_place),
        )


def _sustain(bench: Bench, work: Work, samples: Samples, prefix: str) -> None:
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


def _memory_refusal(bench: Bench, subject: Subject, free: int | None) -> VggcostError:
    if subject.counted is None:
        smaller = "--batch" if subject.input[0] > 1 else "--size or --dtype"
        return VggcostError(f"the allocator refused {subject.short_title} half way; give a smaller {smaller}")
    # The buffer that is zeroed was allocated before free was asked.
    settings = bench.settings
    return refused(subject.counted, bench.dtype.itemsize, free, backward=settings.backward, in_place=settings.in_place)


def progress_line(prefix: str, samples: Samples, rule: StopRule, spent_s: float) -> str:
    """Say what is being measured and how far the uncertainty has come down."""
    if not samples.readings:
        return f"{prefix}: warm-up {len(samples.warm_up_ns)}, {spent_s:.1f} s"
    deviation = (
        "" if samples.deviation is None else f", median within {samples.deviation:.1%} (goal {rule.deviation:.1%})"
    )
    return f"{prefix}: {samples.rounds}/{rule.forwards} forwards{deviation}, {spent_s:.1f} of {rule.budget_s:g} s"
