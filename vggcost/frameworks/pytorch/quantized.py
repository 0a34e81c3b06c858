"""What torch's operators over quantized tensors do to shapes: a rule an operator, with torch's signature.

Their weight and bias are packed into an object, which says what they were and, for convolutions, how it slides.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.convolutions import convolved, transposed
from vggcost.frameworks.pytorch.plans import Plan, shape_of
from vggcost.frameworks.pytorch.products import fully_connected
from vggcost.frameworks.pytorch.sequences import recurrent_cell
from vggcost.network import sequences

if TYPE_CHECKING:
    import torch

    from vggcost.frameworks.pytorch.plans import Rule


def quantized_linear(X: torch.Tensor, W_prepack: Any, *_: Any, **__: Any) -> Plan:  # noqa: N803  # torch's names
    """Rule of torch.ops.quantized.linear, linear_relu, linear_dynamic and their kin."""
    weight, bias = W_prepack.unpack()[:2]
    return fully_connected(shape_of(X), shape_of(weight), bias is not None)


def quantized_conv(qx: torch.Tensor, packed_weight: Any, *_: Any, **__: Any) -> Plan:
    """Rule of torch.ops.quantized.conv1d, conv2d, conv3d, conv2d_relu, conv2d_dynamic and their kin."""
    weight, bias = packed_weight.unpack()[:2]
    shape, kernel = shape_of(qx), shape_of(weight)
    options = [packed_weight.stride(), packed_weight.padding(), packed_weight.dilation()]
    flat = len(kernel) == 4 and len(shape) == 3  # a 1-d one is packed as a 2-d one of height 1
    if flat:
        kernel, options = (*kernel[:2], kernel[3]), [[option[-1]] for option in options]
    stride, padding, dilation = options
    return convolved(shape, kernel, bias is not None, stride, padding, dilation, packed_weight.groups())


def quantized_conv_transpose(qx: torch.Tensor, packed_weight: Any, *_: Any, **__: Any) -> Plan:
    """Rule of torch.ops.quantized.conv_transpose1d, conv_transpose2d and conv_transpose3d."""
    weight, bias = packed_weight.unpack()[:2]
    shape, kernel = shape_of(qx), shape_of(weight)
    pack = packed_weight
    options = [pack.stride(), pack.padding(), pack.output_padding(), pack.dilation()]
    flat = len(kernel) == 4 and len(shape) == 3
    if flat:
        kernel, options = (*kernel[:2], kernel[3]), [[option[-1]] for option in options]
    stride, padding, extra, dilation = options
    return transposed(shape, kernel, bias is not None, stride, padding, extra, pack.groups(), dilation)


def fbgemm_linear(input: torch.Tensor, weight: torch.Tensor, *args: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.fbgemm_linear_int8_weight, whose weight is there beside its packed form."""
    return fully_connected(shape_of(input), shape_of(weight), args[-1] is not None)


def quantized_recurrent(cell: str, input: torch.Tensor, *args: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.quantized_lstm and quantized_gru, whose sizes its state has; arguments as in `recurrent`."""
    packed = not isinstance(args[2], bool)
    state, _, biases, layers, _, _, bidirectional, *_ = args[1:] if packed else args
    states = tuple(state) if isinstance(state, list | tuple) else (state,)
    shape = shape_of(input)
    fields: dict[str, Any] = {
        "cell": cell,
        "in_features": shape[-1],
        "hidden": shape_of(states[0])[-1],
        "bias": bool(biases),
    }
    fields |= {"layers": int(layers), "directions": 2 if bidirectional else 1}
    output, ledger = sequences.Recurrent("", None, **fields).apply(shape)
    beside = tuple(shape_of(one) for one in states)
    return Plan(sequences.Recurrent, fields, shape, output, ledger, beside=beside)


def quantized_cell(cell: str, input: torch.Tensor, hx: Any, w_ih: Any, w_hh: Any, *_: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.ops.quantized.quantized_lstm_cell_dynamic and its kin: one step."""
    (weight, bias), (state_weight, _) = w_ih.unpack()[:2], w_hh.unpack()[:2]
    return recurrent_cell(cell, input, hx, weight, state_weight, bias)


_LINEAR = ("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic", "linear_dynamic_fp16")
_LINEAR_MORE = ("linear_relu_dynamic_fp16", "linear_leaky_relu", "linear_tanh")
_CONV = (
    *("conv1d", "conv1d_relu", "conv1d_dynamic", "conv2d", "conv2d_relu", "conv2d_dynamic", "conv2d_add"),
    *("conv2d_add_relu", "conv3d", "conv3d_relu", "conv3d_dynamic"),
)

LINEAR: dict[str, Rule] = {f"quantized::{name}": quantized_linear for name in (*_LINEAR, *_LINEAR_MORE)}
CONVOLUTIONS: dict[str, Rule] = {f"quantized::{name}": quantized_conv for name in _CONV}
RECURRENT: dict[str, Rule] = {
    "quantized_lstm": partial(quantized_recurrent, "LSTM"),
    "quantized_gru": partial(quantized_recurrent, "GRU"),
    **{
        f"quantized::quantized_{name}_cell_dynamic": partial(quantized_cell, cell)
        for name, cell in (("lstm", "LSTM"), ("gru", "GRU"), ("rnn_tanh", "RNN"), ("rnn_relu", "RNN"))
    },
}
TRANSPOSED: dict[str, Rule] = {
    f"quantized::conv_transpose{axes}d{ending}": quantized_conv_transpose
    for axes in (1, 2, 3)
    for ending in ("", "_dynamic")
}
"""Operators by name, with their namespace, each with its rule."""
