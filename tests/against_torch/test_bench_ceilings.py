"""The ceilings: how large the product and the copy are, and that the best sample is the ceiling."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vggcost.bench import ceilings as room  # noqa: E402  # after the skip
from vggcost.bench.ceilings import ceilings  # noqa: E402
from vggcost.bench.environment import environment  # noqa: E402
from vggcost.bench.host_clock import HostClock  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 1)
    monkeypatch.setattr(room, "BUDGET_S", 0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_best_sample_is_the_ceiling(dtype):
    measured = ceilings(HostClock(), CPU, dtype, None)
    assert measured.matmul_side == 512
    assert measured.copy_bytes == 64 << 20
    assert measured.flops_per_s == 2 * 512**3 / min(measured.matmul_ns) * 1e9
    assert measured.bytes_per_s == 2 * measured.copy_bytes / min(measured.copy_ns) * 1e9
    assert 1 <= len(measured.matmul_ns) <= room.SAMPLES


def test_the_product_grows_until_it_lasts_or_is_the_largest(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 10**12)
    monkeypatch.setattr(room, "LARGEST_SIDE", 1024)
    assert ceilings(HostClock(), CPU, torch.float32, None).matmul_side == 1024


def test_the_copy_is_four_caches_large_within_its_limits():
    assert ceilings(HostClock(), CPU, torch.float32, 20 << 20).copy_bytes == 80 << 20
    assert ceilings(HostClock(), CPU, torch.float32, 1 << 30).copy_bytes == 256 << 20


def test_little_memory_makes_both_small(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 10**12)
    measured = ceilings(HostClock(), CPU, torch.float64, None, free_bytes=(32 << 20) + 12)
    assert measured.matmul_side == 512  # three of the next size would take 25 MB of the 8 MiB
    assert measured.copy_bytes <= 4 << 20
    assert measured.copy_bytes % 8 == 0


def test_both_run_for_a_while_before_they_are_sampled():
    forwards = []

    class Counted(HostClock):
        def prepare(self):
            forwards.append(1)

    measured = ceilings(Counted(), CPU, torch.float32, None, None, 0.2)
    assert len(forwards) > len(measured.matmul_ns) + len(measured.copy_ns) + 3


def test_the_environment_names_the_machine_and_the_switches():
    seen = environment(CPU, None, None)
    assert seen["device"] == "cpu"
    assert seen["threads"] == torch.get_num_threads()
    assert seen["torch"] == torch.__version__
    assert seen["cudnn"] is None
    for key in ("device_name", "cpu", "cpu_capability", "python", "platform", "onednn", "matmul_allow_tf32"):
        assert seen[key] is not None, key
