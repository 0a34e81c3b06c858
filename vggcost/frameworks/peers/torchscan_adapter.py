"""torchscan's crawl_module, which counts one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    import torch
    from torch import nn

METRICS = {"torchscan": "module_flops", "torchscan-macs": "macs"}
"""What torchscan calls each convention's number."""


def read(module: nn.Module, x: torch.Tensor) -> list[ToolReading]:
    """Ask torchscan for its two totals and for every leaf's counts, of the batch's first image.

    Where it knows no rule for a module it calls the total partial; what it knows of it is the total.
    """
    import torchscan

    report: Any = torchscan.crawl_module(module, args=(x[:1],))
    readings = []
    for convention, metric in METRICS.items():
        layers = {
            layer["path"]: whole(layer["metrics"][metric]["known_value"], layer["path"])
            for layer in report["layers"]
            if metric in layer["metrics"]
        }
        readings.append(ToolReading(convention, whole(report["totals"][metric]["known_value"], metric), layers))
    return readings
