"""One network in which no two numbers are alike, layer by layer under every convention.

Every VGG is square, ungrouped, undilated, with biases, and its pools tile the image: there most weights of a convention
can be exchanged for another and nothing is seen. Here each layer's count is written as arithmetic, so that each weight
of each row is held without the tools that the rows speak of, which are not installed or cannot be run any more.
"""

from __future__ import annotations

import pytest

from vggcost.conventions.counting import difference, tally, total
from vggcost.conventions.rows import NAMES, convention
from vggcost.costs.table import table
from vggcost.network.catalogue import Network, Variant
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Residual,
    Softmax,
)

LAYERS = (
    Conv2d("conv1", "0", 6, 4, (3, 5), (2, 1), (1, 2), bias=False, groups=2, dilation=(2, 1)),
    BatchNorm2d("norm1", "1", 4),
    ReLU("relu1", "2"),
    Conv2d("conv2", "3", 4, 10, (5, 3), (1, 2), (2, 1)),
    BatchNorm2d("norm2", "4", 10),
    LocalResponseNorm("lrn1", "5", 3),
    BatchNorm2d("norm3", "6", 10, affine=False),
    BatchNorm2d("norm4", "17", 10),
    MaxPool2d("pool1", "7", (3, 2), (2, 1), (1, 1), (1, 2)),
    MaxPool2d("pool2", "8", (2, 2), (1, 1)),
    Residual("block", "9", (Conv2d("conv3", "9.body.0", 10, 10, (3, 1), (1, 1), (1, 0)),)),
    AdaptiveAvgPool2d("avgpool1", "10", (3, 4)),
    AdaptiveAvgPool2d("avgpool2", "11", (3, 2)),
    Linear("fc1", "12", 2, 7, bias=False),
    Linear("fc2", "13", 7, 5),
    Softmax("softmax1", "14"),
    Dropout("drop1", "15"),
    AdaptiveAvgPool2d("avgpool3", "16", (1, 1)),
)
N = 2
SHAPES = {
    "conv1": (N, 4, 14, 23),
    "norm1": (N, 4, 14, 23),
    "relu1": (N, 4, 14, 23),
    "conv2": (N, 10, 14, 12),
    "norm2": (N, 10, 14, 12),
    "lrn1": (N, 10, 14, 12),
    "norm3": (N, 10, 14, 12),
    "norm4": (N, 10, 14, 12),
    "pool1": (N, 10, 7, 12),
    "pool2": (N, 10, 6, 11),
    "conv3": (N, 10, 6, 11),
    "block": (N, 10, 6, 11),
    "avgpool1": (N, 10, 3, 4),
    "avgpool2": (N, 10, 3, 2),
    "fc1": (N, 10, 3, 7),
    "fc2": (N, 10, 3, 5),
    "softmax1": (N, 10, 3, 5),
    "drop1": (N, 10, 3, 5),
    "avgpool3": (N, 10, 1, 1),
}

