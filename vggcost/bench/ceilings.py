"""This machine's own limits, measured in the same run and in the same dtype: a large product, a large copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import forward
from vggcost.formulas.forward import elements, flops, linear_macs
from vggcost.formulas.memory import least_traffic, tensor_bytes
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.record import Record

if TYPE_CHECKING:
    import torch

    from vggcost.bench.protocol import Clock

LONG_ENOUGH_NS = 20_000_000
LARGEST_SIDE = 8192
SAMPLES = 10
BUDGET_S = 2.0


class Ceilings(Record):
    """The best of several runs each, with every sample; a copy's bytes are those read and those written."""

    flops_per_s: float
    bytes_per_s: float
    matmul_side: int
    copy_bytes: int
    matmul_ns: tuple[int, ...]
    copy_ns: tuple[int, ...]


def ceilings(
    clock: Clock,
    device: torch.device,
    dtype: torch.dtype,
    cache_bytes: int | None,
    free_bytes: int | None = None,
    warm_up_s: float = 0.0,
) -> Ceilings:
    """Measure both, and hold no memory afterwards.

    The product's side doubles from 512 until one takes 20 ms, at most 8192. The buffers of the copy are four times
    the last-level cache, so that it runs from memory; 64 MiB at least and 256 MiB at most on a host, 1 GiB elsewhere.
    Where little memory is free both stay within a quarter of it. Each runs for warm_up_s before it is sampled. The
    best of the samples is the ceiling: a ceiling is what the machine can do.
    """
    torch = require_torch("bench")
    with torch.inference_mode():
        room = free_bytes // 4 if free_bytes else None
        side, products = _products(clock, torch, device, dtype, room, warm_up_s)
        least, most = 64 << 20, (256 << 20) if device.type == "cpu" else (1 << 30)
        size = min(max(least, 4 * (cache_bytes or 0)), most, room // 2 if room else most)
        size -= size % dtype.itemsize
        copies = _copies(clock, torch, device, dtype, size, warm_up_s)
    if device.type in ("cuda", "xpu", "mps"):
        getattr(torch, device.type).empty_cache()
    return Ceilings(
        flops(linear_macs(side, side, side)) / min(products) * 1e9,
        least_traffic(size, 0, 0, size) / min(copies) * 1e9,
        side,
        size,
        tuple(products),
        tuple(copies),
    )


def _products(
    clock: Clock, torch: Any, device: torch.device, dtype: torch.dtype, room: int | None, warm_up_s: float
) -> tuple[int, list[int]]:
    side = 512
    while True:
        # Random, never zeros: a GPU multiplies zeros faster than it will ever multiply a network's numbers.
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        out = torch.empty_like(a)
        once = [lambda a, b=b, out=out: torch.mm(a, b, out=out)]
        forward(clock, once, a)
        # The shorter of two: one that was interrupted would make a small product look large enough.
        took = min(forward(clock, once, a).whole_ns for _ in range(2))
        full = room is not None and tensor_bytes(elements((3, 2 * side, 2 * side)), dtype.itemsize) > room
        if took >= LONG_ENOUGH_NS or side >= LARGEST_SIDE or full:
            return side, _samples(clock, once, a, warm_up_s)
        side *= 2


def _copies(
    clock: Clock, torch: Any, device: torch.device, dtype: torch.dtype, size: int, warm_up_s: float
) -> list[int]:
    source = torch.empty(size // dtype.itemsize, dtype=dtype, device=device).uniform_()
    target = torch.empty_like(source)
    once = [target.copy_]
    forward(clock, once, source)
    return _samples(clock, once, source, warm_up_s)


def _samples(clock: Clock, once: list[Any], x: Any, warm_up_s: float) -> list[int]:
    samples: list[int] = []
    begun = clock.now_ns()
    while clock.now_ns() - begun < warm_up_s * 1e9:
        forward(clock, once, x)
    begun = clock.now_ns()
    while len(samples) < SAMPLES and (not samples or clock.now_ns() - begun < BUDGET_S * 1e9):
        samples.append(max(1, forward(clock, once, x).whole_ns))
    return samples
