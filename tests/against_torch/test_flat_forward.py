"""The flattened layers are the module's forward: same submodules, same order, same numbers to the last bit."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from vggcost import api  # noqa: E402  # after the skip
from vggcost.bench.subjects import fill  # noqa: E402
from vggcost.costs import variants  # noqa: E402
from vggcost.costs.table import table  # noqa: E402
from vggcost.frameworks.pytorch.build import build_module  # noqa: E402
from vggcost.frameworks.pytorch.flat_forward import flat_operations  # noqa: E402
from vggcost.network.blocks import Residual  # noqa: E402
from vggcost.network.layers import Conv2d, Flatten, Linear, ReLU  # noqa: E402
from vggcost.network.plan import Network, Variant  # noqa: E402

VARIANT = Variant(classes=10, adaptive_pool=False, head=())


def built(network):
    module = build_module(network).to_empty(device="cpu")
    torch.manual_seed(0)
    fill(module)
    return module


def check(network, shape):
    module = built(network)
    operations = flat_operations(module, network)
    rows = table(network, shape).rows
    assert len(operations) == len(rows)
    x = torch.randn(shape)
    with torch.inference_mode():
        expected = module(x)
        for operation, row in zip(operations, rows, strict=True):
            x = operation(x)
            assert tuple(x.shape) == row.output, row.name
    assert torch.equal(x, expected)
    assert expected.isfinite().all()
    assert expected.abs().max() > 0


@pytest.mark.parametrize("name", ["A", "A-LRN", "B", "C", "D", "D_bn", "E"])
def test_the_papers_networks(name):
    check(api.build(name, VARIANT, 32), (2, 3, 32, 32))


@pytest.mark.parametrize("name", ["keras-residual-vgg", "residual-vgg16", "twelve-conv-vgg"])
def test_the_networks_that_come_with_the_package(name):
    plan = api.configuration(name)
    network = variants.unfolded(plan, {"width": "0.25", "classes": 10}, 32)
    check(network, (2, network.variant.in_channels, 32, 32))


def test_a_block_that_is_a_stage_of_its_own_writes_in_place_too():
    block = Residual("block", "block", (Conv2d("conv", None, 3, 3), ReLU("relu", None)))
    network = Network("one block", Variant(), (block,), (6, 5))
    assert [build_module(network, in_place=over).block.body[1].inplace for over in (True, False)] == [True, False]
    check(network, (2, 3, 6, 5))


@pytest.mark.parametrize("shortcut", [(), (Conv2d("proj", None, 3, 4, (1, 1), (1, 1), (0, 0)),)])
def test_a_residual_block_is_its_body_its_shortcut_and_its_addition(shortcut):
    width = 4 if shortcut else 3
    block = Residual(
        "block",
        "features.0",
        (
            Conv2d("conv1", None, 3, 5),
            ReLU("relu1", None),
            Conv2d("conv2", None, 5, width),
        ),
        shortcut,
    )
    network = Network(
        "R",
        VARIANT,
        (
            block,
            ReLU("relu2", "features.1"),
            Flatten("flatten", None),
            Linear("fc", "classifier.0", width * 64, 10),
        ),
    )
    check(network, (2, 3, 8, 8))


def test_running_twice_leaves_nothing_behind():
    block = Residual("block", "features.0", (Conv2d("conv1", None, 3, 3),))
    network = Network("R", VARIANT, (block, ReLU("relu2", "features.1")))
    operations = flat_operations(built(network), network)
    x = torch.randn(1, 3, 8, 8)
    with torch.inference_mode():
        results = []
        for _ in range(2):
            y = x
            for operation in operations:
                y = operation(y)
            results.append(y)
    assert torch.equal(*results)
