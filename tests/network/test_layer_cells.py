"""Each layer with sizes that all differ: its output shape, parameters and ledger, written as arithmetic."""

from __future__ import annotations

import pytest

from vggcost.network.blocks import Add, Residual
from vggcost.network.foreign_layers import Free, Idle, Uncounted, ZeroPad2d, broadcast
from vggcost.network.foreign_norms import BatchNorm1d, GroupNorm
from vggcost.network.foreign_pools import AvgPool2d, CeilMaxPool2d
from vggcost.network.layer import Window, walk
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
from vggcost.network.ledger import Ledger
from vggcost.network.products import MatMul

MAPS = (2, 6, 17, 23)
N, C, H, W = MAPS
CONV = Conv2d("conv", None, 6, 4, (3, 5), (2, 1), (1, 2), bias=False, groups=2, dilation=(2, 1))
POOL = MaxPool2d("pool", None, (3, 2), (2, 1), dilation=(1, 2))
CEIL = CeilMaxPool2d("pool", None, (3, 2), (2, 3), (1, 0), (2, 1))


def pooled(out_h, out_w, kernel, stride):
    """The ledger of a max-pool over MAPS."""
    outputs = 2 * 6 * out_h * out_w
    return Ledger(
        maxpool_inputs=2 * 6 * 17 * 23,
        maxpool_outputs=outputs,
        maxpool_window_elements=outputs * kernel,
        maxpool_stride_elements=outputs * stride,
    )


