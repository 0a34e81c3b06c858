"""ONNX graphs made by hand: each operator's count as arithmetic, and what a file cannot be."""

from __future__ import annotations

import json
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, defs, helper, numpy_helper

import vggcost
from vggcost.frameworks import door
from vggcost.frameworks.onnx.operators import FREE, FREE_OF_MICROSOFT, MAY_MULTIPLY
from vggcost.frameworks.onnx.rules import LEARNED, RULES, STATISTICS
from vggcost.frameworks.target import Given
from vggcost.network import catalogue
from vggcost.network.plan import Variant
from vggcost.results.audit import Audit

FLOAT = TensorProto.FLOAT


def weights(name, *shape, dtype=np.float32):
    return numpy_helper.from_array(np.zeros(shape, dtype), name)


def shape_value(name, *sides):
    return numpy_helper.from_array(np.array(sides, np.int64), name)


def model(nodes, stored=(), *, inputs=None, outputs=("y",), opset=20, functions=(), domains=()):
    """A model of one graph; inputs are shapes by name, or a dtype and a shape; a word in one is a size left open."""
    given = {"x": (1, 3, 8, 8)} if inputs is None else inputs
    typed = {name: each if isinstance(each[-1], tuple) else (FLOAT, each) for name, each in given.items()}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, *each) for name, each in typed.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        list(stored),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions))


def node(operator, inputs, output="y", **attributes):
    return helper.make_node(operator, inputs, [output], **attributes)


def audited(made, *shapes):
    shapes = shapes or tuple(
        tuple(side.dim_value for side in each.type.tensor_type.shape.dim) for each in made.graph.input
    )
    return vggcost.audit(made, list(shapes))


