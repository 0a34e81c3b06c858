"""torchinfo's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torchinfo for its total and for every leaf's mult-adds."""
    import torchinfo

    summary = torchinfo.summary(module, input_data=list(arguments), device=arguments[0].device, verbose=0)
    paths = {id(child): path for path, child in module.named_modules()}
    layers: dict[str, int] = {}
    for leaf in summary.summary_list:  # one a call
        if leaf.is_leaf_layer:
            path = paths[leaf.layer_id]
            layers[path] = layers.get(path, 0) + whole(leaf.macs, leaf.var_name)
    return [ToolReading("torchinfo", whole(summary.total_mult_adds, "the total"), layers)]
