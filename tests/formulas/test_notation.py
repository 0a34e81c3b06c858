from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost.formulas import windows
from vggcost.formulas.notation import Term, in_letters, in_numbers
from vggcost.network.layers import BatchNorm2d, Conv2d, Linear

CONV = Conv2d("c", None, 128, 256)


@pytest.mark.parametrize(
    ("layer", "letters", "numbers"),
    [
        (CONV, "k*k*Cin*Cout + Cout", "3*3*128*256 + 256"),
        (CONV.replace(bias=False), "k*k*Cin*Cout", "3*3*128*256"),
        (CONV.replace(kernel=(1, 3)), "kh*kw*Cin*Cout + Cout", "1*3*128*256 + 256"),
        (CONV.replace(groups=4), "k*k*(Cin//g)*Cout + Cout", "3*3*(128//4)*256 + 256"),
        (Linear("l", None, 4096, 10), "Fin*Fout + Fout", "4096*10 + 10"),
        (BatchNorm2d("b", None, 64), "2*C", "2*64"),
        (BatchNorm2d("b", None, 64, affine=False), "0", "0"),
    ],
)
def test_parameters_are_written_as_one_would_by_hand(layer, letters, numbers):
    call = layer.params_call()
    assert (in_letters(*call), in_numbers(*call)) == (letters, numbers)


def test_a_batch_of_one_is_left_away_and_another_stands():
    assert in_numbers(*CONV.macs_call((1, 256, 56, 56))) == "3*3*128*256*56*56"
    assert in_numbers(*CONV.macs_call((8, 256, 56, 56))) == "8*3*3*128*256*56*56"
    assert in_letters(*CONV.macs_call((8, 256, 56, 56))) == "N*k*k*Cin*Cout*Hout*Wout"


@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
def test_what_is_written_evaluates_to_what_is_counted(size, kernel, stride):
    text = str(windows.window_out(Term(str(size)), Term(str(kernel)), Term(str(stride)), Term("1")))
    assert eval(text) == windows.window_out(size, kernel, stride, 1)  # noqa: S307  # our own formula's text


def test_sums_are_bracketed_within_products_and_differences():
    total = Term("a") + Term("b")
    assert str(total * Term("c")) == "(a + b)*c"
    assert str(Term("c") - total) == "c - (a + b)"
    assert str(2 - total) == "2 - (a + b)"
    assert str(2 + Term("a")) == "2 + a"
