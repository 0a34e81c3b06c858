"""What is true of every datasheet: peaks follow from processors, cores and clocks; what does not is another figure."""

from __future__ import annotations

from vggcost.formulas.latency import sustained_rate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vggcost.predict.devices import Device

TOLERANCE = 0.02
"""By how much a printed figure may differ from its clocks: datasheets round."""

TENSOR_FLOPS: Mapping[tuple[str, str], int] = {
    ("7.0", "titan"): 1024,
    ("7.0", "professional"): 1024,
    ("7.2", "embedded"): 1024,
    ("7.5", "consumer"): 512,
    ("7.5", "titan"): 1024,
    ("7.5", "professional"): 1024,
    ("8.0", "professional"): 2048,
    ("8.6", "consumer"): 512,
    ("8.6", "professional"): 1024,
    ("8.7", "embedded"): 2048,
    ("8.9", "consumer"): 512,
    ("8.9", "professional"): 1024,
    ("9.0", "professional"): 4096,
    ("10.0", "professional"): 8192,
    ("12.0", "consumer"): 512,
    ("12.0", "professional"): 1024,
}
"""Dense float16 FLOPs a clock of a processor's tensor cores with float32 accumulation, by capability and segment.

GeForce boards run at half the rate of Titan, Quadro, RTX A and RTX PRO boards of the same chip.
"""

MOST_TENSOR_OVER_FP32 = 16.1
"""Dense tensor rates are at most 16 times those of the cores (A100, H100); sparse figures are twice as much."""

MORE_TENSOR_OVER_FP32: Mapping[str, float] = {"10.0": 32.1}
"""The same of chips with more (B200), by compute capability."""

MEGA_PER_TERA = 1e-6


def faults(device: Device) -> Iterator[str]:
    """Yield what cannot be on one datasheet, a sentence each."""
    tensor, processors = device.fp16_tensor_tflops, device.processors
    if device.cores_per_processor and processors and device.boost_mhz:
        cores = sustained_rate(processors, device.cores_per_processor, 2)
        peak = sustained_rate(cores, device.boost_mhz, MEGA_PER_TERA)
        if not _near(device.fp32_tflops, peak):
            yield (
                f"fp32_tflops is {device.fp32_tflops:g}, and {processors} x {device.cores_per_processor} cores x 2 x"
                f" {device.boost_mhz:g} MHz are {peak:.4g}"
            )
    most = MORE_TENSOR_OVER_FP32.get(device.compute_capability, MOST_TENSOR_OVER_FP32)
    if tensor > sustained_rate(device.fp32_tflops, most, 1):
        yield (
            f"fp16_tensor_tflops is {tensor:g}, more than {most:.0f} times fp32_tflops ({device.fp32_tflops:g}):"
            " a sparse figure; give the dense one, half of it"
        )
        return
    if 0 < tensor < device.fp16_vector_tflops:
        yield f"fp16_tensor_tflops is {tensor:g}, less than fp16_vector_tflops ({device.fp16_vector_tflops:g})"
    each = TENSOR_FLOPS.get((device.compute_capability, device.segment))
    clock = device.tensor_mhz or device.boost_mhz
    if tensor and each and processors and clock:
        peak = sustained_rate(sustained_rate(processors, each, 1), clock, MEGA_PER_TERA)
        if not _near(tensor, peak):
            yield (
                f"fp16_tensor_tflops is {tensor:g}, and {processors} processors x {each} FLOP x {clock:g} MHz are"
                f" {peak:.4g} (dense, float32 accumulation, which GeForce boards run at half rate)"
            )
        if device.tf32_tflops and not _near(device.tf32_tflops, peak / 2):
            yield f"tf32_tflops is {device.tf32_tflops:g}, and half of the tensor rate of float16 is {peak / 2:.4g}"


def _near(given: float, derived: float) -> bool:
    return abs(given / derived - 1) <= TOLERANCE
