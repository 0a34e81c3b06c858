"""What torch's normalizations do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, maps_of, shape_of
from vggcost.network import foreign_norms, layers
from vggcost.network.ledger import Ledger
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from vggcost.network.layer import Layer

    Shape = tuple[int, ...]


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
    kind: type[Layer] = layers.BatchNorm2d if len(shape) == 4 else foreign_norms.BatchNorm1d
    kind = foreign_norms.BatchNorm3d if len(shape) == 5 else kind
    fields: dict[str, Any] = {"channels": known, "affine": weight is not None}
    _, ledger = kind("", None, **fields).apply(shape)
    return Plan(kind, fields, shape, shape, ledger, _channel_problem(known, shape[1]), (shape, (known,)))


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
    problem = _channel_problem(known, shape[1])
    return Plan(foreign_norms.GroupNorm, fields, shape, shape, Ledger(), problem, (shape, (known,)))


def instance_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    running_mean: torch.Tensor | None = None,
    running_var: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.instance_norm."""
    shape = shape_of(input)
    known = next((len(each) for each in (running_mean, running_var, weight) if each is not None), shape[1])
    fields: dict[str, Any] = {"axes": len(shape) - 2, "channels": known, "affine": weight is not None}
    problem = _channel_problem(known, shape[1])
    return Plan(foreign_norms.InstanceNorm, fields, shape, shape, Ledger(), problem, (shape, (known,)))


def layer_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.layer_norm."""
    return _over_last(foreign_norms.LayerNorm, input, normalized_shape, weight is not None, bias is not None)


def rms_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.rms_norm."""
    return _over_last(foreign_norms.RMSNorm, input, normalized_shape, weight is not None, shift=False)


def _over_last(kind: type[Layer], input: torch.Tensor, sizes: Any, affine: bool, shift: bool) -> Plan:  # noqa: A002  # torch's name
    shape = shape_of(input)
    normalized = tuple(map(int, sizes)) if isinstance(sizes, list | tuple) else (int(sizes),)
    fields: dict[str, Any] = {"normalized": normalized, "affine": affine, "shift": shift}
    problem = None
    if shape[len(shape) - len(normalized) :] != normalized:
        problem = f"normalizes over the last {shape_text(normalized)} and gets {shape_text(shape)}"
    return Plan(kind, fields, shape, shape, Ledger(), problem, (shape, normalized))


def _channel_problem(known: int, given: int) -> str | None:
    return f"takes {known:,} channels and gets {given:,}" if known != given else None


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
    _, ledger = layers.LocalResponseNorm("", None, **fields).apply(maps_of(shape) or (*shape, 1, 1))
    return Plan(layers.LocalResponseNorm, fields, shape, shape, ledger)
