"""The ceilings: what is tried for each, how large it is, and that the best sample of the best kernel is the ceiling."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from vggcost.bench import ceilings as room  # noqa: E402  # after the skip
from vggcost.bench.ceilings import CeilingKernel, Ceilings, ceilings  # noqa: E402
from vggcost.bench.environment import environment  # noqa: E402
from vggcost.bench.host_clock import HostClock  # noqa: E402
from vggcost.bench.numerics import numerics  # noqa: E402
from vggcost.bench.protocol import ForwardTimes  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 1)
    monkeypatch.setattr(room, "BUDGET_S", 0.05)
    monkeypatch.setattr(room, "DIRECT_3X3", (3, 16, 28))
    monkeypatch.setattr(room, "DIRECT_1X1", (1, 16, 28))


class ScriptedClock(HostClock):
    """Operations run, and take what the script says: the time of an operation is its FLOPs over a speed."""

    def __init__(self, time_ns):
        super().__init__()
        self.time_ns = time_ns
        self.host_ns = 0
        self.ran = 0

    def now_ns(self):
        return self.host_ns

    def marks(self, count):
        clock = self

        class Marks:
            def record(self, index):
                """Nothing is read."""

            def read(self):
                clock.ran += 1
                took = clock.time_ns(clock.ran)
                clock.host_ns += took
                return ForwardTimes((0, took), (0, took), None)

        return Marks()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_best_sample_of_the_best_kernel_is_the_ceiling(dtype):
    measured = ceilings(HostClock(), CPU, dtype, None)
    assert measured.matmul_side == 512
    assert measured.copy_bytes == 64 << 20
    product, linear, first, last = measured.compute
    assert (product.amount, linear.amount) == (2 * 512**3, 2 * 512**3)
    assert first.amount == last.amount == 2 * 16 * 14 * 14 * 16
    assert [tried.kernel.partition(" ")[0] for tried in measured.compute] == ["matrix", "linear", "1x1", "1x1"]
    assert [tried.amount for tried in measured.memory] == [2 * (64 << 20), 64 << 20]
    for tried in (*measured.compute, *measured.memory):
        assert len(tried.samples_ns) >= 1
    values = measured.values()
    assert values["flops_per_s"] == max(tried.amount / min(tried.samples_ns) * 1e9 for tried in measured.compute)
    assert values["bytes_per_s"] == max(tried.amount / min(tried.samples_ns) * 1e9 for tried in measured.memory)
    assert values["matmul_ns"] == list(product.samples_ns)
    assert values["copy_ns"] == list(measured.memory[0].samples_ns)
    assert json.loads(json.dumps(values)) == values


def test_the_fastest_kernel_is_named():
    slow = CeilingKernel("matrix product of side 512", 2 * 512**3, (2_000_000, 1_500_000))
    fast = CeilingKernel("3x3 convolution", 7_000_000_000, (16_000_000, 14_000_000))
    copy, read = CeilingKernel("copy of 1 MiB", 2 << 20, (100_000,)), CeilingKernel("read of 1 MiB", 1 << 20, (40_000,))
    values = Ceilings((slow, fast), (copy, read), 512, 1 << 20, ()).values()
    assert (values["kernel"], values["flops_per_s"]) == ("3x3 convolution", 500e9)
    assert (values["memory_kernel"], values["bytes_per_s"]) == ("read of 1 MiB", (1 << 20) / 40_000 * 1e9)
    assert [tried["kernel"] for tried in values["compute"]] == ["matrix product of side 512", "3x3 convolution"]


def test_a_convolution_is_3x3_only_where_no_library_uses_winograd():
    direct = ceilings(HostClock(), CPU, torch.float32, None, winograd=False)
    assert [tried.kernel for tried in direct.compute[2:]] == [
        "3x3 convolution 16 to 16 of 1x14x14, channels first",
        "3x3 convolution 16 to 16 of 1x14x14, channels last",
    ]
    assert direct.compute[2].amount == 2 * 16 * 14 * 14 * 16 * 9


def test_everything_grows_until_it_lasts_or_is_the_largest(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 10**12)
    monkeypatch.setattr(room, "LARGEST_SIDE", 1024)
    monkeypatch.setattr(room, "LARGEST_BATCH", 4)
    measured = ceilings(HostClock(), CPU, torch.float32, None)
    assert measured.matmul_side == 1024
    assert [tried.kernel for tried in measured.compute[2:]] == [
        "1x1 convolution 16 to 16 of 4x28x28, channels first",
        "1x1 convolution 16 to 16 of 4x28x28, channels last",
    ]


def test_one_disturbed_run_makes_nothing_look_large_enough(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 1_000)
    monkeypatch.setattr(room, "LARGEST_SIDE", 1024)
    disturbed = ScriptedClock(lambda ran: 10 if ran == 4 else 5_000)  # four of the first five runs are interrupted
    assert ceilings(disturbed, CPU, torch.float32, None).matmul_side == 1024
    undisturbed = ScriptedClock(lambda ran: 5_000)
    assert ceilings(undisturbed, CPU, torch.float32, None).matmul_side == 512


def test_what_cannot_run_is_left_out_with_its_reason(monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("no kernel image\nis available")

    monkeypatch.setattr(torch.nn.functional, "conv2d", refuse)
    measured = ceilings(HostClock(), CPU, torch.float32, None)
    assert [tried.kernel.partition(" of")[0] for tried in measured.compute] == ["matrix product", "linear layer"]
    assert measured.left_out == (
        "1x1 convolution, channels first: no kernel image is available",
        "1x1 convolution, channels last: no kernel image is available",
    )
    assert measured.values()["left_out"] == list(measured.left_out)


def test_the_copy_is_four_caches_large_within_its_limits(monkeypatch):
    monkeypatch.setattr(room, "LARGEST_BUFFER_BYTES", 256 << 20)
    assert ceilings(HostClock(), CPU, torch.float32, 20 << 20).copy_bytes == 80 << 20
    assert ceilings(HostClock(), CPU, torch.float32, 1 << 30).copy_bytes == 256 << 20


def test_little_memory_makes_all_small(monkeypatch):
    monkeypatch.setattr(room, "LONG_ENOUGH_NS", 10**12)
    monkeypatch.setattr(room, "DIRECT_1X1", (1, 64, 28))
    measured = ceilings(HostClock(), CPU, torch.float64, None, free_bytes=(32 << 20) + 12)
    assert measured.matmul_side == 512  # three of the next size would take 25 MB of the 8 MiB
    assert measured.copy_bytes <= 4 << 20
    assert measured.copy_bytes % 8 == 0
    # Two images of 28x28 have 800 KB; twice that and its workspace, doubled once more, would be above 8 MiB.
    assert "of 2x28x28" in measured.compute[2].kernel


def test_product_and_copy_run_for_a_while_before_they_are_sampled():
    clock = ScriptedClock(lambda ran: 10_000_000)
    measured = ceilings(clock, CPU, torch.float32, None, None, 0.2)
    sampled = sum(len(tried.samples_ns) for tried in (*measured.compute, *measured.memory))
    # Cold runs and those that find the size: 6 a product and a convolution, 1 each for the others; 20 twice for 0.2 s.
    assert clock.ran == sampled + 3 * 6 + 3 + 2 * 20


def test_sampling_goes_on_while_it_finds_faster_ones(monkeypatch):
    monkeypatch.setattr(room, "BUDGET_S", 1.0)
    falling = ScriptedClock(lambda ran: max(100 - ran, 80) * 1_000_000)
    assert len(room._samples(falling, lambda x: x, None)) == 11  # 94 ms each on the mean, until a second is over
    monkeypatch.setattr(room, "BUDGET_S", 10.0)
    falling = ScriptedClock(lambda ran: max(100 - ran, 80) * 1_000_000)
    assert len(room._samples(falling, lambda x: x, None)) == 25  # the twentieth is the first that takes 80 ms


def test_the_environment_names_the_machine_and_the_switches():
    seen = environment(CPU, None, None)
    assert seen["device"] == "cpu"
    assert seen["threads"] == torch.get_num_threads()
    assert seen["torch"] == torch.__version__
    assert seen["cudnn"] is None
    for key in ("device_name", "cpu", "cpu_capability", "python", "platform", "onednn", "matmul_allow_tf32"):
        assert seen[key] is not None, key


@pytest.mark.parametrize("benchmark", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "tf32"])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_environment_follows_the_switches(benchmark, dtype, threads):
    with numerics(CPU, dtype, threads=threads, cudnn_benchmark=benchmark):
        seen = environment(CPU, None, None)
    assert seen["threads"] == threads
    assert seen["cudnn_benchmark"] is benchmark
    assert seen["cudnn_allow_tf32"] is seen["matmul_allow_tf32"] is (dtype == "tf32")
    assert seen["load_average"] is not None
