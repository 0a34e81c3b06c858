"""Which tensors live when: the walk against torch, storage by storage, on the meta device."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from drawn_networks import Drawing, blocks_run_again, frozen_of, learns  # noqa: E402

from vggcost.costs import memory  # noqa: E402  # after the skip
from vggcost.costs.liveness import Lifetimes  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.costs.training import (  # noqa: E402
    STATES,
    Training,
    state_bytes,
    step_macs,
    temporary_bytes,
    trainable_bytes,
)
from vggcost.costs.training import lived as step_lived  # noqa: E402
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402
from vggcost.frameworks.pytorch.storages import StorageFollower, kept_storages  # noqa: E402
from vggcost.network.plan import Variant  # noqa: E402

NETWORKS = 500


def measured(network, shape, dtype, *, in_place):
    """torch's peak of a forward, what autograd keeps, and the peak of a training step: bytes beside what is outside."""
    module = build_module(network, dtype=dtype, in_place=in_place)
    x = torch.empty(shape, device="meta", dtype=dtype)
    outside = [*module.parameters(), *module.buffers(), x]
    with torch.no_grad(), StorageFollower(outside) as forward:
        module(x)
    module.train()
    _, kept = kept_storages(lambda: module(x), outside[:-1])
    with StorageFollower(outside) as step:
        module(x).sum().backward()
    return forward.peak_bytes, sum(kept.values()), step.peak_bytes


def walked(network, shape, dtype, *, in_place):
    counted, element_bytes = table(network, shape), dtype.itemsize
    forward, step = (
        memory.lived(counted, element_bytes, training=training, in_place=in_place) for training in (False, True)
    )
    peaks = [max(moment.bytes for moment in lives.alive.moments) for lives in (forward, step)]
    return peaks[0], sum(storage.bytes for storage in step.kept()), peaks[1]


