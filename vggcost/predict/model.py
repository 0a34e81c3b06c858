"""The time of a layer on a machine: the sum of a few terms, from its work and from the machine's rates.

Sizes and rates are numbers, or arrays of them for many networks and machines at once; `Pick` takes the larger of two.
"""

from __future__ import annotations

from vggcost.formulas import latency, memory, roofline
from vggcost.predict.work import ACTIVATION, BIAS, CLASSIFIER, NORM, OTHER
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from vggcost.predict.work import LayerWork, Pass, Product

    Number = Any
    """A float, or an array of them."""

CONVOLUTION_BLOCK = (128, 128)
LINEAR_BLOCK = (128, 64)
"""Rows and columns of the outputs that a thread block makes."""

LEAST_ROWS_OF_WAVES = 32
"""A linear layer of so many rows or fewer is bound by its weights, and its blocks fill no wave."""


class Pick(Record):
    """How the larger and the smaller of two numbers are taken, and one of two by a condition; arrays have their own."""

    larger: Callable[[Number, Number], Number] = max
    smaller: Callable[[Number, Number], Number] = min
    where: Callable[[Any, Number, Number], Number] = lambda condition, one, other: one if condition else other


PLAIN = Pick()
"""For plain numbers."""


class Machine(Record):
    """What a device gives a network in one dtype and one mode: rates that kernels reach, and which kernels run.

    Rates are in FLOP/s and B/s. passes says how many kernels a mode runs for each kind of pass (0: none, it is part of
    another), conversions how many layout conversions stand round a convolution.
    """

    element_bytes: Number
    convolution_flops_per_s: Number
    """Of 3x3 convolutions that Winograd's algorithm may do."""
    direct_flops_per_s: Number
    """Of all other convolutions."""
    linear_flops_per_s: Number
    bytes_per_s: Number
    cached_bytes_per_s: Number
    cache_bytes: Number
    processors: Number
    prologue: Number
    idle: Number
    kernel_s: Number
    passes: Mapping[str, Number]
    conversions: Number


class Terms(Record):
    """A layer's time, term by term [s]: what computes, what moves (the longer counts), and what stands beside.

    kernels is their number.
    """

    compute_s: Number
    memory_s: Number
    product_s: Number
    conversion_s: Number
    pass_s: Number
    kernels: Number
    launch_s: Number

    @property
    def seconds(self) -> Number:
        """All of it [s]."""
        return self.product_s + self.conversion_s + self.pass_s + self.launch_s


def terms(work: LayerWork, machine: Machine, pick: Pick = PLAIN) -> Terms:
    """Return the terms of a layer's time on a machine."""
    compute_s: Number = 0.0
    memory_s: Number = 0.0
    conversion_s: Number = 0.0
    kernels: Number = 0
    product = work.product
    if product is not None:
        kernels = 1
        if work.part == CLASSIFIER:
            compute_s, memory_s = _linear(product, machine, pick)
        else:
            compute_s, memory_s = _convolution(product, machine, pick)
            tensors = memory.tensor_bytes(product.inputs + product.outputs, machine.element_bytes)
            moved = latency.converted_elements(product.inputs, product.outputs, machine.conversions)
            conversion_s = _moved(memory.tensor_bytes(moved, machine.element_bytes), tensors, machine, pick)
    pass_s: Number = 0.0
    for each in work.passes:
        runs = machine.passes[each.kind]
        pass_s = pass_s + _pass(each, runs, machine, pick)
        kernels = kernels + runs
    return Terms(
        compute_s,
        memory_s,
        pick.larger(compute_s, memory_s),
        conversion_s,
        pass_s,
        kernels,
        latency.kernels_time(kernels, machine.kernel_s),
    )


def _moved(moved: Number, tensor: Number, machine: Machine, pick: Pick) -> Number:
    """Time of moving bytes of tensors of which the cache may hold a share [s]."""
    hit = pick.smaller(1.0, machine.cache_bytes / tensor)
    return latency.cached_time(moved, hit, 1 / machine.bytes_per_s, 1 / machine.cached_bytes_per_s)


def _pass(each: Pass, runs: Number, machine: Machine, pick: Pick) -> Number:
    moved = memory.tensor_bytes(each.moved, machine.element_bytes)
    tensor = memory.tensor_bytes(each.tensor, machine.element_bytes)
    return latency.kernels_time(runs, _moved(moved, tensor, machine, pick))


def _convolution(product: Product, machine: Machine, pick: Pick) -> tuple[Number, Number]:
    """What a convolution computes and moves [s]."""
    rate = pick.where(product.winograd, machine.convolution_flops_per_s, machine.direct_flops_per_s)
    blocks = latency.gemm_blocks(product.rows, product.columns, *CONVOLUTION_BLOCK)
    compute_s = latency.gemm_time(
        product.flops, 1 / rate, machine.prologue, 1 / product.depth, machine.idle, machine.processors / blocks
    )
    both = product.inputs + product.outputs
    moved = memory.tensor_bytes(both + product.params, machine.element_bytes)
    return compute_s, _moved(moved, memory.tensor_bytes(both, machine.element_bytes), machine, pick)


def _linear(product: Product, machine: Machine, pick: Pick) -> tuple[Number, Number]:
    """What a linear layer computes and moves [s]; its weights are read once and lie in no cache."""
    blocks = latency.gemm_blocks(product.rows, product.columns, *LINEAR_BLOCK)
    share = pick.where(product.rows > LEAST_ROWS_OF_WAVES, machine.processors / blocks, 0.0)
    flops_s = 1 / machine.linear_flops_per_s
    compute_s = latency.gemm_time(product.flops, flops_s, 0, 1 / product.depth, machine.idle, share)
    moved = memory.least_traffic(product.inputs, product.params, 0, product.outputs)
    return compute_s, roofline.memory_time(memory.tensor_bytes(moved, machine.element_bytes), 1 / machine.bytes_per_s)


EAGER, COMPILED, FUSED = "eager", "compiled", "fused"
MODES = (EAGER, COMPILED, FUSED)
"""Kernels as they are called, those that torch.compile or XLA makes, and those of an engine such as TensorRT."""

PASSES: Mapping[str, Mapping[str, int]] = {
    EAGER: {BIAS: 1, NORM: 1, ACTIVATION: 1, OTHER: 1},
    COMPILED: {BIAS: 0, NORM: 0, ACTIVATION: 1, OTHER: 1},
    FUSED: {BIAS: 0, NORM: 0, ACTIVATION: 0, OTHER: 1},
}
"""Which passes are kernels of their own in each mode."""
