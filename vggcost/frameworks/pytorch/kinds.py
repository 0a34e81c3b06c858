"""How torch writes each kind of layer: a row a kind, with its module and the rules of the functions that do it.

A rule is a function with torch's own signature, over tensors without values. It looks at nothing but shapes, so it also
says what comes out where torch would refuse: the shapes behind a misfit can be followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.formulas import windows
from vggcost.frameworks.pytorch.operations import add, addmm, cat, matmul, mean, pad
from vggcost.frameworks.pytorch.plans import (
    Plan,
    batched,
    image_of,
    no_image,
    pair,
    pooled,
    same_shape,
    shape_of,
    windowed,
)
from vggcost.network import blocks, foreign_layers, layers
from vggcost.network.ledger import Ledger
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch
    from torch import nn

    from vggcost.frameworks.pytorch.plans import Pair, Rule
    from vggcost.network.layer import Layer


def conv2d(  # torch's signature
    input: torch.Tensor,  # noqa: A002  # torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Plan:
    """Rule of torch.nn.functional.conv2d."""
    shape, kernel = shape_of(input), pair(tuple(weight.shape[2:]))
    c_out, c_in = int(weight.shape[0]), int(weight.shape[1]) * groups
    dilated = pair(dilation)
    pads, extra = _conv_padding(padding, kernel, dilated)
    fields = {
        "c_in": c_in,
        "c_out": c_out,
        "kernel": kernel,
        "stride": pair(stride),
        "padding": pads,
        "bias": bias is not None,
        "groups": groups,
        "dilation": dilated,
    }
    image = image_of(shape)
    if image is None:
        return Plan(layers.Conv2d, fields, shape, shape, Ledger(), no_image(shape), (shape, tuple(weight.shape)))
    padded = (image[0], image[1], image[2] + extra[0], image[3] + extra[1])
    problem = f"takes {c_in:,} channels and gets {image[1]:,}" if image[1] != c_in else None
    return windowed(layers.Conv2d, fields, shape, padded, problem, (tuple(weight.shape),))


def _conv_padding(padding: Any, kernel: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Padding on both sides of each axis, and what ``same`` adds beyond it where the kernel is even."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        total = tuple(windows.window_reach(kernel[axis], dilation[axis]) - 1 for axis in (0, 1))
        return (total[0] // 2, total[1] // 2), (total[0] % 2, total[1] % 2)
    return pair(padding), (0, 0)


def linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.linear."""
    shape = shape_of(input)
    takes, gives = int(weight.shape[-1]), int(weight.shape[0])
    fields: dict[str, Any] = {"in_features": takes, "out_features": gives, "bias": bias is not None}
    _, ledger = layers.Linear("", None, **fields).apply(batched(shape))
    output = (*shape[:-1], gives)
    problem = f"takes {takes:,} features and gets {shape[-1]:,}" if shape[-1] != takes else None
    return Plan(layers.Linear, fields, shape, output, ledger, problem, (shape, tuple(weight.shape)))


