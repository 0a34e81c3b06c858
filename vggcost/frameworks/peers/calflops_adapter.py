"""calflops' calculate_flops; per layer it prints rounded text alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask calflops for its two totals."""
    from calflops import calculate_flops

    flops, macs, _ = calculate_flops(module, args=[*arguments], print_results=False, output_as_string=False)
    return [ToolReading("calflops", whole(flops, "the FLOPs")), ToolReading("calflops-macs", whole(macs, "the MACs"))]
