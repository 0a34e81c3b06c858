"""What NVIDIA's management library says of a GPU: driver, clocks, power, temperature. Optional: extra ``nvml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.bench.protocol import DeviceState

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

THROTTLE_REASONS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""Bits of NVML's clock event reasons that hold a busy clock down; an idle GPU, a set clock and a display are none.

Source: nvml.h, nvmlClocksEventReasons (nvmlClocksThrottleReasons before CUDA 12.2, with the same bits).
"""


class Monitor:
    """One GPU, asked through NVML; every question it does not answer is None."""

    def __init__(self, library: Any, handle: Any, *, is_slice: bool = False) -> None:
        self._library = library
        self._handle = handle
        self._is_slice = is_slice

    def state(self) -> DeviceState:
        """What the GPU is like at this moment."""
        return DeviceState(self.sm_clock_mhz(), self.temperature_c(), self.throttle_reasons())

    def sm_clock_mhz(self) -> int | None:
        """The clock of the multiprocessors at this moment."""
        return self._number("nvmlDeviceGetClockInfo", self._library.NVML_CLOCK_SM)

    def temperature_c(self) -> int | None:
        """The GPU's temperature at this moment."""
        return self._number("nvmlDeviceGetTemperature", self._library.NVML_TEMPERATURE_GPU)

    def throttle_reasons(self) -> tuple[str, ...]:
        """What holds the clock down at this moment; empty where nothing does."""
        bits = self._number("nvmlDeviceGetCurrentClocksEventReasons")
        if bits is None:  # a library from before the new name
            bits = self._number("nvmlDeviceGetCurrentClocksThrottleReasons")
        return tuple(name for bit, name in THROTTLE_REASONS.items() if bits and bits & bit)

    def energy_mj(self) -> int | None:
        """The energy that the GPU has taken since its driver was loaded [mJ]; from Volta on."""
        return self._number("nvmlDeviceGetTotalEnergyConsumption")

    def facts(self) -> dict[str, Any]:
        """Driver, clocks, power limit, and who else computes on the GPU, for the record."""
        library = self._library
        limit_mw = self._number("nvmlDeviceGetEnforcedPowerLimit")
        return {
            "driver": self._ask(lambda: _text(library.nvmlSystemGetDriverVersion())),
            "sm_clock_mhz": self.sm_clock_mhz(),
            "default_sm_clock_mhz": self._number("nvmlDeviceGetDefaultApplicationsClock", library.NVML_CLOCK_SM),
            "highest_sm_clock_mhz": self._number("nvmlDeviceGetMaxClockInfo", library.NVML_CLOCK_SM),
            "memory_clock_mhz": self._number("nvmlDeviceGetClockInfo", library.NVML_CLOCK_MEM),
            "power_limit_w": None if limit_mw is None else limit_mw / 1000,
            "temperature_c": self.temperature_c(),
            "mig": self._is_slice,
            "other_processes": self._ask(self._others),
        }

    def _others(self) -> int:
        """Processes that compute on the GPU beside this one."""
        numbers = [process.pid for process in self._library.nvmlDeviceGetComputeRunningProcesses(self._handle)]
        # In a container NVML tells the host's numbers: then one of those that are not ours is ours after all.
        return max(0, len(numbers) - 1) if numbers else 0

    def _number(self, question: str, *details: Any) -> int | None:
        answer: int | None = self._ask(lambda: int(getattr(self._library, question)(self._handle, *details)))
        return answer

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (self._library.NVMLError, AttributeError):  # an older library lacks a function
            return None


def monitor(device: torch.device, uuid: str) -> tuple[Monitor | None, str | None]:
    """Return the monitor of a CUDA device, or None and the reason.

    The device is found by its UUID: CUDA's numbering and NVML's differ under CUDA_VISIBLE_DEVICES. A slice of a GPU
    (MIG) has a UUID of its own, in front of which stands MIG- where GPU- stands for a whole one.
    """
    if device.type != "cuda":
        return None, None
    try:
        import pynvml
    except ModuleNotFoundError:
        return None, "clocks, power and temperature need pip install 'vggcost[nvml]'"
    kinds = ("GPU-", "MIG-")
    names = [uuid] if uuid.startswith(kinds) else [kind + uuid for kind in kinds]
    refusal = None
    try:
        pynvml.nvmlInit()
        for name in names:
            try:
                handle = pynvml.nvmlDeviceGetHandleByUUID(name)
            except pynvml.NVMLError as error:
                refusal = refusal or f"NVML: {error}"
            else:
                return Monitor(pynvml, handle, is_slice=name.startswith("MIG-")), None
    except pynvml.NVMLError as error:
        refusal = f"NVML: {error}"
    return None, refusal


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
