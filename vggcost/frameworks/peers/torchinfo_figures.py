"""The sizes under torchinfo's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.conventions.figure_rows import figure
from vggcost.frameworks.peers.figures import TOOLS, lines_of
from vggcost.frameworks.peers.reading import ToolReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torchinfo for its summary's text."""
    import torchinfo

    summary = torchinfo.summary(module, input_data=list(arguments), device=arguments[0].device, verbose=0)
    said = lines_of(str(summary))
    sizes = (summary.total_input, summary.total_output_bytes, summary.total_param_bytes)
    return [
        ToolReading(name, size, printed=said[figure(name).words])
        for name, size in zip(TOOLS["torchinfo"], (*sizes, sum(sizes)), strict=True)
    ]
