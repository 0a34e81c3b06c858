"""torchprofile's profile_macs; it gives its counts by operator, without saying whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torchprofile for its total."""
    from torchprofile import profile_macs

    total: float = profile_macs(module, tuple(arguments))  # type: ignore[assignment]  # a dict only where reduction=None asks for one
    return [ToolReading("torchprofile", whole(total, "the total"))]
