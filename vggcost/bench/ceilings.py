"""This machine's own limits, measured in the same run and in the same dtype: the best of several kernels each.

One kernel is no ceiling: the library behind a matrix product may be slower than the one behind a convolution (on an
AVX-512 EPYC less than half as fast), and a layer that only reads can move more bytes a second than a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.protocol import forward
from vggcost.formulas.forward import conv2d_macs, elements, flops, linear_macs
from vggcost.formulas.memory import least_traffic, tensor_bytes
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from vggcost.bench.protocol import Clock, Operation

LONG_ENOUGH_NS = 20_000_000
LARGEST_SIDE = 8192
LARGEST_BATCH = 64
SAMPLES, SETTLED = 10, 5
BUDGET_S = 2.0
LEAST_BUFFER_BYTES, LARGEST_BUFFER_BYTES = 64 << 20, 1 << 30

DIRECT_3X3 = (3, 256, 56)
"""Kernel side, channels in and out, image side of the convolution where no library uses Winograd's algorithm."""
DIRECT_1X1 = (1, 2048, 28)
"""The same where one may: a 1x1 kernel has nothing that Winograd's or Fourier's transform could save."""


class CeilingKernel(Record):
    """One kernel that may set a ceiling, with every sample."""

    kernel: str
    """What ran, with its size."""
    amount: int
    """What one run computes [FLOP] or moves [B]."""
    samples_ns: tuple[int, ...]

    @property
    def per_s(self) -> float:
        """The best of the samples as a rate [FLOP/s] or [B/s]: a ceiling is what the machine can do."""
        return self.amount / min(self.samples_ns) * 1e9


class Ceilings(Record):
    """What was tried for each limit, the product and the copy first; what could not run, with the reason."""

    compute: tuple[CeilingKernel, ...]
    memory: tuple[CeilingKernel, ...]
    matmul_side: int
    copy_bytes: int
    left_out: tuple[str, ...]

    @property
    def best_compute(self) -> CeilingKernel:
        """The kernel with the most FLOP/s."""
        return max(self.compute, key=lambda kernel: kernel.per_s)

    @property
    def best_memory(self) -> CeilingKernel:
        """The kernel with the most B/s."""
        return max(self.memory, key=lambda kernel: kernel.per_s)

    def values(self) -> dict[str, Any]:
        """Return all of it as plain values for the result; the product's and the copy's samples keep their old keys."""
        return {
            "flops_per_s": self.best_compute.per_s,
            "bytes_per_s": self.best_memory.per_s,
            "kernel": self.best_compute.kernel,
            "memory_kernel": self.best_memory.kernel,
            "matmul_side": self.matmul_side,
            "copy_bytes": self.copy_bytes,
            "matmul_ns": list(self.compute[0].samples_ns),
            "copy_ns": list(self.memory[0].samples_ns),
            "compute": [
                {"kernel": tried.kernel, "flops_per_s": tried.per_s, "samples_ns": list(tried.samples_ns)}
                for tried in self.compute
            ],
            "memory": [
                {"kernel": tried.kernel, "bytes_per_s": tried.per_s, "samples_ns": list(tried.samples_ns)}
                for tried in self.memory
            ],
            "left_out": list(self.left_out),
        }


