"""What was measured on: part of every result, because a time without it says nothing."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

from vggcost.bench.devices import cache_bytes
from vggcost.frameworks.pytorch.build import require_torch

if TYPE_CHECKING:
    import torch

    from vggcost.bench.nvml import Monitor


def environment(device: torch.device, watch: Monitor | None, watch_refused: str | None) -> dict[str, Any]:
    """Return the machine, the device, the software and torch's switches as plain values; what nobody says is None."""
    torch = require_torch("bench")
    return {
        "device": str(device),
        "device_name": _device_name(torch, device),
        "cache_bytes": cache_bytes(device),
        "cpu": cpu_name(),
        "cpu_cores": _cores(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "load_average": load_average(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": torch.__version__,
        "onednn": bool(torch.backends.mkldnn.is_available()),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,
        "cudnn_benchmark": bool(torch.backends.cudnn.benchmark),
        "cudnn_allow_tf32": bool(torch.backends.cudnn.allow_tf32),
        "matmul_allow_tf32": bool(torch.backends.cuda.matmul.allow_tf32),
        "nvml": watch.facts() if watch else None,
        "nvml_absent": watch_refused,
    }


def cpu_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def load_average() -> float | None:
    """Return the run queue's mean length over the last minute; None where the system keeps none."""
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None


def uuid_of(device: torch.device) -> str:
    """Return a CUDA device's UUID; an empty text for any other."""
    if device.type != "cuda":
        return ""
    torch = require_torch("bench")
    return str(torch.cuda.get_device_properties(device).uuid)


def _cores() -> int | None:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count()


def _device_name(torch: Any, device: torch.device) -> str:
    if device.type in ("cuda", "xpu"):
        return str(getattr(torch, device.type).get_device_name(device))
    return cpu_name()