CASES = {
    "Conv": (
        node("Conv", ["x", "w", "b"], pads=[1] * 4),
        [weights("w", 4, 3, 3, 3), weights("b", 4)],
        4 * 64 * 27,
        112,
    ),
    "Conv with uneven pads": (
        node("Conv", ["x", "w"], pads=[0, 1, 2, 0]),
        [weights("w", 4, 3, 3, 3)],
        4 * 8 * 7 * 27,
        108,
    ),
    "Conv SAME_UPPER": (
        node("Conv", ["x", "w"], auto_pad="SAME_UPPER", strides=[2, 2]),
        [weights("w", 4, 3, 3, 3)],
        4 * 16 * 27,
        108,
    ),
    "Conv SAME_LOWER": (node("Conv", ["x", "w"], auto_pad="SAME_LOWER"), [weights("w", 4, 3, 2, 2)], 4 * 64 * 12, 48),
    "Conv VALID": (node("Conv", ["x", "w"], auto_pad="VALID"), [weights("w", 4, 3, 3, 3)], 4 * 36 * 27, 108),
    "Conv in groups": (node("Conv", ["x", "w"], group=3), [weights("w", 6, 1, 3, 3)], 6 * 36 * 9, 54),
    "Conv dilated": (node("Conv", ["x", "w"], dilations=[2, 3]), [weights("w", 4, 3, 3, 3)], 4 * 4 * 2 * 27, 108),
    "Conv twice as far": (node("Conv", ["x", "w"], strides=[2, 3]), [weights("w", 4, 3, 3, 3)], 4 * 3 * 2 * 27, 108),
    "ConvInteger": (
        node("ConvInteger", ["q", "w"]),
        [weights("w", 4, 3, 3, 3, dtype=np.int8)],
        4 * 36 * 27,
        108,
    ),
    "QLinearConv": (
        node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z", "b"]),
        [
            weights("w", 4, 3, 3, 3, dtype=np.uint8),
            weights("b", 4, dtype=np.int32),
            weights("s"),
            weights("z", dtype=np.uint8),
        ],
        4 * 36 * 27,
        112,
    ),
    "Gemm": (node("Gemm", ["f", "w", "b"], transB=1), [weights("w", 5, 6), weights("b", 5)], 2 * 30, 35),
    "Gemm the other way": (node("Gemm", ["f", "w"]), [weights("w", 6, 5)], 2 * 30, 30),
    "Gemm of activations": (node("Gemm", ["f", "f"], transB=1), [], 2 * 2 * 6, 0),
    "MatMul": (node("MatMul", ["f", "w"]), [weights("w", 6, 5)], 2 * 30, 30),
    "MatMul of activations": (node("MatMul", ["x", "x"]), [], 3 * 8 * 8 * 8, 0),
    "MatMul with a stack of weights": (node("MatMul", ["x", "w"]), [weights("w", 3, 8, 5)], 3 * 8 * 5 * 8, 120),
    "MatMul from the left": (node("MatMul", ["w", "x"]), [weights("w", 5, 8)], 3 * 5 * 8 * 8, 40),
    "MatMulInteger": (node("MatMulInteger", ["i", "w"]), [weights("w", 6, 5, dtype=np.int8)], 2 * 30, 30),
    "QLinearMatMul": (
        node("QLinearMatMul", ["i", "s", "z", "w", "s", "z", "s", "z"]),
        [weights("w", 6, 5, dtype=np.uint8), weights("s"), weights("z", dtype=np.uint8)],
        2 * 30,
        30,
    ),
    "LRN": (node("LRN", ["x"], size=5), [], 0, 0),
    "Conv over one axis": (
        node("Conv", ["l", "w", "b"], pads=[1, 1]),
        [weights("w", 4, 3, 3), weights("b", 4)],
        4 * 9 * 9,
        40,
    ),
    "Conv over three axes": (
        node("Conv", ["vol", "w"], strides=[1, 2, 1]),
        [weights("w", 4, 3, 2, 2, 2)],
        4 * 3 * 2 * 5 * 24,
        96,
    ),
    "ConvTranspose": (
        node("ConvTranspose", ["x", "w", "b"], strides=[2, 2]),
        [weights("w", 3, 5, 2, 2), weights("b", 5)],
        64 * 3 * 5 * 4,
        65,
    ),
    "ConvTranspose with cut edges": (
        node("ConvTranspose", ["x", "w"], strides=[2, 2], pads=[1, 0, 0, 1], output_padding=[1, 0]),
        [weights("w", 3, 5, 3, 3)],
        64 * 3 * 5 * 9,
        135,
    ),
    "ConvTranspose to a shape": (
        node("ConvTranspose", ["x", "w"], strides=[2, 2], output_shape=[15, 16]),
        [weights("w", 3, 5, 3, 3)],
        64 * 3 * 5 * 9,
        135,
    ),
    "ConvTranspose in groups": (
        node("ConvTranspose", ["x", "w"], group=3),
        [weights("w", 3, 2, 3, 3)],
        64 * 3 * 2 * 9,
        54,
    ),
    "ConvTranspose over one axis": (node("ConvTranspose", ["l", "w"]), [weights("w", 3, 5, 4)], 9 * 3 * 5 * 4, 60),
    "Einsum": (node("Einsum", ["f", "w"], equation="nf,fo->no"), [weights("w", 6, 5)], 60, 30),
    "Einsum of activations": (node("Einsum", ["x", "x"], equation="bchw,bdhw->bcd"), [], 3 * 3 * 64, 0),
    "LSTM": (
        node("LSTM", ["r", "w", "u", "b"], hidden_size=5),
        [weights("w", 1, 20, 6), weights("u", 1, 20, 5), weights("b", 1, 40)],
        7 * 2 * 4 * 5 * (6 + 5),
        20 * 6 + 20 * 5 + 40,
    ),
    "GRU in both directions": (
        node("GRU", ["r", "w", "u"], hidden_size=5, direction="bidirectional"),
        [weights("w", 2, 15, 6), weights("u", 2, 15, 5)],
        2 * 7 * 2 * 3 * 5 * (6 + 5),
        2 * 15 * 11,
    ),
    "RNN": (
        node("RNN", ["r", "w", "u"], hidden_size=5),
        [weights("w", 1, 5, 6), weights("u", 1, 5, 5)],
        7 * 2 * 5 * 11,
        55,
    ),
    "InstanceNormalization": (
        node("InstanceNormalization", ["x", "g", "b"]),
        [weights("g", 3), weights("b", 3)],
        0,
        6,
    ),
    "LayerNormalization": (node("LayerNormalization", ["x", "g", "b"]), [weights("g", 8), weights("b", 8)], 0, 16),
    "GlobalMaxPool": (node("GlobalMaxPool", ["x"]), [], 0, 0),
    "LpPool": (node("LpPool", ["x"], kernel_shape=[2, 2]), [], 0, 0),
    "MaxPool over one axis": (node("MaxPool", ["l"], kernel_shape=[2]), [], 0, 0),
    "ReduceMean": (node("ReduceMean", ["x"], keepdims=0), [], 0, 0),
    "GroupNormalization": (
        node("GroupNormalization", ["x", "g", "b"], num_groups=3),
        [weights("g", 3), weights("b", 3)],
        0,
        6,
    ),
    "BatchNormalization": (
        node("BatchNormalization", ["x", "g", "b", "m", "v"]),
        [weights(name, 3) for name in "gbmv"],
        0,
        6,
    ),
    "PRelu": (node("PRelu", ["x", "a"]), [weights("a", 3, 1, 1)], 0, 3),
    "Mul by learned scales": (node("Mul", ["x", "a"]), [weights("a", 3, 1, 1)], 0, 3),
    "Mul by a number": (node("Mul", ["x", "a"]), [weights("a")], 0, 0),
    "Gather from a table": (node("Gather", ["t", "n"]), [weights("t", 30, 4)], 0, 120),
}
"""A node, what is stored, its multiply-accumulates and its parameters; INPUTS has the shapes of x, f, q, i and n."""

