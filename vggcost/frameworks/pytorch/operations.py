"""What torch's element-wise functions and joints do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, is_tensor, same_shape, shape_of
from vggcost.network import foreign_layers, layers
from vggcost.network.blocks import Add
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


def add(input: Any, other: Any, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of additions: two feature maps of one shape are a residual addition, the rest is element-wise."""
    plan = elementwise("add", input, other)
    shape, beside = shape_of(input), shape_of(other)
    if plan.problem is None and (shape != beside or len(shape) < 2):
        return plan
    ledger = Add(name="", path=None, other=beside).apply(shape)[1] if shape else Ledger()
    return plan.replace(kind=Add, fields={"other": beside}, ledger=ledger)


def elementwise(operation: str, *operands: Any) -> Plan:
    """Rule of element-wise functions of tensors and scalars: shapes broadcast."""
    shapes = tuple(shape_of(operand) for operand in operands if is_tensor(operand))
    output = shapes[0]
    problem = None
    for shape in shapes[1:]:
        joined = foreign_layers.broadcast(output, shape)
        if joined is None:
            problem = f"gets {shape_text(output)} and {shape_text(shape)}, which do not go together"
            break
        output = joined
    return Plan(foreign_layers.Free, {"operation": operation}, shapes[0], output, Ledger(), problem, shapes)


def in_place(operation: str, tensor: torch.Tensor, *operands: Any, **named: Any) -> Plan:
    """Rule of element-wise functions that write into their first operand, whose shape therefore stays."""
    operands = (*operands, *named.values())
    plan = add(tensor, *operands) if operation == "add" else elementwise(operation, tensor, *operands)
    shape = shape_of(tensor)
    if plan.problem is None and plan.output != shape:
        text = " and ".join(map(shape_text, plan.shapes))
        return plan.replace(output=shape, problem=f"gets {text}, and cannot write {shape_text(plan.output)} in place")
    return plan.replace(output=shape)


def cat(tensors: Sequence[torch.Tensor], dim: int = 0, **_: Any) -> Plan:
    """Rule of torch.cat."""
    shapes = tuple(shape_of(tensor) for tensor in tensors if shape_of(tensor) != (0,)) or ((0,),)
    first = shapes[0]
    axis = dim % len(first)
    output = (*first[:axis], sum(shape[axis] if axis < len(shape) else 0 for shape in shapes), *first[axis + 1 :])
    rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    problem = None
    if len(rest) > 1:
        texts = " and ".join(dict.fromkeys(map(shape_text, shapes)))
        problem = f"gets {texts}, which differ in more than axis {axis}"
    return Plan(foreign_layers.Free, {"operation": "cat"}, first, output, Ledger(), problem, shapes)


def pad(
    input: torch.Tensor,  # noqa: A002  # torch's name
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Plan:
    """Rule of torch.nn.functional.pad."""
    shape = shape_of(input)
    output = list(shape)
    for place in range(len(pad) // 2):
        output[-1 - place] += pad[2 * place] + pad[2 * place + 1]
    if mode == "constant" and not value and len(shape) == 4 and len(pad) == 4:
        left, right, top, bottom = pad
        return Plan(foreign_layers.ZeroPad2d, {"padding": (left, right, top, bottom)}, shape, tuple(output), Ledger())
    return Plan(foreign_layers.Free, {"operation": "pad"}, shape, tuple(output), Ledger())


def mean(
    input: torch.Tensor,  # noqa: A002  # torch's name
    dim: Any = None,
    keepdim: bool = False,
    **_: Any,
) -> Plan:
    """Rule of torch.mean and of other reductions that take the same arguments."""
    shape = shape_of(input)
    axes = range(len(shape)) if dim is None or dim == () else dim if isinstance(dim, list | tuple) else (dim,)
    gone = {axis % (len(shape) or 1) for axis in axes}  # torch lets a scalar have an axis 0
    output = tuple(1 if axis in gone else size for axis, size in enumerate(shape) if keepdim or axis not in gone)
    return Plan(foreign_layers.Free, {"operation": "mean"}, shape, output, Ledger())


def relu(input: torch.Tensor, inplace: bool = False) -> Plan:  # noqa: A002, ARG001  # torch's signature
    """Rule of torch.nn.functional.relu."""
    return same_shape(layers.ReLU, input)


def softmax(input: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.softmax."""
    return same_shape(layers.Softmax, input)


def dropout(input: torch.Tensor, p: float = 0.5, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.dropout and its kin."""
    return same_shape(layers.Dropout, input, {"p": float(p)})