def ceilings(
    clock: Clock,
    device: torch.device,
    dtype: torch.dtype,
    cache_bytes: int | None,
    free_bytes: int | None = None,
    warm_up_s: float = 0.0,
    *,
    winograd: bool = True,
) -> Ceilings:
    """Measure them, and hold no memory afterwards.

    The product's side doubles from 512 until one takes 20 ms, at most 8192; a linear layer has the same side. The
    convolution is one that is computed directly: 3x3 where no library on this device uses Winograd's algorithm
    (winograd is False), 1x1 elsewhere; its image, then its batch double as the product's side does, and it runs in
    both memory formats. The buffers of copy and read are 1 GiB on a device; on a host four times the last-level cache,
    64 MiB at least and 1 GiB at most, so that they run from memory. Where little memory is free all stay within a
    quarter of it. The product and the copy run for warm_up_s before they are sampled.
    """
    torch = require_torch("bench")
    room = free_bytes // 4 if free_bytes else None
    left_out: list[str] = []
    with torch.inference_mode():
        side, product = _product(clock, torch, device, dtype, room, warm_up_s)
        compute = [product]
        for what, measured in _other_products(clock, torch, device, dtype, side, room, winograd=winograd):
            try:
                compute.append(measured())
            except (RuntimeError, MemoryError) as error:  # no such kernel here, or no memory: the others stand
                left_out.append(f"{what}: {' '.join(str(error).split())[:160]}")
        size = LARGEST_BUFFER_BYTES if device.type != "cpu" else max(LEAST_BUFFER_BYTES, 4 * (cache_bytes or 0))
        size = min(size, LARGEST_BUFFER_BYTES, room // 2 if room else LARGEST_BUFFER_BYTES)
        size -= size % dtype.itemsize
        memory = _moves(clock, torch, device, dtype, size, warm_up_s)
    if device.type in ("cuda", "xpu", "mps"):
        getattr(torch, device.type).empty_cache()
    return Ceilings(tuple(compute), memory, side, size, tuple(left_out))


def _product(
    clock: Clock, torch: Any, device: torch.device, dtype: torch.dtype, room: int | None, warm_up_s: float
) -> tuple[int, CeilingKernel]:
    side = 512
    while True:
        # Random, never zeros: a GPU multiplies zeros faster than it will ever multiply a network's numbers.
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        out = torch.empty_like(a)

        def multiply(a: Any, b: Any = b, out: Any = out) -> Any:
            return torch.mm(a, b, out=out)

        full = room is not None and tensor_bytes(elements((3, 2 * side, 2 * side)), dtype.itemsize) > room
        if _lasts(clock, multiply, a) or side >= LARGEST_SIDE or full:
            samples = _samples(clock, multiply, a, warm_up_s)
            return side, CeilingKernel(f"matrix product of side {side}", flops(linear_macs(side, side, side)), samples)
        side *= 2


def _other_products(
    clock: Clock, torch: Any, device: torch.device, dtype: torch.dtype, side: int, room: int | None, *, winograd: bool
) -> Iterator[tuple[str, Any]]:
    """Yield what else may compute faster than the product: what it is, and what measures it."""

    def linear() -> CeilingKernel:
        x, weight = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        bias = torch.randn(side, device=device).to(dtype)

        def run(x: Any) -> Any:
            return torch.nn.functional.linear(x, weight, bias)

        forward(clock, [run], x)
        return CeilingKernel(
            f"linear layer of side {side}", flops(linear_macs(side, side, side)), _samples(clock, run, x)
        )

    yield "linear layer", linear
    kernel, channels, largest = DIRECT_1X1 if winograd else DIRECT_3X3
    for layout in ("channels first", "channels last"):

        def convolution(layout: str = layout) -> CeilingKernel:
            return _convolution(clock, torch, device, dtype, room, (kernel, channels, largest), layout)

        yield f"{kernel}x{kernel} convolution, {layout}", convolution


def _convolution(
    clock: Clock,
    torch: Any,
    device: torch.device,
    dtype: torch.dtype,
    room: int | None,
    shape: tuple[int, int, int],
    layout: str,
) -> CeilingKernel:
    kernel, channels, largest = shape
    form = torch.channels_last if layout == "channels last" else torch.contiguous_format
    weight = torch.randn(channels, channels, kernel, kernel, device=device).to(dtype).contiguous(memory_format=form)
    bias = torch.randn(channels, device=device).to(dtype)

    def run(x: Any) -> Any:
        return torch.nn.functional.conv2d(x, weight, bias, padding=kernel // 2)

    batch, side = 1, largest // 2
    while True:
        x = torch.randn(batch, channels, side, side, device=device).to(dtype).contiguous(memory_format=form)
        # The next one has at most four times the pixels, read and written, and as much again for a workspace.
        full = room is not None and 4 * 4 * x.nbytes > room
        if _lasts(clock, run, x) or batch >= LARGEST_BATCH or full:
            macs = conv2d_macs(batch, channels, channels, kernel, kernel, side, side)
            name = f"{kernel}x{kernel} convolution {channels} to {channels} of {batch}x{side}x{side}, {layout}"
            return CeilingKernel(name, flops(macs), _samples(clock, run, x))
        batch, side = (batch, 2 * side) if side < largest else (2 * batch, side)


def _moves(
    clock: Clock, torch: Any, device: torch.device, dtype: torch.dtype, size: int, warm_up_s: float
) -> tuple[CeilingKernel, ...]:
    source = torch.empty(size // dtype.itemsize, dtype=dtype, device=device).uniform_()
    target = torch.empty_like(source)
    forward(clock, [target.copy_], source)
    copies = _samples(clock, target.copy_, source, warm_up_s)
    del target
    forward(clock, [torch.sum], source)
    reads = _samples(clock, torch.sum, source)
    text = units.human_bytes(size)
    return CeilingKernel(f"copy of {text}", least_traffic(size, 0, 0, size), copies), CeilingKernel(
        f"read of {text}", size, reads
    )


def _lasts(clock: Clock, run: Operation, x: Any) -> bool:
    """Whether one run is long enough, by the shortest of five: one that was interrupted would look large enough."""
    forward(clock, [run], x)
    return all(forward(clock, [run], x).whole_ns >= LONG_ENOUGH_NS for _ in range(5))


def _samples(clock: Clock, run: Operation, x: Any, warm_up_s: float = 0.0) -> tuple[int, ...]:
    """Take at least ten samples, and go on while the last five brought a faster one: others may be at work as well."""
    samples: list[int] = []
    begun = clock.now_ns()
    while clock.now_ns() - begun < warm_up_s * 1e9:
        forward(clock, [run], x)
    begun = clock.now_ns()
    while not samples or clock.now_ns() - begun < BUDGET_S * 1e9:
        samples.append(max(1, forward(clock, [run], x).whole_ns))
        if len(samples) >= SAMPLES and min(samples) == min(samples[:-SETTLED]):
            break
    return tuple(samples)
