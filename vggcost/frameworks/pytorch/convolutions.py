"""What torch's convolutions do to shapes: a rule a function, with torch's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.formulas import windows
from vggcost.frameworks.pytorch.plans import Plan, image_of, no_image, pair, shape_of, windowed
from vggcost.network import layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    import torch

    from vggcost.frameworks.pytorch.plans import Pair


def conv2d(  # torch's signature
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Plan:
    """Rule of torch.nn.functional.conv2d."""
    shape, kernel = shape_of(input), pair(tuple(weight.shape[2:]))
    c_out, c_in = int(weight.shape[0]), int(weight.shape[1]) * groups
    dilated = pair(dilation)
    pads, extra = _conv_padding(padding, kernel, dilated)
    fields = {
        "c_in": c_in,
        "c_out": c_out,
        "kernel": kernel,
        "stride": pair(stride),
        "padding": pads,
        "bias": bias is not None,
        "groups": groups,
        "dilation": dilated,
    }
    image = image_of(shape)
    if image is None:
        return Plan(layers.Conv2d, fields, shape, shape, Ledger(), no_image(shape), (shape, tuple(weight.shape)))
    padded = (image[0], image[1], image[2] + extra[0], image[3] + extra[1])
    problem = f"takes {c_in:,} channels and gets {image[1]:,}" if image[1] != c_in else None
    return windowed(layers.Conv2d, fields, shape, padded, problem, (tuple(weight.shape),))


def _conv_padding(padding: Any, kernel: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Padding on both sides of each axis, and what ``same`` adds beyond it where the kernel is even."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        total = tuple(windows.window_reach(kernel[axis], dilation[axis]) - 1 for axis in (0, 1))
        return (total[0] // 2, total[1] // 2), (total[0] % 2, total[1] % 2)
    return pair(padding), (0, 0)
