"""Whole runs on a simulated device, from the settings to the verdict: what a card, a driver or a program may do.

Each row of SCENARIOS is one such thing and what the document must say of it; all else of the run must stay in order.
"""

from __future__ import annotations

import sys
from functools import partial
from types import SimpleNamespace

import pytest
from simulated_device import CompilerError, SimulatedDevice, SimulatedTensor

from vggcost.bench import event_clock, host_clock, numerics, one_case, session
from vggcost.bench.graph_replay import capture_stream
from vggcost.bench.result import to_json
from vggcost.bench.session import run
from vggcost.bench.settings import Settings
from vggcost.bench.subjects import Subject
from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.traced_forward import NotTraceableError
from vggcost.predict import calibration, measurement
from vggcost.predict import subject as forecasts
from vggcost.report import bench as bench_report
from vggcost.report.formats import rendered

BUSY_NS = {"conv1": 900_000, "relu1": 40_000, "conv2": 2_500_000, "fc": 700_000}


class SimulatedModule:
    """Layers in a row; a fault, where there is one, is raised or played from a forward of its own number on."""

    def __init__(self, device, fault=None, at=0, **options):
        self.device, self.fault, self.at = device, fault, at
        self.layers = [device.layer(name, busy_ns, **options) for name, busy_ns in BUSY_NS.items()]
        self.forwards = 0

    def to(self, **_):
        return self

    def eval(self):
        return self

    def first(self, x):
        """The first layer, and the fault in front of it."""
        self.forwards += 1
        if self.fault is not None and self.forwards >= self.at:
            self.fault()
        return self.layers[0](x)

    def __call__(self, x):
        x = self.first(x)
        for layer in self.layers[1:]:
            x = layer(x)
        return x

    def steps(self):
        """What tracing finds, or a fault."""
        row = {"kind": "Conv2d", "path": None, "input": [1, 3], "output": [1, 3], "params": 1, "winograd": False}
        rows = [{**row, "name": name, "macs": 5, "flops": 10, "min_bytes": 99, "runs": True} for name in BUSY_NS]
        calls = [self.first, *self.layers[1:]]
        return [SimpleNamespace(call=call, row=made) for call, made in zip(calls, rows, strict=True)]


class Bench:
    """A simulated machine with one card, and what is to be measured on it."""

    def __init__(self, monkeypatch, **card):
        self.monkeypatch = monkeypatch
        self.device = device = SimulatedDevice(**card)
        self.torch = device.torch
        monkeypatch.setitem(sys.modules, "torch", device.torch)
        monkeypatch.setitem(sys.modules, "pynvml", None)
        monkeypatch.setattr(session, "EventClock", partial(event_clock.EventClock, host_ns=device.now_ns))
        monkeypatch.setattr(host_clock, "time", SimpleNamespace(perf_counter_ns=device.now_ns))
        monkeypatch.setattr(session, "_measure_ceilings", lambda bench, document: None)
        monkeypatch.setattr(one_case, "traced_steps", lambda module, x: module.steps())
        self.say = lambda line: None

    def subject(self, name="net", batch=1, **faults):
        return Subject(name, (batch, 3, 8, 8), None, lambda: SimulatedModule(self.device, **faults))

    def run(self, *subjects, **settings):
        return run(subjects or [self.subject()], Settings(**{"device": "cuda", "budget_s": 20.0} | settings), self.say)

    def with_nvml(self, **answers):
        def refuse(*_):
            raise LookupError("Not Supported")

        device = self.device
        library = {
            "NVMLError": LookupError,
            "NVML_CLOCK_SM": 1,
            "NVML_CLOCK_MEM": 2,
            "NVML_TEMPERATURE_GPU": 0,
            "nvmlInit": lambda: None,
            "nvmlDeviceGetHandleByUUID": lambda name: name,
            "nvmlDeviceGetClockInfo": lambda handle, kind: 1500,
            "nvmlDeviceGetDefaultApplicationsClock": refuse,
            "nvmlDeviceGetMaxClockInfo": lambda handle, kind: 1500,
            "nvmlDeviceGetEnforcedPowerLimit": lambda handle: 115_000,
            "nvmlDeviceGetTemperature": lambda handle, kind: 60,
            "nvmlSystemGetDriverVersion": lambda: "580.65.06",
            "nvmlDeviceGetComputeRunningProcesses": lambda handle: [SimpleNamespace(pid=1)],
            "nvmlDeviceGetCurrentClocksEventReasons": lambda handle: 0,
        }
        made = {name: partial(answer, device) if name in answers else answer for name, answer in library.items()}
        made |= {name: partial(answer, device) for name, answer in answers.items()}
        self.monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace(**made))


