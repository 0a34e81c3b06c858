"""One network in which no two numbers are alike, layer by layer under every convention.

Every VGG is square, ungrouped, undilated, with biases, and its pools tile the image: there most weights of a convention
can be exchanged for another and nothing is seen. Here each layer's count is written as arithmetic, so that each weight
of each row is held without the tools that the rows speak of, which are not installed or cannot be run any more.
"""

from __future__ import annotations

import pytest

from vggcost.conventions.convention import DEFINITION, Convention
from vggcost.conventions.counting import NOT_COUNTED, count, difference, rule_text, tally, total
from vggcost.conventions.rows import NAMES, convention
from vggcost.costs.table import table
from vggcost.network.blocks import Residual
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
NETWORK = Network("asymmetric", Variant(in_channels=6), LAYERS)
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
    return table(NETWORK, (N, 6, 29, 23))


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


def parts(name, table):
    return [(part.times, part.of, part.words) for part in difference(convention(name), table)]


def test_what_a_tool_counts_beyond_the_textbook_in_pieces(counted):
    assert parts("torchinfo", counted) == [
        (1, N * 10 * 14 * 12 + N * 10 * 6 * 11, "conv bias"),
        (1, N * 10 * 3 * 5, "linear bias"),
        (2, N * 4 + N * 10 + N * 10, "batch-norm affine channels"),
    ]
    assert parts("thop", counted)[-1] == (
        1,
        int((2 * 11 / 4 + 1) * N * 10 * 3 * 4) + 3 * N * 10 * 3 * 2 + 16 * N * 10,
        "adaptive pool, by thop's float rule",
    )


def test_pieces_as_text(counted):
    assert [part.text for part in difference(convention("torchprofile"), counted)] == [
        "+ 380 adaptive-pool outputs",
        "+ 9,296 batch-norm affine elements",
        "+ 3 x 3,360 LRN elements",
    ]


def test_what_is_counted_as_module_and_as_call():
    (image,) = (part for part in parts("ptflops", table(NETWORK, (1, 6, 29, 23))) if "ReLU" in part[2])
    assert image == (2, 4 * 14 * 23, "ReLU elements (as module and as call)")
    # Of three images the call counts all, the module one.
    three = parts("ptflops", table(NETWORK, (3, 6, 29, 23)))
    assert three[0] == (-1, 2 * sum(MACS.values()) // N, "MACs of the other 2 images (the total is per image)")
    assert [part for part in three if "ReLU" in part[2]] == [
        (1, 4 * 14 * 23, "ReLU elements of one image (as module)"),
        (1, 3 * 4 * 14 * 23, "ReLU elements of the batch (as call)"),
    ]


def test_every_reason_for_no_total_is_named(counted):
    assert tally(convention("onnx-tool"), counted).reason == (
        "what torch's exporter writes for lrn1 (LocalResponseNorm) it cannot read;"
        " torch's ONNX exporter refuses avgpool1: 6x11 is no multiple of 3x4"
    )


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("fvcore", "Dropout", "0: nothing is computed"),
        ("fvcore", "ReLU", "0: not counted"),
        ("fvcore", "MaxPool2d", "0: not counted"),
        ("ptflops-modules", "BatchNorm2d", "(batch-norm elements + batch-norm affine elements) / N"),
        ("ptflops", "LocalResponseNorm", "4 x LRN elements - LRN pixels + LRN window pixels"),
        (
            "torchscan",
            "Linear",
            "(2 x multiply-accumulates of linear layers - output elements of linear layers + linear bias) / N",
        ),
        ("thop", "Softmax", "3 x soft-max elements - soft-max rows"),
        ("thop-2019", "AdaptiveAvgPool2d", "outputs * ((Hin//Hout) * (Win//Wout) + 1)"),
        (
            "torchscan",
            "MaxPool2d",
            "(outputs * (k - 1) for a square window, outputs * (kh*kw - 1) for another) / N",
        ),
    ],
)
def test_the_rule_in_words(name, kind, text):
    assert rule_text(convention(name), kind) == text


def bare(**fields):
    return Convention("bare", "a tool", None, "MAC", "MACs", DEFINITION, "a test", **fields)


@pytest.mark.parametrize("weights", ["weights", "image_weights"])
def test_why_a_layer_that_is_counted_shows_nothing(counted, weights):
    row = next(row for row in counted.rows if row.name == "norm3")
    one = count(bare(**{weights: {"batch_norm_affine_elements": 1}}), row)
    assert (one.value, one.note) == (0, "counted by its batch-norm affine elements, of which it has none")
    one = count(bare(**{weights: {"lrn_pixels": 1}}), row)
    assert (one.value, one.note) == (0, NOT_COUNTED)


def test_a_rule_without_a_number_has_none_for_an_image_either(counted):
    row = next(row for row in counted.rows if row.name == "lrn1")
    by = bare(image_weights={"conv_macs": 1}, rules={"LocalResponseNorm": "onnx-tool LRN"})
    assert count(by, row).value is None


def test_a_normalization_at_the_start_of_a_branch_is_folded_into_nothing():
    def block(*paths):
        convolution, norm = paths
        layers = (Conv2d("c", convolution, 3, 3, bias=False), BatchNorm2d("n", norm, 3))
        network = Network("block", Variant(), layers)
        return tally(convention("onnx-tool"), table(network, (N, 3, 5, 7))).counts[1].value

    folded, alone = N * 3 * 5 * 7, 31 * N * 3 * 5 * 7
    assert block("a.0", "a.1") == block("0", "1") == block(None, None) == folded
    assert block("a.0", "b.1") == block("a.b.0", "a.c.0") == alone