@pytest.mark.parametrize("part", range(4))
def test_random_networks_keep_and_need_what_torch_does(part):
    seen = 0
    for seed in range(part * NETWORKS // 4, (part + 1) * NETWORKS // 4):
        drawn = Drawing(seed)
        options = {"dtype": (torch.float32, torch.bfloat16)[seed % 2], "in_place": bool(seed % 3)}
        if not learns(drawn.network, drawn.shape):
            continue  # there is nothing to go back for
        try:
            expected = measured(drawn.network, drawn.shape, **options)
        except ValueError as error:
            assert "more than 1 value per channel" in str(error)  # noqa: PT017  # batch normalization in train mode
            continue
        assert walked(drawn.network, drawn.shape, **options) == expected, seed
        seen += 1
    assert seen > 0.9 * NETWORKS / 4


def test_a_walk_that_forgets_to_let_go_is_found(monkeypatch):
    drawn = Drawing(1)
    options = {"dtype": torch.float32, "in_place": True}
    expected = measured(drawn.network, drawn.shape, **options)
    assert walked(drawn.network, drawn.shape, **options) == expected
    monkeypatch.setattr(Lifetimes, "kept", lambda self: iter(()))
    assert walked(drawn.network, drawn.shape, **options) != expected


@pytest.mark.parametrize("way", ["checkpoint", "frozen", "accumulate"])
def test_other_ways_of_a_step_need_what_torch_does(way):
    seen = 0
    for seed in range(120):
        drawn = Drawing(seed)
        if not learns(drawn.network, drawn.shape):
            continue
        # In place, a block's first ReLU would write over the input that the block is run again from.
        in_place = way != "checkpoint"
        module = build_module(drawn.network, in_place=in_place).train()
        x = torch.empty(drawn.shape, device="meta")
        training, forward = Training(), module
        if way == "checkpoint":
            training, forward = Training(checkpoint=True), blocks_run_again(module, drawn.network)
        elif way == "frozen":
            names, paths = frozen_of(drawn, seed)
            training = Training(frozen=names)
            for path in paths:
                module.get_submodule(path).requires_grad_(requires_grad=False)
        else:
            training = Training(accumulate=2)
            for parameter in module.parameters():
                parameter.grad = torch.empty_like(parameter)
        gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        follower = StorageFollower([*module.parameters(), *module.buffers(), *gradients, x])
        try:
            with follower:
                forward(x).sum().backward()
        except ValueError:
            continue  # batch normalization of one value a channel
        counted = table(drawn.network, drawn.shape)
        lives = step_lived(counted, 4, training, in_place=in_place)
        assert max(moment.bytes for moment in lives.alive.moments) == follower.peak_bytes, seed
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("implementation", ["foreach", "for-loop"])
def test_an_optimizers_step_makes_and_keeps_what_torchs_does(name, implementation):
    from vggcost.api import build

    counted = table(build("A", Variant(batch_norm=True)), (1, 3, 224, 224))
    module = build_module(counted.network)
    kinds = {"sgd": torch.optim.SGD, "momentum": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    options = {"momentum": 0.9} if name == "momentum" else {}
    optimizer = kinds[name](module.parameters(), lr=0.1, foreach=implementation == "foreach", **options)
    for parameter in module.parameters():
        parameter.grad = torch.empty_like(parameter)
    optimizer.step()
    tensors = [each for state in optimizer.state.values() for each in state.values() if isinstance(each, torch.Tensor)]
    moments = [each for each in tensors if each.dim()]  # a step's number is a scalar on the host
    follower = StorageFollower([*module.parameters(), *(each.grad for each in module.parameters()), *tensors])
    with follower:
        optimizer.step()
    training = Training(name, implementation)
    gradients = trainable_bytes(counted, 4, training)
    assert sum(each.nbytes for each in moments) == state_bytes(gradients, training)
    scalar = 4 if STATES[name] == 2 else 0  # the host's one for adding to a step's number
    assert (
        max(follower.peak_bytes, scalar) - scalar
        <= temporary_bytes(counted, 4, training)
        <= follower.peak_bytes + scalar
    )
    assert temporary_bytes(counted, 4, training) in (follower.peak_bytes, follower.peak_bytes - scalar)


def test_a_steps_products_are_those_of_torchs_counter():
    from torch.utils.flop_counter import FlopCounterMode

    for seed in range(60):
        drawn = Drawing(seed)
        if not learns(drawn.network, drawn.shape):
            continue
        module = build_module(drawn.network).train()
        names, paths = frozen_of(drawn, seed)
        for path in paths:
            module.get_submodule(path).requires_grad_(requires_grad=False)
        x = torch.empty(drawn.shape, device="meta")
        counter = FlopCounterMode(display=False)
        try:
            with counter:
                module(x).sum().backward()
        except ValueError:
            continue
        counted, training = table(drawn.network, drawn.shape), Training(frozen=names)
        lives = step_lived(counted, 4, training, in_place=False)
        rows = tuple(step_macs(counted, lives, training))
        macs = sum(row.forward + row.backward for row in rows)
        # torch's counter takes the gradient of a grouped convolution's weights for that of a dense one's.
        dense = sum(
            (getattr(row.layer, "groups", 1) - 1) * macs.weight_gradient
            for row, macs in zip(counted.rows, rows, strict=True)
        )
        assert 2 * (macs + dense) == counter.get_total_flops(), seed


@pytest.mark.parametrize("frozen", [(), ("features",)])
@pytest.mark.parametrize(("name", "size"), [("D", 224), ("A-bn", 96), ("A-LRN", 64), ("residual-vgg16", 64)])
def test_each_layers_products_are_those_of_torchs_counter(name, size, frozen):
    from torch.utils.flop_counter import FlopCounterMode

    import vggcost

    memory = vggcost.memory(name, size=size, batch=2, training=True, freeze=frozen)
    module = build_module(memory.table.network).train()
    for child in frozen:
        module.get_submodule(child).requires_grad_(requires_grad=False)

    def counted(x):
        with FlopCounterMode(display=False) as counter:
            module(x).sum().backward()
        return {path: sum(each.values()) for path, each in counter.get_flop_counts().items()}

    by_module = counted(torch.empty(2, 3, size, size, device="meta"))
    for row, layer in zip(memory.table.rows, memory.layers, strict=True):
        if row.path is not None:
            assert layer.forward_flops + layer.backward_flops == by_module.get(f"VGG.{row.path}", 0), row.name
    assert memory.totals.step_flops == by_module["Global"]
    # With a gradient of the image the first convolution multiplies once more, as all others do.
    image = torch.empty(2, 3, size, size, device="meta", requires_grad=True)
    of_inputs = sum(layer.forward_flops for layer in memory.layers)
    assert counted(image)["Global"] - by_module["Global"] == of_inputs - memory.cost.numbers()["input_gradient_flops"]