@pytest.fixture
def bench(monkeypatch):
    return partial(Bench, monkeypatch)


def gates(outcome):
    return {line["gate"] for line in outcome.document["verdict"]}


def text(outcome, gate):
    return " ".join(line["text"] for line in outcome.document["verdict"] if line["gate"] == gate)


def test_a_sound_card_gives_a_complete_result_and_no_doubt(bench):
    machine = bench()
    outcome = machine.run()
    document = outcome.document
    case = document["cases"][0]
    assert (document["complete"], document["refused"], document["verdict"]) == (True, [], [])
    assert list(case["passes"]) == ["layers", "whole", "graph"]
    assert [layer["median_ns"] for layer in case["layers"]] == pytest.approx(list(BUSY_NS.values()), abs=3)
    assert sum(layer["share"] for layer in case["layers"]) == pytest.approx(1)
    assert case["under_load"]["sm_clock_mhz"] == {"min": 1500, "median": 1500, "max": 1500}
    assert document["environment"]["compute_capability"] == "9.0"
    assert document["settings"]["protocol"]["spin_ns"] == case["spin_ns"] == event_clock.FIRST_SPIN_NS
    assert "100.0 MiB zeroed" in document["settings"]["protocol"]["cache"]
    assert machine.torch.backends.cudnn.conv.fp32_precision == "tf32"  # put back


@pytest.mark.parametrize("word", ["gpu", "nvidia", "rocm", "GPU:0", "cuda"])
def test_other_words_for_cuda(bench, word):
    assert bench().run(device=word).document["environment"]["device"] == "cuda:0"


def test_the_second_card(bench):
    assert bench().run(device="cuda:1").document["environment"]["device"] == "cuda:1"
    with pytest.raises(VggcostError, match=r"no device 'cuda:2': 2 of kind cuda"):
        bench().run(device="gpu:2")


def test_two_devices_in_one_process_have_a_capture_stream_each(bench):
    machine = bench()
    for name in ("cuda:0", "cuda:1", "cuda:0"):
        assert "graph" in machine.run(device=name).document["cases"][0]["passes"]
    assert [str(stream.place) for stream in machine.device.streams] == ["cuda:0", "cuda:1"]
    assert capture_stream(machine.torch, machine.torch.device("cuda", 1)).number == 2


def broken():
    raise RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED")


# check_runs is forward 1, the first round 2 and 3, the capture 4 to 7.
@pytest.mark.parametrize(("phase", "at"), [("check", 1), ("first round", 2), ("warm-up", 12), ("sampling", 120)])
def test_a_case_that_fails_in_any_phase_costs_the_others_nothing(bench, phase, at):
    machine = bench()
    outcome = machine.run(machine.subject("a"), machine.subject("b", fault=broken, at=at), machine.subject("c"))
    document = outcome.document
    assert [case["network"]["name"] for case in document["cases"]] == ["a", "c"], phase
    assert [refusal["case"] for refusal in document["refused"]] == ["b at batch 1"]
    assert "CUDNN_STATUS_EXECUTION_FAILED" in document["refused"][0]["reason"]
    assert document["complete"] is False
    assert gates(outcome) == {"refused"}
    assert machine.device.stream is machine.device.default_stream


def test_a_case_that_fails_while_it_is_built_costs_the_others_nothing(bench):
    machine = bench()
    failing = Subject("b", (1, 3, 8, 8), None, broken)
    document = machine.run(failing, machine.subject("c")).document
    assert [case["network"]["name"] for case in document["cases"]] == ["c"]
    assert document["refused"] == [
        {"case": "b at batch 1", "reason": "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"}
    ]


def test_ceilings_that_fail_are_refused_and_the_networks_are_measured(bench):
    machine = bench()
    machine.monkeypatch.setattr(session, "_measure_ceilings", lambda bench, document: broken())
    document = machine.run().document
    assert document["ceilings"] is None
    assert document["refused"][0]["case"] == "the ceilings"
    assert len(document["cases"]) == 1


