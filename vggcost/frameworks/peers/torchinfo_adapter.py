"""torchinfo's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    import torch
    from torch import nn


def read(module: nn.Module, x: torch.Tensor) -> list[ToolReading]:
    """Ask torchinfo for its total and for every leaf's mult-adds."""
    import torchinfo

    summary = torchinfo.summary(module, input_data=x, device=x.device, verbose=0)
    paths = {id(child): path for path, child in module.named_modules()}
    layers = {
        paths[leaf.layer_id]: whole(leaf.macs, leaf.var_name) for leaf in summary.summary_list if leaf.is_leaf_layer
    }
    return [ToolReading("torchinfo", whole(summary.total_mult_adds, "the total"), layers)]