CONV_MACS = {
    "conv1": N * 3 * 5 * (6 // 2) * 4 * 14 * 23,
    "conv2": N * 5 * 3 * 4 * 10 * 14 * 12,
    "conv3": N * 3 * 1 * 10 * 10 * 6 * 11,
}
LINEAR_MACS = {"fc1": N * 10 * 3 * 2 * 7, "fc2": N * 10 * 3 * 7 * 5}
MACS = CONV_MACS | LINEAR_MACS
CONV_BIAS = {"conv2": N * 10 * 14 * 12, "conv3": N * 10 * 6 * 11}
BIAS = CONV_BIAS | {"fc2": N * 10 * 3 * 5}
CONV_OUT = {"conv1": N * 4 * 14 * 23, **CONV_BIAS}
LINEAR_OUT = {"fc1": N * 10 * 3 * 7, "fc2": N * 10 * 3 * 5}
RELU = {"relu1": N * 4 * 14 * 23}
MAX_IN = {"pool1": N * 10 * 14 * 12, "pool2": N * 10 * 7 * 12}
AVG_IN = {"avgpool1": N * 10 * 6 * 11, "avgpool2": N * 10 * 3 * 4, "avgpool3": N * 10 * 3 * 5}
AVG_OUT = {"avgpool1": N * 10 * 3 * 4, "avgpool2": N * 10 * 3 * 2, "avgpool3": N * 10}
AFFINE = {"norm1": N * 4 * 14 * 23, "norm2": N * 10 * 14 * 12, "norm4": N * 10 * 14 * 12}
NORM = AFFINE | {"norm3": N * 10 * 14 * 12}
NORM_CHANNELS = {"norm1": N * 4, "norm2": N * 10, "norm3": N * 10, "norm4": N * 10}
LRN = {"lrn1": N * 14 * 12 * (4 * 10 + 3 - 1)}
SOFTMAX = {"softmax1": N * 10 * 3 * 5}
SOFTMAX_ROWS = {"softmax1": N * 10 * 3 * (3 * 5 - 1)}
POOLS = MAX_IN | AVG_IN
# torchscan takes the side of a square window for its area, and I%O + 1 for the window of a pool that leaves a rest.
TORCHSCAN_POOLS = {
    "pool1": N * 10 * 7 * 12 * (3 * 2 - 1),
    "pool2": N * 10 * 6 * 11 * (2 - 1),
    "avgpool1": N * 10 * 3 * 4 * ((6 // 3) * (11 % 4 + 1) + 1),
    "avgpool2": N * 10 * 3 * 2 * ((3 // 3) * (4 // 2) + 1),
    "avgpool3": N * 10 * ((3 // 1) * (5 // 1) + 1),
}
WINDOWS = {"pool1": N * 10 * 7 * 12 * 3 * 2, "pool2": N * 10 * 6 * 11 * 2 * 2}
WINDOWS_LESS_ONE = {"pool1": N * 10 * 7 * 12 * (3 * 2 - 1), "pool2": N * 10 * 6 * 11 * (2 * 2 - 1)}


def sums(*terms: dict[str, int]) -> dict[str, int]:
    """The counts of several terms, added up layer by layer."""
    return {name: sum(term.get(name, 0) for term in terms) for name in SHAPES}


def times(factor: int, term: dict[str, int]) -> dict[str, int]:
    return {name: factor * count for name, count in term.items()}


def per_image(*terms: dict[str, int]) -> dict[str, int]:
    return {name: count // N for name, count in sums(*terms).items()}


CALFLOPS = sums(times(2, MACS), CONV_BIAS, RELU, POOLS, NORM, AFFINE, LRN, SOFTMAX)
EXPECTED = {
    "mac": sums(MACS),
    "fvcore": sums(MACS, AVG_IN, NORM, AFFINE),
    "torch": sums(times(2, MACS)),
    "torchprofile": sums(MACS, AVG_OUT, AFFINE, {"lrn1": 3 * N * 10 * 14 * 12}),
    "ptflops-aten": sums(MACS, BIAS),
    "ptflops": sums(per_image(MACS, BIAS, RELU, POOLS, NORM, AFFINE), RELU, POOLS, LRN, SOFTMAX),
    "ptflops-modules": per_image(MACS, BIAS, RELU, POOLS, NORM, AFFINE),
    "thop": sums(
        MACS,
        times(2, NORM),
        times(2, AFFINE),
        SOFTMAX_ROWS,
        {
            "avgpool1": int(((6 / 3) * (11 / 4) + 1) * (N * 10 * 3 * 4)),
            "avgpool2": (1 * 2 + 1) * N * 10 * 3 * 2,
            "avgpool3": (3 * 5 + 1) * N * 10,
        },
    ),
    "ultralytics-thop": sums(
        MACS,
        times(2, NORM),
        times(2, AFFINE),
        SOFTMAX_ROWS,
        {
            # Four windows over eleven inputs: 0-2, 2-5, 5-8, 8-10.
            "avgpool1": N * 10 * (2 + 2 + 2) * (3 + 4 + 4 + 3) + N * 10 * 3 * 4,
            "avgpool2": N * 10 * (1 + 1 + 1) * (2 + 2) + N * 10 * 3 * 2,
            "avgpool3": N * 10 * 3 * 5 + N * 10,
        },
    ),
    "torchinfo": sums(MACS, BIAS, {"norm1": N * 2 * 4, "norm2": N * 2 * 10, "norm4": N * 2 * 10}),
    "calflops-macs": sums(MACS),
    "deepspeed-macs": sums(MACS),
    "calflops": CALFLOPS,
    "deepspeed": CALFLOPS,
    "torchscan-macs": per_image(MACS, TORCHSCAN_POOLS, NORM, AFFINE),
    "torchscan": per_image(
        times(2, MACS),
        times(-1, CONV_OUT),
        times(-1, LINEAR_OUT),
        BIAS,
        RELU,
        TORCHSCAN_POOLS,
        times(2, NORM),
        times(2, AFFINE),
        times(2, NORM_CHANNELS),
        {"drop1": N * 10 * 3 * 5},
    ),
    "torchstat": per_image(MACS, CONV_BIAS, RELU, MAX_IN, NORM, AFFINE),
    "torchstat-madd": per_image(
        times(2, MACS),
        times(-1, CONV_OUT),
        CONV_BIAS,
        times(-1, LINEAR_OUT),
        RELU,
        WINDOWS_LESS_ONE,
        times(4, NORM),
        SOFTMAX_ROWS,
    ),
    "onnx-tool": sums(
        MACS,
        BIAS,
        RELU,
        WINDOWS,
        # Folded into conv1, which it leaves a bias, and into conv2, which has one; the others stand alone.
        {"norm1": N * 4 * 14 * 23, "norm2": 0, "norm3": 31 * N * 10 * 14 * 12, "norm4": 31 * N * 10 * 14 * 12},
        {"avgpool2": N * 10 * 3 * 4, "avgpool3": N * 10 * 3 * 5 + 4 * N * 10},
        {"softmax1": 36 * N * 10 * 3 * 5, "block": N * 10 * 6 * 11},
    )
    # torch's exporter writes neither for it: this normalization, and a pool from 6x11 to 3x4.
    | {"lrn1": None, "avgpool1": None},
    "convnet-burden": per_image(
        MACS,
        BIAS,
        times(2, RELU),
        {"pool1": 2 * N * 10 * 7 * 12 * (2 * 1), "pool2": 2 * N * 10 * 6 * 11 * (1 * 1)},
        AVG_IN,
        {"lrn1": N * 10 * 14 * 12 + N * (2 + 2 * 10) * 14 * 12},
    ),
    "torchvision": sums(MACS),
    "thop-2019": sums(
        CONV_MACS,
        CONV_BIAS,
        {"fc1": N * 10 * 3 * 7 * (2 * 2 - 1), "fc2": N * 10 * 3 * 5 * (2 * 7 - 1)},
        times(4, NORM),
        {
            "avgpool1": N * 10 * 3 * 4 * ((6 // 3) * (11 // 4) + 1),
            "avgpool2": N * 10 * 3 * 2 * (1 * 2 + 1),
            "avgpool3": N * 10 * (3 * 5 + 1),
        },
    ),
    "conv-only": sums(CONV_MACS),
}


@pytest.fixture(scope="module")
def counted():
    return table(Network("asymmetric", Variant(in_channels=6), LAYERS), (N, 6, 29, 23))


def test_every_convention_is_here():
    assert tuple(EXPECTED) == NAMES


def test_the_shapes(counted):
    assert {row.name: row.output for row in counted.rows} == SHAPES


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_under(name, counted):
    tallied = tally(convention(name), counted)
    assert dict(zip(SHAPES, (one.value for one in tallied.counts), strict=True)) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_total_and_how_it_differs_from_the_textbook(name, counted):
    by, counts = convention(name), EXPECTED[name].values()
    if None in counts:
        assert tally(by, counted).total is None
        assert total(by, counted) is None
        assert difference(by, counted) == ()
        return
    assert tally(by, counted).total == total(by, counted) == sum(counts)
    assert sum(part.amount for part in difference(by, counted)) == sum(counts) - sum(MACS.values())
