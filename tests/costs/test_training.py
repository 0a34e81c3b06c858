"""One training step against what torch 2.13 was seen to hold and multiply; tests/against_torch/ asks torch itself."""

from __future__ import annotations

import pytest

from vggcost import api
from vggcost.costs.course import peak
from vggcost.costs.table import table
from vggcost.costs.training import Training, frozen_layers, lived, state_bytes, step_macs, temporary_bytes
from vggcost.errors import VggcostError
from vggcost.network.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d
from vggcost.network.plan import Network, Variant


def counted(name="D", batch=1, **options):
    return table(api.build(name, Variant(**options)), (batch, 3, 224, 224))


PLAIN = Training()


def step_flops(table, training=PLAIN):
    lives = lived(table, 4, training, in_place=True)
    return 2 * sum(macs.forward + macs.backward for macs in step_macs(table, lives))


@pytest.mark.parametrize(
    ("name", "flops"),
    # torch.utils.flop_counter.FlopCounterMode over forward and backward, one image.
    [("A", 45_481_132_032), ("B", 67_677_388_800), ("D", 92_648_177_664), ("E", 117_618_966_528)],
)
def test_a_step_multiplies_three_times_a_forward_but_for_the_first_layers_input(name, flops):
    one = counted(name)
    assert step_flops(one) == flops == 3 * one.flops - 2 * one.rows[0].macs
    assert step_flops(counted(name, 8)) == 8 * flops


def test_frozen_features_keep_what_the_classifier_needs():
    one = counted()
    training = Training(frozen=frozen_layers(one, ["features"]))
    assert sum(each.bytes for each in lived(one, 4, training, in_place=True).kept()) == 198_656
    assert step_flops(one, training) == 31_229_542_400
    assert frozen_layers(one, ["conv1_1", "fc8"]) == {"conv1_1", "fc8"}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["featurs"], "--freeze 'featurs' is no layer that learns; the nearest are features"),
        (["pool1"], "--freeze 'pool1' is no layer that learns"),
        (["features", "classifier"], "--freeze leaves nothing to train"),
    ],
)
def test_what_cannot_be_frozen(names, words):
    with pytest.raises(VggcostError, match=words):
        frozen_layers(counted(), names)


def test_adam_keeps_two_moments_and_sgd_nothing():
    params = 138_357_544 * 4
    states = {name: state_bytes(params, Training(name)) for name in ("sgd", "momentum", "adam", "adamw")}
    assert states == {"sgd": 0, "momentum": params, "adam": 2 * params, "adamw": 2 * params}
    assert states["adam"] == 1_106_860_352


def test_what_a_step_makes_on_its_way_is_the_implementations():
    layers = (
        Conv2d("conv", "f.0", 3, 5),
        BatchNorm2d("bn", "f.1", 5),
        MaxPool2d("pool", "f.2"),
        Flatten("flat", None),
        Linear("fc", "c.0", 5 * 16, 7, bias=False),
    )
    small = table(Network("small", Variant(), layers, (8, 8)), (2, 3, 8, 8))
    made = {
        implementation: temporary_bytes(small, 4, Training("adam", implementation))
        for implementation in ("foreach", "for-loop", "fused")
    }
    # All parameters; one after the other (its root, its quotient, the root before), here the linear layer's; none.
    assert made == {"foreach": 4 * (140 + 10 + 560), "for-loop": 4 * (2 * 560 + 5), "fused": 0}
    assert temporary_bytes(small, 4, Training("momentum", "for-loop")) == 0
    frozen = Training("adamw", "for-loop", frozen=frozenset({"fc"}))
    assert temporary_bytes(small, 4, frozen) == 4 * 2 * 135


@pytest.mark.parametrize("training", [Training(), Training("adam"), Training(accumulate=3), Training(checkpoint=True)])
@pytest.mark.parametrize("batch", [1, 64])
def test_the_parts_of_the_peak_sum_to_it(training, batch):
    worst = peak(counted("A", batch), 4, training, in_place=True)
    parts = [getattr(worst, name) for name in worst._fields if name.endswith("_bytes")]
    assert sum(parts) == worst.bytes
    assert len(parts) == 9


def test_the_peak_is_torchs():
    assert peak(counted("A"), 4, Training(), in_place=True).bytes == 1_106_228_552
    with_state = peak(counted("D", 64), 4, Training("adam", "fused"), in_place=True)
    without = peak(counted("D", 64), 4, Training(), in_place=True)
    assert with_state.bytes - without.bytes == 1_106_860_352
    assert (without.phase, without.layer) == ("backward", "relu4_3")
    assert (without.live_saved_bytes, without.working_bytes) == (4_470_079_488, 205_520_904)


def test_where_parameters_outweigh_activations_the_worst_moment_is_the_optimizers():
    worst = peak(counted(), 4, Training("adam"), in_place=True)
    params = 138_357_544 * 4
    assert (worst.phase, worst.layer) == ("step", None)
    assert worst.bytes == 5 * params + 3 * 224 * 224 * 4  # weights, two moments, gradients, the root of one moment


def test_gradients_from_before_lie_beside_those_of_one_layer():
    one = counted()
    plain, beside = (peak(one, 4, Training(accumulate=number), in_place=True) for number in (1, 2))
    assert beside.live_gradient_bytes > one.params * 4 > plain.live_gradient_bytes


def test_checkpointing_keeps_the_blocks_inputs_and_runs_the_features_again():
    one = counted()
    training = Training(checkpoint=True)
    kept = sum(each.bytes for each in lived(one, 4, training, in_place=True).kept())
    pools = [row for row in one.rows if row.kind == "MaxPool2d"]
    # The image and each pool's output but the last, which the average pool keeps; and what the classifier keeps.
    assert kept == 4 * (3 * 224 * 224 + sum(row.output_elements for row in pools)) + 198_656
    features = sum(row.macs for row in one.rows if row.kind == "Conv2d")
    assert step_flops(one, training) == step_flops(one) + 2 * features


def test_nothing_to_train_is_refused():
    bare = Network("bare", Variant(), (MaxPool2d("pool", "f.0"), Flatten("flat", None)), (8, 8))
    with pytest.raises(VggcostError, match="has nothing to train"):
        peak(table(bare, (1, 3, 8, 8)), 4, Training(), in_place=True)
