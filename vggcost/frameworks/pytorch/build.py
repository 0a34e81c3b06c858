"""The real torch.nn.Module that a network describes, in torchvision's shape: features, avgpool, classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import MissingExtraError
from vggcost.frameworks.pytorch.kinds import module_of
from vggcost.network.blocks import Residual
from vggcost.network.layer import writes_in_place
from vggcost.network.layers import Flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import torch
    from torch import nn

    from vggcost.network.catalogue import Network
    from vggcost.network.layer import Layer


def require_torch(feature: str, extra: str = "torch") -> Any:
    """Return the torch package.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtraError(feature, "torch", extra) from None
    return torch


def build_module(
    network: Network, device: str = "meta", dtype: torch.dtype | None = None, *, in_place: bool = True
) -> nn.Module:
    """Return the network as a module in eval mode; in place its activations write over their inputs, as torchvision's.

    On the default meta device its parameters have shapes and no memory; `to_empty(device="cpu")` gives them
    uninitialised memory that stays untouched until it is used. The paths are the layers' own: ``features.0``.

    Raises:
        MissingExtraError: torch is not installed.
    """
    torch = require_torch("building a module")
    with torch.device(device):
        module = _network_module(network)
    if in_place:
        for name, layers in network.stages():
            if name is not None:
                stage = module.get_submodule(name)
                _write_in_place([stage] if _is_alone(name, layers) else stage.children(), layers)
    if dtype is not None:
        module = module.to(dtype)
    return module.eval()


def _network_module(network: Network) -> nn.Module:
    from torch import nn

    class VGG(nn.Module):
        """Stages in order; a stage is a registered child or a function without parameters."""

        def __init__(self) -> None:
            super().__init__()
            self._stages: list[Callable[[torch.Tensor], torch.Tensor]] = []
            for name, layers in network.stages():
                if name is None:
                    self._stages += [_function(layer) for layer in layers]
                    continue
                stage = _child(name, layers)
                self.add_module(name, stage)
                self._stages.append(stage)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for stage in self._stages:
                x = stage(x)
            return x

    return VGG()


def _child(name: str, layers: Sequence[Layer]) -> nn.Module:
    from torch import nn

    if _is_alone(name, layers):
        return module_of(layers[0])
    return nn.Sequential(*(module_of(layer) for layer in layers))


def _is_alone(name: str, layers: Sequence[Layer]) -> bool:
    """Whether a stage is the module of its one layer."""
    return len(layers) == 1 and layers[0].path == name


def _write_in_place(modules: Iterable[nn.Module], layers: Sequence[Layer]) -> None:
    """Let the activations of one row of modules write over their inputs, where nobody else needs these."""
    before: Layer | None = None
    for child, layer in zip(modules, layers, strict=True):
        if isinstance(layer, Residual):
            for part, inner in (("body", layer.body), ("shortcut", layer.shortcut)):
                _write_in_place(child.get_submodule(part).children(), inner)
        elif writes_in_place(layer, before):
            child.inplace = True  # type: ignore[assignment]  # every activation of torch has it
        before = layer


def _function(layer: Layer) -> Callable[[torch.Tensor], torch.Tensor]:
    import torch

    if isinstance(layer, Flatten):
        return lambda x: torch.flatten(x, 1)
    module = module_of(layer)
    return module.__call__
