"""``vggcost verify --memory``: every quantity beside torch's, what cannot run, and what a person sees of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from vggcost import cost  # noqa: E402  # after the skip
from vggcost.costs.beside_gradients import BesideGradients, beside_gradients  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.costs.training import Training  # noqa: E402
from vggcost.frameworks import memory_verifier  # noqa: E402
from vggcost.frameworks.memory_verifier import (  # noqa: E402
    COUNTER,
    FOLLOWER,
    HOOKS,
    ONE_VALUE_WORDS,
    PROFILER,
    TRACKER,
    verify_memory,
)
from vggcost.frameworks.pytorch.real_steps import most_beside  # noqa: E402
from vggcost.network.layers import BatchNorm2d, Conv2d, Flatten, Linear  # noqa: E402
from vggcost.network.plan import Network, Variant  # noqa: E402
from vggcost.results.memory import Memory  # noqa: E402

PAPER = ("A", "A-LRN", "B", "C", "D", "E")
MODELS = Path(__file__).parents[1] / "models"
UNET = f"{MODELS / 'unet11.py'}:UNet11"
FROZEN = "it refuses frozen parameters"
SMALL = ("--size", "32", "--classes", "10", "--width", "0.125")


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", PAPER)
def test_the_papers_networks_hold_and_multiply_what_torch_says(name, batch_norm):
    claims = [Memory(cost(name, batch_norm=batch_norm, batch=batch).table, "float32", Training()) for batch in (1, 8)]
    checks = verify_memory(claims)
    assert [check for check in checks if check.differs or not check.ran] == []
    assert len(checks) == 2 * 19
    (saved,) = {check.theirs for check in checks if check.quantity == "saved_bytes" and check.table is claims[1].table}
    assert saved == 8 * claims[0].totals.saved_bytes - (7 * claims[0].totals.buffer_bytes and _statistics(claims[0]))


def _statistics(claimed):
    """Seven times the batch's statistics, which do not grow with the batch."""
    return 7 * 2 * 4 * sum(row.layer.channels for row in claimed.table.rows if row.kind == "BatchNorm2d")


PARTS = (
    *("weight_bytes", "buffer_bytes", "input_bytes", "optimizer_bytes"),
    *("live_gradient_bytes", "live_saved_bytes", "working_bytes"),
)


def test_every_line_of_a_breakdown_is_held_by_a_comparison_that_ran(vggcost):
    words = ("D", "--batch", "64", "--optimizer", "adam", "--dtype", "float16", "--format", "json")
    shown = json.loads(vggcost("memory", *words, "--training").out)
    document = json.loads(vggcost("verify", "--memory", *words).out)
    (network,) = document["networks"]
    held = {check["quantity"]: check for check in network["checks"] if check["status"] == "equal"}
    assert document["schema"] == "vggcost.verify-memory/1"
    assert network["dtype"] == "float16"
    assert sum(shown["peak"][part] for part in PARTS) == shown["peak"]["bytes"]
    for part in PARTS:
        assert held[part]["theirs"] == shown["peak"][part], part
    totals = shown["totals"]
    assert not totals["master_weight_bytes"]  # by formula, and none here
    in_bytes = [name for name in totals if name.endswith("_bytes") and name != "master_weight_bytes"]
    for name in in_bytes:
        assert held[name]["theirs"] == totals[name], name
    for name in ("forward", "backward", "step"):
        assert held[f"{name}_flops"]["theirs"] == totals["flops"][name], name
    assert document["differing"] == network["differing"] == 0


def test_without_an_optimizer_every_one_runs_and_the_command_ends_with_0(vggcost):
    ran = vggcost("verify", "--memory", "A", *SMALL)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 100
    for step in ("sgd", "momentum", "adam", "adam, for-loop", "adam, fused", "adamw"):
        assert any(line.startswith(f"optimizer_bytes      {step} ") for line in lines), step
    assert "MemTracker not run: it follows meta tensors here, which fused kernels refuse" in lines
    assert lines[-1] == "58 checks on 1 network: every difference is 0; 1 not run"


