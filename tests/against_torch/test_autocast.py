"""Mixed precision: the walk against torch.autocast, storage by storage, on a CPU without memory and on a real one."""

from __future__ import annotations

import json
import random

import pytest

torch = pytest.importorskip("torch")

from drawn_networks import Drawing, frozen_of, learns  # noqa: E402  # behind the check for torch
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402  # behind the check for torch

from vggcost.api import build  # noqa: E402  # as all that follows
from vggcost.costs import memory, training  # noqa: E402
from vggcost.costs.liveness import Lifetimes  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.costs.training import LOW_PRECISIONS, Training  # noqa: E402
from vggcost.frameworks.memory_verifier import verify_memory  # noqa: E402
from vggcost.frameworks.pytorch.autocasting import StatisticsAsKernelsKeepThem, autocast, cpu_without_memory  # noqa: E402
from vggcost.frameworks.pytorch.memory_runs import Prepared  # noqa: E402
from vggcost.frameworks.pytorch.storages import StorageFollower, kept_storages  # noqa: E402
from vggcost.network.layers import BatchNorm2d, Conv2d  # noqa: E402
from vggcost.network.plan import Variant  # noqa: E402
from vggcost.results.memory import Memory  # noqa: E402


def measured(network, shape, mixed, how=None, *, in_place=True):
    """torch's peak of a forward, what autograd keeps, and the peak of a step: bytes beside what is outside."""
    claimed = Memory(table(network, shape), "float32", how or Training(), in_place=in_place, mixed=mixed)
    run = Prepared(claimed)
    outside = [*run.module.parameters(), *run.module.buffers()]
    with torch.no_grad(), StorageFollower(run.held) as inference, autocast(mixed):
        run.module.eval()(run.image)
    run.module.train()
    kept = {}
    if not claimed.training.checkpoint:  # which packs by hooks of its own
        with autocast(mixed):
            _, kept = kept_storages(lambda: run.module(run.image), outside)
    held = run.held
    if claimed.training.accumulate > 1:
        for each in run.trained:
            each.grad = torch.empty_like(each)
            held.append(each.grad)
    with StorageFollower(held) as step:
        run.go_back(passes=1)
    return inference.peak_bytes, sum(kept.values()), step.peak_bytes


def walked(network, shape, how=None, *, in_place=True):
    how, counted = how or Training(), table(network, shape)
    inference = memory.lived(counted, 4, training=False, in_place=in_place, low_bytes=2, trains=how.trains)
    step = training.lived(counted, 4, how, in_place=in_place, low_bytes=2)
    peaks = [max(moment.bytes for moment in lives.alive.moments) for lives in (inference, step)]
    return peaks[0], 0 if how.checkpoint else step.saved_bytes, peaks[1]


def drawn_ways(seed):
    """A random network and how its step is done."""
    drawn, pick = Drawing(seed), random.Random(seed)  # noqa: S311  # networks, not secrets
    if not learns(drawn.network, drawn.shape):
        return drawn, None
    frozen, _ = frozen_of(drawn, seed) if seed % 3 == 1 else (frozenset(), ())
    return drawn, Training(accumulate=pick.randint(1, 2), frozen=frozen, checkpoint=seed % 4 == 3)


@pytest.mark.parametrize("part", range(2))
def test_random_networks_under_autocast_keep_and_need_what_torch_does(part):
    seen = 0
    for seed in range(part, 200, 2):
        drawn, how = drawn_ways(seed)
        if how is None:
            continue  # there is nothing to go back for
        # In place, a block's first ReLU would write over the input that the block is run again from.
        in_place = bool(seed % 5) and not how.checkpoint
        try:
            with cpu_without_memory():
                expected = measured(drawn.network, drawn.shape, LOW_PRECISIONS[seed // 2 % 2], how, in_place=in_place)
        except ValueError as error:
            assert "more than 1 value per channel" in str(error)  # noqa: PT017  # batch normalization in train mode
            continue
        assert walked(drawn.network, drawn.shape, how, in_place=in_place) == expected, seed
        seen += 1
    assert seen > 90


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", ["A", "A-LRN", "B", "C", "D", "E"])
def test_the_papers_networks_under_autocast(name, batch_norm, batch):
    network, shape = build(name, Variant(batch_norm=batch_norm)), (batch, 3, 224, 224)
    for how in (Training(), Training(accumulate=2), Training(checkpoint=True)):
        with cpu_without_memory():
            expected = measured(network, shape, "bfloat16", how, in_place=not how.checkpoint)
        assert walked(network, shape, how, in_place=not how.checkpoint) == expected


def test_real_kernels_need_what_those_without_memory_do(monkeypatch):
    # torch's formulas of shapes make the input's gradient of a batch normalization that nobody needs; kernels do not.
    monkeypatch.setattr(BatchNorm2d, "always_backward", False)
    seen = 0
    for seed in range(200, 260):
        drawn, how = drawn_ways(seed)
        if how is None:
            continue
        try:
            expected = measured(drawn.network, drawn.shape, "bfloat16", how, in_place=False)
        except ValueError:
            continue
        assert walked(drawn.network, drawn.shape, how, in_place=False) == expected, seed
        seen += 1
    assert seen > 50


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("of", ["float32", "the input"])
@pytest.mark.parametrize("given", range(8))
def test_a_batchs_statistics_are_as_wide_as_kernels_keep_them(dtype, of, given):
    x, one = torch.ones(2, 3, 4, 4, dtype=dtype), torch.ones(3, dtype=torch.float32 if of == "float32" else dtype)
    weight, bias, mean, deviation = (one.clone() if given & bit else None for bit in (1, 2, 4, 4))
    args = (x, weight, bias, mean, deviation, True, 0.1, 1e-5)
    kernels = torch.native_batch_norm(*args)
    with FakeTensorMode(allow_non_fake_inputs=True), StatisticsAsKernelsKeepThem():
        followed = torch.native_batch_norm(*args)
    assert [each.dtype for each in followed] == [each.dtype for each in kernels]


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (Conv2d, "lowers", False),  # convolutions in float32
        (Lifetimes, "_leave_autocast", lambda _: None),  # casts that nobody lets go of
        (Lifetimes, "_in_width_of", lambda self, _, grad: self.alive.hold(grad)),  # gradients that stay low
    ],
)
def test_a_walk_that_does_not_cast_as_torch_is_found(monkeypatch, owner, name, value):
    drawn, how = drawn_ways(18)
    with cpu_without_memory():
        expected = measured(drawn.network, drawn.shape, "bfloat16", how)
    assert walked(drawn.network, drawn.shape, how) == expected
    monkeypatch.setattr(owner, name, value)
    assert walked(drawn.network, drawn.shape, how) != expected


