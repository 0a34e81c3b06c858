"""What a layer's time is measured in: the amount of its work, and the kinds of work that have a rate each.

A GPU's amounts are the seconds that the model has for a layer, its rates how many of those pass in a measured second. A
CPU's are FLOPs and bytes, its rates FLOP/s and B/s: of the first layer, of the other convolutions, of the classifier's
bytes, and of the passes.
"""

from __future__ import annotations

from vggcost.errors import VggcostError
from vggcost.formulas import memory
from vggcost.formulas.roofline import compute_time, memory_time
from vggcost.predict import devices, parameters
from vggcost.predict.classes import EFFICIENCIES, FP32, TENSOR, TF32, VECTOR_HALF, Sheet, converts, element_bytes, sheet
from vggcost.predict.classes import machine as machine_for
from vggcost.predict.devices import AMD
from vggcost.predict.model import PASSES, terms
from vggcost.predict.spreads import CPU_GROUP, CPU_WHOLE_GROUP
from vggcost.predict.work import CLASSIFIER, CONVOLUTION, ELEMENTWISE, SHALLOW
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from vggcost.predict.devices import Device
    from vggcost.predict.measurement import Measurement
    from vggcost.predict.model import Machine
    from vggcost.predict.work import LayerWork, Product

WHOLE, FIRST = "whole", "first layer"
"""The kind of all work where no layer was timed, and that of a convolution of an image."""

AMD_GROUP = "amd"
"""Cards that are judged by rows of their own."""

LEAST_TENSOR_CAPABILITY = 7
"""The first compute capability with tensor cores."""


class KindAmount(Record):
    """How much work a layer is: the kinds that it belongs to, the narrowest first, and how much of it there is."""

    kinds: tuple[str, ...]
    size: float


class Yardstick(Record):
    """How layers of a machine are measured.

    amounts gives the amounts of a layer; its time is the longest of theirs, and the first is that by which rates are
    taken. basis says in words what they stand on, group by which rows intervals are taken, unit what a rate is in.
    """

    amounts: Callable[[LayerWork], tuple[KindAmount, ...]]
    basis: str
    group: str
    unit: str


def yardstick(measured: Measurement, *, layered: bool) -> Yardstick:
    """Return the yardstick of the machine that was measured; layered: whether its layers were timed.

    Raises:
        VggcostError: there is no model of the dtype on the device.
    """
    if measured.on_cpu and layered:
        size = element_bytes(measured.choice.dtype)
        return Yardstick(lambda work: _of_cpu(work, size), "rates of this machine", CPU_GROUP, "FLOP/s and B/s")
    if measured.on_cpu:
        size = element_bytes(measured.choice.dtype)
        ceilings = measured.ceilings
        return Yardstick(
            lambda work: (KindAmount((WHOLE,), _roofline(work, size, ceilings)),),
            "the roofline of its ceilings",
            CPU_WHOLE_GROUP,
            "modelled seconds a second",
        )
    machine, basis, group = _gpu(measured)

    def of_gpu(work: LayerWork) -> tuple[KindAmount, ...]:
        return (KindAmount((work.part if layered else WHOLE,), terms(work, machine).seconds),)

    return Yardstick(of_gpu, basis, group, "modelled seconds a second")


def _of_cpu(work: LayerWork, size: int) -> tuple[KindAmount, ...]:
    product = work.product
    if product is None:
        moved = sum(memory.tensor_bytes(each.moved, size) for each in work.passes)
        return (KindAmount((work.kind, ELEMENTWISE), moved),)
    if work.part == CLASSIFIER:
        # Bytes bind it; where a large batch uses each weight often, arithmetic does.
        return KindAmount((CLASSIFIER,), _bytes(product, size)), KindAmount((CONVOLUTION,), product.flops)
    if product.depth < SHALLOW:
        return (KindAmount((FIRST, CONVOLUTION), product.flops),)
    return (KindAmount((CONVOLUTION,), product.flops),)


def _bytes(product: Product, size: int) -> int:
    return int(memory.tensor_bytes(memory.least_traffic(product.inputs, product.params, 0, product.outputs), size))


def _roofline(work: LayerWork, size: int, ceilings: Mapping[str, Any]) -> float:
    """The longer of compute and least bytes, under measured ceilings [s]."""
    byte_s = 1 / ceilings["bytes_per_s"]
    if work.product is None:
        moved = sum(memory.tensor_bytes(each.moved, size) for each in work.passes)
        return float(memory_time(moved, byte_s))
    computes = compute_time(work.product.flops, 1 / ceilings["flops_per_s"])
    return float(max(computes, memory_time(_bytes(work.product, size), byte_s)))


def _gpu(measured: Measurement) -> tuple[Machine, str, str]:
    """The machine that a GPU is to a network, what that stands on, and its group."""
    environment, choice = measured.environment, measured.choice
    values = parameters.shipped().values
    try:
        device = devices.shipped().find(environment["device_name"]).device
    except VggcostError:
        device = None
    if device is not None and choice.dtype in ("tf32", "bfloat16") and not device.tf32:
        device = None  # the name misleads
    wanted = _class(choice.dtype, device, environment.get("compute_capability") or "")
    rates = sheet(device, wanted) if device is not None else _sheet(measured)
    made = machine_for(
        rates,
        values[EFFICIENCIES[wanted]],
        values,
        bytes_of_element=element_bytes(choice.dtype),
        passes=PASSES[choice.mode],
        converts=converts(wanted, choice.mode, channels_last=choice.channels_last),
    )
    if device is None:
        return made, "its measured ceilings", group_of(wanted, choice.mode, amd=bool(environment.get("rocm")))
    return made, f"the datasheet of the {device.name}", group_of(wanted, choice.mode, amd=device.segment == AMD)


def _class(dtype: str, device: Device | None, capability: str) -> str:
    """The class of a dtype on what was measured.

    Raises:
        VggcostError: there is none.
    """
    if dtype in ("float32", "tf32"):
        return FP32 if dtype == "float32" else TF32
    if dtype not in ("float16", "bfloat16"):
        raise VggcostError(f"no forecast for {dtype} on a GPU: no row that was measured has it; bench in another dtype")
    if device is not None:
        return TENSOR if device.fp16_tensor_tflops > 0 else VECTOR_HALF
    major = capability.partition(".")[0]
    return VECTOR_HALF if major.isdigit() and int(major) < LEAST_TENSOR_CAPABILITY else TENSOR


def _sheet(measured: Measurement) -> Sheet:
    """The rates that were measured in place of a datasheet's; only their ratios count, for all times are scaled."""
    environment, ceilings = measured.environment, measured.ceilings
    return Sheet(
        ceilings["flops_per_s"],
        ceilings["flops_per_s"],
        ceilings["bytes_per_s"],
        environment.get("cache_bytes") or 1,
        environment.get("multiprocessors") or 1,
        0,
    )


def group_of(wanted: str, mode: str, *, amd: bool = False) -> str:
    """Return the name of the rows that are judged together: AMD's, a class, and for tensor cores the mode.

    >>> group_of("tensor", "compiled"), group_of("fp32", "eager"), group_of("fp32", "eager", amd=True)
    ('tensor-compiled', 'fp32', 'amd')
    """
    from vggcost.predict import intervals

    return AMD_GROUP if amd else intervals.group_of(wanted, mode)