def test_several_networks_and_files_are_a_row_each(vggcost, tmp_path):
    place = tmp_path / "thin.toml"
    vggcost("configs", "B", "-o", str(place))
    ran = vggcost(
        "verify", "--memory", str(place), "residual-vgg16", "--optimizer", "sgd", "--size", "32", "--batch", "2"
    )
    assert ran.status == 0
    assert "38 checks on 2 networks: every difference is 0" in ran.out
    rows = vggcost("verify", "--memory", str(place), "--optimizer", "sgd", "--size", "32", "--format", "csv").out
    assert len(rows.splitlines()) == 1 + 19


def test_all_takes_the_twelve_of_the_paper(vggcost):
    words = (
        "--every-network",
        "--size",
        "32",
        "--batch",
        "2",
        "--classes",
        "4",
        "--width",
        "0.125",
        "--optimizer",
        "momentum",
    )
    document = json.loads(vggcost("verify", "--memory", *words, "--format", "json").out)
    assert len(document["networks"]) == 12
    assert document["differing"] == 0


@pytest.mark.parametrize(
    ("words", "not_run"),
    [
        (("--freeze", "features"), {TRACKER: "it refuses frozen parameters"}),
        (("--checkpoint",), {HOOKS: "a checkpoint keeps a block's input past these hooks"}),
        (("--accumulate", "3"), {}),
        (("--no-inplace", "--dtype", "bfloat16"), {}),
        (("--batch-norm", "--optimizer-implementation", "for-loop"), {}),
    ],
)
def test_the_options_of_memory(vggcost, words, not_run):
    way = () if "--optimizer-implementation" in words else ("--optimizer", "adamw")
    ran = vggcost("verify", "--memory", "D", *SMALL, "--batch", "2", *way, *words, "--format", "json")
    (network,) = json.loads(ran.out)["networks"]
    assert ran.status == network["differing"] == 0
    assert {check["held_by"]: check["note"] for check in network["checks"] if check["status"] == "not run"} == not_run


def of_layers(*layers, image=(2, 4, 6, 6)):
    network = Network("made up", Variant(in_channels=image[1]), layers, image[2:])
    return Memory(table(network, image), "float32", Training())


def test_grouped_weights_are_a_named_correction():
    grouped, fc = Conv2d("conv", "features.0", 4, 8, groups=4), Linear("fc", "classifier.0", 8 * 36, 3)
    checks = verify_memory([of_layers(grouped, Flatten("flat", None), fc)])
    corrected = {check.quantity: check for check in checks if check.note}
    assert set(corrected) == {"backward_flops", "step_flops"}
    assert {check.status for check in checks} == {"equal"}
    dense = 2 * (4 - 1) * (2 * 8 * 36 * 9)
    assert corrected["step_flops"].note.startswith(f"less {dense:,} FLOP a pass: it counts the gradient of a grouped")


def test_a_batch_of_one_value_a_channel_is_refused_by_torch_and_said_so():
    conv, norm = Conv2d("conv", "features.0", 4, 8), BatchNorm2d("norm", "features.1", 8)
    checks = verify_memory([of_layers(conv, norm, Flatten("flat", None), image=(1, 4, 1, 1))])
    refused = [check for check in checks if not check.ran]
    assert {check.note for check in refused} == {ONE_VALUE_WORDS}
    assert not any(check.differs for check in checks)
    assert {check.held_by for check in refused} == {HOOKS, FOLLOWER, COUNTER, TRACKER}


def test_what_differs_is_shown_and_ends_with_1(vggcost, monkeypatch):
    monkeypatch.setitem(memory_verifier.step.STATES, "adam", 1)
    for names in (("A",), ("A", "B")):
        ran = vggcost("verify", "--memory", *names, *SMALL, "--optimizer", "adam")
        assert ran.status == 1
        assert "optimizer_bytes" in ran.out
        assert " differ" in ran.out.splitlines()[-1]


