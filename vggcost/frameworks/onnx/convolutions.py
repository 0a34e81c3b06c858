"""What ONNX's convolutions do to shapes: a rule an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import convolutions as formulas
from vggcost.formulas import forward
from vggcost.frameworks.onnx.elementwise import misfit
from vggcost.frameworks.onnx.windows import windowed
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.network import foreign_convolutions, layers
from vggcost.units import shape_text

if TYPE_CHECKING:
    from vggcost.frameworks.onnx.call import Call
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]


def conv(call: Call) -> Plan:
    """Conv, ConvInteger and FusedConv: input, kernel, bias."""
    return _convolution(call, call.shape(0), call.shape(1), bias=call.operator != "ConvInteger" and call.given(2))


def quantized_conv(call: Call) -> Plan:
    """QLinearConv: input, kernel and output, each with its scale and zero point; bias."""
    return _convolution(call, call.shape(0), call.shape(3), bias=call.given(8))


def deformable_conv(call: Call) -> Plan:
    """DeformConv: input, kernel, offsets, bias, mask; what is read between two places is no product with a weight."""
    return _convolution(call, call.shape(0), call.shape(1), bias=call.given(3))


def _convolution(call: Call, shape: Ints, weight: Ints, *, bias: bool) -> Plan:
    axes = len(weight) - 2
    if len(shape) != len(weight) or axes < 1:
        return misfit(call, shape, f"takes a kernel of {shape_text(weight)} and gets {shape_text(shape)}")
    groups = int(call.attribute("group", 1))
    c_in = forward.elements((weight[1], groups))
    fields: dict[str, Any] = {
        "c_in": c_in,
        "c_out": weight[0],
        "kernel": weight[2:],
        "stride": call.sides("strides", axes),
        "bias": bias,
        "groups": groups,
        "dilation": call.sides("dilations", axes),
    }
    problem = f"takes {c_in:,} channels and gets {shape[1]:,}" if c_in != shape[1] else None
    kind: type[Layer] = layers.Conv2d if axes == 2 else foreign_convolutions.ConvNd
    return windowed(call, kind, fields, shape, problem)


def conv_transpose(call: Call) -> Plan:
    """ConvTranspose; what it cuts off at its edges is taken from the shape that comes out."""
    shape, weight = call.shape(0), call.shape(1)
    axes = len(weight) - 2
    if len(shape) != len(weight) or axes < 1:
        return misfit(call, shape, f"takes a kernel of {shape_text(weight)} and gets {shape_text(shape)}")
    groups = int(call.attribute("group", 1))
    stride, dilation = call.sides("strides", axes), call.sides("dilations", axes)
    nothing = tuple(0 for _ in range(axes))
    sides = zip(shape[2:], weight[2:], stride, nothing, nothing, dilation, strict=True)
    whole = tuple(formulas.transposed_out(*side) for side in sides)
    output = call.outputs[0]
    wanted = whole if output is None else output[2:]
    # Rows that are cut off are as many before as behind; an odd one is cut off before and put back behind.
    cut = tuple(max(0, side - want + 1) // 2 for side, want in zip(whole, wanted, strict=True))
    extra = tuple(want - side + 2 * less for side, want, less in zip(whole, wanted, cut, strict=True))
    fields: dict[str, Any] = {
        "c_in": weight[0],
        "c_out": forward.elements((weight[1], groups)),
        "kernel": weight[2:],
        "stride": stride,
        "padding": cut,
        "extra": extra,
        "bias": call.given(2),
        "groups": groups,
        "dilation": dilation,
    }
    kind = foreign_convolutions.ConvTransposeNd
    problem = f"takes {weight[0]:,} channels and gets {shape[1]:,}" if weight[0] != shape[1] else None
    made, ledger = kind(name="", path=None, **fields).apply(shape)
    return Plan(kind, fields, shape, tuple(made), ledger, problem, (shape, weight))
