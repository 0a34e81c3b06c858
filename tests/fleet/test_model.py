"""A step on many GPUs: the volume in closed form, one GPU exact, monotone in the line, and the published runs."""

from __future__ import annotations

from fractions import Fraction

import pytest

import vggcost
from vggcost.costs.table import table
from vggcost.costs.training import Training
from vggcost.costs.variants import unfolded
from vggcost.errors import VggcostError
from vggcost.fleet import evaluation, published
from vggcost.fleet.calibration import DEFAULTS, calibrated
from vggcost.fleet.gradients import FUSED_BYTES, Gradient, fused, work_of
from vggcost.fleet.model import COMPUTE, LATENCY, LINK, Cluster, Constants, Link, step
from vggcost.fleet.plan import BAND, Wanted, scales, splits, strong_scales
from vggcost.fleet.words import MeasuredSpeed
from vggcost.formulas.collectives import ring_bytes
from vggcost.network.catalogue import find

TCP = Link(25e9 / 8, "tcp")
LOCAL = Link(16e9, "local")
CLUSTER = Cluster(TCP, LOCAL, 4)


def work(name="D", batch=64, **training):
    network = unfolded(find(name), {}, None)
    return work_of(table(network, (batch, 3, 224, 224)), 4, Training(**training))


D = work()
BUCKETS = fused(D.gradients)


@pytest.mark.parametrize("name", ["A", "C", "E-bn"])
def test_the_volume_is_the_closed_form(name):
    found = work(name, batch=2)
    params = vggcost.closed_form(name).at()["params"]
    assert found.gradient_bytes == 4 * params == sum(each.bytes for each in found.gradients)
    for gpus in (1, 2, 3, 16, 511):
        assert ring_bytes(gpus, found.gradient_bytes) == Fraction(8 * (gpus - 1) * params, gpus) // 1


def test_gradients_leave_from_the_last_layer_on_when_its_work_is_done():
    ready = [each.ready for each in D.gradients]
    assert ready == sorted(ready, reverse=True) and ready[0] == 1.0
    assert [(each.layer, each.features) for each in D.linear] == [("fc6", 25088), ("fc7", 4096), ("fc8", 4096)]
    # fc8 has 4,096,000 of 15,470,264,320 multiplications; a step has three times as many but for conv1_1's input.
    last, macs, first = 4_096_000, 15_470_264_320, 86_704_128
    assert D.gradients[-1].ready == pytest.approx((macs + 2 * last) / (3 * macs - first), rel=1e-12)
    assert D.steps_of_forward == pytest.approx((3 * macs - first) / macs, rel=1e-12)


