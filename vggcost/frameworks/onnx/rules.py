"""Which rule each of ONNX's operators has, and which of its inputs are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.onnx.convolutions import conv, conv_transpose, deformable_conv, quantized_conv
from vggcost.frameworks.onnx.elementwise import add, dropout, pad, quantized_add, relu, softmax, view
from vggcost.frameworks.onnx.norms import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)
from vggcost.frameworks.onnx.pools import global_average_pool, global_max_pool, mean, pool
from vggcost.frameworks.onnx.products import (
    attention,
    dynamic_matmul,
    einsum,
    gather,
    gemm,
    matmul,
    multi_head_attention,
    quantized_gemm,
    quantized_matmul,
    recurrent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vggcost.frameworks.onnx.call import Call
    from vggcost.frameworks.pytorch.plans import Plan

RULES: Mapping[tuple[str, str], Callable[[Call], Plan]] = {
    ("", "Add"): add,
    ("", "Attention"): attention,
    ("", "AveragePool"): pool,
    ("", "BatchNormalization"): batch_norm,
    ("", "Conv"): conv,
    ("", "ConvInteger"): conv,
    ("", "ConvTranspose"): conv_transpose,
    ("", "DeformConv"): deformable_conv,
    ("", "Dropout"): dropout,
    ("", "Einsum"): einsum,
    ("", "Flatten"): view,
    ("", "GRU"): recurrent,
    ("", "Gather"): gather,
    ("", "Gemm"): gemm,
    ("", "GlobalAveragePool"): global_average_pool,
    ("", "GlobalMaxPool"): global_max_pool,
    ("", "GroupNormalization"): group_norm,
    ("", "InstanceNormalization"): instance_norm,
    ("", "LRN"): local_response_norm,
    ("", "LSTM"): recurrent,
    ("", "LayerNormalization"): layer_norm,
    ("", "LpPool"): pool,
    ("", "MatMul"): matmul,
    ("", "MatMulInteger"): matmul,
    ("", "MaxPool"): pool,
    ("", "Pad"): pad,
    ("", "QLinearConv"): quantized_conv,
    ("", "QLinearMatMul"): quantized_matmul,
    ("", "RMSNormalization"): rms_norm,
    ("", "RNN"): recurrent,
    ("", "ReduceMean"): mean,
    ("", "Relu"): relu,
    ("", "Reshape"): view,
    ("", "Softmax"): softmax,
    ("", "Squeeze"): view,
    ("", "Unsqueeze"): view,
    ("com.microsoft", "DynamicQuantizeMatMul"): dynamic_matmul,
    ("com.microsoft", "FusedConv"): conv,
    ("com.microsoft", "FusedGemm"): gemm,
    ("com.microsoft", "FusedMatMul"): matmul,
    ("com.microsoft", "MatMulIntegerToFloat"): dynamic_matmul,
    ("com.microsoft", "MultiHeadAttention"): multi_head_attention,
    ("com.microsoft", "QGemm"): quantized_gemm,
    ("com.microsoft", "QLinearAdd"): quantized_add,
}
"""The rule of each operator, by its domain and name."""

LEARNED: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("", "BatchNormalization"): (1, 2),
    ("", "Conv"): (1, 2),
    ("", "ConvInteger"): (1,),
    ("", "ConvTranspose"): (1, 2),
    ("", "DeformConv"): (1, 3),
    ("", "GRU"): (1, 2, 3),
    ("", "Gather"): (0,),
    ("", "Gemm"): (0, 1, 2),
    ("", "GroupNormalization"): (1, 2),
    ("", "InstanceNormalization"): (1, 2),
    ("", "LSTM"): (1, 2, 3, 7),
    ("", "LayerNormalization"): (1, 2),
    ("", "MatMulInteger"): (0, 1),
    ("", "OneHot"): (),
    ("", "QLinearConv"): (3, 8),
    ("", "QLinearMatMul"): (0, 3),
    ("", "Resize"): (),
    ("", "Upsample"): (),
    ("", "RMSNormalization"): (1,),
    ("", "RNN"): (1, 2, 3),
    ("com.microsoft", "DynamicQuantizeMatMul"): (1, 4),
    ("com.microsoft", "FusedConv"): (1, 2),
    ("com.microsoft", "MatMulIntegerToFloat"): (0, 1, 6),
    ("com.microsoft", "QGemm"): (0, 3, 6),
    ("com.microsoft", "QLinearAdd"): (0, 3),
}
"""The places of an operator's inputs that are learned where they are constants. Of any other operator all are, where
they are stored, have more than one element, and no integers."""

STATISTICS: Mapping[tuple[str, str], tuple[int, ...]] = {("", "BatchNormalization"): (3, 4)}
"""The places of inputs that are kept and not learned."""
