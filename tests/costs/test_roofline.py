"""Bytes that a layer must move, which ceiling binds, and which convolutions may be Winograd's."""

from __future__ import annotations

import pytest

from vggcost import api
from vggcost.costs.roofline import COMPUTE, MEMORY, WINOGRAD_SAVING, Roof, intensity, least_bytes
from vggcost.costs.table import table
from vggcost.network.layers import Conv2d, ReLU
from vggcost.network.plan import Variant
from vggcost.network.products import MatMul


def test_least_bytes_count_each_input_parameter_buffer_and_output_once():
    network = api.build("A", Variant(batch_norm=True, classes=10, width=0.125, adaptive_pool=False, head=(16,)), 32)
    rows = {row.name: row for row in table(network, (2, 3, 32, 32)).rows}
    assert least_bytes(rows["conv1_1"], 4) == 4 * (2 * 3 * 32 * 32 + 3 * 8 * 9 + 8 + 2 * 8 * 32 * 32)
    assert least_bytes(rows["bn1_1"], 4) == 4 * (2 * 2 * 8 * 32 * 32 + 2 * 8 + 2 * 8)
    assert least_bytes(rows["fc7"], 2) == 2 * (2 * 16 + 16 * 10 + 10 + 2 * 10)


def test_an_addition_reads_both_of_its_inputs():
    counted = table(api.build("residual-vgg16", Variant()), (1, 3, 224, 224))
    addition = next(row for row in counted.rows if row.kind == "Add")
    assert least_bytes(addition, 4) == 4 * 3 * 64 * 224 * 224


@pytest.mark.parametrize(
    ("changes", "served"),
    [
        ({}, True),
        ({"padding": (0, 0), "bias": False}, True),
        ({"kernel": (1, 1)}, False),
        ({"kernel": (3, 5)}, False),
        ({"stride": (2, 2)}, False),
        ({"stride": (1, 2)}, False),
        ({"dilation": (2, 2)}, False),
        ({"groups": 4}, False),
    ],
)
def test_winograd_serves_plain_3x3_convolutions_alone(changes, served):
    assert Conv2d("conv", None, 4, 8).replace(**changes).winograd is served


def test_nothing_else_is_winograds():
    assert not ReLU("relu", None).winograd
    assert not MatMul("product", None, 3, (3, 3)).winograd
    assert WINOGRAD_SAVING == (4 * 3) ** 2 / (4 + 3 - 1) ** 2


def test_the_ceiling_that_takes_longer_binds():
    roof = Roof(flops_per_s=100e9, bytes_per_s=10e9)  # the ridge is at 10 FLOP/B
    assert roof.bound(11_000, 1_000) == COMPUTE
    assert roof.bound(9_000, 1_000) == MEMORY
    assert roof.bound(0, 1) == MEMORY
    # At the ridge itself, 8 FLOP/B, arithmetic is said to bind.
    assert Roof(flops_per_s=2.0**30, bytes_per_s=2.0**27).bound(8_000, 1_000) == COMPUTE


def test_intensity():
    assert intensity(30, 4) == 7.5
    assert intensity(0, 4) is None
    assert intensity(30, 0) is None
