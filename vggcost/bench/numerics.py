"""torch's global switches for one run: set for it, put back behind it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.build import require_torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


@contextmanager
def numerics(device: torch.device, dtype: str, *, threads: int | None, cudnn_benchmark: bool) -> Iterator[None]:
    """Set threads, cuDNN's autotuning and TF32, and make the device the current one.

    torch's own defaults run float32 convolutions in TF32 and float32 linear layers without it, so one run would have
    two peaks. Here float32 means float32 everywhere and tf32 means TF32 everywhere.
    """
    torch = require_torch("bench")
    cudnn = torch.backends.cudnn
    threads_before, benchmark_before, tf32_before = torch.get_num_threads(), cudnn.benchmark, tf32_switches(torch)
    try:
        if threads is not None:
            torch.set_num_threads(threads)
        cudnn.benchmark = cudnn_benchmark
        for place, name, _ in tf32_before:
            setattr(place, name, _setting(name, on=dtype == "tf32"))
        if device.type in ("cuda", "xpu"):
            with getattr(torch, device.type).device(device):
                yield
        else:
            yield
    finally:
        if threads is not None:
            torch.set_num_threads(threads_before)
        cudnn.benchmark = benchmark_before
        for place, name, value in tf32_before:
            setattr(place, name, value)


def tf32_switches(torch: Any) -> list[tuple[Any, str, Any]]:
    """Return the switches of TF32 convolutions, recurrent layers and products: where each is, its name, its value.

    ``fp32_precision`` where this torch has it (2.9 and later), the ``allow_tf32`` of before elsewhere; a torch that has
    both raises where one is read after the other was written, so they are never mixed.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    if hasattr(matmul, "fp32_precision"):
        places = [place for place in (getattr(cudnn, "conv", None), getattr(cudnn, "rnn", None), matmul) if place]
        return [(place, "fp32_precision", place.fp32_precision) for place in places]
    return [(place, "allow_tf32", place.allow_tf32) for place in (cudnn, matmul)]


def uses_tf32(torch: Any) -> tuple[bool, bool]:
    """Whether float32 convolutions and float32 products are done in TF32 at this moment."""
    values = [value in (True, "tf32") for _, _, value in tf32_switches(torch)]
    return values[0], values[-1]


def _setting(name: str, *, on: bool) -> Any:
    if name == "allow_tf32":
        return on
    return "tf32" if on else "ieee"