def test_a_device_that_is_lost_ends_the_run(bench):
    machine = bench()

    def lose():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def empty_cache():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def lost():
        machine.torch.cuda.empty_cache = empty_cache
        lose()

    outcome = machine.run(machine.subject("a"), machine.subject("b", fault=lost, at=20), machine.subject("c"))
    assert [case["network"]["name"] for case in outcome.document["cases"]] == ["a"]
    reasons = {refusal["case"]: refusal["reason"] for refusal in outcome.document["refused"]}
    assert "illegal memory access" in reasons["b at batch 1"]
    assert "not begun" in reasons["c at batch 1"]


def test_amds_cards_are_named_as_what_they_are_and_tell_no_clock(bench):
    machine = bench()
    machine.torch.version.cuda, machine.torch.version.hip = None, "6.4"
    document = machine.run(device="rocm").document
    assert (document["environment"]["cuda"], document["environment"]["rocm"]) == (None, "6.4")
    assert document["cases"][0]["under_load"]["sm_clock_mhz"] is None
    assert document["complete"]


def test_a_card_without_event_timing_is_timed_by_the_host_and_the_result_says_so(bench):
    machine = bench()
    machine.device.refuses["Event"] = "Backend doesn't support events."
    document = machine.run().document
    assert document["settings"]["protocol"]["synchronised_marks"] is True
    assert list(document["cases"][0]["passes"]) == ["layers", "whole"]
    assert document["cases"][0]["spin_ns"] is None


def test_an_autotuner_that_changes_its_mind_spreads_the_times(bench):
    machine = bench()

    def make():
        module = SimulatedModule(machine.device)
        quick, slow = module.layers[2], machine.device.layer("conv2", 5_000_000)

        def moody(x):
            chosen = slow if module.forwards % 5 < 2 else quick
            return chosen(x)

        module.layers[2] = moody
        return module

    outcome = machine.run(Subject("moody", (1, 3, 8, 8), None, make), per_layer=False)
    assert "spread" in gates(outcome)
    assert outcome.document["complete"]


def test_a_laptop_card_that_throttles_is_flagged_with_its_reason(bench):
    machine = bench()

    def throttles(device):
        return device.busy_ns > 3_000_000_000

    def clock(device, handle, kind):
        return 900 if throttles(device) else 1500

    machine.with_nvml(
        nvmlDeviceGetClockInfo=clock,
        nvmlDeviceGetCurrentClocksEventReasons=lambda device, handle: 0x24 if throttles(device) else 0x1,
    )
    outcome = machine.run(machine.subject("a"), machine.subject("b"), machine.subject("c"), budget_s=4.0)
    first, last = outcome.document["cases"][0], outcome.document["cases"][-1]
    assert first["under_load"]["throttle_reasons"] == {}
    assert last["under_load"]["sm_clock_mhz"]["min"] == 900
    assert {"slow_clock", "throttled"} <= gates(outcome)
    assert "power cap in" in text(outcome, "throttled")
    assert "of the highest SM clock of 1500 MHz (down to 900)" in text(outcome, "slow_clock")


def test_a_slice_of_a_card_and_its_other_users_are_named(bench):
    machine = bench()

    def handle(device, name):
        if name.startswith("GPU-"):
            raise LookupError("Not Found")
        return name

    others = [SimpleNamespace(pid=pid) for pid in (1, 2)]
    machine.with_nvml(
        nvmlDeviceGetHandleByUUID=handle, nvmlDeviceGetComputeRunningProcesses=lambda device, handle: others
    )
    outcome = machine.run()
    assert gates(outcome) == {"mig", "other_processes"}
    assert outcome.document["environment"]["nvml"]["driver"] == "580.65.06"


def test_a_dtype_that_the_card_lacks_is_refused_with_advice_that_helps(bench):
    machine = bench()
    machine.device.refuses["bfloat16"] = "bfloat16 is not supported"
    with pytest.raises(VggcostError, match=r"cuda:0 does not do bfloat16 .*give --dtype float32"):
        machine.run(dtype="bfloat16")


def test_a_torch_without_kernels_for_the_card_is_told_from_a_dtype(bench):
    machine = bench()
    machine.device.refuses["rand"] = "CUDA error: no kernel image is available for execution on the device"
    with pytest.raises(VggcostError, match=r"no kernel image.*built for compute capability 9.0, or give --device cpu"):
        machine.run(dtype="float16")


def test_a_forward_that_fx_cannot_follow_is_timed_as_a_whole(bench):
    machine = bench()

    def refuse(module, x):
        raise NotTraceableError("control flow depends on data")

    machine.monkeypatch.setattr(one_case, "traced_steps", refuse)
    outcome = machine.run()
    assert list(outcome.document["cases"][0]["passes"]) == ["whole", "graph"]
    assert gates(outcome) == {"no_layers"}


