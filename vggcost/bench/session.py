"""A whole run: refuse what cannot be, measure the ceilings, then build and measure one network after another."""

from __future__ import annotations

import gc
from contextlib import suppress
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
    is_device_lost,
    torch_dtype,
)
from vggcost.bench.environment import environment, load_average, uuid_of
from vggcost.bench.event_clock import EventClock
from vggcost.bench.host_clock import HostClock
from vggcost.bench.memory_check import check_fits
from vggcost.bench.numerics import numerics
from vggcost.bench.nvml import monitor
from vggcost.bench.one_case import Bench, measured_case
from vggcost.bench.protocol import StopRule
from vggcost.bench.result import SCHEMA
from vggcost.bench.settings import rule_of, warm_up_s
from vggcost.errors import VggcostError
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.own_lines import said
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from vggcost.bench.nvml import Monitor
    from vggcost.bench.one_case import Say
    from vggcost.bench.protocol import Clock
    from vggcost.bench.settings import Settings
    from vggcost.bench.subjects import Subject

LEAST_FLUSH_BYTES = 64 << 20


class BenchOutcome(Record):
    """A run's document, with the refusals in it, and whether Ctrl-C ended it."""

    document: dict[str, Any]
    interrupted: bool
    trace: bytes | None = None
    """A Chrome trace of one forward of the last case."""


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
        flush = flush_bytes(device)
        _check_memory(subjects, device, dtype, flush, settings)
        watch, watch_refused = monitor(device, uuid_of(device))
        # Without inference mode the flush buffer is an ordinary tensor, which backward passes may run beside.
        clock = _clock(torch, device, flush, watch)
        document = _empty_document(settings, device, watch, watch_refused, version)
        interrupted, trace = False, None
        try:
            trace = _measure_all(Bench(torch, clock, device, dtype, settings, watch, say), subjects, document)
        except KeyboardInterrupt:
            interrupted = True
        interrupted = interrupted or any(case["stopped_by"] == "interrupted" for case in document["cases"])
        document["settings"]["protocol"] = clock.policy() | _longest_spin(document["cases"])
        document["environment"]["load_average_after"] = load_average()
    document["interrupted"] = interrupted
    document["complete"] = not interrupted and not document["refused"]
    document["verdict"] = gates.verdict(document)
    return BenchOutcome(document, interrupted, trace)


def _measure_all(bench: Bench, subjects: Sequence[Subject], document: dict[str, Any]) -> bytes | None:
    """Measure the ceilings, then every subject; whatever one of them raises is its refusal.

    Returns the trace of the last case, taken out of it.
    """
    bench.say("ceilings: products, a direct convolution, a copy and a read")
    lost = False
    try:
        _measure_ceilings(bench, document)
    except Exception as error:  # noqa: BLE001  # whatever a library raises: the networks can be measured without
        lost = is_device_lost(error)
        document["refused"].append({"case": "the ceilings", "reason": _reason(error)})
    _release(bench)
    trace: bytes | None = None
    for number, subject in enumerate(subjects, 1):
        if lost:
            reason = "not begun, for the device runs nothing more in this process"
            document["refused"].append({"case": subject.short_title, "reason": reason})
            continue
        prefix = f"{number}/{len(subjects)} {subject.identity()['name']} batch {subject.input[0]}"
        case = None
        try:
            case = measured_case(bench, subject, prefix)
            trace = case.pop("trace")
        except BaseException as error:  # noqa: BLE001  # the user's module, torch and its libraries raise what they like
            if not isinstance(error, VggcostError):
                pass_on(error)
            lost = is_device_lost(error)
            document["refused"].append({"case": subject.short_title, "reason": _reason(error)})
        _release(bench)  # behind the exception, whose traceback has held the module
        if case and case["rounds"]:
            document["cases"].append(case)
        if case and case["stopped_by"] == "interrupted":
            raise KeyboardInterrupt
    return trace


def _measure_ceilings(bench: Bench, document: dict[str, Any]) -> None:
    device = bench.device
    bench.clock.begin()
    winograd = uses_winograd(document["environment"], bench.settings.dtype)
    sizes = cache_bytes(device), free_bytes(device), warm_up_s(device)
    measured = ceilings(bench.clock, device, bench.dtype, *sizes, winograd=winograd)
    best = measured.best_compute
    document["ceilings"] = measured.values()
    document["ceiling"] = {"kernel": best.kernel, "flops_per_s": best.per_s}


def _reason(error: BaseException) -> str:
    """Return an exception as one line, torch's own words in it."""
    return str(error) if isinstance(error, VggcostError) else said(error)


def _release(bench: Bench) -> None:
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


def flush_bytes(device: torch.device) -> int:
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
            check_fits(
                subject.counted,
                dtype.itemsize,
                free,
                beside,
                backward=settings.backward,
                in_place=settings.in_place,
            )


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
            "rule": {name: getattr(rule_of(settings, device), name) for name in StopRule._fields},  # the same
        },
        "ceilings": None,
        "ceiling": None,
        "cases": [],
        "refused": [],
        "verdict": [],
    }
