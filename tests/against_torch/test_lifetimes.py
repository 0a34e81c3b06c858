"""Which tensors live when: the walk against torch, storage by storage, on the meta device."""

from __future__ import annotations

from itertools import count

import pytest

torch = pytest.importorskip("torch")

from drawn_networks import Drawing, frozen_of, learns  # noqa: E402  # after the skip

from vggcost.costs import storages, training  # noqa: E402
from vggcost.costs.liveness import Lifetimes  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.costs.training import IMPLEMENTATIONS, STATES, Training  # noqa: E402
from vggcost.frameworks import memory_verifier  # noqa: E402
from vggcost.frameworks.memory_verifier import (  # noqa: E402
    COUNTER,
    FOLLOWER,
    HOOKS,
    MODULE,
    ONE_VALUE_WORDS,
    OPTIMIZER,
    TRACKER,
    verify_memory,
)
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402
from vggcost.network.blocks import Residual  # noqa: E402
from vggcost.results.memory import Memory  # noqa: E402

NETWORKS = 500
PARTS = 10
OPTIMIZERS = [(name, implementation) for name in STATES for implementation in IMPLEMENTATIONS]
HOW = ("plain", "plain", "frozen", "checkpoint", "accumulate")


def drawn_memory(seed):
    """Ours of one random network and one random way of a step; None where nothing of it learns."""
    drawn = Drawing(seed)
    if not learns(drawn.network, drawn.shape):
        return None
    number, own = divmod(seed, len(OPTIMIZERS))
    optimizer, implementation = OPTIMIZERS[own]
    how = HOW[seed % len(HOW)]
    way = Training(
        optimizer,
        implementation,
        accumulate=2 + seed % 2 if how == "accumulate" else 1,
        frozen=frozen_of(drawn, seed)[0] if how == "frozen" else frozenset(),
        checkpoint=how == "checkpoint",
    )
    # In place, a block's first ReLU would write over the input that the block is run again from.
    in_place = how != "checkpoint" and bool(seed % 3)
    dtype = ("float32", "bfloat16", "float16")[number % 3]
    return Memory(table(drawn.network, drawn.shape), dtype, way, in_place=in_place)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_networks_keep_hold_and_multiply_what_torch_does(part):
    seen, residual, tools = 0, 0, {}
    for seed in count(part * 10_000):
        memory = drawn_memory(seed)
        if memory is None:
            continue
        checks = verify_memory([memory])
        assert [check for check in checks if check.differs] == [], seed
        if any(check.note == ONE_VALUE_WORDS for check in checks):
            continue  # batch normalization of one value a channel, which torch refuses in train mode
        for check in checks:
            tools[check.held_by] = tools.get(check.held_by, 0) + check.ran
        seen += 1
        residual += any(isinstance(layer, Residual) for layer in memory.table.network.layers)
        if seen == NETWORKS / PARTS:
            break
    assert residual >= 10
    assert min(tools[name] for name in (MODULE, FOLLOWER, COUNTER, OPTIMIZER)) >= seen
    assert tools[HOOKS] >= seen / 2  # a checkpoint keeps its input past the hooks
    assert tools[TRACKER] >= seen / 4  # it refuses frozen parameters and fused kernels


def differing(memory):
    return {(check.quantity, check.held_by) for check in verify_memory([memory]) if check.differs}


def kept_by_nobody(self):
    return iter(())


def never_dropped(self, storage):
    storage.holders -= 1


@pytest.mark.parametrize(
    ("place", "name", "wrong", "found"),
    [
        (Lifetimes, "kept", kept_by_nobody, {("saved_bytes", HOOKS), ("saved_bytes", FOLLOWER)}),
        (
            storages.Alive,
            "drop",
            never_dropped,
            {("peak_bytes", FOLLOWER), ("training_peak_bytes", FOLLOWER), ("training_peak_bytes", TRACKER)},
        ),
        (
            training,
            "STATES",
            {"adam": 1},
            {("optimizer_bytes", OPTIMIZER), ("temporary_bytes", FOLLOWER), ("training_peak_bytes", TRACKER)},
        ),
        (Training, "trains", lambda self, layer: layer.name == "fc8", {("gradient_bytes", OPTIMIZER)}),
        (
            memory_verifier,
            "_dense",
            lambda claimed: 2,
            {("backward_flops", COUNTER), ("step_flops", COUNTER)},
        ),
    ],
)
def test_a_walk_that_is_wrong_is_found(monkeypatch, place, name, wrong, found):
    from vggcost import cost

    counted = cost("A", batch_norm=True, classes=10, size=32).table
    way = Training("sgd" if place is storages.Alive else "adam")  # adam's own step would hide a walk's peak
    assert differing(Memory(counted, "float32", way)) == set()
    monkeypatch.setattr(place, name, wrong)
    assert found <= differing(Memory(counted, "float32", way))


class Doctored:
    """Ours, one number of which is one too many."""

    def __init__(self, memory, quantity):
        self.table, self.dtype, self.training, self.in_place = memory.table, memory.dtype, memory.training, True
        self.mixed = memory.mixed
        self.totals, self.peak = memory.totals, memory.peak
        if quantity in self.totals._fields:
            self.totals = self.totals.replace(**{quantity: getattr(self.totals, quantity) + 1})
        else:
            self.peak = self.peak.replace(**{quantity: getattr(self.peak, quantity) + 1})


QUANTITIES = {
    "weight_bytes": {MODULE},
    "buffer_bytes": {MODULE},
    "input_bytes": {MODULE},
    "output_bytes": {MODULE},
    "weight_layer_output_bytes": {MODULE},
    "peak_bytes": {FOLLOWER},
    "saved_bytes": {HOOKS, FOLLOWER},
    "gradient_bytes": {OPTIMIZER},
    "optimizer_bytes": {OPTIMIZER},
    "training_peak_bytes": {FOLLOWER, TRACKER},
    "forward_flops": {COUNTER},
    "backward_flops": {COUNTER},
    "step_flops": {COUNTER},
    "live_gradient_bytes": {FOLLOWER},
    "live_saved_bytes": {HOOKS},
    "working_bytes": {FOLLOWER},
}


def test_every_comparison_can_fail_and_fails_alone():
    from vggcost import cost

    memory = Memory(cost("A", batch_norm=True, classes=10, size=32).table, "float16", Training("momentum"))
    for quantity, tools in QUANTITIES.items():
        assert differing(Doctored(memory, quantity)) == {(quantity, tool) for tool in tools}
    assert set(memory.totals._fields) - {"master_weight_bytes"} <= set(QUANTITIES)  # by formula


def test_a_network_under_checkpoint_is_the_network_itself():
    """What is measured there multiplies the same as the module."""
    from vggcost import cost
    from vggcost.frameworks.pytorch.build import build_module
    from vggcost.frameworks.pytorch.checkpointed import checkpointed

    counted = cost("A", classes=4, size=32, width=0.125).table
    module = build_module(counted.network, "cpu")
    image = torch.randn(counted.input)
    assert torch.equal(checkpointed(module, counted.network)(image), module(image))


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