CELLS = {
    "a convolution, grouped, dilated, without bias": (
        CONV,
        MAPS,
        # 17 and 1 on either side, less a reach of 5, by 2; 23 and 2 on either side, less a reach of 5.
        (2, 4, (17 + 2 - 5) // 2 + 1, 23 + 4 - 5 + 1),
        3 * 5 * (6 // 2) * 4,
        Ledger(conv_macs=2 * 3 * 5 * (6 // 2) * 4 * 8 * 23, conv_outputs=2 * 4 * 8 * 23, conv_bias_adds=0),
    ),
    "a convolution dilated along its width, with bias": (
        CONV.replace(stride=(1, 3), dilation=(1, 2), bias=True, groups=1),
        MAPS,
        (2, 4, 17 + 2 - 3 + 1, (23 + 4 - 9) // 3 + 1),
        3 * 5 * 6 * 4 + 4,
        Ledger(conv_macs=2 * 3 * 5 * 6 * 4 * 17 * 7, conv_outputs=2 * 4 * 17 * 7, conv_bias_adds=2 * 4 * 17 * 7),
    ),
    "a convolution as VGG has it": (
        Conv2d("conv", None, 6, 4),
        MAPS,
        (2, 4, 17, 23),
        3 * 3 * 6 * 4 + 4,
        Ledger(conv_macs=2 * 3 * 3 * 6 * 4 * 17 * 23, conv_outputs=2 * 4 * 17 * 23, conv_bias_adds=2 * 4 * 17 * 23),
    ),
    "a linear layer behind leading axes": (
        Linear("fc", None, 5, 7),
        (2, 3, 5),
        (2, 3, 7),
        5 * 7 + 7,
        Ledger(linear_macs=2 * 3 * 5 * 7, linear_outputs=2 * 3 * 7, linear_bias_adds=2 * 3 * 7),
    ),
    "a linear layer without bias": (
        Linear("fc", None, 5, 7, bias=False),
        (2, 5),
        (2, 7),
        5 * 7,
        Ledger(linear_macs=2 * 5 * 7, linear_outputs=2 * 7),
    ),
    "a batch normalization": (
        BatchNorm2d("bn", None, 6),
        MAPS,
        MAPS,
        2 * 6,
        Ledger(
            batch_norm_elements=2 * 6 * 17 * 23,
            batch_norm_affine_elements=2 * 6 * 17 * 23,
            batch_norm_channels=2 * 6,
            batch_norm_affine_channels=2 * 6,
        ),
    ),
    "a batch normalization that is not affine": (
        BatchNorm2d("bn", None, 6, affine=False),
        MAPS,
        MAPS,
        0,
        Ledger(batch_norm_elements=2 * 6 * 17 * 23, batch_norm_channels=2 * 6),
    ),
    "a batch normalization over features": (
        BatchNorm1d("bn", None, 3),
        (2, 3, 5),
        (2, 3, 5),
        2 * 3,
        Ledger(
            batch_norm_elements=2 * 3 * 5,
            batch_norm_affine_elements=2 * 3 * 5,
            batch_norm_channels=2 * 3,
            batch_norm_affine_channels=2 * 3,
        ),
    ),
    "a local response normalization": (
        LocalResponseNorm("lrn", None, 3),
        MAPS,
        MAPS,
        0,
        Ledger(lrn_elements=2 * 6 * 17 * 23, lrn_pixels=2 * 17 * 23, lrn_window_pixels=3 * 2 * 17 * 23),
    ),
    "a ReLU": (ReLU("relu", None), MAPS, MAPS, 0, Ledger(relu_elements=2 * 6 * 17 * 23)),
    "a max-pool": (
        POOL,
        MAPS,
        # A reach of 3 by 2, and, dilated, of 3 by 1.
        (2, 6, (17 - 3) // 2 + 1, 23 - 3 + 1),
        0,
        pooled(8, 21, kernel=3 * 2, stride=2 * 1),
    ),
    "a max-pool with padding": (
        POOL.replace(stride=(1, 3), padding=(1, 0), dilation=(2, 1)),
        MAPS,
        (2, 6, 17 + 2 - 5 + 1, (23 - 2) // 3 + 1),
        0,
        pooled(15, 8, kernel=3 * 2, stride=1 * 3),
    ),
    "a max-pool as VGG has it": (
        MaxPool2d("pool", None),
        MAPS,
        (2, 6, 17 // 2, 23 // 2),
        0,
        pooled(8, 11, kernel=2 * 2, stride=2 * 2),
    ),
    "a max-pool in ceil mode whose last windows reach over the edge": (
        CEIL,
        MAPS,
        # Rows begin at -1, 1, ..., 13 and reach over 5, columns at 0, 3, ..., 21 and reach over 2: all lie inside.
        (2, 6, 8, 8),
        0,
        pooled(8, 8, kernel=3 * 2, stride=2 * 3),
    ),
    "a max-pool in ceil mode with a window more": (
        CEIL.replace(stride=(3, 2), dilation=(1, 1)),
        MAPS,
        # Rows begin at -1, 2, ..., 14, 17 would be behind the image; columns at 0, 2, ..., 20, and 22 reaches over.
        (2, 6, 6, 12),
        0,
        pooled(6, 12, kernel=3 * 2, stride=3 * 2),
    ),
    "a max-pool in ceil mode whose window more would begin behind the image": (
        CEIL.replace(kernel=(2, 2), stride=(2, 4), padding=(1, 1), dilation=(1, 1)),
        MAPS,
        # Rows begin at -1, 1, ..., 15 and 17 is behind the image; columns at -1, 3, ..., 19 and 23 is.
        (2, 6, 9, 6),
        0,
        pooled(9, 6, kernel=2 * 2, stride=2 * 4),
    ),
    "an average pool": (
        AvgPool2d("pool", None, (3, 4), (2, 3), (1, 2)),
        MAPS,
        (2, 6, (17 + 2 - 3) // 2 + 1, (23 + 4 - 4) // 3 + 1),
        0,
        Ledger(),
    ),
    "an average pool without padding": (
        AvgPool2d("pool", None, (3, 4), (2, 3)),
        MAPS,
        (2, 6, (17 - 3) // 2 + 1, (23 - 4) // 3 + 1),
        0,
        Ledger(),
    ),
    "an average pool in ceil mode": (
        AvgPool2d("pool", None, (4, 3), (2, 3), ceil_mode=True),
        MAPS,
        # Rows begin at 0, 2, ..., 12 and 14 reaches over; columns at 0, 3, ..., 18 and 21 reaches over.
        (2, 6, 8, 8),
        0,
        Ledger(),
    ),
    "an adaptive pool": (
        AdaptiveAvgPool2d("pool", None, (3, 4)),
        MAPS,
        (2, 6, 3, 4),
        0,
        Ledger(adaptive_inputs=2 * 6 * 17 * 23, adaptive_outputs=2 * 6 * 3 * 4),
    ),
    "zeros around": (
        ZeroPad2d("pad", None, (1, 2, 4, 7)),
        MAPS,
        (2, 6, 17 + 4 + 7, 23 + 1 + 2),
        0,
        Ledger(),
    ),
    "a flatten": (Flatten("flatten", None), MAPS, (2, 6 * 17 * 23), 0, Ledger()),
    "a dropout": (Dropout("drop", None), (2, 3, 5), (2, 3, 5), 0, Ledger(dropout_elements=2 * 3 * 5)),
    "a soft-max behind leading axes": (
        Softmax("softmax", None),
        (2, 3, 5),
        (2, 3, 5),
        0,
        Ledger(softmax_elements=2 * 3 * 5, softmax_rows=2 * 3),
    ),
    "a product of matrices": (
        MatMul("matmul", None, 7, (2, 3, 5)),
        (2, 3, 7),
        (2, 3, 5),
        0,
        Ledger(matmul_macs=2 * 3 * 5 * 7, matmul_outputs=2 * 3 * 5),
    ),
    "an addition": (Add("add", None, MAPS), MAPS, MAPS, 0, Ledger(add_elements=2 * 6 * 17 * 23)),
    "a residual block of nothing": (Residual("r", "r", ()), MAPS, MAPS, 0, Ledger(add_elements=2 * 6 * 17 * 23)),
    "a residual block": (
        Residual("block", "block", (CONV.replace(c_out=6),), (MaxPool2d("p", None, (5, 1), (2, 1), (1, 0)),)),
        MAPS,
        (2, 6, 8, 23),
        3 * 5 * (6 // 2) * 6,
        Ledger(
            conv_macs=2 * 3 * 5 * (6 // 2) * 6 * 8 * 23,
            conv_outputs=2 * 6 * 8 * 23,
            maxpool_inputs=2 * 6 * 17 * 23,
            maxpool_outputs=2 * 6 * 8 * 23,
            maxpool_window_elements=2 * 6 * 8 * 23 * 5 * 1,
            maxpool_stride_elements=2 * 6 * 8 * 23 * 2 * 1,
            add_elements=2 * 6 * 8 * 23,
        ),
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_what_a_layer_does(name):
    layer, shape, output, params, ledger = CELLS[name]
    given, does = layer.apply(shape)
    assert given == output
    assert layer.params() == params
    assert does == ledger


def test_the_windows():
    assert CONV.window(MAPS) == Window((3, 5), (2, 1), (1, 2), (2, 1))
    assert POOL.window(MAPS) == Window((3, 2), (2, 1), (0, 0), (1, 2))
    average = AvgPool2d("pool", None, (3, 4), (2, 3), (1, 2))
    assert average.window(MAPS) == Window((3, 4), (2, 3), (1, 2), (1, 1))
    assert ReLU("relu", None).window(MAPS) == Window((1, 1), (1, 1), (0, 0), (1, 1))
    assert Linear("fc", None, 5, 7).window((2, 5)) is None
    assert Flatten("flatten", None).window(MAPS) is None


def test_an_adaptive_pool_has_a_window_where_both_sides_divide():
    pool = AdaptiveAvgPool2d("pool", None, (3, 4))
    assert pool.window((2, 6, 6, 20)) == Window((2, 5), (2, 5), (0, 0))
    assert pool.window((2, 6, 6, 21)) is None
    assert pool.window((2, 6, 7, 20)) is None


def test_what_an_input_must_have():
    assert CONV.takes() == ("channels", 1, 6)
    assert BatchNorm2d("bn", None, 6).takes() == ("channels", 1, 6)
    assert Linear("fc", None, 5, 7).takes() == ("features", -1, 5)
    assert GroupNorm("gn", None, 3, 6).takes() == ("channels", 1, 6)
    assert ReLU("relu", None).takes() is None


def test_defaults_are_those_of_the_papers():
    # Krizhevsky et al. 2012, section 3.3: k = 2, n = 5, alpha = 10^-4, beta = 0.75.
    lrn = LocalResponseNorm("lrn", None)
    assert (lrn.k, lrn.size, lrn.alpha, lrn.beta) == (2, 5, 1e-4, 0.75)
    # Simonyan & Zisserman 2015, section 3.1: dropout ratio 0.5.
    assert Dropout("drop", None).p == 0.5
    assert AdaptiveAvgPool2d("pool", None).output_size == (7, 7)


def test_the_formulas_that_a_layer_writes_are_its_own():
    written = CONV.written((2, 4, 8, 23))
    assert written["params_formula"] == "kh*kw*(Cin//g)*Cout"
    assert written["params_numbers"] == "3*5*(6//2)*4"
    assert written["macs_formula"] == "N*kh*kw*(Cin//g)*Cout*Hout*Wout"
    assert written["macs_numbers"] == "2*3*5*(6//2)*4*8*23"
    written = Linear("fc", None, 5, 7).written((2, 3, 7))
    assert (written["params_numbers"], written["macs_numbers"]) == ("5*7 + 7", "6*5*7")
    assert (written["params_formula"], written["macs_formula"]) == ("Fin*Fout + Fout", "N*Fin*Fout")
    for norm in (BatchNorm2d("bn", None, 6), GroupNorm("gn", None, 3, 6)):
        written = norm.written(MAPS)
        assert (written["params_formula"], written["params_numbers"]) == ("2*C", "2*6")
    written = MatMul("matmul", None, 7, (2, 3, 5)).written((2, 3, 5))
    assert (written["macs_numbers"], written["params_numbers"]) == ("30*7", None)
    assert set(ReLU("relu", None).written(MAPS).values()) == {None}


def test_a_block_is_walked_body_first_then_shortcut_then_the_addition():
    layer, shape, output, *_ = CELLS["a residual block"]
    steps = tuple(walk((layer, ReLU("relu", None)), shape))
    assert [step.layer.name for step in steps] == ["conv", "p", "block", "relu"]
    assert [step.input for step in steps] == [MAPS, MAPS, output, output]
    assert [step.output for step in steps] == [output] * 4
    assert steps[2].layer == Add("block", None, output)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ((2, 1, 5), (3, 1), (2, 3, 5)),
        ((3, 1), (2, 1, 5), (2, 3, 5)),
        ((7,), (2, 3, 7), (2, 3, 7)),
        ((2, 3), (2, 3), (2, 3)),
        ((1,), (1,), (1,)),
        ((2, 3), (2, 4), None),
        ((2, 3), (3, 3), None),
        ((), (2, 3), (2, 3)),
    ],
)
def test_shapes_that_broadcast(one, other, both):
    assert broadcast(one, other) == both


def test_what_is_no_layer_of_a_module_bears_its_operations_name():
    for kind in (Free, Uncounted, Idle):
        assert kind("x", None, "operation").kind == "operation"
    assert CEIL.kind == "MaxPool2d"
    assert ReLU("relu", None).kind == "ReLU"
