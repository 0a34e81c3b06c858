"""Which rates of a device a dtype meets: the class of a forecast, and the machine that it is to a network."""

from __future__ import annotations

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.formulas.latency import sustained_rate
from vggcost.predict.devices import AMD, CPU, EMBEDDED
from vggcost.predict.model import EAGER, PASSES, PLAIN, Machine
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.predict.devices import Device
    from vggcost.predict.model import Number, Pick

FP32, TF32, TENSOR, VECTOR_HALF = "fp32", "tf32", "tensor", "vector-half"
CLASSES = (FP32, TF32, TENSOR, VECTOR_HALF)
"""float32 on the cores, float32 multiplied in TF32, half precision on tensor cores, and on the cores."""

TERA, GIGA, MEGA, MEBI = 1e12, 1e9, 1e6, 1_048_576.0


class Choice(Record):
    """How the network is to run: dtype, mode, layout, and whether a step's backward is in."""

    dtype: str = "float32"
    mode: str = EAGER
    channels_last: bool = False
    backward: bool = False


def class_of(device: Device, dtype: str) -> str:
    """Return the class of a dtype on a device.

    Raises:
        VggcostError: there is no forecast for the dtype, or the device does not do it.
    """
    if dtype not in ("float32", "tf32", "float16", "bfloat16"):
        raise VggcostError(f"no forecast for {dtype}: no row that was measured has it; give float32, tf32 or float16")
    if dtype in ("tf32", "bfloat16") and not device.tf32:
        raise VggcostError(f"the {device.name} ({device.architecture}) does not do {dtype}; give float32 or float16")
    if dtype == "tf32":
        return TF32
    if dtype == "float32":
        return FP32
    return TENSOR if device.fp16_tensor_tflops > 0 else VECTOR_HALF


def check_device(device: Device) -> None:
    """Refuse a device for which the datasheet says too little.

    Raises:
        VggcostError: it is such a device.
    """
    if device.architecture == "Kepler":
        raise VggcostError(f"no forecast for the {device.name}: Kepler's cuDNN is not that of the rows; bench it")
    kinds = {CPU: "a CPU", AMD: "AMD's", EMBEDDED: "a Jetson"}
    if device.segment in kinds:
        raise VggcostError(
            f"no forecast for the {device.name} from its datasheet: it is {kinds[device.segment]}, where that is off by"
            " 27 to 69% in median; bench it there, and give the result with --from"
        )


class Sheet(Record):
    """The rates of a datasheet that a class meets, in SI units; numbers, or arrays for many devices."""

    convolution_flops_per_s: Number
    linear_flops_per_s: Number
    bytes_per_s: Number
    cache_bytes: Number
    processors: Number
    advertised_low: Number
    """1 where the boost clock is advertised below what is held, else 0."""


def sheet(device: Device, wanted: str) -> Sheet:
    """Return what a class meets on a device."""
    convolution = linear = device.fp32_tflops
    if wanted == TENSOR:
        convolution = linear = device.fp16_tensor_tflops
    elif wanted == TF32:
        convolution = device.tf32_tflops
    elif wanted == VECTOR_HALF:
        convolution = linear = max(device.fp16_vector_tflops, device.fp32_tflops)
    return Sheet(
        sustained_rate(convolution, 1, TERA),
        sustained_rate(linear, 1, TERA),
        sustained_rate(device.memory_gb_per_s, 1, GIGA),
        sustained_rate(device.l2_mib, 1, MEBI),
        device.processors,
        int(device.advertised_low),
    )


EFFICIENCIES = {FP32: "winograd", TF32: "tf32", TENSOR: "tensor", VECTOR_HALF: "vector_half"}
"""The parameter that says which share of the peak, or how many times it, a class reaches in convolutions."""


def element_bytes(dtype: str) -> int:
    """Return the bytes of an element [B]."""
    return units.dtype_bytes(dtype)


def machine(
    rates: Sheet,
    efficiency: Number,
    values: Mapping[str, Number],
    *,
    bytes_of_element: Number,
    passes: Mapping[str, Number],
    converts: Number,
    pick: Pick = PLAIN,
) -> Machine:
    """Return what a network meets: the rates of a sheet, as far as kernels reach them.

    efficiency is the parameter of the class (`EFFICIENCIES`): above 1 it is Winograd's, which no direct kernel reaches.
    """
    direct = pick.smaller(efficiency, 1.0)
    clock = pick.where(rates.advertised_low, values["boost"], 1.0)
    bytes_per_s = sustained_rate(rates.bytes_per_s, values["memory"], 1)
    return Machine(
        element_bytes=bytes_of_element,
        convolution_flops_per_s=sustained_rate(rates.convolution_flops_per_s, efficiency, clock),
        direct_flops_per_s=sustained_rate(rates.convolution_flops_per_s, direct, clock),
        linear_flops_per_s=sustained_rate(rates.linear_flops_per_s, values["linear"], 1),
        bytes_per_s=bytes_per_s,
        cached_bytes_per_s=sustained_rate(bytes_per_s, values["cache_speed"], 1),
        cache_bytes=rates.cache_bytes,
        processors=rates.processors,
        prologue=values["prologue"],
        idle=values["idle"],
        kernel_s=values["kernel_us"] / MEGA,
        passes=passes,
        conversions=sustained_rate(converts, values["conversions"], 1),
    )


def converts(wanted: str, mode: str, *, channels_last: bool) -> int:
    """Return how many layout conversions stand round a convolution: tensor-core kernels work on channels last alone."""
    return int(wanted == TENSOR and mode == EAGER and not channels_last)


def machine_of(device: Device, choice: Choice, values: Mapping[str, float]) -> tuple[str, Machine]:
    """Return the class of a choice on a device, and the machine that this is.

    Raises:
        VggcostError: there is no forecast for it.
    """
    check_device(device)
    wanted = class_of(device, choice.dtype)
    made = machine(
        sheet(device, wanted),
        values[EFFICIENCIES[wanted]],
        values,
        bytes_of_element=element_bytes(choice.dtype),
        passes=PASSES[choice.mode],
        converts=converts(wanted, choice.mode, channels_last=choice.channels_last),
    )
    return wanted, made
