"""The kinds of layer that no VGG has: beside the cells of test_kinds.py, other forms of them, and their words."""

from __future__ import annotations

import pytest

from vggcost.network.foreign_convolutions import ConvNd, ConvTransposeNd
from vggcost.network.foreign_norms import BatchNorm3d, InstanceNorm, LayerNorm, RMSNorm
from vggcost.network.foreign_pools import AdaptivePoolNd, PoolNd
from vggcost.network.layer import Window
from vggcost.network.ledger import Ledger
from vggcost.network.products import Bilinear, Contraction, MatMul, ScaledDotProductAttention
from vggcost.network.sequences import Embedding, Recurrent

CONV1D = ConvNd("conv", None, 6, 4, (3,), (2,), (1,))
CONV3D = ConvNd("conv", None, 6, 4, (3, 1, 5), (1, 1, 2), (1, 0, 2), bias=False, groups=2, dilation=(1, 1, 3))
UP = ConvTransposeNd("up", None, 6, 4, (2, 2), (2, 2), (0, 0), (0, 0))
UNUSUAL = ConvTransposeNd("up", None, 6, 4, (3,), (2,), (1,), (1,), bias=False, groups=2, dilation=(3,))
GRU = Recurrent("gru", None, "GRU", 5, 7)
STEP = Recurrent("rnn", None, "RNN", 5, 7, bias=False, single=True)
LSTM = Recurrent("lstm", None, "LSTM", 5, 7, layers=3, directions=2, projection=2)

