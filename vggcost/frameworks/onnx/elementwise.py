"""What ONNX's operators without products do to shapes: activations, additions, views, padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.network import blocks, foreign_layers, layers
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from vggcost.frameworks.onnx.call import Call
    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]


def relu(call: Call) -> Plan:
    """Relu."""
    return _kept(call, layers.ReLU)


def softmax(call: Call) -> Plan:
    """Softmax."""
    return _kept(call, layers.Softmax)


def dropout(call: Call) -> Plan:
    """Dropout, which hands its input on."""
    return _kept(call, layers.Dropout)


def _kept(call: Call, kind: type[Layer]) -> Plan:
    shape = call.shape()
    ledger = kind(name="", path=None).apply(shape if len(shape) > 1 else (1, *(shape or (1,))))[1]
    return Plan(kind, {}, shape, shape, ledger)


def view(call: Call) -> Plan:
    """Flatten, Reshape, Squeeze and Unsqueeze: a flatten where all but the batch comes into one row."""
    shape, output = call.shape(), call.outputs[0]
    flattens = (
        output is not None and len(output) == 2 < len(shape) and output == (shape[0], forward.elements(shape[1:]))
    )
    if flattens:
        return Plan(layers.Flatten, {}, shape, output or (), Ledger())
    plan = free(call)
    if output is not None and forward.elements(output) != forward.elements(shape):
        return plan.replace(problem=f"cannot turn {shape_text(shape)} into {shape_text(output)}", shapes=(shape,))
    return plan


def pad(call: Call) -> Plan:
    """Pad: zeros around feature maps have a layer of their own."""
    shape, output = call.shape(), call.outputs[0]
    pads = call.attribute("pads", call.attribute("paddings"))
    pads = call.array(1) if pads is None else pads
    value = call.array(2) if call.given(2) else call.attribute("value", 0)
    plain = call.attribute("mode", "constant") == "constant" and value is not None and not value and not call.given(3)
    if plain and pads is not None and len(shape) == 4 and len(pads) == 8 and output is not None:
        first, channel, top, left, last, channel_behind, bottom, right = (int(each) for each in pads)
        if not any((first, channel, last, channel_behind)):
            return Plan(foreign_layers.ZeroPad2d, {"padding": (left, right, top, bottom)}, shape, output, Ledger())
    return free(call)


def add(call: Call) -> Plan:
    """Add: two feature maps of one shape are a residual addition, the rest is element-wise."""
    return _addition(call, 0, 1)


def quantized_add(call: Call) -> Plan:
    """QLinearAdd: both inputs with their scales and zero points."""
    return _addition(call, 0, 3)


def _addition(call: Call, one: int, other: int) -> Plan:
    shape, beside = call.shape(one), call.shape(other)
    joined = foreign_layers.broadcast(shape, beside)
    if joined is None:
        problem = f"gets {shape_text(shape)} and {shape_text(beside)}, which do not go together"
        return misfit(call, shape, problem, blocks.Add, {"other": beside})
    if shape != beside or len(shape) < 2 or call.is_constant(one) or call.is_constant(other):
        return Plan(foreign_layers.Free, {"operation": call.operator}, shape, joined, Ledger())
    return Plan(blocks.Add, {"other": beside}, shape, shape, blocks.Add("", None, beside).apply(shape)[1])


def free(call: Call) -> Plan:
    """An operator that does no multiply-accumulate."""
    shape = next((value.shape for value in call.inputs if value is not None and value.shape is not None), ())
    output = call.outputs[0] if call.outputs else None
    return Plan(foreign_layers.Free, {"operation": call.operator}, shape, shape if output is None else output, Ledger())


def misfit(call: Call, shape: Ints, problem: str, kind: type[Layer] | None = None, fields: Any = None) -> Plan:
    """A call that its operator cannot take at all."""
    if kind is None:
        kind, fields = foreign_layers.Uncounted, {"operation": call.operator}
    return Plan(kind, fields, shape, shape, Ledger(), problem, (shape,))


def uncounted(call: Call, why: str = "") -> Plan:
    """Plan an operation without a formula; what comes out is what the graph says."""
    shape = next((value.shape for value in call.inputs if value is not None and value.shape is not None), ())
    name = f"{call.domain}.{call.operator}" if call.domain else call.operator
    operation = {"operation": f"{name} {why}".rstrip()}
    output = call.outputs[0] if call.outputs else None
    return Plan(foreign_layers.Uncounted, operation, shape, () if output is None else output, Ledger())