def test_a_comparison_that_crashes_is_named_and_ends_with_1(vggcost, monkeypatch):
    def crash(claimed):
        raise RuntimeError("no such kernel\nand more")

    monkeypatch.setattr(memory_verifier, "_OF_STEP", ((TRACKER, crash),))
    ran = vggcost("verify", "--memory", "A", *SMALL, "--optimizer", "sgd")
    assert ran.status == 1
    assert "MemTracker crashed: no such kernel" in ran.out.splitlines()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--memory", "D", "--layers"), "--layers and --memory are both given"),
        (("--memory", "D", "--against", "fvcore"), "--against and --memory are both given"),
        (("--memory", "D", "--dtype", "float8", "--optimizer", "sgd"), "torch has no modules in float8"),
        (("--memory", "D", "--dtype", "int8"), "has no gradients"),
        (("--memory", "D", "--master-weights"), "--master-weights are by formula"),
        (("--memory", "D", "--freeze", "featurs"), "the nearest are features"),
        (("--memory", "D", "--optimizer", "adm"), "the nearest are adam"),
        (("--memory", UNET, "--checkpoint"), "--checkpoint is for a configuration, and a program decides that itself"),
        (("--memory", UNET, "--no-inplace"), "--no-inplace is for a configuration, and a program decides that itself"),
        (("--memory", UNET, "--real"), "--real is for a configuration"),
        (("--memory", UNET, "--freeze", "encodr"), "the nearest are encoder"),
        (("--memory", UNET, "A"), "one program at a time, and 2 targets are given"),
        ((UNET, "--dtype", "float16"), "--dtype is given without --memory"),
        (("D", "--real"), "--real is given without --memory"),
        (("D", "--dtype", "float16"), "--dtype is given without --memory"),
        (("D", "--checkpoint"), "--checkpoint is given without --memory"),
    ],
)
def test_bad_input_is_one_line(vggcost, words, said):
    ran = vggcost("verify", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["A", "A-LRN", "residual-vgg16"])
def test_a_real_step_of_the_cpu_holds_what_is_predicted_and_one_convolutions_copies(name):
    counted = cost(name, classes=10, size=64, width=0.25, batch=4).table
    memory = Memory(counted, "float32", Training("momentum"))
    (check,) = (one for one in verify_memory([memory], real=True) if one.held_by == PROFILER)
    bounds = beside_gradients(counted, 4, Training("momentum"), in_place=True)
    assert (check.ours, check.at_most) == (bounds.least_bytes, bounds.most_bytes)
    assert bounds.least_bytes <= check.theirs <= bounds.most_bytes
    assert check.status in ("within", "equal")


@pytest.mark.parametrize(
    ("way", "dtype", "free", "said"),
    [
        (Training(checkpoint=True), "float32", None, "only a step of one pass without checkpoints"),
        (Training(accumulate=2), "float32", None, "only a step of one pass without checkpoints"),
        (Training(), "bfloat16", None, "float32 is run"),
        (Training(), "float32", 1000, "1,000 B are free"),
    ],
)
def test_where_no_real_step_is_run_it_says_why(way, dtype, free, said):
    memory = Memory(cost("A", classes=4, size=32, width=0.125).table, dtype, way)
    (check,) = (one for one in verify_memory([memory], real=True, free=free) if one.held_by == PROFILER)
    assert (check.status, check.theirs, check.differs) == ("not run", None, False)
    assert said.replace(",", "") in check.note.replace(",", "")


def test_the_bounds_of_a_real_step_can_be_left(monkeypatch):
    memory = Memory(cost("A", classes=4, size=32, width=0.125).table, "float32", Training())
    for bounds in (BesideGradients(10**12, 10**13), BesideGradients(1, 2)):
        monkeypatch.setattr(memory_verifier, "beside_gradients", lambda *_, bounds=bounds, **__: bounds)
        (check,) = (one for one in verify_memory([memory], real=True) if one.held_by == PROFILER)
        assert check.status == "differs"


