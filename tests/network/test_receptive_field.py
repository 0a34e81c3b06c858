from __future__ import annotations

import pytest

from vggcost.network import catalogue
from vggcost.network.blocks import Residual
from vggcost.network.layers import AdaptiveAvgPool2d, Conv2d, MaxPool2d
from vggcost.network.receptive_field import Field, fields


def by_name(letter, size=224):
    network = catalogue.network(letter, catalogue.Variant())
    return dict(zip((layer.name for layer in network.layers), fields(network.layers, (1, 3, size, size)), strict=True))


@pytest.mark.parametrize(("letter", "pixels"), [("A", 150), ("B", 156), ("D", 212), ("E", 268)])
def test_the_field_at_pool5(letter, pixels):
    assert by_name(letter)["pool5"].size == (pixels, pixels)
    assert by_name(letter)["pool5"].stride == (32, 32)


def test_the_papers_argument_two_3x3_see_5x5_and_three_see_7x7():
    convolutions = tuple(Conv2d(f"c{i}", None, 1, 1) for i in range(3))
    assert [field.size[0] for field in fields(convolutions, (1, 1, 9, 9))] == [3, 5, 7]


def reach(layers, shape, axis):
    """First and last pixel that the first output along one axis depends on, by following one pixel at a time."""
    length = shape[2 + axis]
    outputs = [frozenset({pixel}) for pixel in range(length)]
    for layer in layers:
        window = layer.window(shape)
        kernel, stride, pad = window.kernel[axis], window.stride[axis], window.padding[axis]
        padded = [frozenset({-i}) for i in range(pad, 0, -1)] + outputs + [frozenset()] * pad
        outputs = [
            frozenset().union(*padded[start : start + kernel]) for start in range(0, len(padded) - kernel + 1, stride)
        ]
        shape = layer.apply(shape)[0]
    return outputs


def test_fields_are_what_following_single_pixels_gives():
    layers = (
        Conv2d("a", None, 1, 1, (3, 5), (1, 2), (0, 0)),
        MaxPool2d("b", None, (2, 3), (2, 2)),
        Conv2d("c", None, 1, 1, (3, 3), (2, 1), (0, 0)),
    )
    shape = (1, 1, 40, 60)
    last = fields(layers, shape)[-1]
    for axis in (0, 1):
        outputs = reach(layers, shape, axis)
        assert max(outputs[0]) - min(outputs[0]) + 1 == last.size[axis]
        assert min(outputs[1]) - min(outputs[0]) == last.stride[axis]
        assert last.padding[axis] == 0


def test_padding_moves_the_first_field_before_the_image():
    pair = (Conv2d("a", None, 1, 1), MaxPool2d("p", None), Conv2d("b", None, 1, 1))
    assert fields(pair, (1, 1, 8, 8))[-1] == Field((8, 8), (2, 2), (3, 3))


def test_behind_the_flatten_there_is_no_place_in_the_image():
    fields_of_d = by_name("D")
    assert fields_of_d["avgpool"].size == (212, 212)
    assert fields_of_d["flatten"] is None
    assert fields_of_d["fc8"] is None


def test_an_adaptive_pool_has_a_field_only_where_its_cells_are_alike():
    assert fields((AdaptiveAvgPool2d("p", None, (7, 7)),), (1, 1, 14, 14))[-1].size == (2, 2)
    assert fields((AdaptiveAvgPool2d("p", None, (7, 7)),), (1, 1, 8, 8)) == (None,)


def test_a_residual_block_sees_what_its_body_and_its_shortcut_see():
    body = (Conv2d("a", None, 1, 1), Conv2d("b", None, 1, 1))
    assert fields((Residual("r", None, body),), (1, 1, 9, 9))[-1] == Field((5, 5), (1, 1), (2, 2))
