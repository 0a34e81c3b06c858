"""What was measured on: part of every result, because a time without it says nothing."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

from vggcost.bench.devices import cache_bytes
from vggcost.bench.numerics import uses_tf32
from vggcost.frameworks.pytorch.build import require_torch

if TYPE_CHECKING:
    import torch

    from vggcost.bench.nvml import Monitor


BLOCKING_SWITCHES = ("CUDA_LAUNCH_BLOCKING", "HIP_LAUNCH_BLOCKING", "AMD_SERIALIZE_KERNEL")
"""Variables under which every launch waits for its kernel, NVIDIA's and AMD's."""


def environment(device: torch.device, watch: Monitor | None, watch_refused: str | None) -> dict[str, Any]:
    """Return the machine, the device, the software and torch's switches as plain values; what nobody says is None."""
    torch = require_torch("bench")
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    tf32_convolutions, tf32_products = uses_tf32(torch)
    return {
        "device": str(device),
        "device_name": _device_name(torch, device),
        "cache_bytes": cache_bytes(device),
        **_card(torch, device),
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
        "rocm": torch.version.hip,
        "cudnn": cudnn.version() if device.type == "cuda" else None,
        "cudnn_benchmark": bool(cudnn.benchmark),
        "cudnn_benchmark_limit": cudnn.benchmark_limit if device.type == "cuda" else None,
        "cudnn_deterministic": bool(cudnn.deterministic),
        "cudnn_allow_tf32": tf32_convolutions,
        "matmul_allow_tf32": tf32_products,
        "matmul_allow_fp16_reduction": bool(matmul.allow_fp16_reduced_precision_reduction),
        "matmul_allow_bf16_reduction": bool(matmul.allow_bf16_reduced_precision_reduction),
        "launch_blocking": launch_blocking() if device.type == "cuda" else None,
        "nvml": watch.facts() if watch else None,
        "nvml_absent": watch_refused,
    }


def launch_blocking() -> str | None:
    """Return the variable that makes every launch wait for its kernel; None where none is set."""
    return next((name for name in BLOCKING_SWITCHES if os.environ.get(name, "0") not in ("", "0")), None)


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
    return str(getattr(torch.cuda.get_device_properties(device), "uuid", ""))


def _cores() -> int | None:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count()


def _device_name(torch: Any, device: torch.device) -> str:
    if device.type in ("cuda", "xpu"):
        return str(getattr(torch, device.type).get_device_name(device))
    return cpu_name()


def _card(torch: Any, device: torch.device) -> dict[str, Any]:
    """Return what the driver says of a GPU without NVML."""
    if device.type != "cuda":
        return {"compute_capability": None, "multiprocessors": None, "memory_bytes": None, "uuid": None}
    card = torch.cuda.get_device_properties(device)
    return {
        "compute_capability": f"{card.major}.{card.minor}",
        "multiprocessors": card.multi_processor_count,
        "memory_bytes": card.total_memory,
        "uuid": uuid_of(device) or None,
    }
