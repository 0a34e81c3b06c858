"""torch's own FlopCounterMode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torch for its total and for every module's."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        module(*arguments)
    root = f"{type(module).__name__}."
    counts = counter.get_flop_counts()
    layers = {name.removeprefix(root): sum(by_operator.values()) for name, by_operator in counts.items()}
    return [ToolReading("torch", whole(counter.get_total_flops(), "the total"), layers)]
