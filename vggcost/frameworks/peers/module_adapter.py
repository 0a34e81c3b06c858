"""The module itself: its parameters, and what one forward call hands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

PARAMETERS, OUTPUT = "parameters", "output elements"
"""The quantities that are read."""


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Count the parameters that the module lists, and run it once."""
    from vggcost.frameworks.pytorch.tensors import found_in

    outputs = found_in(module(*arguments))
    return [
        ToolReading(PARAMETERS, sum(parameter.numel() for parameter in module.parameters())),
        ToolReading(OUTPUT, outputs[0].numel() if outputs else None),
    ]