def test_what_is_sent_together_waits_for_its_last_and_is_at_most_the_buffer():
    mebi = 1024 * 1024
    sizes = (("a", 30, 1.0), ("b", 35, 0.8), ("c", 100, 0.6), ("d", 40, 0.4), ("e", 24, 0.2))
    buckets = fused(Gradient(name, size * mebi, ready, None) for name, size, ready in sizes)
    assert [(each.bytes // mebi, each.ready) for each in buckets] == [(64, 0.4), (100, 0.6), (35, 0.8), (30, 1.0)]
    assert 64 * mebi == FUSED_BYTES


def test_frozen_layers_send_nothing():
    frozen = frozenset(each.layer for each in D.gradients[:10])
    found = work(frozen=frozen)
    assert {each.layer for each in found.gradients}.isdisjoint(frozen) and len(found.gradients) == 6


def test_one_gpu_is_itself_to_the_last_digit():
    known = calibrated([MeasuredSpeed(1, 130.9)], 64, BUCKETS, CLUSTER)
    (alone,) = scales(D, 64, CLUSTER, known, Wanted((1,)))
    assert (alone.efficiency, alone.low, alone.high) == (1.0, 1.0, 1.0)
    assert alone.step.seconds == 64 / 130.9
    assert (alone.sent_bytes, alone.step.waiting_s, alone.step.binds) == (0, 0, COMPUTE)
    assert (alone.transport, alone.effective_bytes_per_s, alone.epoch_price, alone.run_price) == (None,) * 4


@pytest.mark.parametrize("gpus", [2, 5, 64, 4096])
@pytest.mark.parametrize("transport", ["local", "tcp", "rdma"])
def test_a_faster_line_never_takes_longer_and_more_gpus_are_never_more_efficient(gpus, transport):
    speeds = (1e6, 1e8, 3e9, 1e10, 1e13)
    times = [step(0.4, gpus, BUCKETS, Link(speed, transport), DEFAULTS).seconds for speed in speeds]
    assert times == sorted(times, reverse=True) and times[0] > times[-1]
    assert step(0.4, gpus + 1, BUCKETS, Link(3e9, transport), DEFAULTS).seconds > times[2]


def test_a_step_is_what_is_written_out():
    buckets = fused([Gradient("a", FUSED_BYTES, 1.0, None), Gradient("b", FUSED_BYTES, 0.5, None)])
    constants = Constants(local=1.0, tcp=0.5, rdma=1.0, latency_s=0.25, straggling=0.125)
    found = step(8.0, 4, buckets, Link(FUSED_BYTES / 4, "tcp"), constants)
    # The slowest of 4 has 8 * (1 + 2 * 0.125) = 10 s; b is there at 5 s. Six messages of 0.25 s, and 1.5 times its
    # bytes at an eighth of them a second: 1.5 + 12 s each.
    assert (found.work_s, found.transfer_s, found.latency_s) == (10.0, 24.0, 3.0)
    assert (found.seconds, found.waiting_s) == (5 + 13.5 + 13.5, 22.0)
    # On a fast line a waits for its own gradients.
    assert step(8.0, 4, buckets, Link(FUSED_BYTES * 64.0, "tcp"), constants).seconds == 10 + 1.5 + 1.5 * 2 / 64


def test_what_binds_is_what_would_have_to_be_faster():
    late = DEFAULTS.replace(latency_s=0.01)
    assert step(0.5, 64, BUCKETS, Link(1e8, "tcp"), DEFAULTS).binds == LINK
    assert step(0.5, 64, BUCKETS, Link(1e14, "tcp"), late).binds == LATENCY
    early = fused([Gradient("a", 1000, 0.5, None)])
    assert step(0.5, 64, early, TCP, DEFAULTS).binds == COMPUTE


@pytest.mark.parametrize(
    ("gpus", "rate", "transport"), [(16, 1787.4, "rdma"), (16, 1308.7, "tcp"), (4, 480.0, "local")]
)
def test_two_measurements_are_met(gpus, rate, transport):
    cluster = Cluster(Link(25e9 / 8, "tcp" if transport == "local" else transport), LOCAL, 4)
    known = calibrated([MeasuredSpeed(gpus, rate), MeasuredSpeed(1, 130.9)], 64, BUCKETS, cluster)
    own, other = scales(D, 64, cluster, known, Wanted((gpus, 3)))
    assert own.images_per_s == pytest.approx(rate, rel=1e-9)
    assert own.low == own.high == own.efficiency
    assert other.low == pytest.approx(other.efficiency / (1 + BAND))
    assert other.high == pytest.approx(min(1.0, other.efficiency / (1 - BAND)))


def test_one_measurement_of_several_gpus_says_how_fast_one_is():
    known = calibrated([MeasuredSpeed(16, 1308.7)], 64, BUCKETS, CLUSTER)
    (own,) = scales(D, 64, CLUSTER, known, Wanted((16,)))
    assert known.constants == DEFAULTS and own.images_per_s == pytest.approx(1308.7, rel=1e-9)


def test_several_measurements_over_one_line_share_what_they_say():
    runs = [MeasuredSpeed(1, 130.9), MeasuredSpeed(8, 600.0), MeasuredSpeed(64, 4000.0)]
    both = calibrated(runs, 64, BUCKETS, CLUSTER).constants.tcp
    one, other = (calibrated([runs[0], each], 64, BUCKETS, CLUSTER).constants.tcp for each in runs[1:])
    assert one != other and both**2 == pytest.approx(one * other, rel=1e-9)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([(1, 130.9), (1, 130.0)], "twice"),
        ([(1, 130.9), (16, 16 * 131.0)], "faster than 16 GPUs can be"),
        ([(1, 130.9), (16, 0.0001)], "slower than any use"),
        ([(16, 1e9)], "faster than the line lets 16 GPUs be"),
    ],
)
def test_a_run_that_cannot_be_is_refused(runs, words):
    with pytest.raises(VggcostError, match=words):
        calibrated([MeasuredSpeed(*each) for each in runs], 64, BUCKETS, CLUSTER)


