"""One forward under torch's profiler, outside the timing: a Chrome trace with each layer's name in it."""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vggcost.bench.protocol import Operation

MARK = "vggcost: "
"""Begins the name of every range that stands for a layer."""


class ForwardTrace(Record):
    """A profiled forward."""

    content: bytes
    """The file as torch's profiler writes it, for chrome://tracing or ui.perfetto.dev."""
    events: tuple[dict[str, Any], ...]
    """Its events, in the order of their begin."""
    layers: tuple[tuple[float, float], ...]
    """Begin and end of each layer on the host [us], in execution order."""

    def layer_at(self, moment_us: float) -> int | None:
        """Return the index of the layer that the host was in; None outside all of them."""
        return next((index for index, (begin, end) in enumerate(self.layers) if begin <= moment_us <= end), None)


def traced_forward_pass(
    torch: Any,
    kind: str,
    operations: Sequence[Operation],
    names: Sequence[str],
    x: Any,
    reset: Callable[[], None] | None = None,
) -> ForwardTrace:
    """Profile one forward, after another one under the profiler that is thrown away: the first pays for its start.

    Raises:
        ValueError: the profiler's file does not hold every layer's range.
        RuntimeError, OSError: whatever the profiler itself raises.
    """
    from vggcost.frameworks.pytorch.real_steps import quiet_kineto  # it imports torch

    profiler = torch.profiler
    activities = profiler.supported_activities()
    plan = profiler.schedule(wait=0, warmup=1, active=1, repeat=1)
    with quiet_kineto():
        with profiler.profile(activities=activities, profile_memory=True, schedule=plan) as profile:
            _forward(profiler, operations, names, x, reset)
            _wait(torch, kind)
            profile.step()
            _forward(profiler, operations, names, x, reset)
            _wait(torch, kind)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace.json")
            profile.export_chrome_trace(path)
            with open(path, "rb") as file:
                content = file.read()
    return read_trace(content, len(names))


def read_trace(content: bytes, layers: int) -> ForwardTrace:
    """Return a trace file's events and its layers' ranges.

    Raises:
        ValueError: it is no JSON, or another number of ranges is in it.
    """
    # Names of kernels may hold bytes that are no UTF-8; json would refuse the whole file for one of them.
    document = json.loads(content.decode("utf-8", "replace"))
    timed = [event for event in document["traceEvents"] if "ts" in event]
    events = tuple(sorted(timed, key=lambda event: float(event["ts"])))
    ranges = tuple(
        (float(event["ts"]), float(event["ts"]) + float(event["dur"]))
        for event in events
        if event.get("cat") == "user_annotation" and str(event.get("name")).startswith(MARK)
    )
    if len(ranges) != layers:
        raise ValueError(f"the profiler recorded {len(ranges)} of {layers} layers")
    return ForwardTrace(content, events, ranges)


def _forward(
    profiler: Any, operations: Sequence[Operation], names: Sequence[str], x: Any, reset: Callable[[], None] | None
) -> None:
    if reset is not None:
        reset()
    for name, operation in zip(names, operations, strict=True):
        with profiler.record_function(MARK + name):
            x = operation(x)


def _wait(torch: Any, kind: str) -> None:
    if kind != "cpu":
        getattr(torch, kind).synchronize()
