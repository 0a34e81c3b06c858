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
        "default_sm_clock_mhz": 1980,  # no default is set, so the highest stands for it
        "memory_clock_mhz": 1593,
        "power_limit_w": 700.0,
        "temperature_c": None,
    }


def test_the_device_is_found_by_its_uuid(library):
    asked = []
    library.nvmlDeviceGetHandleByUUID = asked.append
    monitor(CUDA, "1234")
    monitor(CUDA, "MIG-5678")
    assert asked == ["GPU-1234", "MIG-5678"]


def test_a_default_clock_is_taken_where_there_is_one(library):
    library.nvmlDeviceGetDefaultApplicationsClock = lambda handle, kind: 1095
    assert monitor(CUDA, "1234")[0].default_sm_clock_mhz() == 1095


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
