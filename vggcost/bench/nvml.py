"""What NVIDIA's management library says of a GPU: driver, clocks, power, temperature. Optional: extra ``nvml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


class Monitor:
    """One GPU, asked through NVML; every question it does not answer is None."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library = library
        self._handle = handle

    def sm_clock_mhz(self) -> int | None:
        """The clock of the multiprocessors at this moment."""
        library = self._library
        clock: int | None = self._ask(lambda: int(library.nvmlDeviceGetClockInfo(self._handle, library.NVML_CLOCK_SM)))
        return clock

    def default_sm_clock_mhz(self) -> int | None:
        """The clock that the device runs its applications at by default; its highest where it has no such setting."""
        library = self._library
        clock: int | None = self._ask(
            lambda: int(library.nvmlDeviceGetDefaultApplicationsClock(self._handle, library.NVML_CLOCK_SM))
        )
        if clock is None:
            clock = self._ask(lambda: int(library.nvmlDeviceGetMaxClockInfo(self._handle, library.NVML_CLOCK_SM)))
        return clock

    def facts(self) -> dict[str, Any]:
        """Driver, clocks, power limit and temperature, for the record."""
        library, handle = self._library, self._handle
        return {
            "driver": self._ask(lambda: _text(library.nvmlSystemGetDriverVersion())),
            "sm_clock_mhz": self.sm_clock_mhz(),
            "default_sm_clock_mhz": self.default_sm_clock_mhz(),
            "memory_clock_mhz": self._ask(lambda: int(library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_MEM))),
            "power_limit_w": self._ask(lambda: library.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000),
            "temperature_c": self._ask(
                lambda: int(library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU))
            ),
        }

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except self._library.NVMLError:
            return None


def monitor(device: torch.device, uuid: str) -> tuple[Monitor | None, str | None]:
    """Return the monitor of a CUDA device, or None and the reason.

    The device is found by its UUID: CUDA's numbering and NVML's differ under CUDA_VISIBLE_DEVICES.
    """
    if device.type != "cuda":
        return None, None
    try:
        import pynvml
    except ModuleNotFoundError:
        return None, "clocks, power and temperature need pip install 'vggcost[nvml]'"
    try:
        pynvml.nvmlInit()
        name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
        return Monitor(pynvml, pynvml.nvmlDeviceGetHandleByUUID(name)), None
    except pynvml.NVMLError as error:
        return None, f"NVML: {error}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
