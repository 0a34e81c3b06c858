"""How torch writes each kind of layer: a row a kind, with its module and the rules of the functions that do it.

The rules stand in a module a theme: `convolutions`, `pools`, `norms`, `products`, `operations`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch import (
    convolutions,
    fast_paths,
    norms,
    operations,
    pools,
    products,
    quantized,
    sequences,
)
from vggcost.network import blocks, foreign_convolutions, foreign_layers, foreign_norms, foreign_pools, layers
from vggcost.network import products as product_layers
from vggcost.network import sequences as sequence_layers
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


def _pool_module(modules: Any, pool: foreign_pools.PoolNd) -> nn.Module:
    if pool.operation == "LPPool":
        made: nn.Module = getattr(modules, pool.kind)(2, pool.kernel, stride=pool.stride, ceil_mode=pool.ceil_mode)
        return made
    options: dict[str, Any] = {"stride": pool.stride, "padding": pool.padding, "ceil_mode": pool.ceil_mode}
    if pool.operation == "MaxPool":
        options["dilation"] = pool.dilation or 1
    made = getattr(modules, pool.kind)(pool.kernel, **options)
    return made  # noqa: RET504  # its type is known by that name


def _recurrent_module(modules: Any, layer: sequence_layers.Recurrent) -> nn.Module:
    options: dict[str, Any] = {"bias": layer.bias}
    if not layer.single:
        options |= {"num_layers": layer.layers, "bidirectional": layer.directions == 2}
    if layer.projection:
        options["proj_size"] = layer.projection
    made: nn.Module = getattr(modules, layer.kind)(layer.in_features, layer.hidden, **options)
    return made


def _convolution(make: Callable[..., nn.Module], conv: Any, **more: Any) -> nn.Module:
    """A convolution's module, dense or transposed, of any number of axes: all are made by the same words."""
    return make(
        conv.c_in,
        conv.c_out,
        conv.kernel,
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
        bias=conv.bias,
        **more,
    )


class TorchKind(Record):
    """One kind of layer in torch.

    module makes its module from torch.nn and the layer; rules are torch's functions and methods that do it, each with
    its rule. A sentence in place of either says why there is none.
    """

    module: Callable[[Any, Any], nn.Module] | str
    rules: Mapping[str, Rule] | str


