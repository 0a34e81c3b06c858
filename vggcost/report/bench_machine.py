"""What a bench result was measured on: the first lines of the document of ``vggcost bench``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.algorithms import compute_kernel, memory_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping


def machine_lines(result: Mapping[str, Any]) -> tuple[str, ...]:
    """The device, the software, the clock, how it was run, and the ceilings: a line each."""
    environment, settings = result["environment"], result["settings"]
    protocol = settings["protocol"]
    lines = [
        f"Device   {environment['device']}: {environment['device_name']}{_clocks(result)}",
        f"Software {_software(environment)}, {_switches(result)}",
        f"Clock    {protocol['clock']}; {protocol['cache']}{_spin(protocol)}",
        (
            f"Run      {settings['dtype']}, {_layout(settings)}{_beside(settings)}, {settings['mode']}"
            f"{_compiled(settings)}, random weights and inputs"
        ),
        _ceilings(result),
    ]
    return tuple(line for line in lines if line)


def _clocks(result: Mapping[str, Any]) -> str:
    """Driver, limits, and the clocks and temperatures that the forwards ran at."""
    environment = result["environment"]
    nvml = environment["nvml"] or {}
    capability = environment.get("compute_capability")
    highest = nvml.get("default_sm_clock_mhz") or nvml.get("highest_sm_clock_mhz")
    clock = _range([clock for case in result["cases"] for clock in case["sm_clock_mhz"] if clock is not None])
    heats = [(case.get("under_load") or {}).get("temperature_c") or {} for case in result["cases"]]
    heat = _range([heat[end] for heat in heats for end in ("min", "max") if end in heat])
    words = [
        f"compute capability {capability}" if capability else "",
        f"driver {nvml['driver']}" if nvml.get("driver") else "",
        f"SM {clock}{f' of {highest}' if highest else ''} MHz under load" if clock else "",
        f"memory {nvml['memory_clock_mhz']} MHz" if nvml.get("memory_clock_mhz") else "",
        f"limit {nvml['power_limit_w']:g} W" if nvml.get("power_limit_w") else "",
        f"{heat} C" if heat else "",
        environment["nvml_absent"] or "",
    ]
    told = ", ".join(word for word in words if word)
    return f" ({told})" if told else ""


def _range(values: list[int]) -> str:
    if not values:
        return ""
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)}-{max(values)}"


def _software(environment: Mapping[str, Any]) -> str:
    return f"torch {environment['torch']}{_cuda(environment)}, Python {environment['python']}"


def _cuda(environment: Mapping[str, Any]) -> str:
    if not environment["device"].startswith("cuda"):
        return ""
    if environment.get("rocm"):
        return f", ROCm {environment['rocm']}, MIOpen {environment['cudnn']}"
    return f", CUDA {environment['cuda']}, cuDNN {_cudnn(environment['cudnn'])}"


def _cudnn(number: int | None) -> str:
    """Write cuDNN's number as its version: 8907 is 8.9.7, and from 9 on 91300 is 9.13.0."""
    if number is None:
        return "absent"
    major, rest = divmod(number, 10_000) if number >= 90_000 else divmod(number, 1_000)
    return f"{major}.{rest // 100}.{rest % 100}"


def _switches(result: Mapping[str, Any]) -> str:
    environment = result["environment"]
    if environment["device"].startswith("cuda"):
        return (
            f"cudnn.benchmark {_on(environment['cudnn_benchmark'])},"
            f" TF32 convolutions {_on(environment['cudnn_allow_tf32'])},"
            f" TF32 products {_on(environment['matmul_allow_tf32'])}"
        )
    load = environment["load_average"]
    return f"{units.counted(environment['threads'], 'thread')}, {environment['cpu_capability']}" + (
        "" if load is None else f", load average {load:g} before"
    )


def _on(switch: bool) -> str:
    return "on" if switch else "off"


def _spin(protocol: Mapping[str, Any]) -> str:
    if protocol["spin_ns"] is None:
        return ""
    return f"; a spin of {units.three(protocol['spin_ns'] / 1e6)} ms before the first event"


def _layout(settings: Mapping[str, Any]) -> str:
    return "channels last" if settings["channels_last"] else "channels first"


def _beside(settings: Mapping[str, Any]) -> str:
    return "" if settings.get("in_place", True) else ", ReLU beside its input"


def _compiled(settings: Mapping[str, Any]) -> str:
    return ", torch.compile" if settings["compile"] else ""


def _ceilings(result: Mapping[str, Any]) -> str:
    ceilings = result["ceilings"]
    if not ceilings:
        return ""
    products, moves = (len(ceilings.get(key) or (1,)) for key in ("compute", "memory"))
    return (
        f"Ceilings {units.three(ceilings['flops_per_s'] / 1e9)} GFLOP/s ({compute_kernel(ceilings)}),"
        f" {units.three(ceilings['bytes_per_s'] / 1e9)} GB/s ({memory_kernel(ceilings)}); measured in this run,"
        f" the best of {units.counted(products, 'kernel')} and {moves}"
    )
