"""The memory estimate against what torch's own tracker found, and what is alive inside a residual block."""

from __future__ import annotations

import pytest

from vggcost import api
from vggcost.costs.memory import blocks_of, in_use_bytes, largest_batch, layer_in_use_bytes, layer_live_bytes, lived
from vggcost.costs.table import table
from vggcost.network.blocks import Residual
from vggcost.network.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from vggcost.network.plan import Network, Variant


def counted(name="D", batch=1, **options):
    network = api.build(name, Variant(**options))
    return table(network, (batch, 3, 224, 224))


def saved_bytes(counted, element_bytes):
    return lived(counted, element_bytes, training=True, in_place=False).saved_bytes


def test_a_forward_holds_weights_input_and_the_largest_pair_of_outputs():
    image, pair = 3 * 224 * 224 * 4, 2 * 64 * 224 * 224 * 4
    assert in_use_bytes(counted(), 4) == 138_357_544 * 4 + image + pair
    assert in_use_bytes(counted(batch=8), 4) == 138_357_544 * 4 + 8 * (image + pair)
    # In half precision the worst moment is the first pool's: its int64 places do not shrink.
    pool = (64 * 224 * 224 + 64 * 112 * 112) * 2 + 64 * 112 * 112 * 8
    assert in_use_bytes(counted(), 2) == 138_357_544 * 2 + image // 2 + pool


@pytest.mark.parametrize(
    ("name", "in_place", "beside"),
    [
        # torch's storages alive beside weights, buffers and the image, eval mode, float32, torch 2.13.
        ("A", True, 22_478_848),
        ("A", False, 25_690_112),
        ("B", True, 25_690_112),
        ("E", True, 25_690_112),
        ("A-LRN", True, 51_380_224),
    ],
)
def test_the_peak_of_a_forward_is_torchs(name, in_place, beside):
    one, eight = counted(name), counted(name, 8)
    assert in_use_bytes(one, 4, in_place=in_place) == one.params * 4 + 3 * 224 * 224 * 4 + beside
    assert in_use_bytes(eight, 4, in_place=in_place) == one.params * 4 + 8 * (3 * 224 * 224 * 4 + beside)


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
        ("A-LRN", 101_052_416),
    ],
)
def test_what_autograd_keeps(name, kept):
    assert saved_bytes(counted(name), 4) == kept


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
def test_a_training_step_is_what_torch_tracks(name, batch, tracked):
    assert in_use_bytes(counted(name, batch), 4, backward=True, in_place=True) == tracked


def test_the_input_of_a_residual_block_waits_while_its_body_runs():
    network = api.build("residual-vgg16", Variant())
    counted = table(network, (1, 3, 64, 64))
    image, one = 3 * 64 * 64 * 4, 64 * 64 * 64 * 4
    # The block's input, what the body's second convolution takes, and what it yields: three of the widest feature map.
    assert in_use_bytes(counted, 4) == counted.params * 4 + image + 3 * one
    assert 3 * one == 3_145_728
    first = [row.name for row in counted.rows].index("res1_1_conv1")
    # res1_1_conv1 takes the block's input itself, and so does the addition.
    assert list(layer_live_bytes(counted, 4, in_place=False))[first - 1 : first + 5] == [
        2 * one,
        2 * one,
        3 * one,
        3 * one,
        3 * one,
        3 * one,
    ]


def alive(*layers, shape=(2, 4, 6, 10)):
    network = Network("made up", Variant(in_channels=shape[1]), layers, shape[2:])
    return list(layer_live_bytes(table(network, shape), 2, in_place=False))


def test_the_body_waits_while_a_projection_runs_and_all_three_at_the_addition():
    block = Residual(
        "res",
        None,
        body=(Conv2d("conv", None, 4, 8), ReLU("relu", None)),
        shortcut=(Conv2d("proj", None, 4, 8, kernel=(1, 1), padding=(0, 0)), BatchNorm2d("norm", None, 8)),
    )
    one = 2 * 4 * 6 * 10 * 2
    assert alive(ReLU("first", None), block) == [
        one,
        one + 2 * one,  # conv
        one + 4 * one,  # relu
        one + 4 * one,  # proj, beside what the body yields
        one + 6 * one + 2 * 8 * 4,  # norm, with its batch's statistics in float32
        one + 6 * one,  # the addition
    ]


def test_a_block_inside_a_block_waits_once():
    inner = Residual("inner", None, body=(ReLU("one", None), ReLU("two", None)))
    outer = Residual("outer", None, body=(inner, ReLU("three", None)))
    one = 2 * 4 * 6 * 10 * 2
    # first; one, two, the inner addition; three; the outer addition.
    assert alive(ReLU("first", None), outer) == [one, 2 * one, 3 * one, 3 * one, 3 * one, 3 * one]


def test_the_places_of_maxima_are_eight_bytes_each():
    yielded = 2 * 4 * 3 * 5
    assert alive(MaxPool2d("pool", None)) == [(2 + 8) * yielded]


def test_what_is_kept_in_another_shape_is_kept_once():
    conv = Conv2d("conv", None, 4, 4)
    layers = (conv, ReLU("relu", None), Flatten("flatten", None), Linear("fc", None, 4 * 6 * 10, 7))
    network = Network("made up", Variant(in_channels=4), layers, (6, 10))
    # The image, and the ReLU's output, which is the linear layer's input as well.
    assert saved_bytes(table(network, (2, 4, 6, 10)), 4) == 4 * 2 * (2 * 4 * 6 * 10)


def test_a_norm_that_is_not_affine_has_buffers_all_the_same():
    layers = (Conv2d("conv", None, 4, 4, bias=False), BatchNorm2d("norm", None, 4, affine=False))
    network = Network("made up", Variant(in_channels=4), layers, (6, 10))
    counted = table(network, (2, 4, 6, 10))
    one = 2 * 4 * 6 * 10
    # Weights, buffers (an int64 count of batches too), the image; around the norm input, output and statistics.
    assert in_use_bytes(counted, 4) == 4 * (4 * 4 * 9 + 2 * 4 + one + 2 * one + 2 * 4) + 8
    assert saved_bytes(counted, 4) == 4 * (one + one + 2 * 4)


def test_the_largest_batch_fits_and_one_more_does_not():
    free = 3 * 10**9
    for backward in (False, True):
        batch = largest_batch(counted(batch=4, batch_norm=True), 4, free, backward=backward)
        assert in_use_bytes(counted(batch=batch, batch_norm=True), 4, backward=backward) <= free
        assert in_use_bytes(counted(batch=batch + 1, batch_norm=True), 4, backward=backward) > free


def test_each_layers_memory_has_weights_and_input_in_it():
    one = counted("A")
    found = list(layer_in_use_bytes(one, 4, in_place=False))
    outside = one.params * 4 + 3 * 224 * 224 * 4
    assert len(found) == len(one.rows)
    assert found[0] == outside + 64 * 224 * 224 * 4
    assert max(found) == in_use_bytes(one, 4, in_place=False) == outside + 2 * 64 * 224 * 224 * 4
    # conv1_1, whose ReLU writes over it, and the first pool with its places.
    assert max(layer_in_use_bytes(one, 4)) == in_use_bytes(one, 4) == outside + 22_478_848


def test_blocks_end_with_their_pools():
    conv, relu, pool = Conv2d("conv", None, 4, 4), ReLU("relu", None), MaxPool2d("pool", None)
    assert blocks_of([conv, relu, pool]) == [[conv, relu, pool]]
    assert blocks_of([conv, pool, conv, relu]) == [[conv, pool], [conv, relu]]
    assert blocks_of([conv, relu]) == []
