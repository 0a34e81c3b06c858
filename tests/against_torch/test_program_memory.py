"""A program's memory, followed: against torch's MemTracker, profiler and FLOP counter, and against the formulas."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # after the skip
from torch.nn import functional  # noqa: E402  # the same

import vggcost  # noqa: E402
from vggcost import api  # noqa: E402
from vggcost.costs.training import Training, updates_of  # noqa: E402
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402

MODELS = Path(__file__).parents[1] / "models"
sys.path.insert(0, str(MODELS))
import foreign  # noqa: E402
import unet  # noqa: E402
import vit  # noqa: E402

sys.path.remove(str(MODELS))


def small_unet():
    return unet.UNet(classes=3)


class Small(nn.Module):
    """What programs do beside layers: several outputs, a tied weight, a frozen one, one that is never used."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.second = nn.Conv2d(3, 3, 3, padding=1)
        self.second.weight = self.first.weight
        self.idle = nn.Linear(5, 5)
        self.first.bias.requires_grad_(requires_grad=False)

    def forward(self, x):
        y = functional.gelu(self.second(self.first(x)))
        return {"map": y, "more": (y.argmax(), y.mean())}


def held(memory):
    peak = memory.peak
    return peak.weight_bytes + peak.buffer_bytes + peak.input_bytes


@pytest.mark.parametrize(
    ("make", "shape"),
    [(foreign.ResNet18, (1, 3, 64, 64)), (vit.ViT, (1, 3, 224, 224)), (foreign.MobileNet, (1, 3, 64, 64))],
)
@pytest.mark.parametrize("training", [False, True])
def test_foreign_programs_are_torchs_mem_tracker_to_the_byte(make, shape, training):
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed._tools.mem_tracker import MemTracker

    with FakeTensorMode():
        model, x = make().train(training), torch.empty(shape)
        tracker = MemTracker()
        tracker.track_external(model, x)
        with tracker, torch.set_grad_enabled(training):
            given = model(x)
            if training:
                loss = given.sum()
                del given
                loss.backward()
    (seen,) = tracker.get_tracker_snapshot("peak").values()
    ours = vggcost.memory(make(), input=shape, training=training)
    assert not ours.lower_bound
    assert ours.peak.bytes == seen["Total"]


@pytest.mark.parametrize(
    ("make", "shape"),
    [(small_unet, (2, 3, 64, 96)), (foreign.ResNet18, (2, 3, 96, 96)), (foreign.AlexNet, (4, 3, 224, 224))],
)
def test_a_training_step_on_the_cpu_takes_what_is_said_and_at_most_a_tenth_more(make, shape):
    from torch.profiler import ProfilerActivity, profile

    model, x = make().train(), torch.rand(shape)
    model(x).sum().backward()
    model.zero_grad()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        model(x).sum().backward()
    events = [each for each in profiler.profiler.kineto_results.events() if each.name() == "[memory]"]
    alive = peak = 0
    for event in sorted(events, key=lambda each: each.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    ours = vggcost.memory(model, input=shape, training=True)
    predicted = ours.peak.bytes - held(ours)
    assert predicted <= peak <= 1.10 * predicted


@pytest.mark.parametrize("make", [foreign.ResNet18, small_unet, vit.ViT])
def test_flops_of_both_passes_are_torchs_counters(make):
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    size = 224 if make is vit.ViT else 64
    with FakeTensorMode():
        model, x = make(), torch.empty(1, 3, size, size)
        with FlopCounterMode(display=False) as ahead:
            given = model(x)
        with FlopCounterMode(display=False) as back:
            given.sum().backward()
    flops = vggcost.memory(make(), input=(1, 3, size, size), training=True).flops
    assert (flops["forward_flops"], flops["backward_flops"]) == (ahead.get_total_flops(), back.get_total_flops())


def test_what_autograd_keeps_is_what_its_hooks_see():
    from vggcost.frameworks.pytorch.storages import kept_storages

    model, x = foreign.ResNet18().train(), torch.rand(2, 3, 64, 64)
    _, kept = kept_storages(lambda: model(x), [*model.parameters(), *model.buffers()])
    ours = vggcost.memory(model, input=(2, 3, 64, 64), training=True)
    assert ours.totals.saved_bytes == sum(kept.values())


@pytest.mark.parametrize(("name", "batch_norm"), [("A", False), ("A-LRN", False), ("B", True), ("E", False)])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_program_that_is_a_network_is_its_formulas_in_every_total_and_row(name, batch_norm, accumulate):
    network = api.unfolded(api.configuration(name), {"batch_norm": batch_norm}, 64)
    options = {"training": True, "optimizer": "adam", "accumulate": accumulate, "batch": 2}
    formula = vggcost.memory(name, batch_norm=batch_norm, size=64, **options)
    module = build_module(network, in_place=True)
    del options["batch"]
    ours = vggcost.memory(module, input=(2, 3, 64, 64), **options)
    assert ours.by_formula["agrees"]
    assert set(ours.found_by.values()) == {"formula"}
    assert ours.totals == formula.totals
    numbers = [field for field in formula.layers[0]._fields if field.endswith("_bytes")]
    for mine, theirs in zip(ours.layers, formula.layers, strict=True):
        assert [getattr(mine, field) for field in numbers] == [getattr(theirs, field) for field in numbers]


def test_a_program_that_holds_more_than_its_network_is_followed_and_says_so():
    class Holds(nn.Sequential):
        def forward(self, x):
            first = self[0](x)
            return super().forward(x) + 0 * first.sum()

    network = api.unfolded(api.configuration("A"), {}, 64)
    plain = vggcost.memory(build_module(network, in_place=False), input=(1, 3, 64, 64))
    assert plain.by_formula == {**plain.by_formula, "agrees": True, "in_place": False}
    module = Holds(*[nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)])
    ours = vggcost.memory(module, input=(1, 3, 64, 64))
    assert ours.by_formula is None
    assert ours.found_by["working_bytes"] == "followed"


