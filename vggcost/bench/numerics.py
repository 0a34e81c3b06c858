"""torch's global switches for one run: set for it, put back behind it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

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
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (torch.get_num_threads(), cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32)
    try:
        if threads is not None:
            torch.set_num_threads(threads)
        cudnn.benchmark = cudnn_benchmark
        cudnn.allow_tf32 = matmul.allow_tf32 = dtype == "tf32"
        if device.type in ("cuda", "xpu"):
            with getattr(torch, device.type).device(device):
                yield
        else:
            yield
    finally:
        if threads is not None:
            torch.set_num_threads(before[0])
        _, cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = before
