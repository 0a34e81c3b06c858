"""What a case is asked behind its timing, on the CPU: kernels, memory, a trace; nothing of it can fail a case."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402  # after the skip

from vggcost.bench import inspection, one_case, session  # noqa: E402
from vggcost.bench.inspection import inspected  # noqa: E402
from vggcost.bench.kernels import onednn_primitives  # noqa: E402
from vggcost.bench.measured_memory import MemoryPeaks  # noqa: E402
from vggcost.bench.protocol import Samples, Work  # noqa: E402
from vggcost.bench.trace import MARK  # noqa: E402

NAMES = ["conv1_1", "relu1_1", "pool1", "flatten", "fc6"]
ONEDNN = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


@pytest.fixture(autouse=True)
def _small_ceilings(monkeypatch):
    monkeypatch.setattr("vggcost.bench.ceilings.LONG_ENOUGH_NS", 1)
    monkeypatch.setattr("vggcost.bench.ceilings.BUDGET_S", 0.05)
    monkeypatch.setattr("vggcost.bench.ceilings.DIRECT_3X3", (3, 16, 14))
    monkeypatch.setattr(session, "cache_bytes", lambda device: None)
    monkeypatch.delenv("ONEDNN_VERBOSE", raising=False)
    monkeypatch.delenv("KINETO_LOG_LEVEL", raising=False)


@pytest.fixture
def work():
    module = nn.Sequential(
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 32 * 32, 10)
    ).eval()
    x = torch.randn(4, 8, 64, 64)
    with torch.inference_mode():
        yield Work("small", module, x, tuple(module))


def test_kernels_and_memory_are_named_for_every_layer(work, capfd):
    found = inspected(torch, "cpu", work, work.whole, NAMES)
    assert found.notes == ()
    convolution, relu, pool, flatten, linear = found.kernels
    assert any("conv" in name for name in convolution)
    assert relu == ["aten::clamp_min"]
    assert pool == ["aten::max_pool2d_with_indices"]
    assert flatten == []
    assert linear == ["aten::addmm"]
    weights = sum(parameter.nbytes for parameter in work.whole.parameters())
    image, features = work.x.nbytes, 4 * 16 * 64 * 64 * 4
    relu_peak = weights + image + 2 * features  # its input and its output
    assert found.memory.layers[1] == relu_peak
    assert found.memory.layers[0] >= weights + image + features
    # Pooling begins with ReLU's output alone, and writes a quarter of it and eight bytes a place.
    assert found.memory.layers[2] == weights + image + features + features // 4 + features // 4 * 2
    assert found.memory.whole == max(found.memory.layers)
    assert capfd.readouterr() == ("", "")
    assert "KINETO_LOG_LEVEL" not in os.environ


@ONEDNN
def test_onednn_tells_its_algorithm_and_others_keep_their_output(work, capfd):
    def talkative(x):
        print("printed inside")
        os.write(1, b"written inside\n")
        return work.layers[0](x)

    print("before")
    found = onednn_primitives(torch, (talkative, work.layers[1]), work.x)
    print("after")
    assert any(name.startswith("convolution ") and " convolution_" in name for name in found[0])
    assert found[1] == []
    seen = capfd.readouterr().out
    assert sorted(seen.split("\n")) == ["", "after", "before", "printed inside", "written inside"]
    work.layers[0](work.x)
    assert capfd.readouterr().out == ""  # it is silent again


@ONEDNN
def test_onednns_own_switch_is_left_as_it_is(work, monkeypatch):
    monkeypatch.setenv("ONEDNN_VERBOSE", "1")
    monkeypatch.setattr(inspection, "onednn_primitives", lambda *_: pytest.fail("switched"))
    found = inspected(torch, "cpu", work, work.whole, NAMES)
    assert found.kernels[0] == ["aten::mkldnn_convolution"]


def test_a_trace_holds_one_forward_with_its_layers_names(work):
    found = inspected(torch, "cpu", work, work.whole, NAMES)
    events = json.loads(found.trace)["traceEvents"]
    marked = [one["name"] for one in events if str(one.get("name")).startswith(MARK)]
    assert marked == [MARK + name for name in NAMES]


def test_a_whole_has_memory_and_a_trace_but_no_layers(work):
    found = inspected(torch, "cpu", work.replace(layers=None), work.whole, [])
    assert (found.kernels, found.memory.layers, found.notes) == (None, None, ())
    assert found.memory.whole > work.x.nbytes
    assert (MARK + "forward").encode() in found.trace


@pytest.mark.parametrize("error", [RuntimeError("CUPTI_ERROR_\nNOT_INITIALIZED"), OSError("disk"), AssertionError()])
def test_whatever_fails_becomes_a_note(work, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch.profiler, "profile", fail)
    found = inspected(torch, "cpu", work, work.whole, NAMES)
    assert (found.kernels, found.memory, found.trace) == (None, None, None)
    text = " ".join(str(error).split()) or type(error).__name__
    assert found.notes == (
        f"no trace of a forward: {text}",
        "kernels are not named: they are read out of the trace",
        "memory was not measured: nothing counts what this cpu device allocates",
    )


def test_a_failure_in_one_question_leaves_the_others(work, monkeypatch):
    def fail(*_):
        raise ValueError("no such field")

    monkeypatch.setattr(inspection, "host_operators", fail)
    found = inspected(torch, "cpu", work, work.whole, NAMES)
    assert found.notes == ("kernels are not named: no such field",)
    assert found.memory is not None
    assert found.trace is not None


def test_a_device_that_queues_is_asked_by_its_allocator(work, monkeypatch):
    """The device's own counters stand in for a GPU's: what a forward allocates there is 1000 bytes a layer."""
    marks = iter(range(7_000, 20_000, 1_000))
    waits = []
    room = SimpleNamespace(
        synchronize=lambda: waits.append(1),
        memory_allocated=lambda: 5_000,
        reset_peak_memory_stats=lambda: None,
        max_memory_allocated=lambda: next(marks),
    )
    monkeypatch.setattr(torch, "cuda", room)
    found = inspected(torch, "cuda", work, work.whole, NAMES)
    held = sum(parameter.nbytes for parameter in work.whole.parameters()) + work.x.nbytes
    assert found.memory == MemoryPeaks(held + 2_000, tuple(held + 1_000 * more for more in (3, 4, 5, 6, 7)))
    assert len(waits) == 4  # behind each of two profiled forwards, before the whole, before the layers
    assert found.kernels is None  # this profiler sees no kernel of a GPU
    assert found.notes == ("kernels are not named: torch's profiler recorded no kernel of this cuda device",)


def test_a_device_that_counts_nothing_is_said(work, monkeypatch):
    monkeypatch.setattr(torch.mps, "synchronize", lambda: None)
    found = inspected(torch, "mps", work, work.whole, NAMES)
    assert found.memory is None
    assert "memory was not measured: nothing counts what this mps device allocates" in found.notes


def test_a_failure_costs_no_case(monkeypatch, vggcost):
    monkeypatch.setattr(torch.profiler, "profile", lambda **_: (_ for _ in ()).throw(RuntimeError("no profiler")))
    ran = vggcost("bench", "A", "--size", "32", "--width", "0.25", "--budget", "20", "--device", "cpu",
                  "--no-adaptive-pool", "--head", "none", "--format", "json")  # fmt: skip
    assert ran.status == 0
    (case,) = json.loads(ran.out)["cases"]
    assert case["notes"][0] == "no trace of a forward: no profiler"
    assert {layer["kernels"] for layer in case["layers"]} == {None}
    assert case["in_use_bytes_measured"] is None
    assert case["in_use_bytes_estimated"] > 0


BENCH = ("bench", "A", "--size", "32", "--width", "0.25", "--budget", "20", "--device", "cpu", "--no-adaptive-pool",
         "--head", "none")  # fmt: skip


def test_a_trace_is_written_and_the_result_tells_kernels_and_memory(vggcost, tmp_path):
    path = tmp_path / "trace.json"
    ran = vggcost(*BENCH, "--format", "json", "--trace", str(path))
    assert ran.status == 0
    made = json.loads(ran.out)
    (case,) = made["cases"]
    assert "trace" not in case
    assert case["notes"] == []
    assert case["in_use_bytes_measured"] > 0
    for measured in ("in_use_bytes_measured", "in_use_bytes_estimated"):
        assert max(layer[measured] for layer in case["layers"]) == case[measured]
    assert made["ceiling"] == {key: made["ceilings"][key] for key in ("kernel", "flops_per_s")}
    events = json.loads(path.read_bytes())["traceEvents"]
    assert [MARK + layer["name"] for layer in case["layers"]] == [
        event["name"] for event in events if str(event.get("name")).startswith(MARK)
    ]
    assert sorted(os.listdir(tmp_path)) == ["trace.json"]


def test_a_trace_that_could_not_be_made_is_said_and_the_times_stand(monkeypatch, vggcost, tmp_path):
    monkeypatch.setattr(torch.profiler, "profile", lambda **_: (_ for _ in ()).throw(RuntimeError("no profiler")))
    path = tmp_path / "trace.json"
    ran = vggcost(*BENCH, "--whole", "--format", "json", "--trace", str(path))
    assert ran.status == 1
    assert json.loads(ran.out)["complete"] is True
    assert "no trace was written" in ran.err
    assert "no profiler" in ran.err
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trace", "/nowhere/at/all.json"), "--trace is '/nowhere/at/all.json', but there is no directory"),
        (("--trace", "."), "--trace is '.', which is a directory"),
        (("--trace", ""), "--trace is empty"),
        (("--trace", "-"), "give a file"),
        (("--trace", "x.json", "-o", "./x.json"), "give two files"),
        (("--trace", "x.json", "--batch", "1,2"), "--trace has one network at one batch, and 2 are asked for"),
        (("--trace", "x.json", "--load", "y.json"), "leave --trace away"),
    ],
)
def test_a_trace_that_cannot_be_is_refused_before_anything_is_built(refused, monkeypatch, words, message, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(one_case, "build", lambda *_, **__: pytest.fail("built"))
    assert message in refused("bench", *words)
    assert os.listdir(tmp_path) == []


def test_ctrl_c_behind_the_timing_keeps_the_times(work, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspection, "inspected", interrupt)
    samples = Samples()
    samples.stopped_by = "deviation"
    rows = [{"name": name} for name in NAMES]
    found = inspection.inspect_case(torch, torch.device("cpu"), work, work.whole, rows, samples, None)
    assert samples.stopped_by == "interrupted"
    assert found["notes"] == ["kernels and memory were not asked for: interrupted"]
    assert [(row["kernels"], row["in_use_bytes_measured"], row["in_use_bytes_estimated"]) for row in rows] == [
        (None, None, None)
    ] * 5
    monkeypatch.setattr(inspection, "inspected", lambda *_: pytest.fail("asked after Ctrl-C"))
    assert inspection.inspect_case(torch, torch.device("cpu"), work, work.whole, rows, samples, None) == found
