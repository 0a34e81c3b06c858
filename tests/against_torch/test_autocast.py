"""Mixed precision: the walk against torch.autocast, storage by storage, on a CPU without memory and on a real one."""

from __future__ import annotations

import random
from contextlib import contextmanager

import pytest

torch = pytest.importorskip("torch")

from drawn_networks import Drawing, frozen_of, learns  # noqa: E402  # behind the check for torch
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402  # as all that follows
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from vggcost.api import build  # noqa: E402
from vggcost.costs import memory, training  # noqa: E402
from vggcost.costs.liveness import Lifetimes  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.costs.training import Training  # noqa: E402
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402
from vggcost.frameworks.pytorch.checkpointed import checkpointed  # noqa: E402
from vggcost.frameworks.pytorch.storages import StorageFollower, kept_storages  # noqa: E402
from vggcost.network.layers import BatchNorm2d, Conv2d  # noqa: E402
from vggcost.network.plan import Variant  # noqa: E402

LOW_PRECISIONS = (torch.float16, torch.bfloat16)


class StatisticsAsKernelsKeepThem(TorchDispatchMode):
    """A batch's mean and deviation in float32, where FakeTensorMode has them in the dtype of the input."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.native_batch_norm.default:
            return result[0], result[1].float(), result[2].float()
        return result


@contextmanager
def cpu_without_memory():
    with FakeTensorMode(), StatisticsAsKernelsKeepThem():
        yield


def measured(network, shape, dtype, how=None, *, in_place=True):
    """torch's peak of a forward, what autograd keeps, and the peak of a step: bytes beside what is outside."""
    how = how or Training()
    module = build_module(network, "cpu", in_place=in_place)
    x = torch.empty(shape)
    forward = checkpointed(module, network) if how.checkpoint else module
    for path in paths_of(network, how.frozen):
        module.get_submodule(path).requires_grad_(requires_grad=False)
    trained = [each for each in module.parameters() if each.requires_grad]
    outside = [*module.parameters(), *module.buffers(), x]
    with torch.no_grad(), StorageFollower(outside) as inference, torch.autocast("cpu", dtype):
        module(x)
    module.train()
    kept = {}
    if not how.checkpoint:  # which packs by hooks of its own
        with torch.autocast("cpu", dtype):
            _, kept = kept_storages(lambda: module(x), outside[:-1])
    if how.accumulate > 1:
        for each in trained:
            each.grad = torch.empty_like(each)
            outside.append(each.grad)
    with StorageFollower(outside) as step:
        with torch.autocast("cpu", dtype):
            loss = forward(x).sum()
        loss.backward()
    return inference.peak_bytes, sum(kept.values()), step.peak_bytes


def paths_of(network, names):
    for layer in network.layers:
        for each in (*getattr(layer, "body", ()), *getattr(layer, "shortcut", ()), layer):
            if each.name in names:
                yield each.path


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
            expected = measured(network, shape, torch.bfloat16, how, in_place=not how.checkpoint)
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
            expected = measured(drawn.network, drawn.shape, torch.bfloat16, how, in_place=False)
        except ValueError:
            continue
        assert walked(drawn.network, drawn.shape, how, in_place=False) == expected, seed
        seen += 1
    assert seen > 50


@pytest.mark.parametrize("dtype", LOW_PRECISIONS)
def test_kernels_keep_a_batchs_statistics_in_float32(dtype):
    x, one = torch.ones(2, 3, 4, 4, dtype=dtype), torch.ones(3)
    _, mean, deviation = torch.native_batch_norm(x, one, one, one.clone(), one.clone(), True, 0.1, 1e-5)
    assert (mean.dtype, deviation.dtype) == (torch.float32, torch.float32)


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
        expected = measured(drawn.network, drawn.shape, torch.bfloat16, how)
    assert walked(drawn.network, drawn.shape, how) == expected
    monkeypatch.setattr(owner, name, value)
    assert walked(drawn.network, drawn.shape, how) != expected
