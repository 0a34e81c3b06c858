"""What ONNX's products of tensors do to shapes: a rule an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.onnx.call import UnknownShapeError
from vggcost.frameworks.onnx.elementwise import free
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.frameworks.pytorch.products import contraction, fully_connected, multiplied
from vggcost.network import products, sequences
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    from vggcost.frameworks.onnx.call import Call

    Ints = tuple[int, ...]


def gemm(call: Call) -> Plan:
    """Gemm and FusedGemm: a product of two matrices, either of them turned, and what is added to it."""
    left = _turned(call.shape(0), call.attribute("transA", 0))
    right = _turned(call.shape(1), call.attribute("transB", 0))
    return _product(left, right, learned=call.is_constant(1), bias=call.given(2))


def quantized_gemm(call: Call) -> Plan:
    """QGemm: both matrices with their scales and zero points, and what is added."""
    left = _turned(call.shape(0), call.attribute("transA", 0))
    right = _turned(call.shape(3), call.attribute("transB", 0))
    return _product(left, right, learned=call.is_constant(3), bias=call.given(6))


def matmul(call: Call) -> Plan:
    """MatMul, MatMulInteger and FusedMatMul."""
    left = _turned(call.shape(0), call.attribute("transA", 0))
    right = _turned(call.shape(1), call.attribute("transB", 0))
    return _product(left, right, learned=call.is_constant(1), bias=False)


def quantized_matmul(call: Call) -> Plan:
    """QLinearMatMul: both matrices and the output, each with its scale and zero point."""
    return _product(call.shape(0), call.shape(3), learned=call.is_constant(3), bias=False)


def dynamic_matmul(call: Call) -> Plan:
    """MatMulIntegerToFloat and DynamicQuantizeMatMul, whose bias stands behind scales and zero points."""
    bias = call.given(6 if call.operator == "MatMulIntegerToFloat" else 4)
    return _product(call.shape(0), call.shape(1), learned=call.is_constant(1), bias=bias)


def _turned(shape: Ints, turned: Any) -> Ints:
    return (*shape[:-2], shape[-1], shape[-2]) if turned and len(shape) > 1 else shape


def _product(left: Ints, right: Ints, *, learned: bool, bias: bool) -> Plan:
    """A linear layer, where the second matrix is a constant; else a product of matrices."""
    if learned and len(right) == 2:
        return fully_connected(left, (right[1], right[0]), bias)
    return multiplied(left, right)


def einsum(call: Call) -> Plan:
    """Einsum, pair by pair from the left."""
    shapes = [call.shape(place) for place in range(len(call.inputs))]
    try:
        return contraction(call.attribute("equation"), shapes)
    except TypeError as error:  # the equation does not fit its operands
        return free(call).replace(problem=f"has {error}", shapes=tuple(shapes))


def gather(call: Call) -> Plan:
    """Gather: rows of a constant table are an embedding."""
    table, output = call.shape(0), call.outputs[0]
    embeds = call.is_constant(0) and len(table) == 2 and not call.attribute("axis", 0) and output is not None
    if not embeds or call.is_constant(1):
        return free(call)
    return Plan(sequences.Embedding, {"rows": table[0], "width": table[1]}, call.shape(1), output or (), Ledger())


def recurrent(call: Call) -> Plan:
    """LSTM, GRU and RNN: input, weights of input and of state, biases; one layer, one direction or both."""
    shape, weight, states = call.shape(0), call.shape(1), call.shape(2)
    fields: dict[str, Any] = {
        "cell": call.operator,
        "in_features": weight[2],
        "hidden": states[2],
        "directions": weight[0],
        "bias": call.given(3),
    }
    made, ledger = sequences.Recurrent(name="", path=None, **fields).apply(shape)
    problem = f"takes {weight[2]:,} features and gets {shape[-1]:,}" if weight[2] != shape[-1] else None
    steps, batch = shape[:2]
    output = (
        (batch, steps, weight[0], states[2]) if call.attribute("layout", 0) else (steps, weight[0], batch, states[2])
    )
    return Plan(sequences.Recurrent, fields, shape, output if made else (), ledger, problem, (shape, weight))


def attention(call: Call) -> Plan:
    """Attention: queries, keys and values, with an axis of heads or put side by side; keys of before stand ahead."""
    heads = int(call.attribute("q_num_heads", 0)), int(call.attribute("kv_num_heads", 0))
    return _attention(call, heads, past=4)


def multi_head_attention(call: Call) -> Plan:
    """MultiHeadAttention of ONNX Runtime: queries, keys and values, put side by side."""
    heads = int(call.attribute("num_heads"))
    if not call.given(1) or not call.given(2) or len(call.shape(0)) != 3 or len(call.shape(1)) != 3:
        raise UnknownShapeError(1)  # packed in one tensor, or already with keys of before
    return _attention(call, (heads, heads), past=6)


def _attention(call: Call, heads: tuple[int, int], past: int) -> Plan:
    queries, keys, values = (_with_heads(call.shape(place), heads[min(place, 1)]) for place in range(3))
    before = call.shape(past)[-2] if call.given(past) else 0
    fields: dict[str, Any] = {"keys": keys[-2] + before, "width": queries[-1], "value_width": values[-1]}
    output, ledger = products.ScaledDotProductAttention(name="", path=None, **fields).apply(queries)
    if len(call.shape(0)) == 3:
        output = (output[0], output[2], forward.elements((output[1], output[3])))
    return Plan(products.ScaledDotProductAttention, fields, call.shape(0), tuple(output), ledger)


def _with_heads(shape: Ints, heads: int) -> Ints:
    """A shape with its heads apart: (N, length, heads * width) is (N, heads, length, width)."""
    return shape if len(shape) != 3 else (shape[0], heads, shape[1], shape[2] // heads)
