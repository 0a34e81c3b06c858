"""Every kind of layer has all that other rooms ask of one: words, a family, rows in the frameworks, and a cell here."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from vggcost.conventions.counting import KINDS as COUNTED
from vggcost.frameworks.keras import rules as keras_rules
from vggcost.frameworks.pytorch import kinds as torch_kinds
from vggcost.network import blocks, foreign_layers, foreign_norms, layers
from vggcost.network.foreign_convolutions import ConvNd, ConvTransposeNd
from vggcost.network.foreign_layers import Free, Idle, ZeroPad2d
from vggcost.network.foreign_norms import BatchNorm1d
from vggcost.network.foreign_pools import AdaptivePoolNd, AvgPool2d, CeilMaxPool2d, PoolNd
from vggcost.network.kinds import KINDS as EVERY
from vggcost.network.layer import Layer, Window, writes_in_place
from vggcost.network.ledger import PRIMITIVES, Ledger
from vggcost.network.products import Bilinear, Contraction, MatMul, ScaledDotProductAttention
from vggcost.network.sequences import Embedding, Recurrent


class Cell(NamedTuple):
    """One layer over one input: what comes out, what it does, what it has to learn; all written as arithmetic."""

    layer: Layer
    input: tuple[int, ...]
    output: tuple[int, ...]
    ledger: Ledger
    params: int = 0


CONV = layers.Conv2d(
    "conv", None, 6, 4, kernel=(3, 5), stride=(2, 1), padding=(1, 2), bias=False, groups=2, dilation=(2, 1)
)
CONV_PARAMS = 3 * 5 * (6 // 2) * 4

CELLS: dict[type[Layer], Cell | str] = {
    layers.Conv2d: Cell(
        CONV,
        (2, 6, 17, 23),
        (2, 4, 8, 23),
        Ledger(conv_macs=2 * 8 * 23 * CONV_PARAMS, conv_outputs=2 * 4 * 8 * 23),
        CONV_PARAMS,
    ),
    layers.BatchNorm2d: Cell(
        layers.BatchNorm2d("norm", None, 3),
        (2, 3, 5, 7),
        (2, 3, 5, 7),
        Ledger(
            batch_norm_elements=2 * 3 * 5 * 7,
            batch_norm_affine_elements=2 * 3 * 5 * 7,
            batch_norm_channels=2 * 3,
            batch_norm_affine_channels=2 * 3,
        ),
        2 * 3,
    ),
    layers.LocalResponseNorm: Cell(
        layers.LocalResponseNorm("lrn", None, size=3),
        (2, 4, 5, 7),
        (2, 4, 5, 7),
        Ledger(lrn_elements=2 * 4 * 5 * 7, lrn_pixels=2 * 5 * 7, lrn_window_pixels=3 * 2 * 5 * 7),
    ),
    layers.ReLU: Cell(layers.ReLU("relu", None), (2, 3, 5), (2, 3, 5), Ledger(relu_elements=2 * 3 * 5)),
    layers.MaxPool2d: Cell(
        layers.MaxPool2d("pool", None, kernel=(3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
        (2, 3, 8, 9),
        (2, 3, 4, 7),
        Ledger(
            maxpool_inputs=2 * 3 * 8 * 9,
            maxpool_outputs=2 * 3 * 4 * 7,
            maxpool_window_elements=2 * 3 * 4 * 7 * 3 * 2,
            maxpool_stride_elements=2 * 3 * 4 * 7 * 2 * 1,
        ),
    ),
    layers.AdaptiveAvgPool2d: Cell(
        layers.AdaptiveAvgPool2d("pool", None, (3, 2)),
        (2, 5, 9, 7),
        (2, 5, 3, 2),
        Ledger(adaptive_inputs=2 * 5 * 9 * 7, adaptive_outputs=2 * 5 * 3 * 2),
    ),
    layers.Flatten: Cell(layers.Flatten("flatten", None), (2, 3, 5, 7), (2, 3 * 5 * 7), Ledger()),
    layers.Linear: Cell(
        layers.Linear("fc", None, 5, 7),
        (2, 3, 5),
        (2, 3, 7),
        Ledger(linear_macs=2 * 3 * 5 * 7, linear_outputs=2 * 3 * 7, linear_bias_adds=2 * 3 * 7),
        5 * 7 + 7,
    ),
    layers.Softmax: Cell(
        layers.Softmax("softmax", None), (2, 3, 5), (2, 3, 5), Ledger(softmax_elements=2 * 3 * 5, softmax_rows=2 * 3)
    ),
    layers.Dropout: Cell(layers.Dropout("drop", None), (2, 3, 5), (2, 3, 5), Ledger(dropout_elements=2 * 3 * 5)),
    blocks.Add: Cell(
        blocks.Add("res", None, (2, 3, 5, 7)), (2, 3, 5, 7), (2, 3, 5, 7), Ledger(add_elements=2 * 3 * 5 * 7)
    ),
    blocks.Residual: Cell(
        blocks.Residual("res", None, body=(layers.ReLU("relu", None),), shortcut=(layers.Dropout("drop", None),)),
        (2, 3, 5, 7),
        (2, 3, 5, 7),
        Ledger(relu_elements=2 * 3 * 5 * 7, dropout_elements=2 * 3 * 5 * 7, add_elements=2 * 3 * 5 * 7),
    ),
    CeilMaxPool2d: Cell(
        CeilMaxPool2d("pool", None, kernel=(3, 2), stride=(2, 3)),
        (2, 3, 8, 9),
        (2, 3, 4, 3),
        Ledger(
            maxpool_inputs=2 * 3 * 8 * 9,
            maxpool_outputs=2 * 3 * 4 * 3,
            maxpool_window_elements=2 * 3 * 4 * 3 * 3 * 2,
            maxpool_stride_elements=2 * 3 * 4 * 3 * 2 * 3,
        ),
    ),
    BatchNorm1d: Cell(
        BatchNorm1d("norm", None, 5, affine=False),
        (3, 5),
        (3, 5),
        Ledger(batch_norm_elements=3 * 5, batch_norm_channels=3 * 5),
    ),
    foreign_norms.GroupNorm: Cell(
        foreign_norms.GroupNorm("norm", None, groups=2, channels=6), (2, 6, 5, 7), (2, 6, 5, 7), Ledger(), 2 * 6
    ),
    AvgPool2d: Cell(
        AvgPool2d("pool", None, kernel=(2, 3), stride=(3, 2), ceil_mode=True), (2, 3, 6, 8), (2, 3, 2, 4), Ledger()
    ),
    ZeroPad2d: Cell(ZeroPad2d("pad", None, (1, 2, 3, 4)), (2, 3, 5, 7), (2, 3, 5 + 3 + 4, 7 + 1 + 2), Ledger()),
    MatMul: Cell(
        MatMul("product", None, 5, (2, 3, 7)),
        (2, 3, 5),
        (2, 3, 7),
        Ledger(matmul_macs=2 * 3 * 7 * 5, matmul_outputs=2 * 3 * 7),
    ),
    ConvNd: Cell(
        ConvNd("conv", None, 6, 4, (3, 5, 2), (2, 1, 3), (1, 2, 0), bias=True, groups=2, dilation=(2, 1, 4)),
        (2, 6, 17, 23, 29),
        (2, 4, 8, 23, 9),
        Ledger(
            conv_macs=2 * 3 * 5 * 2 * (6 // 2) * 4 * 8 * 23 * 9,
            conv_outputs=2 * 4 * 8 * 23 * 9,
            conv_bias_adds=2 * 4 * 8 * 23 * 9,
        ),
        3 * 5 * 2 * (6 // 2) * 4 + 4,
    ),
    ConvTransposeNd: Cell(
        ConvTransposeNd("up", None, 6, 4, (3, 5), (2, 3), (1, 2), (1, 0), bias=True, groups=2, dilation=(2, 1)),
        (2, 6, 7, 11),
        (2, 4, 6 * 2 + 5 - 2 + 1, 10 * 3 + 5 - 4),
        Ledger(
            transposed_macs=2 * 3 * 5 * 6 * (4 // 2) * 7 * 11,
            transposed_outputs=2 * 4 * 16 * 31,
            transposed_bias_adds=2 * 4 * 16 * 31,
        ),
        3 * 5 * 6 * (4 // 2) + 4,
    ),
    PoolNd: Cell(
        PoolNd("pool", None, "AvgPool", (2, 3, 4), (2, 1, 3), (1, 0, 0), ceil_mode=True),
        (2, 3, 8, 9, 12),
        (2, 3, 5, 7, 4),
        Ledger(),
    ),
    AdaptivePoolNd: Cell(AdaptivePoolNd("pool", None, "AdaptiveMaxPool", (3, 2)), (2, 5, 9, 7), (2, 5, 3, 2), Ledger()),
    foreign_norms.BatchNorm3d: Cell(
        foreign_norms.BatchNorm3d("norm", None, 3),
        (2, 3, 5, 7, 11),
        (2, 3, 5, 7, 11),
        Ledger(
            batch_norm_elements=2 * 3 * 5 * 7 * 11,
            batch_norm_affine_elements=2 * 3 * 5 * 7 * 11,
            batch_norm_channels=2 * 3,
            batch_norm_affine_channels=2 * 3,
        ),
        2 * 3,
    ),
    foreign_norms.InstanceNorm: Cell(
        foreign_norms.InstanceNorm("norm", None, 2, 6, affine=True), (2, 6, 5, 7), (2, 6, 5, 7), Ledger(), 2 * 6
    ),
    foreign_norms.LayerNorm: Cell(
        foreign_norms.LayerNorm("norm", None, (5, 7), shift=False), (2, 6, 5, 7), (2, 6, 5, 7), Ledger(), 5 * 7
    ),
    foreign_norms.RMSNorm: Cell(
        foreign_norms.RMSNorm("norm", None, (7,), affine=True, shift=False), (2, 5, 7), (2, 5, 7), Ledger(), 7
    ),
    Contraction: Cell(
        Contraction("einsum", None, "einsum", ((6, 5), (14, 3)), (2, 7)),
        (2, 5),
        (2, 7),
        Ledger(contraction_macs=6 * 5 + 14 * 3),
    ),
    ScaledDotProductAttention: Cell(
        ScaledDotProductAttention("attention", None, 11, 5, 3),
        (2, 4, 7, 5),
        (2, 4, 7, 3),
        Ledger(attention_macs=2 * 4 * 7 * 11 * (5 + 3)),
    ),
    Bilinear: Cell(
        Bilinear("form", None, 3, 5, 7),
        (2, 4, 3),
        (2, 4, 7),
        Ledger(bilinear_macs=2 * 4 * 7 * (3 * 5 + 5), bilinear_bias_adds=2 * 4 * 7),
        3 * 5 * 7 + 7,
    ),
    Recurrent: Cell(
        Recurrent("lstm", None, "LSTM", 5, 7, layers=2, directions=2, projection=3),
        (2, 11, 5),
        (2, 11, 2 * 3),
        Ledger(
            recurrent_macs=2 * 11 * 2 * ((4 * 7 * (5 + 3) + 3 * 7) + (4 * 7 * (6 + 3) + 3 * 7)),
            recurrent_bias_adds=2 * 11 * 2 * 2 * 7 * 4 * 2,
        ),
        2 * ((4 * 7 * (5 + 3 + 2) + 3 * 7) + (4 * 7 * (6 + 3 + 2) + 3 * 7)),
    ),
    Embedding: Cell(Embedding("table", None, 11, 7), (2, 5), (2, 5, 7), Ledger(), 11 * 7),
    Free: "shapes and costs are those of the operation that it stands for",
    foreign_layers.Uncounted: "there is no formula",
    Idle: "it is never called",
}


def lacks(kind: type[Layer]) -> list[str]:
    """What a kind of layer has not that every kind needs."""
    found = []
    # One that stands for many operations is called what its operation is.
    if not kind.noun and kind.kind is Layer.kind:
        found.append("words")
    if bool(kind.family) == bool(kind.no_family):
        found.append("a family, or else a reason")
    if kind.family and not any(name.startswith(kind.family) for name in PRIMITIVES):
        found.append("a primitive of its family")
    torch_row = torch_kinds.KINDS.get(kind)
    if torch_row is None or not torch_row.module:
        found.append("a torch module, or else a reason")
    if torch_row is None or not torch_row.rules:
        found.append("a trace rule, or else a reason")
    if not keras_rules.KINDS.get(kind):
        found.append("a Keras rule, or else a reason")
    if not CELLS.get(kind):
        found.append("a cell, or else a reason")
    return found


@pytest.mark.parametrize("kind", EVERY)
def test_a_kind_of_layer_has_all_that_is_asked_of_one(kind):
    assert lacks(kind) == []


def test_a_made_up_kind_lacks_all_of_it():
    class Maxout(Layer):
        pieces: int

    assert lacks(Maxout) == [
        "words",
        "a family, or else a reason",
        "a torch module, or else a reason",
        "a trace rule, or else a reason",
        "a Keras rule, or else a reason",
        "a cell, or else a reason",
    ]

    class Named(Maxout):
        noun, family = "maxout", "maxout_"

    assert lacks(Named)[:1] == ["a primitive of its family"]


def test_every_class_of_layer_is_among_the_kinds():
    def below(kind):
        return {kind, *(lower for each in kind.__subclasses__() for lower in below(each))}

    assert {kind for kind in below(Layer) if kind.__module__.startswith("vggcost.")} == {Layer, *EVERY}
    # No table speaks of a kind that is not there.
    assert set(torch_kinds.KINDS) == set(keras_rules.KINDS) == set(CELLS) == set(EVERY)
    assert set(COUNTED.values()) <= set(EVERY)


@pytest.mark.parametrize("cell", [cell for cell in CELLS.values() if not isinstance(cell, str)])
def test_a_cell_is_what_its_arithmetic_says(cell):
    kind = type(cell.layer)
    assert cell.layer.apply(cell.input) == (cell.output, cell.ledger)
    assert cell.layer.params() == cell.params
    if kind is not blocks.Residual:
        assert all(name.startswith(kind.family) for name, count in cell.ledger.items() if kind.family or count)
    call = cell.layer.macs_call(cell.output)
    if kind is Contraction:
        assert call is None  # no one formula has both of its pairs
        call = cell.layer.replace(pairs=((6, 5),)).macs_call(cell.output)
        assert call[0](**call[1]) == 6 * 5
        return
    assert (call[0](**call[1]) if call else 0) == cell.ledger.macs
    assert cell.layer.words()


def test_keras_rules_are_methods_that_are_there():
    assert all(callable(getattr(keras_rules.Rules, method)) for method in keras_rules.RULES.values())


@pytest.mark.parametrize("size", range(4, 12))
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (2, 3, 0), (2, 3, 1), (4, 1, 2)])
def test_a_last_window_over_the_edge_begins_inside_the_image_or_its_left_padding(size, kernel, stride, padding):
    begins = [place for place in range(-padding, size, stride) if place + kernel <= size + padding]
    following = (begins[-1] if begins else -padding - stride) + stride
    rest = begins and following < size and begins[-1] + kernel < size + padding
    window = Window((kernel, 1), (stride, 1), (padding, 0))
    assert window.outputs_over_edge((1, 1, size, 5)) == (len(begins) + bool(rest), 5)
    assert window.outputs((1, 1, size, 5)) == (len(begins), 5)


BN = layers.BatchNorm2d("norm", None, 3)
SHAPE = (2, 3, 4, 8)


@pytest.mark.parametrize(
    ("layer", "beside", "words"),
    [
        (layers.Conv2d("conv", None, 3, 8), None, "3x3 3->8"),
        (
            CONV,
            None,
            "3x5 6->4, stride 2x1, dilation 2x1, 2 groups",
        ),
        (layers.Conv2d("conv", None, 3, 8), CONV, "3x3 3->8, stride 1, with bias"),
        (CONV, layers.Conv2d("conv", None, 3, 8), "3x5 6->4, stride 2x1, dilation 2x1, 2 groups, without bias"),
        (
            layers.Conv2d("conv", None, 3, 8),
            layers.Conv2d("conv", None, 3, 8, padding=(0, 0)),
            "3x3 3->8, padding 1",
        ),
        (layers.Linear("fc", None, 4096, 10), None, "linear 4,096->10"),
        (layers.Linear("fc", None, 4, 10, bias=False), None, "linear 4->10 without bias"),
        (layers.Linear("fc", None, 4, 10), layers.Linear("fc", None, 4, 10, bias=False), "linear 4->10 with bias"),
        (layers.Linear("fc", None, 4, 10), layers.Linear("fc", None, 4, 8), "linear 4->10"),
        (layers.Linear("fc", None, 4, 10), layers.ReLU("relu", None), "linear 4->10"),
        (BN, None, "batch normalization of 3 channels"),
        (BN.replace(affine=False), None, "batch normalization of 3 channels, not affine"),
        (
            foreign_norms.GroupNorm("norm", None, 2, 6, affine=False),
            None,
            "group normalization of 6 channels in 2 groups, not affine",
        ),
        (layers.MaxPool2d("pool", None), None, "max-pool 2x2 of stride 2"),
        (layers.MaxPool2d("pool", None, padding=(1, 0)), None, "max-pool 2x2 of stride 2, padding 1x0"),
        (layers.MaxPool2d("pool", None, (3, 2), (2, 1)), None, "max-pool 3x2 of stride 2x1"),
        (AvgPool2d("pool", None, (4, 3), (2, 5), (1, 0)), None, "average-pool 4x3 of stride 2x5, padding 1x0"),
        (CeilMaxPool2d("pool", None), None, "max-pool 2x2 of stride 2, ceil mode"),
        (AvgPool2d("pool", None, (3, 3), (2, 2)), None, "average-pool 3x3 of stride 2"),
        (layers.AdaptiveAvgPool2d("pool", None), None, "adaptive average-pool to 7x7"),
        (layers.LocalResponseNorm("lrn", None), None, "local response normalization of size 5"),
        (blocks.Add("res", None, ()), None, "residual addition"),
        (MatMul("product", None, 3, ()), None, "matrix product"),
        (Idle("aux", "aux", "Linear"), None, "Linear, which is never used"),
        (Free("tanh", None, "tanh"), None, "tanh"),
    ],
)
def test_a_layer_in_words(layer, beside, words):
    assert layer.words(beside) == words


@pytest.mark.parametrize(
    ("layer", "reads", "buffers", "beside"),
    [
        (layers.Conv2d("conv", None, 3, 8), 192, 0, ()),
        (BN, 192, 2 * 3, (("statistics", 2 * 3, "statistic"),)),
        (BN.replace(affine=False), 192, 2 * 3, (("statistics", 2 * 3, "statistic"),)),
        (layers.MaxPool2d("pool", None), 192, 0, (("places", 192, "place"),)),
        (layers.Dropout("drop", None), 192, 0, (("mask", 192, "element"),)),
        (blocks.Add("res", None, SHAPE), 2 * 192, 0, ()),
    ],
)
def test_what_a_layer_reads_and_makes_beside_its_output(layer, reads, buffers, beside):
    assert layer.reads(SHAPE) == reads
    assert layer.buffers() == buffers
    assert layer.beside(SHAPE) == beside


def test_the_parameters_of_a_layer_tensor_by_tensor():
    assert layers.Conv2d("conv", None, 3, 8).tensors() == (3 * 3 * 3 * 8, 8)
    assert layers.Linear("fc", None, 5, 7, bias=False).tensors() == (5 * 7,)
    assert BN.tensors() == (3, 3)
    assert BN.replace(affine=False).tensors() == ()
    assert layers.MaxPool2d("pool", None).tensors() == ()
    assert [layer.counters() for layer in (BN, layers.ReLU("relu", None))] == [1, 0]


def test_an_activation_writes_over_what_nobody_else_reads():
    relu, conv = layers.ReLU("relu", None), layers.Conv2d("conv", None, 3, 8)
    assert writes_in_place(relu, conv)
    assert not writes_in_place(conv, relu)
    assert not writes_in_place(relu, None)  # the head of a sequence: the input is somebody else's
    assert not writes_in_place(relu, layers.ReLU("before", None))  # which keeps its output
    assert not writes_in_place(relu, layers.Dropout("drop", None))  # which hands its input on


def test_what_autograd_keeps_of_a_layer():
    assert layers.Conv2d("conv", None, 3, 8).kept(SHAPE) == ("input",)
    assert layers.ReLU("relu", None).kept(SHAPE) == ("output",)
    assert BN.kept(SHAPE) == ("input", "statistics")
    assert layers.AdaptiveAvgPool2d("pool", None).kept(SHAPE) == ("input",)
    assert layers.AdaptiveAvgPool2d("mean", None, (1, 1)).kept(SHAPE) == ()


def test_layers_are_alike_by_all_but_their_names():
    assert layers.MaxPool2d("pool", "1", (3, 2)).alike() == ((3, 2), (2, 2), (0, 0), (1, 1))
    assert layers.Linear("fc", "1", 5, 7, bias=False).alike() == (5, 7, False)
    assert layers.LocalResponseNorm("lrn", "1", size=3, alpha=2e-4).alike() == (3,)
    assert blocks.Add("add", None, (2, 3)).alike() == ()


def test_an_activation_is_told_by_its_name():
    assert layers.ReLU("relu", None).activation
    assert Free("a", None, "leaky_relu").activation
    assert Free("a", None, "GELU").activation
    assert not Free("a", None, "cat").activation
    assert not layers.Softmax("softmax", None).activation