def test_strong_scaling_keeps_the_images_and_needs_equal_parts():
    known = calibrated([MeasuredSpeed(1, 128.0)], 64, BUCKETS, CLUSTER)
    wanted = Wanted((1, 4, 6, 512), total_batch=256, epochs=3, price=2.0)
    rows = dict(strong_scales(D, 64, CLUSTER, known, wanted))
    assert rows[6] is None and rows[512] is None
    assert (rows[1].step.seconds, rows[1].batch, rows[4].batch, rows[4].images) == (2.0, 256, 64, 256)
    assert rows[4].step.work_s == pytest.approx(0.5 * (1 + 2 * DEFAULTS.straggling))
    assert rows[1].epoch_s == pytest.approx(1_281_167 / 128) and rows[1].run_s == pytest.approx(3 * rows[1].epoch_s)
    assert rows[4].run_price == pytest.approx(rows[4].run_s / 3600 * 4 * 2.0)
    assert rows[4].epoch_price == pytest.approx(rows[4].run_price / 3)


def test_splitting_the_classifier_sends_activations_in_its_place():
    known = calibrated([MeasuredSpeed(1, 128.0)], 64, BUCKETS, CLUSTER)
    weak = scales(D, 64, CLUSTER, known, Wanted((1, 8)))
    (split,) = splits(D, 64, 4, CLUSTER, known, weak)
    inputs, linear, everything = 25_088 + 4_096 + 4_096, 123_642_856, 138_357_544
    assert split.exchanged_bytes == 2 * 7 * 64 * inputs * 4
    assert split.sent_bytes == 2 * 7 * (everything - linear) * 4 // 8
    assert split.saved_bytes == 2 * linear * 4 * 7 // 8  # weights and their gradients; sgd keeps nothing
    assert split.whole_bytes == weak[1].sent_bytes == 2 * 7 * everything * 4 // 8
    others = fused(each for each in D.gradients if each.features is None)
    rest = step(known.alone_s, 8, others, TCP, known.constants).seconds
    exchange = split.exchanged_bytes / (25e9 / 8 * known.constants.tcp) + 3 * 14 * known.constants.latency_s
    assert split.seconds == pytest.approx(rest + exchange)
    assert split.times_faster == pytest.approx(weak[1].step.seconds / split.seconds)


def test_the_ring_goes_over_the_slowest_line():
    assert CLUSTER.between(4) is LOCAL and CLUSTER.between(5) is TCP
    with pytest.raises(VggcostError, match="--per-node 4; give --link"):
        Cluster(None, LOCAL, 4).between(5)


@pytest.fixture(scope="module")
def found():
    return evaluation.evaluated(published.runs())


def test_the_published_runs_are_the_fourteen_and_each_laboratory_is_left_out(found):
    assert len(published.rows()) == 75 and len(found.judged) == 14
    assert set(found.without) == {"google", "uber", "apache mxnet", "amazon"}
    assert found.median <= 0.12 and found.errors[-1] > 0.2
    # A laboratory's own runs do not move what is said of them.
    runs = [run.replace(efficiency=run.efficiency / 2) if run.lab == "google" else run for run in published.runs()]
    again = evaluation.fitted([run for run in runs if run.lab != "google"], evaluation.vgg16_buckets())
    assert again == found.without["google"]
    assert evaluation.fitted(runs, evaluation.vgg16_buckets()) != found.constants


def test_what_ships_is_what_the_runs_say(found):
    assert found.constants == DEFAULTS
    assert pytest.approx(found.band, abs=1e-4) == BAND


def test_runs_alone_are_as_fast_as_their_rows_say():
    speeds = {(run.lab, run.gpus, run.batch, run.link.transport): run.alone_images_per_s for run in published.runs()}
    assert speeds["google", 8, 64, "local"] == pytest.approx(154, rel=1e-3)
    assert speeds["uber", 16, 64, "tcp"] == pytest.approx(130.9, rel=1e-3)
    assert speeds["uber", 64, 64, "tcp"] == pytest.approx(149.6, rel=1e-3)
    assert speeds["uber", 512, 64, "rdma"] == 130.9
