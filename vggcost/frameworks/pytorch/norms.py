"""What torch's normalizations do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, image_of, shape_of
from vggcost.network import foreign_norms, layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    import torch


def batch_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.batch_norm."""
    shape = shape_of(input)
    known = next((len(each) for each in (running_mean, running_var, weight) if each is not None), shape[1])
    kind = layers.BatchNorm2d if len(shape) == 4 else foreign_norms.BatchNorm1d
    fields: dict[str, Any] = {"channels": known, "affine": weight is not None}
    problem = f"takes {known:,} channels and gets {shape[1]:,}" if known != shape[1] else None
    _, ledger = kind("", None, **fields).apply(shape)
    return Plan(kind, fields, shape, shape, ledger, problem, (shape, (known,)))


def group_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    num_groups: int,
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.group_norm."""
    shape = shape_of(input)
    known = shape[1] if weight is None else len(weight)
    fields: dict[str, Any] = {"groups": num_groups, "channels": known, "affine": weight is not None}
    problem = f"takes {known:,} channels and gets {shape[1]:,}" if known != shape[1] else None
    return Plan(foreign_norms.GroupNorm, fields, shape, shape, Ledger(), problem, (shape, (known,)))


def local_response_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Plan:
    """Rule of torch.nn.functional.local_response_norm."""
    shape = shape_of(input)
    fields: dict[str, Any] = {"size": size, "alpha": alpha / size, "beta": beta, "k": k}
    _, ledger = layers.LocalResponseNorm("", None, **fields).apply(image_of(shape) or (*shape, 1, 1))
    return Plan(layers.LocalResponseNorm, fields, shape, shape, ledger)