INPUTS = {
    "x": (1, 3, 8, 8),
    "f": (2, 6),
    "q": (TensorProto.UINT8, (1, 3, 8, 8)),
    "i": (TensorProto.UINT8, (2, 6)),
    "n": (TensorProto.INT64, (1, 5)),
    "l": (1, 3, 9),
    "vol": (1, 3, 4, 5, 6),
    "r": (7, 2, 6),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_counts(case):
    made, stored, macs, params = CASES[case]
    inputs = {name: INPUTS[name] for name in INPUTS if name in made.input}
    audit = audited(model([made], stored, inputs=inputs))
    assert (audit.macs, audit.params) == (macs, params)
    assert not audit.uncounted
    assert len(audit.layers) == 1


def test_attention_counts_both_of_its_products():
    four = {name: (2, 3, length, 8) for name, length in (("q", 5), ("k", 7), ("v", 7))}
    audit = audited(model([node("Attention", list("qkv"))], inputs=four, opset=23))
    assert (audit.macs, audit.uncounted) == (2 * 2 * 3 * 5 * 7 * 8, ())
    three = {name: (2, length, 24) for name, length in (("q", 5), ("k", 7), ("v", 7))}
    made = node("Attention", list("qkv"), q_num_heads=3, kv_num_heads=3)
    assert audited(model([made], inputs=three, opset=23)).macs == audit.macs
    made = node("MultiHeadAttention", list("qkv"), num_heads=3, domain="com.microsoft")
    assert audited(model([made], inputs=three, domains=["com.microsoft"])).macs == audit.macs


@pytest.mark.parametrize(
    ("made", "stored", "macs", "params"),
    [
        (
            node("FusedConv", ["x", "w", "b"], domain="com.microsoft", activation="Relu"),
            [weights("w", 4, 3, 3, 3), weights("b", 4)],
            4 * 36 * 27,
            112,
        ),
        (node("FusedGemm", ["f", "w"], domain="com.microsoft", activation="Relu"), [weights("w", 6, 5)], 60, 30),
        (node("FusedMatMul", ["f", "w"], domain="com.microsoft", transB=1), [weights("w", 5, 6)], 60, 30),
        (
            node("QGemm", ["i", "s", "z", "w", "s", "z", "b"], domain="com.microsoft"),
            [
                weights("w", 6, 5, dtype=np.uint8),
                weights("b", 5, dtype=np.int32),
                weights("s"),
                weights("z", dtype=np.uint8),
            ],
            60,
            35,
        ),
        (
            node("DynamicQuantizeMatMul", ["f", "w", "s", "z", "b"], domain="com.microsoft"),
            [weights("w", 6, 5, dtype=np.uint8), weights("b", 5), weights("s"), weights("z", dtype=np.uint8)],
            60,
            35,
        ),
    ],
    ids=lambda value: getattr(value, "op_type", ""),
)
def test_an_operator_of_onnx_runtime_counts(made, stored, macs, params):
    inputs = {name: INPUTS[name] for name in INPUTS if name in made.input}
    audit = audited(model([made], stored, inputs=inputs, domains=["com.microsoft"]))
    assert (audit.macs, audit.params) == (macs, params)
    assert not audit.uncounted
    assert [row.kind for row in audit.layers[1:]] == (
        ["ReLU"] if "Fused" in made.op_type and len(made.attribute) and made.op_type != "FusedMatMul" else []
    )


def test_every_operator_of_onnx_has_a_rule_or_a_place():
    """What onnx has and we do not know would be uncounted in silence of its kind: it is named here first."""
    own = {schema.name for schema in defs.get_all_schemas_with_history() if schema.domain == ""}
    graphs = {"If", "Loop", "Scan"}
    silent = {"Identity", "Constant", "Shape", "Size", "ConstantOfShape"}
    ruled = {name for domain, name in RULES if domain == ""}
    assert own - ruled - FREE - set(MAY_MULTIPLY) - graphs - silent == UNKNOWN
    assert not ruled & FREE
    assert not (ruled | FREE) & set(MAY_MULTIPLY)
    assert FREE - own == set()
    assert all(MAY_MULTIPLY.values())
    assert not FREE_OF_MICROSOFT & {name for domain, name in RULES if domain == "com.microsoft"}


UNKNOWN = set()


@pytest.mark.parametrize("made", [node("DFT", ["x"]), node("Det", ["x"]), node("Unheard", ["x"], domain="of.mine")])
def test_what_nobody_knows_is_named_and_strict_fails(tmp_path, vggcost, made):
    path = tmp_path / "x.onnx"
    onnx.save(model([made], domains=["of.mine"]), path)
    name = f"of.mine.{made.op_type}" if made.domain else made.op_type
    ran = vggcost("audit", str(path), "--format", "json", "--strict")
    assert ran.status == 1
    assert "1 operation has no formula" in ran.err
    assert [each["operation"] for each in json.loads(ran.out)["uncounted"]] == [name]


def test_what_comes_behind_an_unknown_operator_is_named_too():
    nodes = [node("Unheard", ["x"], "z", domain="of.mine"), node("Conv", ["z", "w"])]
    audit = audited(model(nodes, [weights("w", 4, 3, 3, 3)], domains=["of.mine"]))
    assert [row.kind for row in audit.layers] == ["of.mine.Unheard", "Conv of a shape that hangs on values"]
    assert (audit.params, audit.macs) == (108, 0)


def test_shapes_that_the_file_says_lead_on_behind_an_unknown_operator():
    nodes = [node("Unheard", ["x"], "z", domain="of.mine"), node("Conv", ["z", "w"])]
    made = model(nodes, [weights("w", 4, 3, 3, 3)], domains=["of.mine"])
    made.graph.value_info.append(helper.make_tensor_value_info("z", FLOAT, (1, 3, 6, 6)))
    assert audited(made).macs == 4 * 16 * 27


def test_a_stored_tensor_that_two_use_counts_once():
    nodes = [node("Conv", ["x", "w"], "z", pads=[1] * 4), node("Relu", ["z"], "r"), node("Conv", ["r", "w"])]
    audit = audited(model(nodes, [weights("w", 3, 3, 3, 3)]))
    assert audit.params == 81
    assert [row.note for row in audit.layers if row.kind == "Conv2d"] == [None, "shares its parameters"]
    assert audit.macs == 3 * 27 * (64 + 36)


def test_weights_that_are_made_of_constants_are_those_constants():
    """A quantized kernel behind DequantizeLinear, and one that is turned: neither is work of the forward call."""
    nodes = [
        node("DequantizeLinear", ["w8", "s", "z"], "w"),
        node("Conv", ["x", "w"], "c"),
        node("Flatten", ["c"], "f"),
        node("Transpose", ["m"], "t", perm=[1, 0]),
        node("MatMul", ["f", "t"]),
    ]
    stored = [weights("w8", 4, 3, 3, 3, dtype=np.int8), weights("s"), weights("z", dtype=np.int8), weights("m", 5, 144)]
    audit = audited(model(nodes, stored))
    assert [row.kind for row in audit.layers] == ["Conv2d", "Flatten", "Linear"]
    assert audit.params == 108 + 720
    assert audit.totals.weight_bytes == 108 + 4 * 720
    assert audit.macs == 4 * 36 * 27 + 720


def test_a_bias_that_is_added_is_the_layers():
    nodes = [
        node("Conv", ["x", "w"], "c"),
        node("Add", ["c", "b"], "d"),
        node("Flatten", ["d"], "f"),
        node("MatMul", ["f", "m"], "p"),
        node("Add", ["e", "p"]),
    ]
    stored = [weights("w", 4, 3, 3, 3), weights("b", 1, 4, 1, 1), weights("m", 144, 5), weights("e", 5)]
    audit = audited(model(nodes, stored))
    assert [(row.kind, row.params) for row in audit.layers] == [("Conv2d", 112), ("Flatten", 0), ("Linear", 725)]
    assert [row.layer.bias for row in audit.reading.operations if row.params] == [True, True]
    assert audit.reading.operations[0].ledger["conv_bias_adds"] == 144


def test_what_is_added_to_a_tensor_that_others_use_is_no_bias():
    nodes = [node("MatMul", ["f", "m"], "p"), node("Add", ["p", "e"], "q"), node("Mul", ["p", "q"])]
    audit = audited(model(nodes, [weights("m", 6, 5), weights("e", 5)], inputs={"f": (2, 6)}))
    assert [row.kind for row in audit.layers] == ["Linear", "Add", "Mul"]
    assert audit.params == 35


def test_shapes_are_computed_where_the_graph_computes_them():
    """Shape, Gather, Concat and Reshape: what the older exporter writes for x.view(x.size(0), -1)."""
    nodes = [
        node("Shape", ["x"], "s"),
        node("Gather", ["s", "zero"], "n", axis=0),
        node("Unsqueeze", ["n", "first"], "row"),
        node("Concat", ["row", "rest"], "target", axis=0),
        node("Reshape", ["x", "target"], "f"),
        node("Gemm", ["f", "w"], transB=1),
    ]
    stored = [
        numpy_helper.from_array(np.array(0), "zero"),
        shape_value("first", 0),
        shape_value("rest", -1),
        weights("w", 5, 192),
    ]
    audit = audited(model(nodes, stored, inputs={"x": ("n", 3, 8, 8)}), (7, 3, 8, 8))
    assert [row.kind for row in audit.layers] == ["Flatten", "Linear"]
    assert audit.macs == 7 * 5 * 192


def test_a_residual_addition_is_one():
    nodes = [node("Conv", ["x", "w"], "c", pads=[1] * 4), node("Relu", ["c"], "r"), node("Add", ["r", "x"])]
    audit = audited(model(nodes, [weights("w", 3, 3, 3, 3)]))
    assert audit.reading.operations[-1].branch == 2
    assert audit.reading.operations[-1].ledger["add_elements"] == 192


def test_an_average_pool_before_a_flatten_is_an_adaptive_one():
    nodes = [node("AveragePool", ["x"], "p", kernel_shape=[2, 2], strides=[2, 2]), node("Flatten", ["p"])]
    assert [row.kind for row in audited(model(nodes)).layers] == ["AdaptiveAvgPool2d", "Flatten"]
    nodes[1] = node("Relu", ["p"])
    assert [row.kind for row in audited(model(nodes)).layers] == ["AvgPool2d", "ReLU"]


def conv(source, target):
    return node("Conv", [source, "w"], target, pads=[1] * 4)


def branch(name, *nodes):
    return helper.make_graph(list(nodes), name, [], [helper.make_tensor_value_info("out", FLOAT, None)])


ONE = 3 * 64 * 27
"""What one convolution of 3 channels over 8x8 counts."""


@pytest.mark.parametrize(("condition", "macs"), [(True, ONE), (False, 2 * ONE)])
def test_the_branch_that_a_constant_chooses_counts(condition, macs):
    single, double = branch("then", conv("x", "out")), branch("else", conv("x", "i"), conv("i", "out"))
    made = node("If", ["c"], then_branch=single, else_branch=double)
    stored = [numpy_helper.from_array(np.array(condition), "c"), weights("w", 3, 3, 3, 3)]
    audit = audited(model([made], stored))
    assert (audit.macs, audit.params) == (macs, 81)


def test_branches_of_one_cost_need_no_choice_and_others_are_named():
    inputs = {"x": (1, 3, 8, 8), "c": (TensorProto.BOOL, ())}
    stored = [weights("w", 3, 3, 3, 3)]
    single, other = branch("then", conv("x", "out")), branch("else", conv("x", "out"))
    same = node("If", ["c"], then_branch=single, else_branch=other)
    audit = audited(model([same], stored, inputs=inputs), (1, 3, 8, 8), "bool[]")
    assert (audit.macs, audit.uncounted) == (ONE, ())
    double = branch("else", conv("x", "i"), conv("i", "out"))
    audit = audited(
        model([node("If", ["c"], then_branch=single, else_branch=double)], stored, inputs=inputs),
        (1, 3, 8, 8),
        "bool[]",
    )
    assert [each.layer.kind for each in audit.uncounted] == ["If whose course hangs on values"]


def loop_body(*nodes):
    return helper.make_graph(
        [node("Identity", ["going"], "on"), *nodes],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, ()),
            helper.make_tensor_value_info("going", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("state", FLOAT, None),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ()), helper.make_tensor_value_info("next", FLOAT, None)],
    )