def test_gradients_are_left_out_of_what_the_profiler_saw_by_the_last_storage_at_their_address():
    def event(address, size):
        return {"args": {"Addr": address, "Bytes": size}}

    events = [event(1, 50), event(2, 10), event(1, -50), event(1, 30), event(3, 25), event(3, -25)]
    assert most_beside(events, []) == 65
    assert most_beside(events, [1]) == 60
    assert most_beside(events, [1, 2]) == 50
    assert most_beside(events, [9]) == 65


@pytest.mark.parametrize(
    ("name", "words", "left"),
    [
        ("unet11.py:UNet11", (), {}),
        ("unet11.py:UNet11", ("--mixed", "bfloat16", "--optimizer", "momentum"), {}),
        (
            "unet11.py:UNet11",
            ("--freeze", "encoder", "--accumulate", "2", "--optimizer", "adam"),
            {"peak_bytes": FROZEN},
        ),
        ("unet11.py:UNet11", ("--freeze", "encoder"), {"passes_peak_bytes": FROZEN, "peak_bytes": FROZEN}),
        ("foreign.py:ResNet18", ("--dtype", "bfloat16", "--optimizer", "adamw"), {}),
        ("foreign.py:MobileNet", ("--optimizer", "sgd"), {"backward_flops": "grouped convolution"}),
        ("unet.py:UNet", ("--optimizer", "sgd"), {"passes_peak_bytes": "modules that get several tensors: Up"}),
    ],
)
def test_a_program_is_held_by_tools_that_know_no_follower(vggcost, name, words, left):
    asked = (f"{MODELS}/{name}", "--size", "64", "--batch", "2", *words, "--format", "json")
    ran = vggcost("verify", "--memory", *asked)
    document = json.loads(ran.out)
    (program,) = document["networks"]
    assert (ran.status, program["differing"]) == (0, 0)
    checks = program["checks"]
    assert {each["quantity"]: each["note"] for each in checks if each["status"] == "not run"}.keys() == left.keys()
    assert all(
        words in each["note"]
        for quantity, words in left.items()
        for each in checks
        if each["quantity"] == quantity and each["note"]
    )
    held = {each["quantity"]: each["theirs"] for each in checks if each["theirs"] is not None}
    if "--optimizer" not in words:
        words = (*words, "--optimizer", "adamw")  # the last that is run
    shown = json.loads(vggcost("memory", asked[0], *asked[1:5], *words, "--training", "--format", "json").out)
    for quantity in (
        "weight_bytes",
        "buffer_bytes",
        "peak_bytes",
        "saved_bytes",
        "optimizer_bytes",
        "training_peak_bytes",
    ):
        assert held[quantity] == shown["totals"][quantity], quantity


def test_what_differs_of_a_program_ends_with_1(vggcost, monkeypatch):
    from vggcost.frameworks.pytorch.program_memory_runs import ProgramRun

    monkeypatch.setattr(ProgramRun, "saved", lambda _: 1)
    ran = vggcost("verify", "--memory", UNET, "--size", "64", "--optimizer", "sgd")
    assert ran.status == 1
    assert ran.out.splitlines()[-1] == "12 checks on 1 program: 1 differ"


def test_a_program_that_asks_for_values_is_not_run_and_says_so(vggcost, tmp_path):
    place = tmp_path / "asks.py"
    place.write_text(
        "from torch import nn\n\n\nclass Asks(nn.Conv2d):\n    def forward(self, x):\n"
        "        y = super().forward(x)\n        return y if y.sum() > 0 else 2 * y\n"
    )
    target = (f"{place}:Asks", "--call", "3, 4, 3", "--input", "3x8x8")
    ran = vggcost("verify", "--memory", *target, "--optimizer", "sgd")
    assert (ran.status, "without values the program does not run" in ran.out.replace("\n  ", " ")) == (0, True)