CELLS = {
    "a 1-d convolution": (
        *(CONV1D, (2, 6, 17), (2, 4, 9), 3 * 6 * 4 + 4),
        Ledger(conv_macs=2 * 3 * 6 * 4 * 9, conv_outputs=2 * 4 * 9, conv_bias_adds=2 * 4 * 9),
    ),
    "a 3-d convolution": (
        *(CONV3D, (2, 6, 7, 11, 29), (2, 4, 7, 11, 11), 3 * 1 * 5 * 3 * 4),
        Ledger(conv_macs=2 * 3 * 1 * 5 * 3 * 4 * 7 * 11 * 11, conv_outputs=2 * 4 * 7 * 11 * 11),
    ),
    "a transposed convolution": (
        *(UP, (2, 6, 7, 11), (2, 4, 14, 22), 2 * 2 * 6 * 4 + 4),
        Ledger(
            transposed_macs=2 * 2 * 2 * 6 * 4 * 7 * 11,
            transposed_outputs=2 * 4 * 14 * 22,
            transposed_bias_adds=2 * 4 * 14 * 22,
        ),
    ),
    "a transposed convolution that is grouped and dilated": (
        *(UNUSUAL, (2, 6, 7), (2, 4, 6 * 2 + 7 - 2 + 1), 3 * 6 * (4 // 2)),
        Ledger(transposed_macs=2 * 3 * 6 * (4 // 2) * 7, transposed_outputs=2 * 4 * 18),
    ),
    "a pool of whole windows": (
        *(PoolNd("pool", None, "MaxPool", (3,), (2,), (1,), (2,)), (2, 5, 12), (2, 5, 5), 0),
        Ledger(),
    ),
    "a layer normalization of nothing learned": (
        *(LayerNorm("norm", None, (5, 7), affine=False, shift=False), (2, 5, 7), (2, 5, 7), 0),
        Ledger(),
    ),
    "a layer normalization": (LayerNorm("norm", None, (7,)), (2, 5, 7), (2, 5, 7), 7 + 7, Ledger()),
    "an instance normalization": (InstanceNorm("norm", None, 1, 5), (2, 5, 7), (2, 5, 7), 0, Ledger()),
    "a GRU": (
        *(GRU, (2, 11, 5), (2, 11, 7), 3 * 7 * (5 + 7 + 2)),
        Ledger(recurrent_macs=2 * 11 * 3 * 7 * (5 + 7), recurrent_bias_adds=2 * 11 * 3 * 7 * 2),
    ),
    "a step of an RNN": (STEP, (2, 5), (2, 7), 7 * (5 + 7), Ledger(recurrent_macs=2 * 7 * (5 + 7))),
    "a projected LSTM of three layers": (
        *(LSTM, (2, 11, 5), (2, 11, 4)),
        2 * (4 * 7 * (5 + 2 + 2) + 2 * 7 + 2 * (4 * 7 * (4 + 2 + 2) + 2 * 7)),
        Ledger(
            recurrent_macs=2 * 11 * 2 * (4 * 7 * (5 + 2) + 2 * 7 + 2 * (4 * 7 * (4 + 2) + 2 * 7)),
            recurrent_bias_adds=2 * 11 * 2 * 3 * 7 * 4 * 2,
        ),
    ),
    "a bag of rows": (Embedding("table", None, 11, 7, bag=True), (2, 5), (2, 7), 11 * 7, Ledger()),
    "a bilinear layer without bias": (
        *(Bilinear("form", None, 3, 5, 7, bias=False), (2, 3), (2, 7), 3 * 5 * 7),
        Ledger(bilinear_macs=2 * 7 * (3 * 5 + 5)),
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_what_a_foreign_layer_does(name):
    layer, shape, output, params, ledger = CELLS[name]
    assert layer.apply(shape) == (output, ledger)
    assert layer.params() == params
    call = layer.macs_call(output)
    assert (call[0](**call[1]) if call else 0) == ledger.macs


@pytest.mark.parametrize(
    ("layer", "kind", "words"),
    [
        (CONV1D, "Conv1d", "3 6->4, stride 2"),
        (CONV3D, "Conv3d", "3x1x5 6->4, stride 1x1x2, dilation 1x1x3, 2 groups"),
        (CONV3D.replace(padding=(0, 0, 0)), "Conv3d", "3x1x5 6->4, stride 1x1x2, padding 0, dilation 1x1x3, 2 groups"),
        (UP, "ConvTranspose2d", "transposed 2x2 6->4, stride 2"),
        (UNUSUAL, "ConvTranspose1d", "transposed 3 6->4, stride 2, padding 1, dilation 3, 2 groups"),
        (PoolNd("p", None, "AvgPool", (2, 2, 2), (2, 2, 2), (0, 0, 0)), "AvgPool3d", "AvgPool3d 2x2x2 of stride 2"),
        (PoolNd("p", None, "LPPool", (2, 3), (1, 2), (0, 0)), "LPPool2d", "LPPool2d 2x3 of stride 1x2"),
        (AdaptivePoolNd("p", None, "AdaptiveAvgPool", (3,)), "AdaptiveAvgPool1d", "AdaptiveAvgPool1d to 3"),
        (BatchNorm3d("n", None, 5), "BatchNorm3d", "batch normalization of 5 channels"),
        (InstanceNorm("n", None, 2, 5), "InstanceNorm2d", "instance normalization of 5 channels"),
        (InstanceNorm("n", None, 3, 5, True), "InstanceNorm3d", "instance normalization of 5 channels, affine"),
        (LayerNorm("n", None, (5, 7)), "LayerNorm", "layer normalization of 5x7"),
        (RMSNorm("n", None, (7,), affine=False), "RMSNorm", "RMS normalization of 7, not affine"),
        (MatMul("m", None, 3, (2, 5)), "MatMul", "matrix product"),
        (Contraction("e", None, "einsum", (), ()), "einsum", "contraction"),
        (
            ScaledDotProductAttention("a", None, 11, 64, 32),
            "ScaledDotProductAttention",
            "scaled-dot-product attention of width 64",
        ),
        (Bilinear("b", None, 3, 5, 7), "Bilinear", "bilinear 3x5->7"),
        (GRU, "GRU", "GRU 5->7"),
        (STEP, "RNNCell", "RNNCell 5->7"),
        (LSTM, "LSTM", "LSTM 5->7, 3 layers, both directions, projected to 2"),
        (Embedding("t", None, 30_000, 768), "Embedding", "embedding of 30,000 rows, 768 wide"),
        (Embedding("t", None, 11, 7, bag=True), "EmbeddingBag", "embedding of 11 rows, 7 wide"),
    ],
)
def test_a_foreign_layer_in_words(layer, kind, words):
    assert (layer.kind, layer.words()) == (kind, words)


def test_what_a_foreign_layer_takes():
    assert CONV1D.takes() == UP.takes() == ("channels", 1, 6)
    assert InstanceNorm("n", None, 2, 5).takes() == ("channels", 1, 5)
    assert LayerNorm("n", None, (5, 7)).takes() == ("features", -1, 7)
    assert Bilinear("b", None, 3, 5, 7).takes() == ("features", -1, 3)
    assert GRU.takes() == ("features", -1, 5)


def test_layers_that_are_alike_share_what_no_input_decides():
    assert ScaledDotProductAttention("a", None, 11, 64, 32).alike() == (64, 32)
    assert Contraction("e", None, "einsum", ((2, 3),), (2,)).alike() == ("einsum",)


def test_only_a_window_with_a_height_and_a_width_is_one():
    assert PoolNd("p", None, "LPPool", (2, 3), (1, 2), (0, 1)).window((1, 1, 8, 8)) == Window((2, 3), (1, 2), (0, 1))
    for layer in (CONV1D, UP, PoolNd("p", None, "MaxPool", (2,), (2,), (0,)), GRU, Embedding("t", None, 11, 7)):
        assert layer.window((2, 6, 8)) is None
    assert AdaptivePoolNd("p", None, "AdaptiveMaxPool", (2, 2)).window((1, 1, 8, 8)) is None
    assert Bilinear("b", None, 3, 5, 7).window((2, 3)) is None


@pytest.mark.parametrize("largest", [True, False])
def test_a_pool_of_the_largest_says_where_each_was(largest):
    sort = "Max" if largest else "Avg"
    for pool in (
        PoolNd("p", None, f"{sort}Pool", (2,), (2,), (0,)),
        AdaptivePoolNd("p", None, f"Adaptive{sort}Pool", (4,)),
    ):
        assert pool.beside((2, 3, 4)) == ((("places", 2 * 3 * 4, "place"),) if largest else ())


def test_formulas_are_written_out():
    assert UP.written((2, 4, 14, 22))["macs_numbers"] == "2*4*6*4*77"
    assert CONV1D.written((2, 4, 9))["macs_formula"] == "N*K*Cin*Cout*P"
    assert GRU.written((2, 11, 7))["macs_formula"] == "S*G*H*(Fin + Hs)"


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (CONV1D.macs_call((2, 4, 9)), {"batch": 2, "positions": 9}),
        (Embedding("table", None, 11, 7).params_call(), {"in_features": 11, "out_features": 7, "bias": 0}),
        (
            Contraction("sum", None, operation="einsum", pairs=((6, 5),), output=(2, 3)).macs_call((2, 3)),
            {"outputs": 6, "inner": 5},
        ),
        (MatMul("product", None, 5, (2, 3)).macs_call((2, 3)), {"outputs": 6, "inner": 5}),
        (
            ScaledDotProductAttention("attention", None, keys=11, width=5, value_width=7).macs_call((2, 3, 7)),
            {"queries": 6, "keys": 11, "width": 5, "value_width": 7},
        ),
        (
            Bilinear("form", None, 3, 5, 7).params_call(),
            {"in_features": 3, "other_features": 5, "out_features": 7, "bias": 1},
        ),
        (
            Bilinear("form", None, 3, 5, 7).macs_call((2, 7)),
            {"batch": 2, "in_features": 3, "other_features": 5, "out_features": 7},
        ),
        (InstanceNorm("norm", None, 2, 5, affine=True).params_call(), {"channels": 5, "affine": 1}),
        (LayerNorm("norm", None, (7,), affine=True, shift=False).params_call(), {"scale": 1, "bias": 0}),
    ],
)
def test_a_formula_gets_each_size_by_its_name(call, arguments):
    # The texts of --formulas show them, where a product is the same whichever way round.
    given = call[1]
    assert {name: given[name] for name in arguments} == arguments


def test_a_pool_says_the_stride_that_it_has():
    assert "stride 2" in PoolNd("pool", None, "MaxPool", (3, 3), (2, 2), (1, 1), (1, 1)).words()
    assert "stride 2" in PoolNd("pool", None, "MaxPool", (3,), (2,), (1,), (2,)).words()
    assert "stride 2x3" in PoolNd("pool", None, "MaxPool", (3, 3), (2, 3), (1, 1), (1, 1)).words()


@pytest.mark.parametrize("affine", [False, True])
def test_a_norm_learns_where_it_is_affine(affine):
    norms = (
        BatchNorm3d("norm", None, 5, affine=affine),
        InstanceNorm("norm", None, 2, 5, affine=affine),
        LayerNorm("norm", None, (7,), affine=affine, shift=affine),
    )
    assert [norm.learns for norm in norms] == [affine] * 3