def test_a_loop_of_so_many_rounds_counts_each():
    made = node("Loop", ["rounds", "", "x"], body=loop_body(conv("state", "next")))
    stored = [numpy_helper.from_array(np.array(5), "rounds"), weights("w", 3, 3, 3, 3)]
    audit = audited(model([made], stored))
    assert (audit.macs, audit.params) == (5 * ONE, 81)
    assert audit.layers[0].note == "5 times"


def test_a_loop_that_nobody_can_count_is_named():
    inputs = {"x": (1, 3, 8, 8), "rounds": (TensorProto.INT64, ())}
    made = node("Loop", ["rounds", "", "x"], body=loop_body(conv("state", "next")))
    audit = audited(model([made], [weights("w", 3, 3, 3, 3)], inputs=inputs), (1, 3, 8, 8), "int64[]")
    assert [each.layer.kind for each in audit.uncounted] == ["Loop whose course hangs on values"]
    growing = loop_body(node("Concat", ["state", "state"], "next", axis=0))
    audit = audited(model([node("Loop", ["n", "", "x"], body=growing)], [numpy_helper.from_array(np.array(2), "n")]))
    assert [each.layer.kind for each in audit.uncounted] == ["Loop whose course hangs on values"]


def test_a_scan_counts_each_row():
    body = helper.make_graph(
        [
            node("MatMul", ["row", "m"], "product"),
            node("Add", ["state", "product"], "next"),
            node("Identity", ["next"], "seen"),
        ],
        "body",
        [helper.make_tensor_value_info("state", FLOAT, (4,)), helper.make_tensor_value_info("row", FLOAT, (6,))],
        [helper.make_tensor_value_info("next", FLOAT, (4,)), helper.make_tensor_value_info("seen", FLOAT, (4,))],
    )
    made = helper.make_node("Scan", ["first", "rows"], ["last", "y"], body=body, num_scan_inputs=1)
    inputs = {"first": (4,), "rows": (9, 6)}
    audit = audited(model([made], [weights("m", 6, 4)], inputs=inputs))
    assert (audit.macs, audit.params) == (9 * 24, 24)


