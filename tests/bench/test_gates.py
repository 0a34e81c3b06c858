"""Every gate: silent on a sound result, and tripped by the fault it is there for."""

from __future__ import annotations

import pytest
from bench_documents import MS, case, document

from vggcost.bench import gates

TOTAL_MS = 34

TRIPPED = [
    ("incomplete", {"complete": False}, [], "until then"),
    ("few_forwards", {}, [case(count=7, stopped_by="budget")], "--budget"),
    ("spread", {}, [case(whole=[30 * MS, 40 * MS] * 15)], "spreads over"),
    ("loaded", {"environment__load_average": 5.0}, [], "repeat when the machine is idle"),
    ("layers_over_whole", {}, [case(whole=[30 * MS] * 30)], "the layers sum to 113.3%"),
    ("layers_over_whole", {}, [case(whole=[36 * MS] * 30)], "the layers sum to 94.4%"),
    (
        "dispatch_bound",
        {"device": "cuda:0"},
        [case(queued_ahead=False, host_ns=[3 * MS, 3 * MS, 3 * MS, 1, MS // 2])],
        "conv1_1, relu1_1, drop6",
    ),
    ("above_memory", {"ceilings__bytes_per_s": 10e9, "environment__cache_bytes": 2 << 20}, [], "at 257%"),
    ("above_compute", {"ceilings__flops_per_s": 20e9}, [], "the whole at 571%, conv1_1 at 434%"),
    ("paper_order", {}, [case("A", scale=2.0), case("D")], "A at batch 1 68.00 ms"),
    ("batch_norm_costs", {}, [case(scale=2.0), case(batch_norm=True)], "batch normalization on top"),
    ("batch_doubling", {}, [case(batch=1), case(batch=4, scale=5.0)], "4 times the images"),
    (
        "slow_clock",
        {"device": "cuda:0", "environment__nvml": {"default_sm_clock_mhz": 1410}},
        [case(clocks=[1410] * 20 + [900] * 10)],
        "10 of 30 forwards",
    ),
    ("no_autotuning", {"device": "cuda:0", "settings__cudnn_benchmark": False}, [], "--cudnn-benchmark"),
    ("no_graph", {"device": "cuda:0"}, [{**case(), "graph_refused": "not permitted"}], "not permitted"),
    (
        "dispatch_bound",
        {"device": "cuda:0"},
        [{**case(queued_ahead=False, host_ns=[0] * 5), "late_because": "CUDA_LAUNCH_BLOCKING is set"}],
        "the pass with marks and the whole were not queued before the device began, in most forwards: CUDA_LAUNCH",
    ),
    ("dispatch_bound", {"device": "xpu:0"}, [case(queued_ahead=False, host_ns=[0] * 5)], "torch has no spin for this"),
    (
        "refused",
        {"complete": False, "interrupted": False, "refused": [{"case": "E at batch 8", "reason": "give --batch 4"}]},
        [],
        "it was refused, and is not among these numbers: give --batch 4",
    ),
    ("launch_blocking", {"device": "cuda:0", "environment__launch_blocking": "CUDA_LAUNCH_BLOCKING"}, [], "unset it"),
    ("other_processes", {"device": "cuda:0", "environment__nvml": {"other_processes": 2}}, [], "2 other processes"),
    ("mig", {"device": "cuda:0", "environment__nvml": {"mig": True}}, [], "a slice of a GPU (MIG)"),
    (
        "slow_clock",
        {"device": "cuda:0", "environment__nvml": {"default_sm_clock_mhz": None, "highest_sm_clock_mhz": 3105}},
        [case(clocks=[2500] * 20 + [2000] * 10)],
        "10 of 30 forwards ran under 75% of the highest SM clock of 3105 MHz (down to 2000)",
    ),
    (
        "throttled",
        {"device": "cuda:0"},
        [{**case(), "under_load": {"temperature_c": {"max": 87}, "throttle_reasons": {"power cap": 12}}}],
        "power cap in 12 rounds of 30, at up to 87 C",
    ),
    ("no_layers", {}, [{**case(), "layers_refused": "TraceError: x"}], "no per-layer times"),
    ("graph_gain", {"device": "cuda:0"}, [case(graph=20 * MS)], "58.8% of the whole"),
]


def test_a_sound_result_trips_nothing():
    sound = document(
        case("A", scale=0.7),
        case("D"),
        case("E", scale=1.2),
        case("D", batch_norm=True, scale=1.1),
        case("D", batch=4, scale=3.9, graph=round(3.9 * TOTAL_MS * MS)),
    )
    assert sound["verdict"] == []


@pytest.mark.parametrize(("gate", "changes", "cases", "words"), TRIPPED)
def test_a_gate_trips_on_its_fault_alone(gate, changes, cases, words):
    lines = document(*cases, **changes)["verdict"]
    assert {line["gate"] for line in lines} == {gate}
    assert words in " ".join(line["text"] for line in lines)


def test_every_gate_is_tried():
    assert {gate.__name__.strip("_") for gate in gates.GATES} == {row[0] for row in TRIPPED}


def test_every_text_names_a_way_out():
    for _, changes, cases, _ in TRIPPED:
        for line in document(*cases, **changes)["verdict"]:
            assert line["text"].endswith((".", "-lgc", "stands alone", "until then")) or any(
                word in line["text"] for word in ("repeat", "give", "try", "believe", "--", "read")
            )


@pytest.mark.parametrize(
    ("cache", "bytes_per_s", "trips"),
    [
        (8 << 20, 24e9, False),  # 24.5 MiB in a millisecond, of which 16 MiB may lie in the cache
        (8 << 20, 8e9, True),
        (64 << 20, 8e9, False),
        (1 << 20, 23.6e9, False),  # 22.5 MiB of it, within the slack of 5 %
        (1 << 20, 22e9, True),
        (None, 1e9, False),
    ],
)
def test_bytes_above_the_ceiling_are_excused_by_what_the_cache_can_hold(cache, bytes_per_s, trips):
    gates_tripped = {
        line["gate"]
        for line in document(ceilings__bytes_per_s=bytes_per_s, environment__cache_bytes=cache)["verdict"]
        if "relu1_1" in line["text"]
    }
    assert gates_tripped == ({"above_memory"} if trips else set())


def test_a_memory_ceiling_is_named_for_what_set_it():
    changes = {"ceilings__bytes_per_s": 10e9, "environment__cache_bytes": 2 << 20}
    assert "speed of the copy of 128.0 MiB" in document(**changes)["verdict"][0]["text"]
    read = document(ceilings__memory_kernel="read of 1.0 GiB", **changes)
    assert "speed of the read of 1.0 GiB" in read["verdict"][0]["text"]


def test_a_linear_layer_has_no_algorithm_that_saves_multiplications():
    fast = case(times=[2 * MS, MS, 30 * MS, 0, 30_000])  # fc8: 8.2 MFLOP in 30 us are 273 GFLOP/s
    lines = document(fast, environment__cache_bytes=64 << 20)["verdict"]
    assert [line["gate"] for line in lines] == ["above_compute"]
    assert "fc8" in lines[0]["text"]


def test_a_convolution_on_x86_has_none_either_and_the_verdict_says_that_the_ceiling_is_none():
    """conv1_2 reaches 123 GFLOP/s: 1.54 times a ceiling of 80, which Winograd's algorithm would explain."""
    lines = document(ceilings__flops_per_s=80e9)["verdict"]
    assert [line["gate"] for line in lines] == ["above_compute"]
    assert "the ceiling is none: the whole at 143%, conv1_1 at 108%, conv1_2 at 154%" in lines[0]["text"]
    assert "matrix product of side 2048" in lines[0]["text"]
    for device in ("cuda:0", "xpu:0"):
        assert document(device=device, ceilings__flops_per_s=80e9)["verdict"] == []


def test_the_ceiling_is_named_for_the_kernel_that_set_it():
    named = document(ceilings__flops_per_s=20e9, ceilings__kernel="3x3 convolution of 4x56x56")
    assert "of the FLOP/s of the 3x3 convolution of 4x56x56" in named["verdict"][0]["text"]


def test_within_the_slack_a_ceiling_stands():
    assert document(ceilings__flops_per_s=123.4e9 / 1.04)["verdict"] == []
    assert document(ceilings__flops_per_s=123.4e9 / 1.06)["verdict"] != []


def test_what_lies_within_the_noise_is_no_fault():
    noisy = [29 * MS, 39 * MS] * 15
    lines = document(case("A", whole=noisy), case("D", whole=[32 * MS] * 30))["verdict"]
    assert "paper_order" not in {line["gate"] for line in lines}


def test_variants_are_not_mixed():
    other = case("A", scale=2.0)
    other["network"]["options"]["classes"] = 10
    assert document(other, case("D"))["verdict"] == []


def test_the_budget_advised_counts_the_hosts_seconds_and_is_more_than_was_given():
    spinning = {**case(count=10, stopped_by="budget"), "warm_up_spent_s": 10.0, "spent_s": 30.0}
    # Two seconds a round, thirty rounds, ten to warm up, a fifth on top; the times alone would make 2 s of it.
    assert "give --budget 84" in document(spinning)["verdict"][0]["text"]
    old = {**case(count=10, stopped_by="budget"), "spent_s": 0.0}
    assert "give --budget 31" in document(old)["verdict"][0]["text"]


def test_advice_points_at_nothing_that_is_not_there_or_already_so():
    late = case(queued_ahead=False, graph=34 * MS)
    late["passes"]["graph"]["queued_ahead"] = [True] * 30
    assert "read the graph replay" in document(late, device="cuda:0")["verdict"][0]["text"]
    without = document({**case(queued_ahead=False), "graph_refused": "it waits"}, device="cuda:0")["verdict"]
    assert not any("graph replay" in line["text"] for line in without)
    tuned = [case("A", scale=2.0), case("D")]
    assert "--no-cudnn-benchmark" in document(*tuned, device="cuda:0")["verdict"][0]["text"]
    untuned = document(*tuned, device="cuda:0", settings__cudnn_benchmark=False)["verdict"]
    assert not any("--no-cudnn-benchmark" in line["text"] for line in untuned)
    neighbours = document(case(batch=1), case(batch=2, scale=5.0))["verdict"]
    assert "in between" not in neighbours[0]["text"]


def test_dispatch_is_blamed_by_the_same_share_everywhere():
    """One forward of thirty in which the host was late is no cause."""
    once = case(whole=[30 * MS] * 30)
    once["layers"][0]["dispatch_bound"] = 1
    assert "more slowly" not in document(once)["verdict"][0]["text"]
    for layer in once["layers"]:
        layer["dispatch_bound"] = 16
    assert "more slowly" in document(once)["verdict"][0]["text"]
