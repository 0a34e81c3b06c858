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
from vggcost.network import blocks, foreign_layers, foreign_norms, foreign_pools, layers  # noqa: E402
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
    foreign_layers.ZeroPad2d: (foreign_layers.ZeroPad2d("pad", None, (1, 2, 3, 4)), (2, 3, 5, 7)),
}


def test_every_kind_with_a_module_is_built_and_traced():
    assert set(LAYERS) | {blocks.Residual} == {kind for kind, row in KINDS.items() if not isinstance(row.module, str)}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_built_and_traced_is_the_layer_that_it_was(kind):
    layer, shape = LAYERS[kind]
    with torch.device("meta"):
        module = nn.Sequential(module_of(layer)).eval()
    (operation,) = read_module(module, [shape], "made up").operations
    assert operation.layer.replace(name=layer.name, path=None) == layer
    assert (operation.output, operation.ledger) == layer.apply(shape)
    assert operation.params == layer.params()
    assert tuple(module(torch.empty(shape, device="meta")).shape) == operation.output


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