def test_a_models_own_functions_are_what_they_hold():
    function = helper.make_function(
        "mine",
        "Block",
        ["a", "k"],
        ["b"],
        [node("Conv", ["a", "k"], "c"), node("Relu", ["c"], "b")],
        [helper.make_opsetid("", 20)],
    )
    made = model(
        [node("Block", ["x", "w"], domain="mine")], [weights("w", 4, 3, 3, 3)], functions=[function], domains=["mine"]
    )
    audit = audited(made)
    assert [row.kind for row in audit.layers] == ["Conv2d", "ReLU"]
    assert audit.macs == 4 * 36 * 27


@pytest.mark.parametrize(("name", "params", "macs"), [("D", 138357544, 15470264320), ("C", 133638952, 11770888192)])
def test_a_configuration_at_its_own_size_needs_no_weights(tmp_path, name, params, macs):
    """The whole network, whose 500 MB of weights are in a file that is not there."""
    nodes, stored, tensor = [], [], "x"
    for place, layer in enumerate(catalogue.network(name, Variant()).layers):
        inputs, operator, options = (
            [tensor],
            {"Linear": "Gemm", "MaxPool2d": "MaxPool", "ReLU": "Relu"}.get(layer.kind),
            {},
        )
        if layer.kind == "Conv2d":
            operator, options = "Conv", {"pads": [layer.padding[0]] * 4}
            sides = (layer.c_out, layer.c_in, *layer.kernel)
        elif layer.kind == "Linear":
            options, sides = {"transB": 1}, (layer.out_features, layer.in_features)
        elif layer.kind == "MaxPool2d":
            options = {"kernel_shape": [2, 2], "strides": [2, 2]}
        elif layer.kind == "AdaptiveAvgPool2d":
            operator, options = "AveragePool", {"kernel_shape": [1, 1], "strides": [1, 1]}
        if layer.weighted:
            for ending, shape in (("weight", sides), ("bias", sides[:1])):
                stored.append(TensorProto(name=f"{layer.path}.{ending}", dims=shape, data_type=FLOAT, data_location=1))
                stored[-1].external_data.add(key="location", value="weights.bin")
                inputs.append(stored[-1].name)
        tensor, source = f"t{place}", inputs
        nodes.append(node(operator or layer.kind, source, tensor, **options))
    made = model(nodes, stored, inputs={"x": (1, 3, 224, 224)}, outputs=(tensor,))
    audit = Audit(door.read_target(file(tmp_path, made), Given()))
    assert (audit.paper.letter, audit.paper.same, audit.params, audit.macs) == (name, True, params, macs)
    assert audit.paper.network.variant == Variant()


