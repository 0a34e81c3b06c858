"""Activation checkpointing: a module's blocks run a second time in the backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.costs.memory import blocks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import nn

    from vggcost.network.layer import Layer
    from vggcost.network.plan import Network


def checkpointed(module: nn.Module, network: Network) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a module's forward call with each stage of convolutions and its pool under torch.utils.checkpoint.

    module is what `vggcost.frameworks.pytorch.build.build_module` returns for this network; use_reentrant=False.
    """
    import torch

    stages: list[Callable[[torch.Tensor], torch.Tensor]] = []
    for name, layers in network.stages():
        if name is None:
            stages.append(lambda x: torch.flatten(x, 1))
        else:
            blocks = blocks_of(layers)
            stages.append(_stage(module, name, blocks) if blocks else module.get_submodule(name))

    def forward(x: torch.Tensor) -> torch.Tensor:
        for stage in stages:
            x = stage(x)
        return x

    return forward


def _stage(module: nn.Module, name: str, blocks: Sequence[Sequence[Layer]]) -> Callable[[torch.Tensor], torch.Tensor]:
    from torch import nn
    from torch.utils.checkpoint import checkpoint

    children, parts = list(module.get_submodule(name).children()), []
    for block in blocks:
        parts.append(nn.Sequential(*children[: len(block)]))
        children = children[len(block) :]

    def forward(x: torch.Tensor) -> torch.Tensor:
        for part in parts:
            # What dropout draws again needs the generator's state, a host tensor that no meta device has.
            x = checkpoint(part, x, use_reentrant=False, preserve_rng_state=False)
        return x

    return forward
