"""calflops' count of a training step, in its own text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.figures import TOOLS
from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask calflops for both totals with the backward pass in them."""
    from calflops import calculate_flops

    texts, numbers = (
        calculate_flops(
            module, args=[*arguments], include_backPropagation=True, print_results=False, output_as_string=as_text
        )[:2]
        for as_text in (True, False)
    )
    return [
        ToolReading(name, whole(number, name), printed=text)
        for name, number, text in zip(TOOLS["calflops"], numbers, texts, strict=True)
    ]
