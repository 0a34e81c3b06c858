"""The int door: what it lets in, what it hands out, how it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import vggcost
from vggcost import VggcostError, cost
from vggcost.costs.table import checked_count, table
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
            # Dilated by 3 the rows reach over 13, by 2 the columns over 9; zeros on either side take from that.
            (Conv2d("c", None, 3, 3, (5, 5), (1, 1), (1, 0), dilation=(3, 2)),),
            "c needs 11x9 and gets 8x8; the smallest size that works is 11x9",
        ),
        (
            (MaxPool2d("p", None, (2, 6), (1, 1), (0, 3), dilation=(9, 3)),),
            "p needs 10x10 and gets 8x8; the smallest size that works is 10x10",
        ),
        (
            (MaxPool2d("q", None, (1, 2), (3, 1)), MaxPool2d("p", None, (3, 9), (1, 2))),
            "p needs 3x9 and gets 3x7; the smallest size that works is 7x10",
        ),
        (
            (
                MaxPool2d("p", None, (4, 1), (4, 1)),
                Flatten("f", None),
                Linear("l", None, 49, 2),
                MaxPool2d("never", None),
            ),
            r"l takes 49 features and gets 48 \(from 3x2x8\) at 8x8",
        ),
        (
            (Residual("r", None, (Conv2d("c", None, 3, 3, stride=(2, 2)),)),),
            "r cannot add: its body yields 1x3x4x4 and its shortcut 1x3x8x8",
        ),
    ],
)
def test_a_layer_that_does_not_fit_is_named(layers, message):
    with pytest.raises(VggcostError, match=message):
        table(network(*layers), (1, 3, 8, 8))


def test_a_layer_that_does_not_fit_is_told_the_feature_map_before_it_not_the_last_of_the_network():
    # The way goes on behind the layer, and back to feature maps.
    features = (Flatten("f", None), Linear("l", None, 5, 2))
    with pytest.raises(VggcostError, match=r"l takes 5 features and gets 192 \(from 3x8x8\) at 8x8; change --size"):
        table(network(*features, Conv2d("c", None, 3, 3)), (2, 3, 8, 8))
    with pytest.raises(VggcostError, match=r"c2 takes 9 channels and gets 4 \(from 4x5x7\) at 5x7$"):
        table(network(Conv2d("c1", None, 3, 4), Conv2d("c2", None, 9, 8)), (2, 3, 5, 7))


def test_where_no_size_works_the_strides_are_to_blame():
    strides = [MaxPool2d(f"p{i}", None, (10**6, 10**6), (10**6, 10**6)) for i in range(4)]
    with pytest.raises(VggcostError, match=r"too small for test: p0 needs 1000000x1000000 and gets 8x8; no size up to"):
        table(network(*strides), (1, 3, 8, 8))
    # The largest size that is searched works.
    strides = [MaxPool2d(f"p{i}", None, (10**6, 10**6), (10**6, 10**6)) for i in range(3)]
    with pytest.raises(VggcostError, match="the smallest size that works is 1000000000000000000x1000000000000000000"):
        table(network(*strides), (1, 3, 8, 8))


def test_a_count_is_let_in_up_to_the_limit_and_from_the_minimum_on():
    assert checked_count(10**18, "batch") == 10**18
    assert checked_count(1, "batch") == 1
    assert checked_count(0, "padding", 0) == 0
    with pytest.raises(VggcostError, match=r"^padding is -1; give at least 0$"):
        checked_count(-1, "padding", 0)
    with pytest.raises(VggcostError, match=r"^batch is 0; give at least 1$"):
        checked_count(0, "batch")
    with pytest.raises(VggcostError, match=r"^batch is 'x'; give a whole number of at least 1$"):
        checked_count("x", "batch")


def test_a_row_is_what_its_step_was():
    result = table(network(Conv2d("c", "0", 3, 5, (3, 1), (1, 1), (0, 0))), (2, 3, 8, 9))
    (row,) = result.rows
    assert (row.name, row.kind, row.path) == ("c", "Conv2d", "0")
    assert (row.input, row.output) == ((2, 3, 8, 9), (2, 5, 6, 9))
    assert row.params == result.params == 3 * 1 * 3 * 5 + 5
    assert row.macs == result.macs == 2 * 3 * 1 * 3 * 5 * 6 * 9
    assert row.flops == result.flops == 2 * row.macs
    assert row.output_elements == 2 * 5 * 6 * 9
    assert row.ledger == result.ledger


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
