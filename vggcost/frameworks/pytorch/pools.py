"""What torch's pools do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, maps_of, no_maps, pooled, shape_of, sides
from vggcost.network import foreign_layers, foreign_pools, layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    import torch

    from vggcost.network.layer import Layer


def max_pool(
    axes: int,
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Plan:
    """Rule of torch.nn.functional.max_pool1d, max_pool2d and max_pool3d, by how many axes a feature map has."""
    fields = {**_window(axes, kernel_size, stride, padding), "dilation": sides(dilation, axes)}
    kind: type[Layer] = foreign_pools.CeilMaxPool2d if ceil_mode else layers.MaxPool2d
    if axes != 2:
        kind = foreign_pools.PoolNd
        fields = {**fields, "operation": "MaxPool", "ceil_mode": bool(ceil_mode)}
    plan = pooled(kind, fields, shape_of(input))
    return plan.replace(places=(plan.output,)) if return_indices else plan


def max_pool_with_indices(axes: int, *args: Any, **kwargs: Any) -> Plan:
    """Rule of those that also say where each largest value was."""
    plan = max_pool(axes, *args, **kwargs)
    return plan.replace(places=(plan.output,))


def avg_pool(
    axes: int,
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,  # noqa: ARG001  # changes values alone
    divisor_override: int | None = None,  # noqa: ARG001  # changes values alone
) -> Plan:
    """Rule of torch.nn.functional.avg_pool1d, avg_pool2d and avg_pool3d, by how many axes a feature map has."""
    fields = {**_window(axes, kernel_size, stride, padding), "ceil_mode": bool(ceil_mode)}
    if axes == 2:
        return pooled(foreign_pools.AvgPool2d, fields, shape_of(input))
    return pooled(foreign_pools.PoolNd, {**fields, "operation": "AvgPool"}, shape_of(input))


def lp_pool(
    axes: int,
    input: torch.Tensor,  # noqa: A002  # torch's name
    norm_type: float,  # noqa: ARG001  # changes values alone
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Plan:
    """Rule of torch.nn.functional.lp_pool1d, lp_pool2d and lp_pool3d, by how many axes a feature map has."""
    fields = {**_window(axes, kernel_size, stride, 0), "ceil_mode": bool(ceil_mode)}
    return pooled(foreign_pools.PoolNd, {**fields, "operation": "LPPool"}, shape_of(input))


def _window(axes: int, kernel_size: Any, stride: Any, padding: Any) -> dict[str, Any]:
    return {
        "kernel": sides(kernel_size, axes),
        "stride": sides(stride, axes) if stride else sides(kernel_size, axes),
        "padding": sides(padding, axes),
    }


def adaptive_avg_pool(axes: int, input: torch.Tensor, output_size: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.adaptive_avg_pool1d, 2d and 3d, by how many axes a feature map has."""
    shape = shape_of(input)
    if axes == 2 and maps_of(shape) is None and len(shape) > 1 and sides_of(output_size, (0, 0)) == (1, 1):
        # torch takes the mean over the last two axes, however many there are
        operation = {"operation": "adaptive_avg_pool2d"}
        return Plan(foreign_layers.Free, operation, shape, (*shape[:-2], 1, 1), Ledger())
    return _adaptive(axes, "AdaptiveAvgPool", shape, output_size)


def adaptive_max_pool(
    axes: int,
    input: torch.Tensor,  # noqa: A002  # torch's name
    output_size: Any,
    return_indices: bool = False,
) -> Plan:
    """Rule of torch.nn.functional.adaptive_max_pool1d, 2d and 3d, by how many axes a feature map has."""
    plan = _adaptive(axes, "AdaptiveMaxPool", shape_of(input), output_size)
    return plan.replace(places=(plan.output,)) if return_indices else plan


def adaptive_max_pool_with_indices(axes: int, *args: Any, **kwargs: Any) -> Plan:
    """Rule of those that also say where each largest value was."""
    plan = adaptive_max_pool(axes, *args, **kwargs)
    return plan.replace(places=(plan.output,))


def fractional_max_pool(
    axes: int,
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Plan:
    """Rule of torch.nn.functional.fractional_max_pool2d and 3d, by how many axes a feature map has."""
    shape = shape_of(input)
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, list | tuple) else [output_ratio for _ in range(axes)]
        sizes = zip(shape[-axes:], ratios, strict=True)
        output_size = tuple(int(size * ratio) for size, ratio in sizes)  # cut off, as torch does
    plan = _adaptive(axes, "FractionalMaxPool", shape, output_size)
    del kernel_size  # its windows lie at random, as many as there are outputs
    return plan.replace(places=(plan.output,)) if return_indices else plan


def fractional_max_pool_with_indices(axes: int, *args: Any, **kwargs: Any) -> Plan:
    """Rule of those that also say where each largest value was."""
    plan = fractional_max_pool(axes, *args, **kwargs)
    return plan.replace(places=(plan.output,))


def _adaptive(axes: int, operation: str, shape: tuple[int, ...], output_size: Any) -> Plan:
    maps = maps_of(shape, axes)
    if maps is None:
        free = {"operation": operation}
        return Plan(foreign_layers.Free, free, shape, shape, Ledger(), no_maps(shape, axes), (shape,))
    fields: dict[str, Any] = {"output_size": sides_of(output_size, maps[2:])}
    kind: type[Layer] = layers.AdaptiveAvgPool2d
    if axes != 2 or operation != "AdaptiveAvgPool":
        kind, fields = foreign_pools.AdaptivePoolNd, {**fields, "operation": operation}
    output, ledger = kind("", None, **fields).apply(maps)
    return Plan(kind, fields, shape, output if len(shape) == len(maps) else output[1:], ledger)


def sides_of(output_size: Any, own: tuple[int, ...]) -> tuple[int, ...]:
    """The sides of an adaptive pool's grid, where None stands for the input's own."""
    given = output_size if isinstance(output_size, list | tuple) else (output_size,)
    wanted = given if len(given) == len(own) else [given[0] for _ in own]
    return tuple(mine if side is None else int(side) for side, mine in zip(wanted, own, strict=True))
