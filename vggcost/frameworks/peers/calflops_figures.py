"""calflops' count of a training step, in its own text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.figures import TOOLS
from vggcost.frameworks.peers.reading import ToolReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask calflops for both totals with the backward pass in them."""
    from calflops import calculate_flops

    texts = calculate_flops(module, args=[*arguments], include_backPropagation=True, print_results=False)[:2]
    names = TOOLS["calflops"]
    return [ToolReading(name, None, printed=text) for name, text in zip(names, texts, strict=True)]
