"""Each handler of each tool at one call in which no two numbers are alike, as arithmetic; the tools are not needed."""

from __future__ import annotations

import pytest

from vggcost.conventions.convention import BY_MODULE, DISPATCHED, FUNCTIONS, MODULES, ONE_IMAGE, TRACED
from vggcost.conventions.handlers import handler_of
from vggcost.conventions.rows import CONVENTIONS
from vggcost.programs.calls import FunctionCall, ModuleCall

WAY = {
    **dict.fromkeys(("thop", "ultralytics-thop", "ptflops-modules", "torchinfo", "calflops modules"), MODULES),
    **dict.fromkeys(("torchscan", "torchscan-macs"), ONE_IMAGE),
    "ptflops": FUNCTIONS,
    "calflops": BY_MODULE,
    "calflops-macs": BY_MODULE,
    "fvcore": TRACED,
    "torchprofile": TRACED,
    "torch": DISPATCHED,
    "ptflops-aten": DISPATCHED,
}
X, OUT = (2, 6, 7, 9), (2, 10, 5, 4)
IN, N_OUT = 2 * 6 * 7 * 9, 2 * 10 * 5 * 4
CONV = {"kernel_size": (3, 5), "in_channels": 6, "out_channels": 10, "groups": 2, "bias": True}
RNN = {"input_size": 5, "hidden_size": 3, "num_layers": 2, "bidirectional": True, "bias": True}


def module(kind, facts=(), *, bases=(), inputs=(X,), output=OUT, parameters=(), leaf=True):
    return ModuleCall(
        kind, (kind, *bases), "layer", 1, 0, leaf, dict(parameters), dict(facts), inputs, output, 0, 1, None
    )


def function(name, inputs=(X,), output=OUT, place="torch.nn.functional", **facts):
    full = f"{place}.{name}"
    facts = {"positional": 1, "keywords": (), **facts}
    return FunctionCall(full, (full,), inputs, output, facts, 0, 1, 0)


def lstm_parameters(hidden=3):
    sizes = {}
    for layer, wide in ((0, 5), (1, 2 * hidden)):
        sizes[f"weight_ih_l{layer}"], sizes[f"weight_hh_l{layer}"] = 4 * hidden * wide, 4 * hidden * hidden
    return sizes