@pytest.mark.parametrize(
    "words",
    [
        ("A", "--batch-norm", "--batch", "2"),
        ("A-LRN", "--batch", "8", "--freeze", "conv1_1"),
        ("residual-vgg16", "--batch", "4", "--accumulate", "2"),
        ("D", "--checkpoint"),
    ],
)
@pytest.mark.parametrize("mixed", LOW_PRECISIONS)
def test_verify_holds_every_part_of_memory_under_autocast(vggcost, words, mixed):
    asked = (*words, "--size", "64", "--width", "0.25", "--mixed", mixed, "--optimizer", "adamw", "--format", "json")
    ran = vggcost("verify", "--memory", *asked)
    (network,) = json.loads(ran.out)["networks"]
    assert (ran.status, network["differing"]) == (0, 0)
    assert network["dtype"] == f"float32 under autocast to {mixed}"
    shown = json.loads(vggcost("memory", *asked, "--training").out)
    held = {check["quantity"]: check for check in network["checks"] if check["theirs"] is not None}
    parts = ("live_gradient_bytes", "live_cast_bytes", *(() if "D" in words else ("live_saved_bytes", "working_bytes")))
    for part in parts:
        assert held[part]["theirs"] == shown["peak"][part], part
    for name in ("peak_bytes", "gradient_bytes", "optimizer_bytes", "training_peak_bytes"):
        assert held[name]["theirs"] == shown["totals"][name], name
    tracked = [check for check in network["checks"] if check["held_by"] == "MemTracker"]
    assert {check["status"] for check in tracked} == {"not run" if "--freeze" in words else "equal"}


def test_the_worst_moment_under_autocast_may_be_in_the_backward_pass(vggcost):
    words = ("A", "--size", "64", "--width", "0.25", "--batch", "32", "--mixed", "bfloat16", "--optimizer", "adamw")
    ran = vggcost("verify", "--memory", *words, "--optimizer-implementation", "fused", "--format", "json")
    (network,) = json.loads(ran.out)["networks"]
    held = {check["quantity"]: check for check in network["checks"]}
    assert held["live_cast_bytes"]["theirs"] > 0
    assert held["live_saved_bytes"]["theirs"] > 0
    assert {check["status"] for check in network["checks"]} == {"equal"}


def test_a_walk_without_casts_differs_in_verify_too(monkeypatch):
    network = build("A", Variant(width=0.25))
    claimed = Memory(table(network, (2, 3, 224, 224)), "float32", Training(), mixed="bfloat16")
    monkeypatch.setattr(Conv2d, "lowers", False)
    assert {"peak_bytes", "saved_bytes", "training_peak_bytes"} <= {
        check.quantity for check in verify_memory([claimed]) if check.differs
    }


def test_verify_under_autocast_shows_what_it_is_run_on(vggcost):
    ran = vggcost("verify", "--memory", "A", "--size", "32", "--mixed", "bfloat16", "--optimizer", "sgd", "--real")
    assert ran.status == 0
    assert "float32 under autocast to bfloat16" in ran.out.splitlines()[0]
    lines = ran.out.replace("\n  ", " ").splitlines()
    assert [line.partition(":")[0] for line in lines if line.endswith("on meta")] == ["torch.optim"]
    assert "CPU profiler not run: a CPU takes other ways under autocast to bfloat16; without --mixed it is run" in lines
