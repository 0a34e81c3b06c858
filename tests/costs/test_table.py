"""The int door: what it lets in, what it hands out, how it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import vggcost
from vggcost import VggcostError, cost
from vggcost.costs.table import table
from vggcost.network.blocks import Residual
from vggcost.network.catalogue import Network, Variant
from vggcost.network.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU


def network(*layers):
    return Network("test", Variant(), layers)


def test_everything_that_comes_out_is_a_plain_int():
    result = cost("D", size=(np.int64(224), 224), batch=np.int32(2))
    for layer in result.layers:
        numbers = (*layer.input, *layer.output, layer.params, layer.macs, layer.flops, layer.count)
        assert {type(number) for number in numbers} == {int}


def test_counts_up_to_10_to_the_18_are_exact():
    batch = 10**18
    assert cost("E", batch=batch).totals.macs == batch * 19_632_062_464
    with pytest.raises(VggcostError, match=r"batch is 1000000000000000001, above the limit of 10\^18"):
        cost("E", batch=batch + 1)


@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True, None])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(VggcostError, match=r"batch is .*; give"):
        cost("D", batch=value)
    if value is not None:  # None leaves an option as the configuration has it
        with pytest.raises(VggcostError, match=r"classes is .*; give"):
            cost("D", classes=value)


@pytest.mark.parametrize("size", [(224,), (224, 224, 3), 0, (224, -1), "224"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(VggcostError, match="size"):
        cost("D", size=size)


@pytest.mark.parametrize("name", ["A", "A-LRN", "B", "C", "D", "E"])
def test_an_image_too_small_names_the_layer_and_the_smallest_size_that_works(name):
    with pytest.raises(VggcostError, match=r"pool5 needs 2x2 and gets 1x14; the smallest size that works is 32x32"):
        cost(name, size=(31, 224))
    assert cost(name, size=32).totals.params == cost(name).totals.params


def test_without_adaptive_pool_both_numbers_of_features_are_named():
    with pytest.raises(VggcostError, match=r"fc6 takes 25,088 features and gets 32,768 \(from 512x8x8\) at 256x256"):
        cost("D", size=256, adaptive_pool=False)
    assert cost("D", size=255, adaptive_pool=False).totals.params == 138_357_544


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Conv2d("c1", None, 3, 8), Conv2d("c2", None, 9, 8)), "c2 takes 9 channels and gets 8"),
        ((Conv2d("c1", None, 3, 8), BatchNorm2d("b", None, 9)), "b takes 9 channels and gets 8"),
        ((Flatten("f", None), Linear("l", None, 191, 2)), "l takes 191 features and gets 192"),
        ((MaxPool2d("p", None, (9, 9), (1, 1)),), "p needs 9x9 and gets 8x8; the smallest size that works is 9x9"),
        (
            (Residual("r", None, (Conv2d("c", None, 3, 3, stride=(2, 2)),)),),
            "r cannot add: its body yields 1x3x4x4 and its shortcut 1x3x8x8",
        ),
    ],
)
def test_a_layer_that_does_not_fit_is_named(layers, message):
    with pytest.raises(VggcostError, match=message):
        table(network(*layers), (1, 3, 8, 8))


def test_a_residual_block_is_its_body_its_shortcut_and_an_addition():
    block = Residual(
        "r",
        "r",
        (Conv2d("c", "r.body.0", 3, 8), ReLU("a", "r.body.1")),
        (Conv2d("s", "r.shortcut.0", 3, 8, (1, 1), (1, 1), (0, 0)),),
    )
    result = table(network(block), (2, 3, 8, 8))
    assert [row.name for row in result.rows][:3] == ["c", "a", "s"]
    assert result.rows[-1].kind == "Add"
    assert result.ledger["add_elements"] == 2 * 8 * 8 * 8
    assert result.params == (3 * 3 * 3 * 8 + 8) + (3 * 8 + 8)


def test_the_public_names_are_all_there_and_no_others():
    for name in vggcost.__all__:
        assert getattr(vggcost, name) is not None
    assert dir(vggcost) == sorted(vggcost.__all__)
    with pytest.raises(AttributeError):
        _ = vggcost.tabel
