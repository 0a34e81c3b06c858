"""One real training step on the CPU under torch's profiler: what its allocator was asked for, moment by moment."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from vggcost.frameworks.pytorch.memory_runs import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.frameworks.memory_outcome import Claimed

HOST_DEVICE_TYPE = 0
"""What the profiler calls a host in its memory events."""


def real_step_bytes(claimed: Claimed) -> int:
    """Return the most that a second step holds beside weights, gradients, buffers, input and optimizer state [B].

    Only what torch's allocator handed out is in it; a gradient is what lies behind a parameter's `grad` in the end.
    """
    run = Prepared(claimed, "cpu")
    with torch.no_grad():
        for tensor in (*run.module.parameters(), run.image):
            tensor.normal_(std=0.01)  # what lies in new memory may be no number, on which kernels take longer
    run.first_step()
    with (
        quiet_kineto(),
        torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile,
    ):
        run.go_back()
        run.optimizer.step()
    gradients = [each.grad.untyped_storage().data_ptr() for each in run.trained if each.grad is not None]
    return most_beside(_memory_events(profile), gradients)


def most_beside(events: Iterable[dict[str, Any]], gradients: Iterable[int]) -> int:
    """Return the largest sum of what is allocated and not yet freed [B], without the storages at these addresses.

    events are the profiler's, in the order of time; of several storages at one address the last is meant.
    """
    changes = [(event["args"]["Addr"], int(event["args"]["Bytes"])) for event in events]
    last = {address: index for index, (address, size) in enumerate(changes) if size > 0}
    left_out = {last[address] for address in gradients if address in last}
    now = most = 0
    for index, (_, size) in enumerate(changes):
        if index not in left_out:
            now += size
            most = max(most, now)
    return most


def _memory_events(profile: Any) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.json")
        profile.export_chrome_trace(path)
        with open(path, "rb") as file:
            # Names of kernels may hold bytes that are no UTF-8; json would refuse the whole file for one of them.
            document = json.loads(file.read().decode("utf-8", "replace"))
    found = [event for event in document["traceEvents"] if event.get("name") == "[memory]"]
    found = [event for event in found if event["args"].get("Device Type") == HOST_DEVICE_TYPE]
    return sorted(found, key=lambda event: float(event["ts"]))


@contextmanager
def quiet_kineto() -> Iterator[None]:
    """Keep the profiler's library from writing its own log to standard error, where it is not asked to."""
    before = os.environ.get("KINETO_LOG_LEVEL")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        yield
    finally:
        if before is None:
            del os.environ["KINETO_LOG_LEVEL"]
