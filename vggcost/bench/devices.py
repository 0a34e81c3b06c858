"""Which device, which dtype, how much memory: asked of the machine before anything is built."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError, nearest
from vggcost.frameworks.pytorch.build import require_torch

if TYPE_CHECKING:
    import torch
    from torch import device as Device  # noqa: N812  # torch's own type, beside the variable of that name
    from torch import dtype as DType  # noqa: N812  # the same

DTYPES = ("float32", "tf32", "float16", "bfloat16", "float64")
"""What --dtype takes; tf32 is float32 in memory, multiplied with ten bits of mantissa."""

DEVICES = ("cpu", "cuda", "xpu", "mps")

ALSO_CUDA = ("gpu", "nvidia", "rocm")
"""Other words for it: a torch built for AMD's GPUs calls them cuda too."""


def default_device() -> str:
    """Return cuda where there is one, cpu otherwise."""
    torch = require_torch("bench")
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_named(name: str) -> torch.device:
    """Return the device of this name, with its index.

    Raises:
        VggcostError: the machine, or this torch, has no such device.
    """
    torch = require_torch("bench")
    kind, colon, index = name.lower().partition(":")
    if kind in ALSO_CUDA:
        kind = "cuda"
        name = f"{kind}{colon}{index}"
    if kind not in DEVICES or (index and not (index.isascii() and index.isdigit())):
        found = nearest(kind, DEVICES)
        raise VggcostError(f"unknown device {name!r}; {found}, and cuda:1 for the second", nearest=found.names)
    device: Device
    if kind == "cpu":
        device = torch.device("cpu")
        return device
    room = torch.backends.mps if kind == "mps" else getattr(torch, kind)
    if not room.is_available():
        here = ", ".join(other for other in DEVICES if other == "cpu" or _available(torch, other))
        raise VggcostError(
            f"there is no {kind} device: torch {torch.__version__} on this machine finds {here};"
            f" give --device {here.split(', ')[-1]}, or install a driver and a torch built for {kind}"
        )
    count = 1 if kind == "mps" else room.device_count()
    number = int(index) if index else 0
    if number >= count:
        raise VggcostError(f"there is no device {name!r}: {count} of kind {kind} are here, counted from {kind}:0")
    device = torch.device(kind, number)
    return device


def _available(torch: Any, kind: str) -> bool:
    room = torch.backends.mps if kind == "mps" else getattr(torch, kind)
    return bool(room.is_available())


def has_events(device: torch.device) -> bool:
    """Whether the device times with events of its own.

    Asked by recording one: a CPU event constructs and fails only then. MPS has open faults in event timing.
    """
    if device.type == "mps":
        return False
    torch = require_torch("bench")
    try:
        event = torch.Event(device=device, enable_timing=True)
        event.record()
        event.synchronize()
    except (RuntimeError, NotImplementedError):
        return False
    return True


def torch_dtype(name: str) -> torch.dtype:
    """Return torch's dtype of that name.

    Raises:
        VggcostError: it is none that a network is timed in.
    """
    if name not in DTYPES:
        found = nearest(name, DTYPES)
        raise VggcostError(f"dtype {name!r} is not one that bench times; {found}", nearest=found.names)
    torch = require_torch("bench")
    dtype: DType = getattr(torch, "float32" if name == "tf32" else name)
    return dtype


def check_dtype(device: torch.device, name: str) -> None:
    """Run a small convolution and a small matrix product in this dtype.

    Raises:
        VggcostError: the device does not do it.
    """
    torch = require_torch("bench")
    dtype = torch_dtype(name)
    if name == "tf32" and not (device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)):
        raise VggcostError(
            f"device {device} does not do tf32, which is a mode of CUDA devices from compute capability 8.0 on;"
            " give --dtype float32"
        )
    reason = _why_not(torch, device, dtype)
    if reason is None:
        return
    if dtype is torch.float32 or _why_not(torch, device, torch.float32) is not None:
        raise VggcostError(
            f"device {device} does not run torch {torch.__version__} ({reason}); {_other(torch, device)}"
        )
    raise VggcostError(f"device {device} does not do {name} ({reason}); give --dtype float32")