def test_a_compiler_that_fails_is_a_refusal(bench):
    machine = bench()

    def compiled(module):
        def fail(x):
            raise CompilerError("Cannot find a working triton installation")

        return fail

    machine.torch.compile = compiled
    outcome = machine.run(compile=True, per_layer=False)
    assert outcome.document["cases"] == []
    assert "or install triton" in outcome.document["refused"][0]["reason"]


def test_launches_that_block_are_named_and_the_budget_is_not_spent_on_spins(bench, monkeypatch):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    outcome = bench(blocking=True).run()
    assert {"launch_blocking", "dispatch_bound"} <= gates(outcome)
    assert "CUDA_LAUNCH_BLOCKING" in text(outcome, "dispatch_bound")
    assert outcome.document["cases"][0]["rounds"] >= 30


def test_a_cold_whole_reaches_its_forwards_within_the_budget(bench):
    machine = bench()
    cold = Subject("cold", (1, 3, 8, 8), None, lambda: SimulatedModule(machine.device, tuning_ns=500_000_000))
    outcome = machine.run(cold, per_layer=False)
    assert "few_forwards" not in gates(outcome)
    spins = [entry.ends_ns - entry.begins_ns for entry in machine.device.log if entry.what == "spin"]
    assert max(spins) <= 1.01 * event_clock.CALIBRATION_CYCLES / 1.5  # the calibration's own is the longest


def test_an_allocator_that_gives_up_is_a_refusal_with_advice(bench):
    machine = bench(memory=300 << 20)
    outcome = machine.run(machine.subject("large", batch=8, takes=200 << 20), machine.subject("small"))
    assert "half way; give a smaller --batch" in outcome.document["refused"][0]["reason"]
    assert [case["network"]["name"] for case in outcome.document["cases"]] == ["small"]
    alone = bench(memory=300 << 20)
    outcome = alone.run(alone.subject("large", takes=200 << 20))
    assert "give a smaller --size or --dtype" in outcome.document["refused"][0]["reason"]


@pytest.mark.parametrize("words", ["CUBLAS_STATUS_ALLOC_FAILED when calling", "CUDNN_STATUS_ALLOC_FAILED"])
def test_a_library_that_finds_no_memory_is_out_of_memory(bench, words):
    machine = bench()

    def fail():
        raise RuntimeError(words)

    outcome = machine.run(machine.subject("net", batch=8, fault=fail, at=5))
    assert "half way; give a smaller --batch" in outcome.document["refused"][0]["reason"]


def test_a_card_with_no_room_for_the_clocks_own_buffer_is_refused_in_one_line(bench):
    with pytest.raises(VggcostError, match=r"cuda:0 cannot be timed .*out of memory"):
        bench(memory=1 << 20).run()


def test_ctrl_c_in_a_forward_keeps_what_was_measured(bench):
    machine = bench()

    def interrupt():
        raise KeyboardInterrupt

    outcome = machine.run(machine.subject("a"), machine.subject("b", fault=interrupt, at=120), machine.subject("c"))
    assert outcome.interrupted
    assert [case["network"]["name"] for case in outcome.document["cases"]] == ["a", "b"]
    assert gates(outcome) >= {"incomplete"}
    assert outcome.document["refused"] == []


def test_a_card_that_is_not_there_is_refused_with_what_is(bench):
    machine = bench()
    machine.torch.cuda.is_available = lambda: False
    with pytest.raises(VggcostError, match=r"there is no cuda device.*finds cpu; give --device cpu"):
        machine.run(device="gpu")


def test_the_tensors_of_one_case_are_given_back_before_the_next(bench):
    machine = bench()
    free = []
    for fault in (None, broken):
        machine.run(machine.subject("a", fault=fault, at=20))
        free.append(machine.device.free_bytes())
    assert free[0] == free[1]
    assert SimulatedTensor(machine.device, 1).size == 1


def test_old_switches_are_set_where_there_are_no_new_ones(bench):
    machine = bench()
    backends = machine.torch.backends
    backends.cudnn.allow_tf32, backends.cuda.matmul.allow_tf32 = True, False
    del backends.cuda.matmul.fp32_precision
    seen = []
    machine.say = lambda line: seen.append(numerics.uses_tf32(machine.torch))
    assert machine.run(dtype="tf32").document["complete"]
    assert set(seen) == {(True, True)}
    assert (backends.cudnn.allow_tf32, backends.cuda.matmul.allow_tf32) == (True, False)


