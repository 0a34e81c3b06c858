"""What torch's pools do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.plans import Plan, image_of, no_image, pair, pooled, shape_of
from vggcost.network import foreign_layers, foreign_pools, layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    import torch


def max_pool2d(
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,  # noqa: ARG001  # the trace hands out indices of the same shape
) -> Plan:
    """Rule of torch.nn.functional.max_pool2d."""
    fields = {
        "kernel": pair(kernel_size),
        "stride": pair(stride) if stride else pair(kernel_size),
        "padding": pair(padding),
        "dilation": pair(dilation),
    }
    kind = foreign_pools.CeilMaxPool2d if ceil_mode else layers.MaxPool2d
    return pooled(kind, fields, shape_of(input))


def avg_pool2d(
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,  # noqa: ARG001  # changes values alone
    divisor_override: int | None = None,  # noqa: ARG001  # changes values alone
) -> Plan:
    """Rule of torch.nn.functional.avg_pool2d."""
    fields = {
        "kernel": pair(kernel_size),
        "stride": pair(stride) if stride else pair(kernel_size),
        "padding": pair(padding),
        "ceil_mode": bool(ceil_mode),
    }
    return pooled(foreign_pools.AvgPool2d, fields, shape_of(input))


def adaptive_avg_pool2d(input: torch.Tensor, output_size: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.adaptive_avg_pool2d."""
    shape = shape_of(input)
    image = image_of(shape)
    wanted = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)
    if image is None:
        operation = {"operation": "adaptive_avg_pool2d"}
        if len(shape) > 1 and tuple(wanted) == (1, 1):  # torch takes the mean over the last two axes, however many
            return Plan(foreign_layers.Free, operation, shape, (*shape[:-2], 1, 1), Ledger())
        return Plan(foreign_layers.Free, operation, shape, shape, Ledger(), no_image(shape), (shape,))
    height, width = (image[2 + axis] if side is None else int(side) for axis, side in enumerate(wanted))
    fields = {"output_size": (height, width)}
    output, ledger = layers.AdaptiveAvgPool2d("", None, **fields).apply(image)
    return Plan(layers.AdaptiveAvgPool2d, fields, shape, output if len(shape) == 4 else output[1:], ledger)
