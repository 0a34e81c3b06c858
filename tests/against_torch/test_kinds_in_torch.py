"""Every kind of layer that torch has a module for: built, traced, and counted as it was before."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402  # after the skip

from vggcost import api  # noqa: E402
from vggcost.bench.subjects import fill, layer_rows  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.errors import VggcostError  # noqa: E402
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402
from vggcost.frameworks.pytorch.kinds import KINDS, module_of  # noqa: E402
from vggcost.frameworks.pytorch.program import read_module  # noqa: E402
from vggcost.frameworks.pytorch.traced_forward import traced_steps  # noqa: E402
from vggcost.network import (  # noqa: E402
    blocks,
    foreign_convolutions,
    foreign_layers,
    foreign_norms,
    foreign_pools,
    layers,
    products,
    sequences,
)
from vggcost.network.layer import Layer  # noqa: E402
from vggcost.network.plan import Variant  # noqa: E402

LAYERS = {
    layers.Conv2d: (
        layers.Conv2d("conv", None, 6, 4, (3, 5), (2, 1), (1, 2), bias=False, groups=2, dilation=(2, 1)),
        (2, 6, 17, 23),
    ),
    layers.BatchNorm2d: (layers.BatchNorm2d("norm", None, 3), (2, 3, 5, 7)),
    layers.LocalResponseNorm: (layers.LocalResponseNorm("lrn", None, 3, 2e-4, 0.5, 1.5), (2, 4, 5, 7)),
    layers.ReLU: (layers.ReLU("relu", None), (2, 3, 5, 7)),
    layers.MaxPool2d: (layers.MaxPool2d("pool", None, (3, 2), (2, 1), (1, 0), (1, 2)), (2, 3, 8, 9)),
    layers.AdaptiveAvgPool2d: (layers.AdaptiveAvgPool2d("pool", None, (3, 2)), (2, 5, 9, 7)),
    layers.Flatten: (layers.Flatten("flatten", None), (2, 3, 5, 7)),
    layers.Linear: (layers.Linear("fc", None, 5, 7), (2, 3, 5)),
    layers.Softmax: (layers.Softmax("softmax", None), (2, 3, 5)),
    layers.Dropout: (layers.Dropout("drop", None, 0.25), (2, 3, 5)),
    foreign_pools.CeilMaxPool2d: (foreign_pools.CeilMaxPool2d("pool", None, (3, 2), (2, 3)), (2, 3, 8, 9)),
    foreign_norms.BatchNorm1d: (foreign_norms.BatchNorm1d("norm", None, 5, affine=False), (3, 5)),
    foreign_norms.GroupNorm: (foreign_norms.GroupNorm("norm", None, 2, 6), (2, 6, 5, 7)),
    foreign_pools.AvgPool2d: (foreign_pools.AvgPool2d("pool", None, (2, 3), (3, 2), ceil_mode=True), (2, 3, 6, 8)),
    foreign_convolutions.ConvNd: (
        foreign_convolutions.ConvNd("conv", None, 6, 4, (3, 5, 2), (2, 1, 3), (1, 2, 0), False, 2, (2, 1, 4)),
        (2, 6, 17, 23, 29),
    ),
    foreign_convolutions.ConvTransposeNd: (
        foreign_convolutions.ConvTransposeNd("up", None, 6, 4, (3, 5), (2, 3), (1, 2), (1, 0), True, 2, (2, 1)),
        (2, 6, 7, 11),
    ),
    foreign_pools.PoolNd: (
        foreign_pools.PoolNd("pool", None, "AvgPool", (2, 3, 4), (2, 1, 3), (1, 0, 0), ceil_mode=True),
        (2, 3, 8, 9, 12),
    ),
    foreign_pools.AdaptivePoolNd: (
        foreign_pools.AdaptivePoolNd("pool", None, "AdaptiveMaxPool", (3, 2)),
        (2, 5, 9, 7),
    ),
    foreign_norms.BatchNorm3d: (foreign_norms.BatchNorm3d("norm", None, 3), (2, 3, 5, 7, 4)),
    foreign_norms.InstanceNorm: (foreign_norms.InstanceNorm("norm", None, 2, 6, affine=True), (2, 6, 5, 7)),
    foreign_norms.LayerNorm: (foreign_norms.LayerNorm("norm", None, (5, 7), shift=False), (2, 6, 5, 7)),
    foreign_norms.RMSNorm: (foreign_norms.RMSNorm("norm", None, (7,), affine=True, shift=False), (2, 5, 7)),
    products.Bilinear: (products.Bilinear("form", None, 3, 5, 7), (2, 4, 3)),
    sequences.Recurrent: (
        sequences.Recurrent("lstm", None, "LSTM", 5, 7, layers=2, directions=2, projection=3),
        (11, 2, 5),
    ),
    sequences.Embedding: (sequences.Embedding("table", None, 11, 7), (2, 5)),
    foreign_layers.ZeroPad2d: (foreign_layers.ZeroPad2d("pad", None, (1, 2, 3, 4)), (2, 3, 5, 7)),
}


def test_every_kind_with_a_module_is_built_and_traced():
    assert set(LAYERS) | {blocks.Residual} == {kind for kind, row in KINDS.items() if not isinstance(row.module, str)}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_built_and_traced_is_the_layer_that_it_was(kind):
    layer, shape = LAYERS[kind]
    with torch.device("meta"):
        module = nn.Sequential(module_of(layer)).eval()
    inputs = [shape]
    if kind is products.Bilinear:
        module, inputs = module[0], [shape, (*shape[:-1], layer.other_features)]
    if kind is sequences.Embedding:
        inputs = [torch.zeros(shape, dtype=torch.int64)]
    (operation,) = read_module(module, inputs, "made up").operations
    assert operation.layer.replace(name=layer.name, path=None) == layer
    assert (operation.output, operation.ledger) == layer.apply(shape)
    assert operation.params == layer.params()
    made = module(
        *(torch.empty(tuple(getattr(given, "shape", given)), device="meta").to(dtype(kind)) for given in inputs)
    )
    assert tuple((made if isinstance(made, torch.Tensor) else made[0]).shape) == operation.output


def dtype(kind):
    """What a kind of layer takes."""
    return torch.int64 if kind is sequences.Embedding else torch.float32


CALLS = {
    "max_pool1d": (lambda x: nn.functional.max_pool1d(x, 3, 2, 1, ceil_mode=True), (2, 3, 12)),
    "max_pool3d": (lambda x: nn.functional.max_pool3d(x, (2, 3, 1), return_indices=True)[0], (2, 3, 8, 9, 4)),
    "max_pool2d": (lambda x: nn.functional.max_pool2d(x, 2, return_indices=True)[1] * 1.0, (2, 3, 8, 9)),
    "avg_pool1d": (lambda x: nn.functional.avg_pool1d(x, 3, 2), (2, 3, 12)),
    "lp_pool2d": (lambda x: nn.functional.lp_pool2d(x, 2, (2, 3)), (2, 3, 12, 9)),
    "lp_pool3d": (lambda x: nn.functional.lp_pool3d(x, 2, 2, ceil_mode=True), (3, 5, 12, 9)),
    "fractional_max_pool2d": (
        lambda x: nn.functional.fractional_max_pool2d(x, 2, output_ratio=(0.6, 0.5)),
        (2, 3, 12, 9),
    ),
    "fractional_max_pool3d": (lambda x: nn.functional.fractional_max_pool3d(x, 2, output_size=3), (2, 3, 12, 9, 8)),
    "adaptive_max_pool3d": (lambda x: nn.functional.adaptive_max_pool3d(x, (None, 2, 3)), (2, 3, 12, 9, 8)),
    "adaptive_avg_pool1d": (lambda x: nn.functional.adaptive_avg_pool1d(x, 5), (3, 12)),
    "instance_norm": (nn.functional.instance_norm, (2, 3, 12)),
    "conv1d same": (lambda x: nn.functional.conv1d(x, torch.ones(4, 3, 5), padding="same", dilation=2), (2, 3, 12)),
    "conv_tbc": (lambda x: torch.conv_tbc(x, torch.ones(3, 5, 4), torch.ones(4), 1), (12, 2, 5)),
    "a transposed convolution": (
        lambda x: nn.functional.conv_transpose3d(x, torch.ones(3, 2, 2, 3, 1), stride=(2, 1, 1), groups=3),
        (2, 3, 4, 5, 6),
    ),
    "embedding_bag": (lambda x: nn.functional.embedding_bag(x.long(), torch.ones(7, 5)), (2, 3)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_yields_the_shape_that_torch_yields(name):
    function, shape = CALLS[name]

    class Calls(nn.Module):
        def forward(self, x):
            return function(x) * 1

    with torch.no_grad():
        reading = read_module(Calls(), [shape], "made up")
    assert [operation.layer.kind for operation in reading.operations if not operation.counted] == []
    assert reading.operations[-1].output == tuple(function(torch.zeros(shape)).shape)


def test_a_kind_without_a_row_has_no_module():
    class Made(Layer):
        pass

    for layer in (Made("made", None), foreign_layers.Idle("idle", None, "Linear")):
        with pytest.raises(VggcostError, match="no torch module is known"):
            module_of(layer)


def test_a_traced_network_moves_the_bytes_of_its_table():
    network = api.build("A", Variant(batch_norm=True, classes=10, adaptive_pool=False, head=()), 32)
    module = build_module(network).to_empty(device="cpu")
    fill(module)
    traced = traced_steps(
        nn.Sequential(module.features, nn.Flatten(), module.classifier).eval(), torch.randn(2, 3, 32, 32)
    )
    rows = layer_rows(table(network, (2, 3, 32, 32)), 4)
    ran = [(step.row, row) for step, row in zip(traced, rows, strict=True) if step.row["runs"]]
    assert len(ran) == len(rows) - 1  # a flatten is a view
    assert [step["min_bytes"] for step, _ in ran] == [row["min_bytes"] for _, row in ran]
    assert [step["winograd"] for step, _ in ran] == [row["winograd"] for _, row in ran]


@pytest.mark.parametrize(
    ("options", "served"),
    [
        ({}, True),
        ({"stride": 2}, False),
        ({"dilation": 2}, False),
        ({"groups": 8}, False),
        ({"kernel_size": 1}, False),
    ],
)
def test_a_traced_convolution_is_winograds_by_the_same_rule(options, served):
    module = nn.Sequential(nn.Conv2d(8, 8, **{"kernel_size": 3, **options})).eval()
    (step,) = traced_steps(module, torch.randn(1, 8, 9, 9))
    assert step.row["winograd"] is served
