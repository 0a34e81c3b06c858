"""The memory estimate against what torch's own tracker found, and the advice that follows from it."""

from __future__ import annotations

import pytest

from vggcost import api
from vggcost.bench.memory_check import check_fits, graph_refused, refused
from vggcost.bench.memory_estimate import kept_bytes, largest_batch, peak_bytes
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network.plan import Variant


def counted(name="D", batch=1, **options):
    network = api.build(name, Variant(**options))
    return table(network, (batch, 3, 224, 224))


def test_a_forward_holds_weights_input_and_the_largest_pair_of_outputs():
    image, pair = 3 * 224 * 224 * 4, 2 * 64 * 224 * 224 * 4
    assert peak_bytes(counted(), 4) == 138_357_544 * 4 + image + pair
    assert peak_bytes(counted(batch=8), 4) == 138_357_544 * 4 + 8 * (image + pair)
    # In half precision the worst moment is the first pool's: its int64 places do not shrink.
    pool = (64 * 224 * 224 + 64 * 112 * 112) * 2 + 64 * 112 * 112 * 8
    assert peak_bytes(counted(), 2) == 138_357_544 * 2 + image // 2 + pool


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        # torch.autograd.graph.saved_tensors_hooks over a training step's forward in float32, torch 2.13.
        ("A", 48_869_376),
        ("B", 68_136_960),
        ("D", 73_355_264),
        ("E", 78_573_568),
        # There the running mean and variance are among the saved tensors; here they are among the weights.
        ("D_bn", 127_612_928 - 2 * 4224 * 4),
    ],
)
def test_what_autograd_keeps(name, kept):
    assert kept_bytes(counted(name), 4) == kept


@pytest.mark.parametrize(
    ("name", "batch", "tracked"),
    [
        # torch.distributed._tools.mem_tracker, forward and backward, everything in it, torch 2.13.
        ("A", 1, 1_106_228_552),
        ("B", 1, 1_126_234_184),
        ("C", 1, 1_133_911_112),
        ("D", 1, 1_169_562_696),
        ("E", 1, 1_212_891_208),
        ("A", 8, 1_441_494_344),
        ("D", 8, 1_665_586_248),
        ("E", 8, 1_734_799_432),
    ],
)
def test_a_training_step_is_estimated_from_above_and_not_far_above(name, batch, tracked):
    estimate = peak_bytes(counted(name, batch), 4, backward=True)
    assert tracked <= estimate <= 1.25 * tracked


def test_the_largest_batch_fits_and_one_more_does_not():
    free = 3 * 10**9
    for backward in (False, True):
        batch = largest_batch(counted(batch=4, batch_norm=True), 4, free, backward=backward)
        assert peak_bytes(counted(batch=batch, batch_norm=True), 4, backward=backward) <= free
        assert peak_bytes(counted(batch=batch + 1, batch_norm=True), 4, backward=backward) > free


def test_a_batch_that_does_not_fit_is_refused_with_the_one_that_should():
    with pytest.raises(VggcostError, match=r"batch 1000 of D \(VGG-16\) needs about .* give --batch 93 "):
        check_fits(counted(batch=1000), 4, 3 * 10**9)
    check_fits(counted(batch=93), 4, 3 * 10**9)
    check_fits(counted(batch=10**6), 4, None)


def test_nothing_fits_where_the_weights_do_not():
    with pytest.raises(VggcostError, match="not even one image fits"):
        check_fits(counted(), 4, 10**6)


def test_an_allocator_that_gave_up_is_answered_with_a_smaller_batch_than_it_was_asked_for():
    assert "give --batch 4 " in str(refused(counted(batch=8), 4, 10**12))
    assert "smaller --batch" in str(refused(counted(batch=8), 4, None))


def test_a_graph_needs_room_for_a_second_set_of_activations():
    table = counted(batch=8)
    forward = peak_bytes(table, 4)
    pool = forward - 4 * (table.params + 8 * 3 * table.input[2] * table.input[3])
    assert graph_refused(table, 4, forward + pool) is None
    assert "do not fit beside those of a forward" in graph_refused(table, 4, forward + pool - 1)
    assert graph_refused(table, 4, None) is None


def test_after_a_refusal_half_way_the_advice_is_half_of_what_was_refused_or_what_fits():
    table = counted(batch=8)
    assert "give --batch 4 " in str(refused(table, 4, 10**12))
    fits = peak_bytes(counted(batch=3), 4)
    assert "give --batch 3 " in str(refused(table, 4, fits))
    assert "not even one image fits" in str(refused(counted(batch=1), 4, None))
    assert "--batch" not in str(refused(counted(batch=1), 4, None))