def batch_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.batch_norm."""
    shape = shape_of(input)
    known = next((len(each) for each in (running_mean, running_var, weight) if each is not None), shape[1])
    kind = layers.BatchNorm2d if len(shape) == 4 else foreign_layers.BatchNorm1d
    fields: dict[str, Any] = {"channels": known, "affine": weight is not None}
    problem = f"takes {known:,} channels and gets {shape[1]:,}" if known != shape[1] else None
    _, ledger = kind("", None, **fields).apply(shape)
    return Plan(kind, fields, shape, shape, ledger, problem, (shape, (known,)))


def group_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    num_groups: int,
    weight: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Plan:
    """Rule of torch.nn.functional.group_norm."""
    shape = shape_of(input)
    known = shape[1] if weight is None else len(weight)
    fields: dict[str, Any] = {"groups": num_groups, "channels": known, "affine": weight is not None}
    problem = f"takes {known:,} channels and gets {shape[1]:,}" if known != shape[1] else None
    return Plan(foreign_layers.GroupNorm, fields, shape, shape, Ledger(), problem, (shape, (known,)))


def max_pool2d(
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,  # noqa: ARG001  # the trace hands out indices of the same shape
) -> Plan:
    """Rule of torch.nn.functional.max_pool2d."""
    fields = {
        "kernel": pair(kernel_size),
        "stride": pair(stride) if stride else pair(kernel_size),
        "padding": pair(padding),
        "dilation": pair(dilation),
    }
    kind = foreign_layers.CeilMaxPool2d if ceil_mode else layers.MaxPool2d
    return pooled(kind, fields, shape_of(input))


def avg_pool2d(
    input: torch.Tensor,  # noqa: A002  # torch's name
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,  # noqa: ARG001  # changes values alone
    divisor_override: int | None = None,  # noqa: ARG001  # changes values alone
) -> Plan:
    """Rule of torch.nn.functional.avg_pool2d."""
    fields = {
        "kernel": pair(kernel_size),
        "stride": pair(stride) if stride else pair(kernel_size),
        "padding": pair(padding),
        "ceil_mode": bool(ceil_mode),
    }
    return pooled(foreign_layers.AvgPool2d, fields, shape_of(input))


def adaptive_avg_pool2d(input: torch.Tensor, output_size: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.adaptive_avg_pool2d."""
    shape = shape_of(input)
    image = image_of(shape)
    wanted = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)
    if image is None:
        operation = {"operation": "adaptive_avg_pool2d"}
        return Plan(foreign_layers.Free, operation, shape, shape, Ledger(), no_image(shape), (shape,))
    height, width = (image[2 + axis] if side is None else int(side) for axis, side in enumerate(wanted))
    fields = {"output_size": (height, width)}
    output, ledger = layers.AdaptiveAvgPool2d("", None, **fields).apply(image)
    return Plan(layers.AdaptiveAvgPool2d, fields, shape, output if len(shape) == 4 else output[1:], ledger)


def local_response_norm(
    input: torch.Tensor,  # noqa: A002  # torch's name
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Plan:
    """Rule of torch.nn.functional.local_response_norm."""
    shape = shape_of(input)
    fields: dict[str, Any] = {"size": size, "alpha": alpha / size, "beta": beta, "k": k}
    _, ledger = layers.LocalResponseNorm("", None, **fields).apply(image_of(shape) or (*shape, 1, 1))
    return Plan(layers.LocalResponseNorm, fields, shape, shape, ledger)


def relu(input: torch.Tensor, inplace: bool = False) -> Plan:  # noqa: A002, ARG001  # torch's signature
    """Rule of torch.nn.functional.relu."""
    return same_shape(layers.ReLU, input)


def softmax(input: torch.Tensor, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.softmax."""
    return same_shape(layers.Softmax, input)


def dropout(input: torch.Tensor, p: float = 0.5, *_: Any, **__: Any) -> Plan:  # noqa: A002  # torch's name
    """Rule of torch.nn.functional.dropout and its kin."""
    return same_shape(layers.Dropout, input, {"p": float(p)})


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
    foreign_layers.CeilMaxPool2d: TorchKind(
        module=lambda nn, pool: nn.MaxPool2d(
            pool.kernel, stride=pool.stride, padding=pool.padding, dilation=pool.dilation, ceil_mode=True
        ),
        rules={"max_pool2d": max_pool2d, "max_pool2d_with_indices": max_pool2d},
    ),
    foreign_layers.BatchNorm1d: TorchKind(
        module=lambda nn, norm: nn.BatchNorm1d(norm.channels, affine=norm.affine), rules={"batch_norm": batch_norm}
    ),
    foreign_layers.GroupNorm: TorchKind(
        module=lambda nn, norm: nn.GroupNorm(norm.groups, norm.channels, affine=norm.affine),
        rules={"group_norm": group_norm},
    ),
    foreign_layers.AvgPool2d: TorchKind(
        module=lambda nn, pool: nn.AvgPool2d(
            pool.kernel, stride=pool.stride, padding=pool.padding, ceil_mode=pool.ceil_mode
        ),
        rules={"avg_pool2d": avg_pool2d},
    ),
    foreign_layers.ZeroPad2d: TorchKind(module=lambda nn, pad: nn.ZeroPad2d(pad.padding), rules={"pad": pad}),
    foreign_layers.MatMul: TorchKind(
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