def test_channels_last_at_the_door_are_turned():
    nodes = [node("Transpose", ["x"], "t", perm=[0, 3, 1, 2]), node("Conv", ["t", "w"])]
    audit = audited(model(nodes, [weights("w", 4, 3, 3, 3)], inputs={"x": (1, 8, 9, 3)}))
    assert audit.reading.inputs == ((1, 3, 8, 9),)
    assert "channels last" in audit.reading.notes[0]
    assert audit.macs == 4 * 6 * 7 * 27


def test_what_does_not_fit_is_said_and_where():
    nodes = [node("Conv", ["x", "w"], "c"), node("Flatten", ["c"], "f"), node("Gemm", ["f", "m"], name="/head/Gemm")]
    audit = audited(model(nodes, [weights("w", 4, 3, 3, 3), weights("m", 100, 5)]))
    failure = audit.reading.failures[0]
    assert (failure.operation, failure.path, failure.problem) == ("Gemm", "head", "takes 100 features and gets 144")
    assert not audit.runs
    audit = audited(model([node("Conv", ["x", "w"])], [weights("w", 4, 5, 3, 3)]))
    assert audit.reading.failures[0].problem == "takes 5 channels and gets 3"
    audit = audited(model([node("Reshape", ["x", "s"])], [shape_value("s", 5, 7)]))
    assert not audit.runs
    assert "Reshape" in audit.reading.failures[0].operation