KINDS: Mapping[type[Layer], TorchKind] = {
    layers.Conv2d: TorchKind(
        module=lambda nn, conv: _convolution(nn.Conv2d, conv),
        rules={
            **dict.fromkeys(("conv2d", "thnn_conv2d", "mkldnn_convolution"), convolutions.conv),
            "convolution": convolutions.convolution,
            "_convolution": convolutions.convolution,
        },
    ),
    layers.BatchNorm2d: TorchKind(
        module=lambda nn, norm: nn.BatchNorm2d(norm.channels, affine=norm.affine),
        rules={"batch_norm": norms.batch_norm},
    ),
    layers.LocalResponseNorm: TorchKind(
        # torch divides alpha by the size, the paper's source does not.
        module=lambda nn, norm: nn.LocalResponseNorm(norm.size, alpha=norm.alpha * norm.size, beta=norm.beta, k=norm.k),
        rules={"local_response_norm": norms.local_response_norm},
    ),
    layers.ReLU: TorchKind(module=lambda nn, _: nn.ReLU(), rules=dict.fromkeys(("relu", "relu_"), operations.relu)),
    layers.MaxPool2d: TorchKind(
        module=lambda nn, pool: nn.MaxPool2d(
            _side(pool.kernel), stride=_side(pool.stride), padding=_side(pool.padding), dilation=_side(pool.dilation)
        ),
        rules={
            "max_pool2d": partial(pools.max_pool, 2),
            "max_pool2d_with_indices": partial(pools.max_pool_with_indices, 2),
        },
    ),
    layers.AdaptiveAvgPool2d: TorchKind(
        module=lambda nn, pool: nn.AdaptiveAvgPool2d(pool.output_size),
        rules={"adaptive_avg_pool2d": partial(pools.adaptive_avg_pool, 2)},
    ),
    layers.Flatten: TorchKind(module=lambda nn, _: nn.Flatten(), rules="a view, which the trace records by itself"),
    layers.Linear: TorchKind(
        module=lambda nn, linear: nn.Linear(linear.in_features, linear.out_features, bias=linear.bias),
        rules=quantized.LINEAR | {"linear": products.linear, "fbgemm_linear_int8_weight": quantized.fbgemm_linear},
    ),
    layers.Softmax: TorchKind(module=lambda nn, _: nn.Softmax(dim=-1), rules={"softmax": operations.softmax}),
    layers.Dropout: TorchKind(
        module=lambda nn, dropout: nn.Dropout(dropout.p),
        rules=dict.fromkeys(
            ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "dropout_"),
            operations.dropout,
        ),
    ),
    blocks.Add: TorchKind(
        module="an addition is a function, inside the module of its block",
        rules=dict.fromkeys(("add", "__add__", "__radd__"), operations.add),
    ),
    blocks.Residual: TorchKind(module=_residual_module, rules="it is read as its layers and its addition"),
    foreign_pools.CeilMaxPool2d: TorchKind(
        module=lambda nn, pool: nn.MaxPool2d(
            pool.kernel, stride=pool.stride, padding=pool.padding, dilation=pool.dilation, ceil_mode=True
        ),
        rules="those of max-pools without it, which look at ceil_mode",
    ),
    foreign_norms.BatchNorm1d: TorchKind(
        module=lambda nn, norm: nn.BatchNorm1d(norm.channels, affine=norm.affine),
        rules={"batch_norm": norms.batch_norm},
    ),
    foreign_norms.GroupNorm: TorchKind(
        module=lambda nn, norm: nn.GroupNorm(norm.groups, norm.channels, affine=norm.affine),
        rules={"group_norm": norms.group_norm},
    ),
    foreign_pools.AvgPool2d: TorchKind(
        module=lambda nn, pool: nn.AvgPool2d(
            pool.kernel, stride=pool.stride, padding=pool.padding, ceil_mode=pool.ceil_mode
        ),
        rules={"avg_pool2d": partial(pools.avg_pool, 2)},
    ),
    foreign_layers.ZeroPad2d: TorchKind(
        module=lambda nn, pad: nn.ZeroPad2d(pad.padding), rules={"pad": operations.pad}
    ),
    foreign_convolutions.ConvNd: TorchKind(
        module=lambda nn, conv: _convolution(getattr(nn, conv.kind), conv),
        rules=quantized.CONVOLUTIONS
        | dict.fromkeys(("conv1d", "conv3d"), convolutions.conv)
        | {"conv_tbc": convolutions.conv_tbc},
    ),
    foreign_convolutions.ConvTransposeNd: TorchKind(
        module=lambda nn, conv: _convolution(getattr(nn, conv.kind), conv, output_padding=conv.extra),
        rules=dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), convolutions.conv_transpose)
        | quantized.TRANSPOSED,
    ),
    foreign_pools.PoolNd: TorchKind(
        module=_pool_module,
        rules={
            **{f"max_pool{axes}d": partial(pools.max_pool, axes) for axes in (1, 3)},
            **{f"max_pool{axes}d_with_indices": partial(pools.max_pool_with_indices, axes) for axes in (1, 3)},
            **{f"avg_pool{axes}d": partial(pools.avg_pool, axes) for axes in (1, 3)},
            **{f"lp_pool{axes}d": partial(pools.lp_pool, axes) for axes in (1, 2, 3)},
        },
    ),
    foreign_pools.AdaptivePoolNd: TorchKind(
        module=lambda nn, pool: getattr(nn, pool.kind)(pool.output_size),
        rules={
            **{f"adaptive_avg_pool{axes}d": partial(pools.adaptive_avg_pool, axes) for axes in (1, 3)},
            **{f"adaptive_max_pool{axes}d": partial(pools.adaptive_max_pool, axes) for axes in (1, 2, 3)},
            **{
                f"adaptive_max_pool{axes}d_with_indices": partial(pools.adaptive_max_pool_with_indices, axes)
                for axes in (1, 2, 3)
            },
            **{f"fractional_max_pool{axes}d": partial(pools.fractional_max_pool, axes) for axes in (2, 3)},
            **{
                f"fractional_max_pool{axes}d_with_indices": partial(pools.fractional_max_pool_with_indices, axes)
                for axes in (2, 3)
            },
        },
    ),
    foreign_norms.BatchNorm3d: TorchKind(
        module=lambda nn, norm: nn.BatchNorm3d(norm.channels, affine=norm.affine),
        rules="those of batch normalization over images, which look at the axes",
    ),
    foreign_norms.InstanceNorm: TorchKind(
        module=lambda nn, norm: getattr(nn, norm.kind)(norm.channels, affine=norm.affine),
        rules={"instance_norm": norms.instance_norm},
    ),
    foreign_norms.LayerNorm: TorchKind(
        module=lambda nn, norm: nn.LayerNorm(norm.normalized, elementwise_affine=norm.affine, bias=norm.shift),
        rules={"layer_norm": norms.layer_norm},
    ),
    foreign_norms.RMSNorm: TorchKind(
        module=lambda nn, norm: nn.RMSNorm(norm.normalized, elementwise_affine=norm.affine),
        rules={"rms_norm": norms.rms_norm},
    ),
    product_layers.MatMul: TorchKind(
        module="a function of two inputs, which torch has no module for",
        rules={
            **dict.fromkeys(
                ("matmul", "__matmul__", "mm", "bmm", "mv", "dot", "vdot", "linalg_matmul", "_int_mm", "_scaled_mm"),
                products.matmul,
            ),
            "__rmatmul__": products.right_matmul,
            **dict.fromkeys(
                ("addmm", "addmm_", "baddbmm", "baddbmm_", "addmv", "addmv_", "_addmm_activation"), products.addmm
            ),
            **dict.fromkeys(("addbmm", "addbmm_"), products.addbmm),
            "inner": products.inner,
            "linalg_vecdot": products.vecdot,
            "tensordot": products.tensordot,
        },
    ),
    product_layers.Contraction: TorchKind(
        module="a function of several inputs, which torch has no module for",
        rules={
            "einsum": products.einsum,
            **dict.fromkeys(("linalg_multi_dot", "chain_matmul"), products.multi_dot),
            "_native_multi_head_attention": fast_paths.multi_head_attention,
            "_transformer_encoder_layer_fwd": fast_paths.encoder_layer,
        },
    ),
    product_layers.ScaledDotProductAttention: TorchKind(
        module="a function of three inputs, inside of torch's module for attention",
        rules={"scaled_dot_product_attention": products.attention},
    ),
    product_layers.Bilinear: TorchKind(
        module=lambda nn, layer: nn.Bilinear(
            layer.in_features, layer.other_features, layer.out_features, bias=layer.bias
        ),
        rules={"bilinear": products.bilinear},
    ),
    sequence_layers.Recurrent: TorchKind(
        module=_recurrent_module,
        rules={
            "lstm": partial(sequences.recurrent, "LSTM"),
            "gru": partial(sequences.recurrent, "GRU"),
            **dict.fromkeys(("rnn_tanh", "rnn_relu"), partial(sequences.recurrent, "RNN")),
            **dict.fromkeys(("lstm_cell", "quantized_lstm_cell"), partial(sequences.recurrent_cell, "LSTM")),
            **dict.fromkeys(("gru_cell", "quantized_gru_cell"), partial(sequences.recurrent_cell, "GRU")),
            **dict.fromkeys(
                ("rnn_tanh_cell", "rnn_relu_cell", "quantized_rnn_tanh_cell", "quantized_rnn_relu_cell"),
                partial(sequences.recurrent_cell, "RNN"),
            ),
            **quantized.RECURRENT,
        },
    ),
    sequence_layers.Embedding: TorchKind(
        module=lambda nn, layer: getattr(nn, layer.kind)(layer.rows, layer.width),
        rules={"embedding": sequences.embedding, "embedding_bag": sequences.embedding_bag},
    ),
    foreign_layers.Free: TorchKind(
        module="it stands for many operations",
        rules={**dict.fromkeys(("cat", "concat", "concatenate"), operations.cat), "mean": operations.mean},
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
