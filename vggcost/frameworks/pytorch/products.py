"""What torch's products do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, batched, shape_of
from vggcost.network import foreign_layers, layers, products
from vggcost.units import shape_text

if TYPE_CHECKING:
    import torch


def linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.linear."""
    shape = shape_of(input)
    takes, gives = int(weight.shape[-1]), int(weight.shape[0]) if weight.dim() > 1 else 1
    fields: dict[str, Any] = {"in_features": takes, "out_features": gives, "bias": bias is not None}
    _, ledger = layers.Linear("", None, **fields).apply(batched(shape))
    output = (*shape[:-1], gives) if weight.dim() > 1 else shape[:-1]
    problem = f"takes {takes:,} features and gets {shape[-1]:,}" if shape[-1] != takes else None
    return Plan(layers.Linear, fields, shape, output, ledger, problem, (shape, tuple(weight.shape)))


def matmul(input: torch.Tensor, other: torch.Tensor, **_: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.matmul, mm and bmm."""
    left, right = shape_of(input), shape_of(other)
    rows, columns = left if len(left) > 1 else (1, *left), right if len(right) > 1 else (*right, 1)
    problem = None
    if rows[-1] != columns[-2]:
        inner = f"{rows[-1]:,} and {columns[-2]:,}"
        problem = f"gets {shape_text(left)} and {shape_text(right)}, whose inner sizes {inner} differ"
    batch = foreign_layers.broadcast(rows[:-2], columns[:-2])
    if batch is None:
        problem = problem or f"gets {shape_text(left)} and {shape_text(right)}, which do not go together"
        batch = rows[:-2]
    output = (*batch, *(rows[-2:-1] if len(left) > 1 else ()), *(columns[-1:] if len(right) > 1 else ()))
    fields: dict[str, Any] = {"inner": rows[-1], "output": output}
    ledger = products.MatMul("", None, **fields).apply(left)[1]
    return Plan(products.MatMul, fields, left, output, ledger, problem, (left, right))


def addmm(bias: torch.Tensor, input: torch.Tensor, other: torch.Tensor, **_: Any) -> Plan:  # noqa: A002, ARG001  # torch's signature
    """Rule of torch.addmm, baddbmm and addbmm: a product and an addition that broadcasts."""
    return matmul(input, other)
