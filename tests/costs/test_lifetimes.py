"""Which tensors live when, as recorded from torch 2.13 storage by storage; tests/against_torch/ asks torch itself."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from vggcost.costs.liveness import Lifetimes
from vggcost.costs.memory import lived
from vggcost.costs.storages import Widths
from vggcost.costs.table import table
from vggcost.costs.training import Training
from vggcost.costs.training import lived as step_lived
from vggcost.network.blocks import Residual
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Softmax,
)
from vggcost.network.plan import Network, Variant

CONV, RELU = Conv2d("conv", "f.0", 5, 5), ReLU("relu", "f.1")
FLAT = Flatten("flat", None)
CLASSIFIER = (
    Linear("fc1", "c.0", 5 * 16, 11),
    ReLU("fc1_relu", "c.1"),
    Dropout("drop", "c.2"),
    Linear("fc2", "c.3", 11, 13, bias=False),
    Softmax("soft", "c.4"),
)
BLOCK = Residual(
    "res",
    "f.2",
    (Conv2d("res1", "f.2.body.0", 5, 5), ReLU("res1_relu", "f.2.body.1"), BatchNorm2d("res_bn", "f.2.body.2", 5)),
    (LocalResponseNorm("res_lrn", "f.2.shortcut.0", 3),),
)

NETWORKS = {
    "chain": (CONV, RELU, MaxPool2d("pool", "f.2"), FLAT, *CLASSIFIER),
    "norm": (CONV, BatchNorm2d("bn", "f.1", 5), ReLU("r", "f.2"), AdaptiveAvgPool2d("mean", "avgpool", (1, 1)), FLAT),
    "response": (CONV, RELU, LocalResponseNorm("lrn", "f.2"), MaxPool2d("pool", "f.3"), FLAT, *CLASSIFIER),
    "block": (CONV, RELU, BLOCK, ReLU("after", "f.3"), AdaptiveAvgPool2d("avg", "avgpool", (2, 3)), FLAT),
    "shortcut learns": (BLOCK.replace(body=BLOCK.shortcut, shortcut=(CONV.replace(path="f.2.shortcut.0"),)), FLAT),
    "identity": (CONV, RELU, BLOCK.replace(shortcut=()), FLAT),
    "first": (BatchNorm2d("bn", "f.0", 5), MaxPool2d("pool", "f.1"), Dropout("drop", "f.2"), FLAT),
    "frozen head": (MaxPool2d("pool", "f.0"), RELU, CONV.replace(path="f.2"), RELU.replace(path="f.3"), FLAT),
}

RECORDED = {
    # Name, bytes an element, in place: peak of a forward, kept for the backward pass, peak of a training step.
    ("chain", 4, True): (6720, 11112, 15664),
    ("chain", 4, False): (7680, 11112, 15664),
    ("chain", 2, True): (4320, 6516, 8312),
    ("chain", 2, False): (4320, 6516, 8312),
    ("norm", 4, True): (7720, 11560, 15408),
    ("norm", 4, False): (7720, 11560, 15408),
    ("norm", 2, True): (3880, 5800, 7724),
    ("norm", 2, False): (3880, 5800, 7724),
    ("response", 4, True): (15360, 29544, 41776),
    ("response", 4, False): (15360, 29544, 41776),
    ("response", 2, True): (7680, 15732, 20888),
    ("response", 2, False): (7680, 15732, 20888),
    ("block", 4, True): (19200, 28456, 39984),
    ("block", 4, False): (19200, 28456, 39984),
    ("block", 2, True): (9600, 14248, 20012),
    ("block", 2, False): (9600, 14248, 20012),
    ("shortcut learns", 4, True): (11520, 3840, 11520),
    ("shortcut learns", 4, False): (11520, 3840, 11520),
    ("shortcut learns", 2, True): (5760, 1920, 5760),
    ("shortcut learns", 2, False): (5760, 1920, 5760),
    ("identity", 4, True): (11560, 11560, 15408),
    ("identity", 4, False): (11560, 11560, 15408),
    ("identity", 2, True): (5800, 5800, 7720),
    ("identity", 2, False): (5800, 5800, 7720),
    ("first", 4, True): (6720, 10600, 10608),
    ("first", 4, False): (6720, 10600, 10608),
    ("first", 2, True): (4320, 6280, 6284),
    ("first", 2, False): (4320, 6280, 6284),
    ("frozen head", 4, True): (2880, 1920, 2888),
    ("frozen head", 4, False): (2880, 1920, 2888),
    ("frozen head", 2, True): (2400, 960, 2400),
    ("frozen head", 2, False): (2400, 960, 2400),
}


def network(name):
    return Network(name, Variant(in_channels=5), NETWORKS[name], (8, 8))


@pytest.mark.parametrize(("name", "element_bytes", "in_place"), RECORDED)
def test_peaks_and_what_is_kept_are_torchs(name, element_bytes, in_place):
    counted = table(network(name), (3, 5, 8, 8))
    forward, step = (lived(counted, element_bytes, training=training, in_place=in_place) for training in (False, True))
    peaks = [max(moment.bytes for moment in lives.alive.moments) for lives in (forward, step)]
    assert (peaks[0], sum(each.bytes for each in step.kept()), peaks[1]) == RECORDED[name, element_bytes, in_place]


WAYS = {
    "plain": Training(),
    "again": Training(checkpoint=True),
    "beside": Training(accumulate=2),
    "frozen": Training(frozen=frozenset({"conv", "res1"})),
    "frozen behind": Training(frozen=frozenset({"fc1", "res_bn"})),
}


def walked(name, way, low_bytes=0):
    """How many moments a step has, and the sum of all their bytes."""
    lives = step_lived(table(network(name), (3, 5, 8, 8)), 4, WAYS[way], in_place=False, low_bytes=low_bytes)
    return len(lives.alive.moments), sum(moment.bytes for moment in lives.alive.moments)


EVERY_MOMENT = {
    # As the walk gave them when its peaks were torch's: 500 random networks, and 120 of each way.
    ("chain", "plain"): (20, 164324),
    ("chain", "again"): (23, 117236),
    ("chain", "beside"): (20, 150200),
    ("chain", "frozen"): (17, 43452),
    ("chain", "frozen behind"): (20, 143348),
    ("norm", "plain"): (11, 97584),
    ("norm", "again"): (11, 97584),
    ("norm", "beside"): (11, 97544),
    ("norm", "frozen"): (10, 92776),
    ("norm", "frozen behind"): (11, 97584),
    ("response", "plain"): (42, 1029812),
    ("response", "again"): (52, 851028),
    ("response", "beside"): (42, 953648),
    ("response", "frozen"): (24, 134076),
    ("response", "frozen behind"): (42, 955376),
    ("block", "plain"): (41, 984292),
    ("block", "again"): (41, 984292),
    ("block", "beside"): (41, 982252),
    ("block", "frozen"): (21, 285228),
    ("block", "frozen behind"): (41, 984052),
    ("shortcut learns", "plain"): (13, 88492),
    ("shortcut learns", "again"): (13, 88492),
    ("shortcut learns", "beside"): (13, 88492),
    ("shortcut learns", "frozen"): (12, 87564),
    ("shortcut learns", "frozen behind"): (13, 88492),
    ("identity", "plain"): (15, 158740),
    ("identity", "again"): (15, 158740),
    ("identity", "beside"): (15, 156700),
    ("identity", "frozen"): (10, 84780),
    ("identity", "frozen behind"): (15, 158500),
    ("first", "plain"): (10, 75356),
    ("first", "again"): (13, 55980),
    ("first", "beside"): (10, 75356),
    ("first", "frozen"): (10, 75356),
    ("first", "frozen behind"): (10, 75356),
    ("frozen head", "plain"): (9, 21108),
    ("frozen head", "again"): (12, 31692),
    ("frozen head", "beside"): (9, 21108),
    ("frozen head", "frozen"): (7, 10572),
    ("frozen head", "frozen behind"): (9, 21108),
}


@pytest.mark.parametrize(("name", "way"), EVERY_MOMENT)
def test_every_moment_of_a_step_is_what_it_was(name, way):
    assert walked(name, way) == EVERY_MOMENT[name, way]


UNDER_AUTOCAST = {
    # As the walk gave them when its moments were torch's under autocast to bfloat16.
    ("chain", "plain"): (31, 247364),
    ("chain", "again"): (37, 172064),
    ("chain", "beside"): (31, 219404),
    ("chain", "frozen"): (26, 60054),
    ("chain", "frozen behind"): (29, 200348),
    ("norm", "plain"): (16, 80370),
    ("norm", "again"): (16, 80370),
    ("norm", "beside"): (16, 79350),
    ("norm", "frozen"): (13, 51818),
    ("norm", "frozen behind"): (16, 80370),
    ("response", "plain"): (58, 1323980),
    ("response", "again"): (72, 966598),
    ("response", "beside"): (58, 1225136),
    ("response", "frozen"): (35, 159468),
    ("response", "frozen behind"): (56, 1173890),
    ("block", "plain"): (54, 971230),
    ("block", "again"): (54, 971230),
    ("block", "beside"): (54, 965390),
    ("block", "frozen"): (28, 226580),
    ("block", "frozen behind"): (54, 970830),
    ("shortcut learns", "plain"): (19, 121346),
    ("shortcut learns", "again"): (19, 121346),
    ("shortcut learns", "beside"): (19, 120446),
    ("shortcut learns", "frozen"): (15, 100474),
    ("shortcut learns", "frozen behind"): (19, 121346),
    ("identity", "plain"): (24, 151656),
    ("identity", "again"): (24, 151656),
    ("identity", "beside"): (24, 145816),
    ("identity", "frozen"): (15, 52530),
    ("identity", "frozen behind"): (24, 151256),
    ("first", "plain"): (10, 75356),
    ("first", "again"): (13, 55980),
    ("first", "beside"): (10, 75356),
    ("first", "frozen"): (10, 75356),
    ("first", "frozen behind"): (10, 75356),
    ("frozen head", "plain"): (14, 23692),
    ("frozen head", "again"): (20, 45756),
    ("frozen head", "beside"): (14, 22792),
    ("frozen head", "frozen"): (10, 13396),
    ("frozen head", "frozen behind"): (14, 23692),
}


@pytest.mark.parametrize(("name", "way"), UNDER_AUTOCAST)
def test_every_moment_under_autocast_is_what_it_was(name, way):
    assert walked(name, way, low_bytes=2) == UNDER_AUTOCAST[name, way]


def moments(name, shape, **options):
    stages = [layers for _, layers in network(name).stages()]
    lives = Lifetimes(stages, shape, Widths(4, 4), training=True, **options)
    lives.backward()
    return [moment.bytes for moment in lives.alive.moments]


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays_and_symbols_give_the_ints_moments(name):
    batches, symbol = np.array([1, 3, 10**6], dtype=np.int64), sympy.Symbol("N", integer=True, positive=True)
    arrays, symbols = moments(name, (batches, 5, 8, 8)), moments(name, (symbol, 5, 8, 8))
    for place, batch in enumerate((1, 3, 10**6)):
        ints = moments(name, (batch, 5, 8, 8))
        assert [int(np.broadcast_to(each, 3)[place]) for each in arrays] == ints
        assert [int(sympy.sympify(each).subs(symbol, batch)) for each in symbols] == ints


def test_frozen_layers_keep_nothing_and_have_no_gradients():
    counted = table(network("chain"), (3, 5, 8, 8))
    stages = [layers for _, layers in counted.network.stages()]
    lives = Lifetimes(
        stages, counted.input, Widths(4, 4), training=True, trains=lambda layer: isinstance(layer, Linear)
    )
    # Linear's inputs (the pool's output, the dropout's), the ReLU's output, the mask, the soft-max's output.
    assert sum(each.bytes for each in lives.kept()) == 4 * 3 * (5 * 16 + 11 + 11 + 11 + 13)


def test_a_second_gradient_is_there_for_one_layer_at_a_time():
    plain, beside = moments("chain", (3, 5, 8, 8)), moments("chain", (3, 5, 8, 8), accumulating=True)
    assert plain[-1] - beside[-1] == 4 * (11 * 13 + 11 * 80 + 11)  # what the step has made of gradients until conv's