def _why_not(torch: Any, device: torch.device, dtype: DType) -> str | None:
    """Return why a small convolution and a small product do not run, in torch's words; None where they do."""
    try:
        image = torch.rand(1, 4, 8, 8, device=device).to(dtype)
        kernel = torch.rand(4, 4, 3, 3, device=device).to(dtype)
        bias = torch.rand(4, device=device).to(dtype)
        torch.nn.functional.conv2d(image, kernel, bias, padding=1)
        torch.nn.functional.linear(image.flatten(1), torch.rand(4, 256, device=device).to(dtype))
        if device.type != "cpu":
            getattr(torch, device.type).synchronize()  # an error of a kernel is told by the next call that waits
    except (RuntimeError, TypeError, NotImplementedError) as error:
        return " ".join(str(error).split())[:120]
    return None


def _other(torch: Any, device: torch.device) -> str:
    """Say what to do about a device on which not even float32 runs."""
    if device.type == "cpu":
        return "install another torch"
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        return f"install a torch built for compute capability {major}.{minor}, or give --device cpu"
    return "give --device cpu"


def free_bytes(device: torch.device) -> int | None:
    """Return the memory that could be allocated now [B]; None where nobody says."""
    torch = require_torch("bench")
    if device.type in ("cuda", "xpu"):
        # Never memory_allocated(), which answers 0 without a device instead of raising.
        room = getattr(torch, device.type)
        try:
            return int(room.mem_get_info(device)[0])
        except (RuntimeError, AttributeError):
            return None
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return free_host_bytes()


def free_host_bytes() -> int | None:
    """Return the host's available memory, or what its control group leaves where that is less [B]."""
    amounts = [amount for amount in (_meminfo_available(), _group_left()) if amount is not None]
    return min(amounts, default=None)


def _meminfo_available() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _group_left() -> int | None:
    """What the control group of a container leaves [B]; its file cache counts as free, for it can be dropped."""
    folder = "/sys/fs/cgroup"
    try:
        with (
            open(f"{folder}/memory.max", encoding="ascii") as limit,
            open(f"{folder}/memory.current", encoding="ascii") as current,
            open(f"{folder}/memory.stat", encoding="ascii") as stat,
        ):
            most = limit.read().strip()
            if most == "max":
                return None
            cached = dict(line.split() for line in stat).get("inactive_file", "0")
            return int(most) - int(current.read()) + int(cached)
    except (OSError, ValueError):
        return None


def cache_bytes(device: torch.device) -> int | None:
    """Return the size of the device's last-level cache [B]; None where nobody says."""
    if device.type == "cuda":
        torch = require_torch("bench")
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    if device.type == "cpu":
        return _host_cache_bytes()
    return None


def _host_cache_bytes() -> int | None:
    folder = "/sys/devices/system/cpu/cpu0/cache"
    units = {"K": 1024, "M": 1024**2, "G": 1024**3}
    largest = None
    try:
        for entry in sorted(os.listdir(folder)):
            if entry.startswith("index"):
                with open(f"{folder}/{entry}/size", encoding="ascii") as text:
                    size = text.read().strip()
                amount = int(size[:-1]) * units[size[-1]] if size[-1:] in units else int(size)
                largest = max(largest or 0, amount)
    except (OSError, ValueError):
        return None
    return largest


LOST_DEVICE = (
    "illegal memory access",
    "illegal address",
    "illegal instruction",
    "misaligned address",
    "unspecified launch failure",
    "device-side assert",
    "ECC error",
    "launch timed out",
    "hardware exception",
)
"""Words of errors after which every further call of the process on that device fails. Source: cudaError_t, where it
says that the process must be terminated and relaunched."""


def is_device_lost(error: BaseException) -> bool:
    """Whether the device runs nothing more in this process after this error."""
    return any(words in str(error) for words in LOST_DEVICE)
