"""How torch writes each kind of layer: a row a kind, with its module and the rules of the functions that do it.

The rules stand in a module a theme: `convolutions`, `pools`, `norms`, `products`, `operations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.convolutions import conv2d
from vggcost.frameworks.pytorch.norms import batch_norm, group_norm, local_response_norm
from vggcost.frameworks.pytorch.operations import add, cat, dropout, mean, pad, relu, softmax
from vggcost.frameworks.pytorch.pools import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from vggcost.frameworks.pytorch.products import addmm, linear, matmul
from vggcost.network import blocks, foreign_layers, foreign_norms, foreign_pools, layers, products
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch
    from torch import nn

    from vggcost.frameworks.pytorch.plans import Pair, Rule
    from vggcost.network.layer import Layer


def _side(pair: Pair) -> int | Pair:
    """One int for a square, as torchvision writes its pools: torchscan counts an int and a pair differently."""
    return pair[0] if pair[0] == pair[1] else pair


def _residual_module(nn: Any, block: blocks.Residual) -> nn.Module:
    class ResidualBlock(nn.Module):  # type: ignore[misc]  # torch.nn comes as a value
        """body(x) + shortcut(x)."""

        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(*(module_of(layer) for layer in block.body))
            self.shortcut = nn.Sequential(*(module_of(layer) for layer in block.shortcut))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.body(x) + self.shortcut(x)
            return result

    return ResidualBlock()


class TorchKind(Record):
    """One kind of layer in torch.

    module makes its module from torch.nn and the layer; rules are torch's functions and methods that do it, each with
    its rule. A sentence in place of either says why there is none.
    """

    module: Callable[[Any, Any], nn.Module] | str
    rules: Mapping[str, Rule] | str


KINDS: Mapping[type[Layer], TorchKind] = {
    layers.Conv2d: TorchKind(
        module=lambda nn, conv: nn.Conv2d(
            conv.c_in,
            conv.c_out,
            conv.kernel,
            stride=conv.stride,
            padding=conv.padding,
            dilation=conv.dilation,
            groups=conv.groups,
            bias=conv.bias,
        ),
        rules={"conv2d": conv2d},
    ),
    layers.BatchNorm2d: TorchKind(
        module=lambda nn, norm: nn.BatchNorm2d(norm.channels, affine=norm.affine), rules={"batch_norm": batch_norm}
    ),
    layers.LocalResponseNorm: TorchKind(
        # torch divides alpha by the size, the paper's source does not.
        module=lambda nn, norm: nn.LocalResponseNorm(norm.size, alpha=norm.alpha * norm.size, beta=norm.beta, k=norm.k),
        rules={"local_response_norm": local_response_norm},
    ),
    layers.ReLU: TorchKind(module=lambda nn, _: nn.ReLU(), rules={"relu": relu, "relu_": relu}),
    layers.MaxPool2d: TorchKind(
        module=lambda nn, pool: nn.MaxPool2d(
            _side(pool.kernel), stride=_side(pool.stride), padding=_side(pool.padding), dilation=_side(pool.dilation)
        ),
        rules={"max_pool2d": max_pool2d, "max_pool2d_with_indices": max_pool2d},
    ),
    layers.AdaptiveAvgPool2d: TorchKind(
        module=lambda nn, pool: nn.AdaptiveAvgPool2d(pool.output_size),
        rules={"adaptive_avg_pool2d": adaptive_avg_pool2d},
    ),
    layers.Flatten: TorchKind(module=lambda nn, _: nn.Flatten(), rules="a view, which the trace records by itself"),
    layers.Linear: TorchKind(
        module=lambda nn, linear: nn.Linear(linear.in_features, linear.out_features, bias=linear.bias),
        rules={"linear": linear},
    ),
    layers.Softmax: TorchKind(module=lambda nn, _: nn.Softmax(dim=-1), rules={"softmax": softmax}),
    layers.Dropout: TorchKind(
        module=lambda nn, dropout: nn.Dropout(dropout.p),
        rules=dict.fromkeys(
            ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "dropout_"),
            dropout,
        ),
    ),
    blocks.Add: TorchKind(
        module="an addition is a function, inside the module of its block",
        rules={"add": add, "__add__": add, "__radd__": add},
    ),
    blocks.Residual: TorchKind(module=_residual_module, rules="it is read as its layers and its addition"),
    foreign_pools.CeilMaxPool2d: TorchKind(
        module=lambda nn, pool: nn.MaxPool2d(
            pool.kernel, stride=pool.stride, padding=pool.padding, dilation=pool.dilation, ceil_mode=True
        ),
        rules={"max_pool2d": max_pool2d, "max_pool2d_with_indices": max_pool2d},
    ),
    foreign_norms.BatchNorm1d: TorchKind(
        module=lambda nn, norm: nn.BatchNorm1d(norm.channels, affine=norm.affine), rules={"batch_norm": batch_norm}
    ),
    foreign_norms.GroupNorm: TorchKind(
        module=lambda nn, norm: nn.GroupNorm(norm.groups, norm.channels, affine=norm.affine),
        rules={"group_norm": group_norm},
    ),
    foreign_pools.AvgPool2d: TorchKind(
        module=lambda nn, pool: nn.AvgPool2d(
            pool.kernel, stride=pool.stride, padding=pool.padding, ceil_mode=pool.ceil_mode
        ),
        rules={"avg_pool2d": avg_pool2d},
    ),
    foreign_layers.ZeroPad2d: TorchKind(module=lambda nn, pad: nn.ZeroPad2d(pad.padding), rules={"pad": pad}),
    products.MatMul: TorchKind(
        module="a function of two inputs, which torch has no module for",
        rules={
            **dict.fromkeys(("matmul", "__matmul__", "mm", "bmm"), matmul),
            **dict.fromkeys(("addmm", "baddbmm"), addmm),
        },
    ),
    foreign_layers.Free: TorchKind(
        module="it stands for many operations",
        rules={**dict.fromkeys(("cat", "concat", "concatenate"), cat), "mean": mean},
    ),
    foreign_layers.Uncounted: TorchKind(module="it stands for many operations", rules="it is what has no rule"),
    foreign_layers.Idle: TorchKind(module="it stands for any module", rules="it is never called"),
}
"""A row a kind of layer."""


def module_of(layer: Layer) -> nn.Module:
    """Return the module of one layer, on torch's default device.

    Raises:
        VggcostError: a layer kind that has no module.
    """
    from torch import nn

    row = KINDS.get(type(layer))
    if row is None or isinstance(row.module, str):
        raise VggcostError(f"{layer.name} is a {layer.kind}, for which no torch module is known")
    return row.module(nn, layer)
