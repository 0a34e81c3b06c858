from __future__ import annotations

import json

import pytest
import sympy

from vggcost.costs.stacks import stack

C, H, W = sympy.symbols("C H W", integer=True, positive=True)


def test_the_papers_three_3x3_against_one_7x7():
    three = stack([(3, 3)] * 3, [C] * 4, (H, W))
    one = three.single((H, W))
    assert (three.receptive_field, three.weights, three.macs) == ((7, 7), 27 * C**2, 27 * C**2 * H * W)
    assert (one.kernels, one.weights, one.macs) == (((7, 7),), 49 * C**2, 49 * C**2 * H * W)


def test_a_bottleneck_is_counted_width_by_width():
    small = stack([(1, 1), (3, 3), (1, 1)], [256, 64, 64, 256], (56, 56))
    assert small.weights == 256 * 64 + 3 * 3 * 64 * 64 + 64 * 256
    assert small.macs == small.weights * 56 * 56
    assert small.single((56, 56)).weights == 3 * 3 * 256 * 256


def test_symbols_and_numbers_agree_on_uneven_kernels():
    kernels = [(1, 7), (7, 1), (3, 3)]
    symbolic = stack(kernels, [C] * 4, (H, W))
    numeric = stack(kernels, [48] * 4, (17, 19))
    assert symbolic.receptive_field == numeric.receptive_field == (9, 9)
    assert symbolic.macs.subs({C: 48, H: 17, W: 19}) == numeric.macs


def test_the_screen_shows_both_sides(vggcost):
    out = vggcost("stack", "3x3", "3x3", "3x3").out
    assert "27*C**2" in out
    assert "49*C**2" in out
    assert "7x7" in out
    assert "49*C**2*56*56" not in out
    assert "84672*C**2" in vggcost("stack", "3x3", "3x3", "3x3", "--size", "56").out


def test_every_format(vggcost):
    document = json.loads(vggcost("stack", "3x3", "3x3", "--channels", "8", "--size", "4", "--format", "json").out)
    assert document["stack"]["weights"] == 2 * 3 * 3 * 8 * 8
    assert document["single"]["macs"] == 5 * 5 * 8 * 8 * 4 * 4
    for fmt in ("markdown", "csv", "latex"):
        assert "576" in vggcost("stack", "3x3", "--channels", "8", "--format", fmt).out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no kernels are given"),
        (("3by3",), "a kernel is '3by3'; give its sides, as 3x3 or 3"),
        (("0x3",), "kernel 0x3 is 0; give a whole number of at least 1"),
        (("3x3", "--channels", "1:2:3"), "--channels is '1:2:3', 3 widths for 1 kernels; give one width, or 2"),
        (("3x3", "--channels", "many"), "--channels is 'many'; give a whole number"),
        (("3x3", "--size", "big"), "--size is 'big'"),
    ],
)
def test_bad_words_are_refused(refused, words, message):
    assert message in refused("stack", *words)