def file(folder, made, name="x.onnx", **options):
    onnx.save(made, str(folder / name), **options)
    return str(folder / name)


OPEN = {"x": ("n", "c", "h", "w")}


def test_what_a_file_leaves_open_is_asked_for(tmp_path):
    path = file(tmp_path, model([node("Conv", ["x", "w"])], [weights("w", 4, 3, 3, 3)], inputs=OPEN))
    assert door.read_target(path, Given()).inputs == ((1, 3, 224, 224),)
    assert door.read_target(path, Given(size=(10, 12), batch=5)).inputs == ((5, 3, 10, 12),)


def test_what_a_file_fixes_stays(tmp_path, refused, vggcost):
    path = file(tmp_path, model([node("Conv", ["x", "w"])], [weights("w", 4, 3, 3, 3)]))
    assert json.loads(vggcost("audit", path, "--format", "json").out)["input"] == [1, 3, 8, 8]
    assert vggcost("audit", path, "--size", "8").status == 0
    assert "1x3x8x8" in refused("audit", path, "--size", "9")
    assert "--batch asks for 4" in refused("audit", path, "--batch", "4")
    assert "takes 1x3x8x8 for 'x' and gets 1x3x9x9" in refused("audit", path, "--input", "3x9x9")
    assert "takes 1 inputs (x=1x3x8x8) and gets 1" in refused("audit", path, "--input", "z=3x8x8")
    assert "--call is for a program" in refused("audit", path, "--call", "a=1")


