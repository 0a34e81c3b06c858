"""What torch's convolutions do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import windows
from vggcost.frameworks.pytorch.plans import Plan, maps_of, no_maps, shape_of, sides, windowed
from vggcost.network import foreign_convolutions, layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from vggcost.network.layer import Layer

    Sides = tuple[int, ...]


def conv(  # torch's signature
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Plan:
    """Rule of torch.nn.functional.conv1d, conv2d and conv3d."""
    return convolved(shape_of(input), tuple(weight.shape), bias is not None, stride, padding, dilation, groups)


def convolved(
    shape: Sides,
    weight: Sides,
    bias: bool,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    least: int = 1,
) -> Plan:
    """Plan a convolution by the shapes of its input and weight, and torch's options; least is its smallest output."""
    axes = len(weight) - 2
    kernel, dilated = tuple(map(int, weight[2:])), sides(dilation, axes)
    c_out, c_in = int(weight[0]), int(weight[1]) * groups
    pads, extra = _conv_padding(padding, kernel, dilated)
    fields = {
        "c_in": c_in,
        "c_out": c_out,
        "kernel": kernel,
        "stride": sides(stride, axes),
        "padding": pads,
        "bias": bias,
        "groups": groups,
        "dilation": dilated,
    }
    kind: type[Layer] = layers.Conv2d if axes == 2 else foreign_convolutions.ConvNd
    maps = maps_of(shape, axes)
    if maps is None:
        return Plan(kind, fields, shape, shape, Ledger(), no_maps(shape, axes), (shape, weight))
    padded = (*maps[:2], *(side + more for side, more in zip(maps[2:], extra, strict=True)))
    return windowed(kind, fields, shape, padded, _channel_problem(c_in, maps), (weight,), least)


def _channel_problem(c_in: int, maps: Sides) -> str | None:
    return f"takes {c_in:,} channels and gets {maps[1]:,}" if maps[1] != c_in else None


def _conv_padding(padding: Any, kernel: Sides, dilation: Sides) -> tuple[Sides, Sides]:
    """Padding on both sides of each axis, and what ``same`` adds beyond it where the kernel is even."""
    nothing = tuple(0 for _ in kernel)
    if padding == "valid":
        return nothing, nothing
    if padding == "same":
        total = [windows.window_reach(*side) - 1 for side in zip(kernel, dilation, strict=True)]
        return tuple(side // 2 for side in total), tuple(side % 2 for side in total)
    return sides(padding, len(kernel)), nothing


def conv_transpose(  # torch's signature
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Plan:
    """Rule of torch.nn.functional.conv_transpose1d, conv_transpose2d and conv_transpose3d."""
    options = (stride, padding, output_padding, groups, dilation)
    return transposed(shape_of(input), tuple(weight.shape), bias is not None, *options)


def transposed(
    shape: Sides, weight: Sides, bias: bool, stride: Any, padding: Any, extra: Any, groups: int, dilation: Any
) -> Plan:
    """Plan a transposed convolution by the shapes of its input and weight, and torch's options."""
    axes = len(weight) - 2
    c_in, c_out = int(weight[0]), int(weight[1]) * groups
    fields = {
        "c_in": c_in,
        "c_out": c_out,
        "kernel": tuple(map(int, weight[2:])),
        "stride": sides(stride, axes),
        "padding": sides(padding, axes),
        "extra": sides(extra, axes),
        "bias": bias,
        "groups": groups,
        "dilation": sides(dilation, axes),
    }
    kind = foreign_convolutions.ConvTransposeNd
    maps = maps_of(shape, axes)
    if maps is None:
        return Plan(kind, fields, shape, shape, Ledger(), no_maps(shape, axes), (shape, weight))
    return windowed(kind, fields, shape, maps, _channel_problem(c_in, maps), (weight,), least=0)


def convolution(  # torch's signature
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    *_: Any,
) -> Plan:
    """Rule of torch.convolution, which is all of them."""
    if transposed:
        return conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return conv(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, pad: int = 0) -> Plan:  # noqa: A002  # torch's names
    """Rule of torch.conv_tbc, a convolution over time of (T, N, C) with a weight of (K, Cin, Cout)."""
    steps, batch, channels = shape_of(input)
    kernel, c_in, c_out = tuple(weight.shape)
    plan = convolved((batch, channels, steps), (c_out, c_in, kernel), bias is not None, 1, pad, 1, 1, least=0)
    batch, c_out, steps = plan.output
    return plan.replace(input=shape_of(input), output=(steps, batch, c_out))