def test_shared_frozen_and_idle_parameters_count_once_apart_and_not_at_all():
    model = Small()
    ours = vggcost.memory(model, input=(1, 3, 16, 16), training=True, optimizer="adam")
    weight, bias = 4 * 3 * 3 * 9, 4 * 3
    assert ours.totals.weight_bytes == weight + 2 * bias + 4 * 30
    assert ours.totals.gradient_bytes == weight + bias
    assert ours.totals.optimizer_bytes == 2 * (weight + bias)
    assert ours.followed.without_gradient == 30
    assert sum(row.weight_bytes for row in ours.layers) == ours.totals.weight_bytes
    frozen = vggcost.memory(model, input=(1, 3, 16, 16), training=True, freeze=["first.weight"])
    assert frozen.totals.gradient_bytes == bias


def test_a_live_model_is_left_as_it_was():
    model = foreign.ResNet18().eval()
    before = {name: (id(each), each.clone()) for name, each in model.state_dict(keep_vars=True).items()}
    vggcost.memory(model, input=(1, 3, 64, 64), training=True)
    assert not model.training
    for name, tensor in model.state_dict(keep_vars=True).items():
        assert id(tensor) == before[name][0]
        assert torch.equal(tensor, before[name][1])
        assert tensor.grad is None


def test_mixed_dtypes_count_byte_by_byte_and_adam_updates_them_apart():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = nn.Conv2d(3, 8, 3, dtype=torch.float64)
            self.narrow = nn.Conv2d(8, 16, 3, dtype=torch.float32)

        def forward(self, x):
            return self.narrow(self.wide(x.double()).float())

    model = Mixed()
    ours = vggcost.memory(model, input=(1, 3, 8, 8), training=True, optimizer="adam")
    assert ours.totals.weight_bytes == sum(each.nbytes for each in model.parameters())
    model(torch.rand(1, 3, 8, 8)).sum().backward()
    tensors = [(str(each.dtype), each.nbytes) for each in model.parameters()]
    for way, words in (("foreach", {"foreach": True}), ("for-loop", {"foreach": False})):
        assert max(updates_of(tensors, Training("adam", way))) == _update(model, words)


def _update(model, words):
    """What the second step of torch's own Adam makes at most."""
    from vggcost.frameworks.pytorch.storages import StorageFollower

    optimizer = torch.optim.Adam(model.parameters(), **words)
    optimizer.step()
    known = [each for state in optimizer.state.values() for each in state.values()]
    grads = [each.grad for each in model.parameters()]
    with StorageFollower([*model.parameters(), *grads, *known]) as follower:
        optimizer.step()
    return follower.peak_bytes


class Doubled(nn.Conv2d):
    """A layer behind which an operator of somebody else's works."""

    def forward(self, x):
        return torch.ops.vggcost_tests.twice(super().forward(x))


@pytest.fixture
def twice():
    """An operator of another library, which has a way without memory, too."""
    library = torch.library.Library("vggcost_tests", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x + x, "CompositeExplicitAutograd")
    yield
    library._destroy()