def test_several_inputs_are_given_by_name(tmp_path, vggcost):
    nodes = [node("MatMul", ["a", "b"])]
    path = file(tmp_path, model(nodes, inputs={"a": ("n", 6), "b": (6, "m")}))
    ran = vggcost("audit", path, "--input", "a=float32[2x6]", "--input", "b=float32[6x5]", "--format", "json")
    assert json.loads(ran.out)["totals"]["macs"] == 60


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x08\x0a", "truncated or no ONNX file"),
        (b"not a model at all", "truncated or no ONNX file"),
        (b"PK\x03\x04", "truncated or no ONNX file"),
    ],
)
def test_what_is_no_onnx_file_is_refused(tmp_path, refused, content, words):
    (tmp_path / "x.onnx").write_bytes(content)
    message = refused("audit", str(tmp_path / "x.onnx"))
    assert "x.onnx" in message
    assert words in message


def test_a_truncated_file_is_refused(tmp_path, refused):
    path = tmp_path / "x.onnx"
    file(tmp_path, model([node("Conv", ["x", "w"])], [weights("w", 4, 3, 3, 3)]))
    content = path.read_bytes()
    for part in (len(content) // 3, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:part])
        assert "truncated or no ONNX file" in refused("audit", str(path))
    path.unlink()
    assert "cannot read" in refused("audit", str(path))
    path.mkdir()
    assert "directory" in refused("audit", str(path))


def test_values_in_a_missing_file_are_asked_for_where_they_are_needed(tmp_path, refused):
    nodes = [node("Reshape", ["x", "s"], "f"), node("Gemm", ["f", "w"])]
    made = model(nodes, [shape_value("s", 1, 192), weights("w", 192, 5)])
    path = file(tmp_path, made, save_as_external_data=True, location="x.data", size_threshold=0)
    assert door.read_target(path, Given()).macs == 960
    (tmp_path / "x.data").unlink()
    message = refused("audit", path)
    assert "Reshape needs the values of 's'" in message
    assert "'x.data' is not beside it" in message


def test_weights_in_a_missing_file_are_not_needed(tmp_path):
    made = model([node("Conv", ["x", "w"])], [weights("w", 4, 3, 3, 3)])
    path = file(tmp_path, made, save_as_external_data=True, location="x.data", size_threshold=0)
    (tmp_path / "x.data").unlink()
    assert door.read_target(path, Given()).macs == 4 * 36 * 27


def test_onnx_is_asked_for_where_it_is_missing(tmp_path, refused, monkeypatch):
    path = file(tmp_path, model([node("Relu", ["x"])]))
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "pip install 'vggcost[onnx]'" in refused("audit", path)


def test_tables_name_operators_that_there_are():
    assert set(LEARNED) | set(STATISTICS) >= {("", "BatchNormalization")}
    own = {(schema.domain, schema.name) for schema in defs.get_all_schemas_with_history()}
    assert {key for key in (*LEARNED, *STATISTICS, *RULES) if not key[0]} <= own


def test_the_audit_of_a_graph_is_an_audit():
    assert isinstance(audited(model([node("Relu", ["x"])])), Audit)
