"""fvcore's FlopCountAnalysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask fvcore for its total and for every module's."""
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(module, tuple(arguments))
    analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
    layers = {path: whole(count, path) for path, count in analysis.by_module().items()}
    return [ToolReading("fvcore", whole(analysis.total(), "the total"), layers)]
