"""torchscan's crawl_module, which counts one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

METRICS = {"torchscan": "module_flops", "torchscan-macs": "macs"}
"""What torchscan calls each convention's number."""


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask torchscan for its two totals and for every leaf's counts, of the batch's first image.

    Where it knows no rule for a module it calls the total partial; what it knows of it is the total. A program that
    calls no module without children has none.
    """
    import torchscan

    batch = arguments[0].shape[0] if arguments[0].dim() else 1
    first = tuple(each[:1] if each.dim() and each.shape[0] == batch else each for each in arguments)
    report: Any = torchscan.crawl_module(module, args=first)
    readings = []
    for convention, metric in METRICS.items():
        layers: dict[str, int] = {}
        for layer in report["layers"]:  # one a call
            known = layer["metrics"].get(metric, {}).get("known_value")
            if known is not None:
                layers[layer["path"]] = layers.get(layer["path"], 0) + whole(known, layer["path"])
        total = report["totals"][metric]["known_value"]
        readings.append(ToolReading(convention, None if total is None else whole(total, metric), layers))
    return readings
