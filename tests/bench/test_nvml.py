"""The monitor, on a library that answers some questions and refuses others, as real ones do."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from vggcost.bench.nvml import monitor


class NVMLError(Exception):
    pass


@pytest.fixture
def library(monkeypatch):
    def refuse(*_):
        raise NVMLError("Not Supported")

    made = SimpleNamespace(
        NVMLError=NVMLError,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda name: name,
        nvmlDeviceGetClockInfo=lambda handle, kind: {1: 1410, 2: 1593}[kind],
        nvmlDeviceGetDefaultApplicationsClock=refuse,
        nvmlDeviceGetMaxClockInfo=lambda handle, kind: 1980,
        nvmlDeviceGetEnforcedPowerLimit=lambda handle: 700_000,
        nvmlDeviceGetTemperature=refuse,
        nvmlSystemGetDriverVersion=lambda: b"570.124.06",
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [SimpleNamespace(pid=pid) for pid in (1, 2, 3)],
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: 1234,
    )
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


CUDA = SimpleNamespace(type="cuda")


def test_what_is_answered_is_recorded_and_what_is_refused_is_none(library):
    watch, reason = monitor(CUDA, "1234")
    assert reason is None
    assert watch.sm_clock_mhz() == 1410
    assert watch.facts() == {
        "driver": "570.124.06",
        "sm_clock_mhz": 1410,
        "default_sm_clock_mhz": None,
        "highest_sm_clock_mhz": 1980,
        "memory_clock_mhz": 1593,
        "power_limit_w": 700.0,
        "temperature_c": None,
        "mig": False,
        "other_processes": 2,  # one of the three is this one, whatever number a container gives it
    }
    assert watch.energy_mj() == 1234
    library.nvmlDeviceGetTemperature = lambda handle, sensor: 41
    library.nvmlDeviceGetDefaultApplicationsClock = lambda handle, kind: 1200
    watch, _ = monitor(CUDA, "1234")
    assert (watch.facts()["temperature_c"], watch.facts()["default_sm_clock_mhz"]) == (41, 1200)


def test_the_device_is_found_by_its_uuid(library):
    asked = []
    library.nvmlDeviceGetHandleByUUID = asked.append
    monitor(CUDA, "1234")
    monitor(CUDA, "MIG-5678")
    assert asked == ["GPU-1234", "MIG-5678"]


def test_a_slice_of_a_gpu_is_found_where_no_whole_one_has_its_uuid(library):
    def handle(name):
        if not name.startswith("MIG-"):
            raise NVMLError("Not Found")
        return name

    library.nvmlDeviceGetHandleByUUID = handle
    watch, reason = monitor(CUDA, "1234")
    assert reason is None
    assert watch.facts()["mig"] is True
    library.nvmlDeviceGetHandleByUUID = library.nvmlDeviceGetTemperature
    assert monitor(CUDA, "1234") == (None, "NVML: Not Supported")


@pytest.mark.parametrize(
    "name", ["nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"]
)
def test_what_holds_the_clock_down_is_named_under_both_names_of_the_question(library, name):
    setattr(library, name, lambda handle: 0x4 | 0x40 | 0x1)
    library.nvmlDeviceGetTemperature = lambda handle, sensor: 83
    state = monitor(CUDA, "1234")[0].state()
    assert (state.sm_clock_mhz, state.temperature_c) == (1410, 83)
    assert state.throttle_reasons == ("power cap", "hardware thermal slowdown")  # and an idle GPU is none


def test_a_library_that_lacks_a_question_answers_none(library):
    assert monitor(CUDA, "1234")[0].throttle_reasons() == ()


def test_a_default_clock_is_taken_where_there_is_one(library):
    library.nvmlDeviceGetDefaultApplicationsClock = lambda handle, kind: 1095
    assert monitor(CUDA, "1234")[0].facts()["default_sm_clock_mhz"] == 1095


def test_without_the_library_or_its_driver_the_reason_is_given(library, monkeypatch):
    def refuse():
        raise NVMLError("Driver Not Loaded")

    library.nvmlInit = refuse
    assert monitor(CUDA, "1234") == (None, "NVML: Driver Not Loaded")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    watch, reason = monitor(CUDA, "1234")
    assert watch is None
    assert "vggcost[nvml]" in reason


def test_other_devices_have_none(library):
    assert monitor(SimpleNamespace(type="cpu"), "") == (None, None)