MODULE_CELLS = [
    ("thop", module("Conv2d", CONV), N_OUT * 3 * 15),
    ("thop", module("ConvTranspose2d", CONV), N_OUT * 3 * 15),
    ("thop", module("BatchNorm2d", {"affine": True}), 4 * IN),
    ("thop", module("InstanceNorm2d", {"affine": False}), 2 * IN),
    ("thop", module("LayerNorm", {"elementwise_affine": True}), 4 * IN),
    ("thop", module("PReLU"), IN),
    ("thop", module("Softmax", {"dim": 1}), 2 * 7 * 9 * (3 * 6 - 1)),
    ("thop", module("AvgPool2d"), N_OUT),
    ("thop", module("AdaptiveAvgPool2d"), int(((7 / 5) * (9 / 4) + 1) * N_OUT)),
    ("thop", module("Upsample", {"mode": "bilinear"}), 11 * N_OUT),
    ("thop", module("Upsample", {"mode": "nearest"}), N_OUT),
    ("thop", module("Upsample", {"mode": "trilinear"}), 0),
    ("thop", module("Linear", {"in_features": 9}), 9 * N_OUT),
    ("thop", module("LSTMCell", RNN, inputs=((7, 5),)), 7 * (4 * (3 * 8 + 3 + 6) + 4 * 3)),
    ("thop", module("GRUCell", RNN, inputs=((7, 5),)), 7 * (3 * (3 * 8 + 3 + 6) + 4 * 3)),
    (
        "thop",
        module("LSTM", RNN, inputs=((7, 11, 5),)),
        7 * 11 * 2 * ((4 * (3 * 8 + 3 + 6) + 12) + (4 * (3 * 9 + 3 + 6) + 12)),
    ),
    ("ultralytics-thop", module("AdaptiveAvgPool2d"), 12 * ((7 + 5 - 1) * (9 + 4 - 1) + 20)),
    ("ptflops-modules", module("Conv2d", CONV), 2 * (15 * 6 * 5 * 20 + 10 * 20)),
    ("ptflops-modules", module("Conv2d", {**CONV, "bias": False}), 2 * 15 * 6 * 5 * 20),
    ("ptflops-modules", module("ConvTranspose2d", CONV), 2 * (15 * 6 * 5 * 63 + 10 * 20)),
    ("ptflops-modules", module("ReLU"), N_OUT),
    ("ptflops-modules", module("MaxPool2d"), IN),
    ("ptflops-modules", module("GroupNorm", {"affine": True}), 2 * IN),
    ("ptflops-modules", module("LayerNorm"), IN),
    ("ptflops-modules", module("Linear", {"bias": True}, inputs=((2, 3, 7),), output=(2, 3, 4)), 6 * (7 * 4 + 4)),
    ("ptflops-modules", module("Upsample"), N_OUT // 2),
    (
        "ptflops-modules",
        module("LSTM", RNN, inputs=((7, 11, 5),), parameters=lstm_parameters()),
        7 * 11 * 2 * ((12 * 5 + 12 * 3 + 10 * 3 + 24) + (12 * 6 + 12 * 3 + 10 * 3 + 24)),
    ),
    ("torchinfo", module("Linear", parameters={"weight": 70, "bias": 7}, output=(2, 3, 7)), 2 * 77),
    ("torchinfo", module("own.ConvBlock", parameters={"weight": 70, "bias": 7}), 2 * 20 * 77),
    ("torchinfo", module("LSTM", parameters={"weight_ih_l0": 70, "bias_hh_l0": 7, "gain": 5}), 2 * 10 * 77),
    ("torchinfo", module("Block", parameters={"weight": 70}, leaf=False), 0),
    ("torchscan", module("Conv2d", CONV, bases=("_ConvNd",)), N_OUT * 2 * 45),
    ("torchscan", module("ConvTranspose2d", CONV, bases=("_ConvTransposeNd", "_ConvNd")), 16 + N_OUT * 2 * 45),
    (
        "torchscan",
        module("Linear", {"in_features": 9, "out_features": 4, "bias": False}, inputs=((2, 3, 9),)),
        6 * 4 * 17,
    ),
    ("torchscan", module("BatchNorm2d", {"num_features": 6, "affine": True}, bases=("_BatchNorm",)), 12 + 4 * IN),
    ("torchscan", module("MaxPool2d", {"kernel_size": 3}, bases=("_MaxPoolNd",)), 2 * N_OUT),
    ("torchscan", module("AvgPool2d", {"kernel_size": (3, 5)}, bases=("_AvgPoolNd",)), N_OUT * (14 + 2)),
    ("torchscan", module("AdaptiveMaxPool2d", bases=("_AdaptiveMaxPoolNd",)), N_OUT * (3 * 2 - 1)),
    ("torchscan", module("AdaptiveAvgPool2d", bases=("_AdaptiveAvgPoolNd",)), N_OUT * (3 * 2 + 1)),
    ("torchscan", module("Sigmoid"), 4 * IN),
    ("torchscan", module("own.Sigmoid", bases=("Sigmoid",)), 4 * IN),
    ("torchscan", module("Dropout", {"p": 0.5}), IN),
    ("torchscan", module("Dropout", {"p": 0.0}), 0),
    (
        "torchscan",
        module("LayerNorm", {"normalized_shape": (9,)}, parameters={"weight": 9, "bias": 9}),
        8 * IN + 2 * IN // 9,
    ),
    ("torchscan-macs", module("Conv2d", CONV, bases=("_ConvNd",)), N_OUT * 45),
    ("torchscan-macs", module("ConvTranspose2d", CONV, bases=("_ConvTransposeNd", "_ConvNd")), 8 + N_OUT * 45),
    ("torchscan-macs", module("BatchNorm2d", {"affine": False}, bases=("_BatchNorm",)), IN),
    (
        "calflops modules",
        module("LSTM", RNN, inputs=((7, 11, 5),), parameters=lstm_parameters()),
        7 * 11 * 2 * ((2 * 60 - 12 + 2 * 36 - 12 + 30 + 24) + (2 * 72 - 12 + 2 * 36 - 12 + 30 + 24)),
    ),
]

W, B = (10, 3, 3, 5), (10,)
MATRICES = ((2, 5, 7), (2, 7, 11))
FUNCTION_CELLS = [
    *((tool, function("relu"), IN) for tool in ("ptflops", "calflops")),
    *((tool, function("local_response_norm", size=5), 4 * IN + 2 * 63 * 4) for tool in ("ptflops", "calflops")),
    *((tool, function("lp_pool2d"), IN + 2 * N_OUT) for tool in ("ptflops", "calflops")),
    *((tool, function("mul", ((2, 3), (2, 3)), place="torch"), 6) for tool in ("ptflops", "calflops")),
    ("ptflops", function("add", ((4, 3), (4, 3, 5)), place="torch.Tensor"), 60),
    ("ptflops", function("matmul", MATRICES, (2, 5, 11), "torch"), 70 * 11),
    ("ptflops", function("addmm", ((4,), (5, 7), (7, 4)), (5, 4), "torch"), 35 * 4 + 4),
    ("ptflops", function("addmm", ((4,), (5, 7), (7, 4)), (5, 4), "torch", beta=0), 35 * 4),
    ("ptflops", function("interpolate", size=(5, 4)), 12 * 20),
    ("ptflops", function("interpolate", size=5), 12 * 25),
    ("ptflops", function("interpolate", scale_factor=3.0), 9 * IN),
    ("calflops", function("interpolate", size=(5, 4)), 20),
    ("calflops", function("interpolate", scale_factor=3.0), IN),
    ("calflops", function("linear", ((2, 5, 7), (4, 7)), (2, 5, 4)), 2 * 70 * 4),
    ("calflops", function("conv2d", (X, W, B)), 2 * N_OUT * 45 + N_OUT),
    ("calflops", function("conv2d", (X, (10, 3, 2, 5)), padding="same"), 2 * (2 * 4 * 4) * 300),
    ("calflops", function("conv_transpose2d", (X, (6, 10, 3, 5))), 2 * IN * 150),
    (
        "calflops",
        function("conv_transpose2d", (X, (6, 10, 3, 5), B), groups=2, stride=(2, 1), padding=1),
        2 * IN * 5 * 15 + 10 * 2 * ((7 + 2 - 3) // 2 + 1) * (9 + 2 - 5 + 1),
    ),
    ("calflops", function("batch_norm", weight=True), 2 * IN),
    ("calflops", function("batch_norm", weight=None, training=True), 4 * IN),
    ("calflops", function("layer_norm", weight=True), 5 * IN),
    ("calflops", function("group_norm"), 4 * IN),
    ("calflops", function("max_pool2d"), IN),
    ("calflops", function("gelu"), IN),
    ("calflops", function("matmul", MATRICES, (2, 5, 11), "torch"), 2 * 70 * 11),
    ("calflops", function("baddbmm", ((2, 5, 4), (2, 5, 7), (2, 7, 4)), (2, 5, 4), "torch"), 2 * 70 * 4 + 40),
    ("calflops-macs", function("linear", ((2, 5, 7), (4, 7)), (2, 5, 4)), 70 * 4),
    ("calflops-macs", function("conv2d", (X, W, B)), N_OUT * 45),
    ("calflops-macs", function("conv_transpose2d", (X, (6, 10, 3, 5)), groups=2), IN * 5 * 15),
    ("calflops-macs", function("matmul", MATRICES, (2, 5, 11), "torch"), 70 * 11),
    ("fvcore", function("conv2d", (X, W, B)), N_OUT * 45),
    ("fvcore", function("conv2d", (X, W), padding="same"), 0),
    ("fvcore", function("conv_transpose2d", (X, (6, 10, 3, 5))), IN * 150),
    ("fvcore", function("linear", ((2, 5, 7), (4, 7)), (2, 5, 4)), 70 * 4),
    ("fvcore", function("matmul", MATRICES, (2, 5, 11), "torch"), 70 * 11),
    ("fvcore", function("batch_norm", weight=True), 2 * IN),
    ("fvcore", function("batch_norm", training=True), 4 * IN),
    ("fvcore", function("layer_norm", weight=True), 5 * IN),
    ("fvcore", function("interpolate", mode="nearest"), N_OUT),
    ("fvcore", function("interpolate", mode="bilinear"), 4 * N_OUT),
    ("fvcore", function("interpolate", mode="bilinear", antialias=True), 0),
    ("fvcore", function("interpolate", mode="area"), IN),
    ("fvcore", function("adaptive_avg_pool2d"), IN),
    ("fvcore", function("einsum", MATRICES, (2, 5, 11), equation="nij,njk->nik"), 2 * 5 * 7 * 11),
    ("fvcore", function("einsum", ((2, 7, 5), (2, 7, 11)), (2, 5, 11), equation="nij,nik->njk"), 70 * 11),
    ("fvcore", function("einsum", ((2, 5, 7), (2, 11, 7)), (2, 5, 11), equation="nij,nkj->nik"), 70 * 11),
    ("fvcore", function("lstm_cell", ((7, 5), (7, 3), (7, 3), (12, 5), (12, 3), (12,), (12,))), 7 * 12 * (5 + 3)),
    ("torchprofile", function("lstm_cell", ((7, 5), (7, 3), (7, 3), (12, 5), (12, 3))), 7 * 12 * (5 + 3) + 3 * 21),
    ("torchprofile", function("gru_cell", ((7, 5), (7, 3), (9, 5), (9, 3))), 7 * 9 * (5 + 3) + 2 * 21),
    ("torchprofile", function("conv2d", (X, W, B)), N_OUT * 45),
    ("torchprofile", function("conv_transpose2d", (X, (6, 10, 3, 5))), N_OUT * 6 * 15),
    ("torchprofile", function("conv_transpose2d", (X, (10, 4, 3, 5))), N_OUT * 4 * 15),
    ("torchprofile", function("matmul", MATRICES, (2, 5, 11), "torch"), 110 * 7),
    ("torchprofile", function("layer_norm", weight=True, output=X), IN),
    ("torchprofile", function("layer_norm", weight=None), 0),
    ("torchprofile", function("local_response_norm", output=X), 3 * IN),
    ("torchprofile", function("leaky_relu", inplace=True), 0),
    ("torchprofile", function("leaky_relu", output=X), IN),
    ("torchprofile", function("interpolate", mode="nearest"), 0),
    ("torchprofile", function("interpolate", mode="area"), N_OUT),
    ("torchprofile", function("grid_sample", mode="bicubic"), 16 * N_OUT),
    ("torchprofile", function("einsum", MATRICES, (2, 5, 11), equation="nij,njk->nik"), 2 * 5 * 7 * 11),
    (
        "torchprofile",
        function("scaled_dot_product_attention", ((2, 3, 5, 7), (2, 3, 11, 7), (2, 3, 11, 13))),
        2 * 3 * 5 * 11 * (7 + 13),
    ),
    (
        "torchprofile",
        function("lstm", ((7, 11, 5), (1, 7, 3), (1, 7, 3), (12, 5), (12, 3), (12,), (12,))),
        77 * 12 * (5 + 3),
    ),
    ("torch", function("conv2d", (X, W, B)), 2 * N_OUT * 45),
    ("torch", function("linear", ((2, 5, 7), (4, 7)), (2, 5, 4)), 2 * 40 * 7),
    ("torch", function("matmul", ((5, 7), (7,)), (5,), "torch"), 0),
    ("torch", function("tensordot", ((2, 5, 7), (4, 7)), (2, 5, 4)), 2 * 40 * 7),
    ("torch", function("einsum", MATRICES, (2, 5, 11), equation="nij,njk->nik"), 2 * 2 * 5 * 7 * 11),
    ("torch", function("einsum", ((5, 7), (5, 7)), (5, 7), equation="ij,ij->ij"), 0),
    ("torch", function("baddbmm", ((2, 5, 4), (2, 5, 7), (2, 7, 4)), (2, 5, 4), "torch"), 2 * 70 * 4),
    ("torch", function("gru", ((7, 11, 5), (1, 7, 3), (9, 5), (9, 3), (9,), (9,))), 2 * 77 * 9 * (5 + 3)),
    ("ptflops-aten", function("conv2d", (X, W, B)), N_OUT * 45 + N_OUT),
    ("ptflops-aten", function("conv2d", (X, W)), N_OUT * 45),
    ("ptflops-aten", function("conv_transpose2d", (X, (6, 10, 3, 5), B)), IN * 150 + N_OUT),
    ("ptflops-aten", function("linear", ((5, 7), (4, 7), (4,)), (5, 4)), 20 * 7 + 20),
    ("ptflops-aten", function("linear", ((2, 5, 7), (4, 7), (4,)), (2, 5, 4), contiguous=True), 40 * 7 + 40),
    ("ptflops-aten", function("linear", ((2, 5, 7), (4, 7), (4,)), (2, 5, 4), contiguous=False), 40 * 7),
    ("ptflops-aten", function("addmm", ((4,), (5, 7), (7, 4)), (5, 4), "torch"), 35 * 4 + 20),
    ("ptflops-aten", function("gru_cell", ((7, 5), (7, 3), (9, 5), (9, 3), (9,), (9,))), 7 * 9 * (5 + 3) + 7 * 18),
]


def value(convention, call):
    """What the handlers count of a call together; 0 where there is none."""
    way, name = WAY[convention], convention.partition(" ")[0]
    found = [handler(call) for _, handler in handler_of(name, way, call)]
    return next((each for each in found if isinstance(each, str)), None) or sum(found)


@pytest.mark.parametrize(("convention", "call", "count"), MODULE_CELLS)
def test_a_handler_of_modules(convention, call, count):
    assert value(convention, call) == count


@pytest.mark.parametrize(("convention", "call", "count"), FUNCTION_CELLS)
def test_a_handler_of_functions(convention, call, count):
    assert value(convention, call) == count


@pytest.mark.parametrize(
    ("convention", "call", "words"),
    [
        ("thop", module("Softmax"), "has no axis"),
        ("thop", module("LSTM", RNN, inputs=((7, 5),)), "takes a packed sequence"),
        ("torchinfo", module("Conv2d", parameters={"weight_orig": 7}), "is pruned"),
        ("torchinfo", module("Linear", parameters={"weight": 7}, output=()), "hands on no tensor with axes"),
        ("calflops", function("adaptive_avg_pool2d", keywords=("output_size",)), "at which it stops"),
        ("calflops", function("interpolate", scale_factor=(2, 2, 2)), "at which it stops"),
        ("calflops", function("conv2d", ((6, 7, 9), W)), "without a batch"),
        ("ptflops", function("interpolate", scale_factor=1.3), "a fraction"),
        ("ptflops", function("interpolate", scale_factor=(2.0, 2.0)), "at which it stops"),
        ("fvcore", function("matmul", ((5, 7), (7,)), (5,), "torch"), "a product with a vector"),
        ("fvcore", function("layer_norm", ((7,),)), "normalizes one axis"),
        ("fvcore", function("multi_head_attention_forward"), "a path of torch's own"),
        ("torch", function("scaled_dot_product_attention"), "another device"),
        ("torch", function("einsum", ((5, 7),), equation="...i->..."), "no two terms"),
        ("ptflops-aten", function("linear", ((2, 5, 7), (4, 7), (4,)), (2, 5, 4), contiguous=None), "layout"),
    ],
)
def test_where_a_handler_has_no_number_it_has_words(convention, call, words):
    assert words in value(convention, call)


def nothing_to_anyone(way):
    return module("Flatten") if way in (MODULES, ONE_IMAGE) else function("flatten")


def test_what_a_tool_has_no_handler_for_is_nothing_to_it():
    for convention, way in WAY.items():
        assert value(convention, nothing_to_anyone(way)) == 0
    assert value("fvcore", function("sigmoid")) == value("ptflops", function("sigmoid")) == 0
    assert value("thop", module("own.Conv2d", CONV, bases=("Conv2d",))) == 0


def test_every_way_of_a_convention_has_a_table():
    for one in CONVENTIONS:
        for way in one.sees:
            assert len(list(handler_of(one.name, way, nothing_to_anyone(way)))) == (one.name == "torchinfo")


def test_how_often_a_tool_counts_a_module_under_several_parents():
    # Each figure was read from the tool's traversal and is held live by tests/against_tools: a module that k parents
    # hold counts k**shared times; thop adds up its own total once for each of the calls, too.
    shared = {one.name: one.shared for one in CONVENTIONS if one.shared}
    once = ("ptflops", "ptflops-modules", "calflops-macs", "calflops")
    assert shared == {**dict.fromkeys(once, 1), "thop": 2, "ultralytics-thop": 2}
