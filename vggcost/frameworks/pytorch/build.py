"""The real torch.nn.Module that a network describes, in torchvision's shape: features, avgpool, classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import MissingExtraError, VggcostError
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Residual,
    Softmax,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import nn

    from vggcost.network.catalogue import Network
    from vggcost.network.layers import Layer, Pair


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


def build_module(network: Network, device: str = "meta", dtype: torch.dtype | None = None) -> nn.Module:
    """Return the network as a module in eval mode.

    On the default meta device its parameters have shapes and no memory; `to_empty(device="cpu")` gives them
    uninitialised memory that stays untouched until it is used. The paths are the layers' own: ``features.0``.

    Raises:
        MissingExtraError: torch is not installed.
    """
    torch = require_torch("building a module")
    with torch.device(device):
        module = _network_module(network)
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
            for name, layers in _stages(network.layers):
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


def _stages(layers: Sequence[Layer]) -> list[tuple[str | None, list[Layer]]]:
    """Group neighbouring layers by the first piece of their path."""
    groups: list[tuple[str | None, list[Layer]]] = []
    for layer in layers:
        top = layer.path.partition(".")[0] if layer.path else None
        if groups and groups[-1][0] == top:
            groups[-1][1].append(layer)
        else:
            groups.append((top, [layer]))
    return groups


def _child(name: str, layers: Sequence[Layer]) -> nn.Module:
    from torch import nn

    if len(layers) == 1 and layers[0].path == name:
        return module_of(layers[0])
    return nn.Sequential(*(module_of(layer) for layer in layers))


def _function(layer: Layer) -> Callable[[torch.Tensor], torch.Tensor]:
    import torch

    if isinstance(layer, Flatten):
        return lambda x: torch.flatten(x, 1)
    module = module_of(layer)
    return module.__call__


def module_of(layer: Layer) -> nn.Module:
    """Return the module of one layer, on torch's default device.

    Raises:
        VggcostError: a layer kind that has no module.
    """
    from torch import nn

    kinds: dict[type[Layer], Callable[[Any], nn.Module]] = {
        Conv2d: lambda conv: nn.Conv2d(
            conv.c_in,
            conv.c_out,
            conv.kernel,
            conv.stride,
            conv.padding,
            conv.dilation,
            conv.groups,
            conv.bias,
        ),
        BatchNorm2d: lambda norm: nn.BatchNorm2d(norm.channels, affine=norm.affine),
        # torch divides alpha by the size, the paper's source does not.
        LocalResponseNorm: lambda norm: nn.LocalResponseNorm(
            norm.size, alpha=norm.alpha * norm.size, beta=norm.beta, k=norm.k
        ),
        ReLU: lambda _: nn.ReLU(),
        MaxPool2d: lambda pool: nn.MaxPool2d(
            _side(pool.kernel), _side(pool.stride), _side(pool.padding), _side(pool.dilation)
        ),
        AdaptiveAvgPool2d: lambda pool: nn.AdaptiveAvgPool2d(pool.output_size),
        Flatten: lambda _: nn.Flatten(),
        Dropout: lambda dropout: nn.Dropout(dropout.p),
        Linear: lambda linear: nn.Linear(linear.in_features, linear.out_features, linear.bias),
        Softmax: lambda _: nn.Softmax(dim=-1),
        Residual: _residual_module,
    }
    make = kinds.get(type(layer))
    if make is None:
        raise VggcostError(f"{layer.name} is a {layer.kind}, for which no torch module is known")
    return make(layer)


def _side(pair: Pair) -> int | Pair:
    """One int for a square, as torchvision writes its pools: torchscan counts an int and a pair differently."""
    return pair[0] if pair[0] == pair[1] else pair


def _residual_module(block: Residual) -> nn.Module:
    from torch import nn

    class ResidualBlock(nn.Module):
        """body(x) + shortcut(x)."""

        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(*(module_of(layer) for layer in block.body))
            self.shortcut = nn.Sequential(*(module_of(layer) for layer in block.shortcut))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.body(x) + self.shortcut(x)
            return result

    return ResidualBlock()
