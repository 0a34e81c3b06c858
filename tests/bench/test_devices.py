"""Devices and memory as machines tell them, on a torch that is not there and files that the test writes."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from simulated_device import Device, SimulatedDevice

from vggcost.bench import devices, environment
from vggcost.bench.devices import cache_bytes, device_named, free_bytes, has_events, torch_dtype
from vggcost.errors import VggcostError


@pytest.fixture
def torch(monkeypatch):
    made = SimulatedDevice().torch
    monkeypatch.setitem(sys.modules, "torch", made)
    return made


def files(monkeypatch, **contents):
    """Let devices and environment find these files and no others."""

    def find(path, **_):
        if path not in contents:
            raise FileNotFoundError(path)
        return io.StringIO(contents[path])

    for room in (devices, environment):
        monkeypatch.setattr(room, "open", find, raising=False)


def test_names_that_are_no_device(torch):
    for name in ("tpu", "cuda:x", "cuda:-1", "gpu:", "cpux"):
        if name == "gpu:":
            assert device_named(name) == Device("cuda", 0)
            continue
        with pytest.raises(VggcostError, match="unknown device"):
            device_named(name)
    assert device_named("cpu") == Device("cpu")
    assert devices.default_device() == "cuda"


def test_a_mac_has_one_device_without_events_and_says_its_memory(torch):
    torch.backends.mps.is_available = lambda: True
    torch.mps = SimpleNamespace(recommended_max_memory=lambda: 100, driver_allocated_memory=lambda: 30)
    assert device_named("mps") == Device("mps", 0)
    assert not has_events(Device("mps", 0))
    assert free_bytes(Device("mps")) == 70
    with pytest.raises(VggcostError, match="1 of kind mps"):
        device_named("mps:1")
    assert cache_bytes(Device("mps")) is None


def test_a_device_that_does_not_tell_its_memory(torch):
    assert free_bytes(Device("cuda", 0)) > 0

    def refuse(device):
        raise RuntimeError("not supported")

    torch.xpu.mem_get_info = refuse
    assert free_bytes(Device("xpu", 0)) is None


def test_on_other_devices_advice_is_the_cpu(torch):
    torch.xpu.synchronize = lambda: (_ for _ in ()).throw(RuntimeError("late error"))
    with pytest.raises(VggcostError, match=r"does not run torch 2.13.0 \(late error\); give --device cpu"):
        devices.check_dtype(Device("xpu", 0), "float32")


def test_a_group_leaves_what_its_limit_and_its_cache_say(monkeypatch):
    folder = "/sys/fs/cgroup"
    group = {
        f"{folder}/memory.max": "1000",
        f"{folder}/memory.current": "700",
        f"{folder}/memory.stat": "inactive_file 50",
    }
    files(monkeypatch, **group, **{"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 2 kB\n"})
    assert devices.free_host_bytes() == 350
    files(monkeypatch, **group | {f"{folder}/memory.max": "max"}, **{"/proc/meminfo": "MemAvailable: 2 kB\n"})
    assert devices.free_host_bytes() == 2048
    files(monkeypatch)
    monkeypatch.setattr(devices.os, "sysconf", lambda name: 3)
    assert devices.free_host_bytes() == 9

    def refuse(name):
        raise ValueError(name)

    monkeypatch.setattr(devices.os, "sysconf", refuse)
    assert devices.free_host_bytes() is None


def test_the_largest_cache_is_the_last_level(torch, monkeypatch):
    folder = "/sys/devices/system/cpu/cpu0/cache"
    monkeypatch.setattr(devices.os, "listdir", lambda path: ["index0", "index1", "uevent"])
    files(monkeypatch, **{f"{folder}/index0/size": "48K", f"{folder}/index1/size": "32M"})
    assert cache_bytes(Device("cpu")) == 32 << 20
    files(monkeypatch)
    assert cache_bytes(Device("cpu")) is None


def test_a_dtype_that_is_none(torch):
    assert torch_dtype("tf32") == "float32"
    with pytest.raises(VggcostError, match="not one that bench times"):
        torch_dtype("int4")
    torch.cuda.get_device_capability = lambda device=None: (7, 5)
    with pytest.raises(VggcostError, match=r"does not do tf32.*give --dtype float32"):
        devices.check_dtype(Device("cuda", 0), "tf32")


def test_what_a_machine_does_not_tell_is_none_or_the_least_there_is(torch, monkeypatch):
    files(monkeypatch, **{"/proc/cpuinfo": "flags: x\nmodel name : Simulated 9000\n"})
    assert environment.cpu_name() == "Simulated 9000"
    files(monkeypatch)
    monkeypatch.setattr(environment.platform, "processor", lambda: "")
    monkeypatch.setattr(environment.platform, "machine", lambda: "x86_64")
    assert environment.cpu_name() == "x86_64"

    def refuse():
        raise OSError

    monkeypatch.setattr(environment.os, "getloadavg", refuse)
    assert environment.load_average() is None
    monkeypatch.delattr(environment.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(environment.os, "cpu_count", lambda: 7)
    assert environment.environment(Device("cpu"), None, None)["cpu_cores"] == 7
    assert environment.uuid_of(Device("cpu")) == ""


@pytest.mark.parametrize(("value", "said"), [("1", True), ("0", False), ("", False)])
def test_a_variable_that_makes_launches_block(monkeypatch, value, said):
    monkeypatch.setenv("AMD_SERIALIZE_KERNEL", value)
    assert (environment.launch_blocking() == "AMD_SERIALIZE_KERNEL") is said