@pytest.mark.usefixtures("twice")
def test_an_operator_of_another_library_makes_it_a_lower_bound_and_is_named():
    ours = vggcost.memory(Doubled(3, 4, 3), input=(1, 3, 8, 8))
    assert ours.lower_bound
    assert ours.followed.unseen == ("vggcost_tests::twice",)
    assert "A lower bound: vggcost_tests::twice takes memory that is not seen." in ours.rendered("table")
    assert ours.to_dict()["lower_bound"]
    assert not vggcost.memory(nn.Conv2d(3, 4, 3), input=(1, 3, 8, 8)).lower_bound


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_compiled_code_is_named_and_its_operators_are_rows():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU()))
    ours = vggcost.memory(nn.Sequential(nn.Conv2d(3, 4, 3), scripted), input=(1, 3, 8, 8), training=True)
    assert ours.followed.unseen == ("compiled code of RecursiveScriptModule",)
    assert ours.totals.weight_bytes == 4 * (4 * 27 + 4 + 4 * 36 + 4)
    assert all(each.grad is None for each in scripted.parameters())


def test_what_asks_for_values_is_followed_on_real_ones():
    class Branches(nn.Conv2d):
        def forward(self, x):
            y = super().forward(x)
            return y[y > 0] if y.sum() > -1e9 else y

    ours = vggcost.memory(Branches(3, 4, 3), input=(1, 3, 8, 8), training=True)
    assert ours.followed.notes == ("followed on real values, on the CPU: other values may take other paths",)
    assert ours.totals.saved_bytes > 0


def test_checkpointed_parts_keep_their_input_and_run_again():
    from torch.utils.checkpoint import checkpoint

    class Blocks(nn.Module):
        def __init__(self, *, again):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.Sigmoid(), nn.Conv2d(8, 8, 3, padding=1), nn.Sigmoid())
                for _ in range(3)
            )
            self.again = again

        def forward(self, x):
            x = self.stem(x)
            for block in self.blocks:
                x = checkpoint(block, x, use_reentrant=False) if self.again else block(x)
            return x

    steps = [vggcost.memory(Blocks(again=again), input=(1, 3, 16, 16), training=True) for again in (False, True)]
    plain, again = (step.totals for step in steps)
    map_bytes = 4 * 8 * 16 * 16
    assert plain.saved_bytes == 4 * 3 * 16 * 16 + 7 * map_bytes
    assert again.saved_bytes == 4 * 3 * 16 * 16 + 3 * map_bytes
    assert again.training_peak_bytes < plain.training_peak_bytes
    assert steps[1].flops["backward_flops"] > steps[0].flops["backward_flops"]


def test_another_dtype_halves_every_part():
    ours = [vggcost.memory(nn.Conv2d(3, 4, 3), input=(1, 3, 8, 8), dtype=each).totals for each in (None, "bfloat16")]
    assert [2 * getattr(ours[1], name) for name in ("weight_bytes", "input_bytes", "peak_bytes")] == [
        getattr(ours[0], name) for name in ("weight_bytes", "input_bytes", "peak_bytes")
    ]


REFUSED = (
    (lambda: vggcost.memory(nn.Conv2d(3, 4, 3)), "a live model needs its input"),
    (lambda: vggcost.memory(nn.Conv2d(3, 4, 3), input=(1, 3, 8, 8), classes=3), "classes is for a configuration"),
    (lambda: vggcost.memory(nn.Conv2d(3, 4, 3), input=(1, 3, 8, 8), in_place=False), "in_place is for a configuration"),
    (lambda: vggcost.memory(nn.ReLU(), input=(1, 3, 8, 8), training=True), "has nothing to train"),
    (lambda: vggcost.memory(nn.Linear(3, 4), input=(1, 5)), "cannot run: "),
    (lambda: vggcost.memory(nn.Linear(3, 4), input=(1, 3), training=True, freeze=["weigt"]), "the nearest are weight"),
    (lambda: vggcost.memory(nn.Linear(3, 4), input=(1, 3), dtype="int8"), "none that a program's weights"),
    (lambda: vggcost.memory(nn.Linear(3, 4), input=(1, 3), training=True, optimizer="adm"), "nearest are adam, adamw"),
    (lambda: vggcost.memory("D", input=(1, 3, 8, 8)), "input is for a program"),
)


@pytest.mark.parametrize(("call", "reason"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(call, reason):
    with pytest.raises(vggcost.VggcostError) as refused:
        call()
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_network_under_autocast_is_its_formulas(batch_norm):
    network = api.unfolded(api.configuration("A"), {"batch_norm": batch_norm}, 64)
    formula = vggcost.memory("A", batch_norm=batch_norm, size=64, training=True, mixed="bfloat16").totals
    ours = vggcost.memory(build_module(network), input=(1, 3, 64, 64), training=True, mixed="bfloat16").totals
    names = ("saved_bytes", "training_peak_bytes", "gradient_bytes")
    assert [getattr(ours, name) for name in names] == [getattr(formula, name) for name in names]