def test_a_sustained_pass_stands_beside_the_single_forward_and_never_runs_dry(bench):
    machine = bench()
    machine.with_nvml(
        nvmlDeviceGetTotalEnergyConsumption=lambda device, handle: device.host_ns // 10**6 * 300,  # 300 W
    )
    slow_host = machine.subject(dispatch_ns=100_000)
    case = machine.run(slow_host, sustained_s=2.0).document["cases"][0]
    numbers = case["sustained"]
    assert 2.0 <= numbers["seconds"] < 2.1
    # Back to back a forward takes its kernels' time: without a wait for each there is no gap.
    assert numbers["images_per_s"] == pytest.approx(1e9 / sum(BUSY_NS.values()), rel=0.01)
    assert numbers["watts"] == pytest.approx(300, rel=0.01)
    assert numbers["joules_per_image"] == pytest.approx(300 * sum(BUSY_NS.values()) / 1e9, rel=0.01)
    assert numbers["sm_clock_mhz"] == {"min": 1500, "median": 1500, "max": 1500}
    assert numbers["throttle_reasons"] == []
    machine.monkeypatch.setattr("vggcost.bench.sustained.IN_FLIGHT", 0)
    slower = machine.run(slow_host, sustained_s=2.0).document["cases"][0]["sustained"]
    assert slower["images_per_s"] < 0.999 * numbers["images_per_s"]


def test_a_sustained_pass_without_nvml_or_without_events_has_no_watts(bench):
    machine = bench()
    assert machine.run(sustained_s=2.0).document["cases"][0]["sustained"]["watts"] is None
    machine.device.refuses["Event"] = "Backend doesn't support events."
    numbers = machine.run(sustained_s=2.0).document["cases"][0]["sustained"]
    assert numbers["images_per_s"] > 0
    assert numbers["sm_clock_mhz"] is None
    assert machine.run().document["cases"][0]["sustained"] is None


def test_ctrl_c_in_a_sustained_pass_keeps_the_forwards_before_it(bench):
    machine = bench()
    begun = []
    machine.say = lambda line: begun.append(line) if "back to back" in line else None

    def interrupt():
        if begun:
            raise KeyboardInterrupt

    outcome = machine.run(machine.subject("a", fault=interrupt), sustained_s=2.0)
    assert outcome.interrupted
    assert outcome.document["cases"][0]["rounds"] >= 30


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        (False, "one forward call at its worst moment (peak_bytes, weight_bytes, buffer_bytes and input_bytes)"),
        (True, "one forward and backward pass at its worst moment (training_peak_bytes without an optimizer)"),
    ],
)
def test_the_measured_memory_stands_beside_the_estimate_in_the_words_of_its_definition(bench, backward, words):
    document = bench().run().document
    document["settings"]["backward"] = backward
    (case,) = document["cases"]
    case |= {"in_use_bytes_measured": 3 << 20, "in_use_bytes_estimated": 2 << 20}
    shown = " ".join(rendered(bench_report.document(document), "table").split())
    assert f"Memory of {words}: 3.000 MiB measured, 2.000 MiB estimated." in shown


@pytest.mark.parametrize("per_layer", [True, False])
def test_what_a_run_on_a_card_writes_forecasts_it(bench, per_layer, tmp_path):
    document = bench().run(per_layer=per_layer).document
    document["ceilings"] = {"flops_per_s": 1e15, "bytes_per_s": 1e13, "matmul_side": 1, "copy_bytes": 1}
    document["ceilings"] |= {"matmul_ns": [], "copy_ns": []}
    (tmp_path / "bench.json").write_text(to_json(document), encoding="utf-8")
    if not per_layer:
        with pytest.raises(VggcostError, match="was timed whole, and its layers are not known"):
            measurement.read(str(tmp_path / "bench.json"))
        return
    measured = measurement.read(str(tmp_path / "bench.json"))
    (case,) = measured.cases
    again = forecasts.ForecastSubject(
        "net", {"name": "other", "options": None}, case.input, case.works, batch_norm=False
    )
    found = calibration.forecast(again, calibration.calibration(measured), 80)
    whole_ns = document["cases"][0]["passes"]["whole"]["median_ns"]
    assert found.likely_ms == pytest.approx(whole_ns * 1e-6)
    assert found.device["name"] == document["environment"]["device_name"]
