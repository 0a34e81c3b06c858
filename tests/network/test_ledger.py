from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vggcost.network.ledger import PRIMITIVES, Ledger

ledgers = st.dictionaries(st.sampled_from(sorted(PRIMITIVES)), st.integers(0, 10**12)).map(lambda d: Ledger(**d))


@given(ledgers, ledgers, st.integers(0, 9))
def test_ledgers_add_and_scale_primitive_by_primitive(one, other, times):
    both = one + times * other
    assert all(both[name] == one[name] + times * other[name] for name in PRIMITIVES)
    assert one + other == other + one
    assert one + Ledger() == one


def test_a_missing_primitive_counts_nothing_and_an_unknown_one_is_an_error():
    assert Ledger()["conv_macs"] == 0
    with pytest.raises(KeyError):
        Ledger()["macs_of_something"]
    with pytest.raises(KeyError):
        Ledger(macs_of_something=1)


def test_a_ledger_is_frozen():
    with pytest.raises(AttributeError):
        Ledger().conv_macs = 1


def test_macs_are_those_of_convolutions_and_linear_layers_alone():
    assert Ledger(conv_macs=3, linear_macs=4, relu_elements=100).macs == 7
    assert Ledger(conv_macs=3).macs == 3
    assert Ledger(linear_macs=4).macs == 4


def test_a_ledger_shows_what_it_holds():
    assert repr(Ledger(conv_macs=3)) == "Ledger(conv_macs=3)"
    assert hash(Ledger(conv_macs=3)) == hash(Ledger(conv_macs=3, linear_macs=0))


def test_ledgers_are_equal_both_ways_or_not_at_all():
    fewer, more = Ledger(conv_macs=3), Ledger(conv_macs=3, relu_elements=1)
    assert fewer != more
    assert more != fewer


def test_ledgers_of_arrays_are_compared_element_by_element():
    def swept(*macs):
        return Ledger(conv_macs=np.array(macs, dtype=np.int64), relu_elements=7)

    assert swept(3, 4) == swept(3, 4)
    assert swept(3, 4) != swept(3, 5)
    assert swept(3, 3) != Ledger(conv_macs=3, relu_elements=7)
    assert Ledger(conv_macs=3, relu_elements=7) != swept(3, 3)


def test_ledgers_are_compared_over_the_primitives_of_both_sides():
    one, none = Ledger(conv_macs=3), Ledger()
    assert one != none
    assert none != one
    assert Ledger(conv_macs=3, linear_macs=4) != one
    assert one != Ledger(conv_macs=3, linear_macs=4)
    assert one == Ledger(linear_macs=0, conv_macs=3)
    assert one != 3
    assert hash(one) != hash(none)


def test_a_ledger_is_multiplied_from_either_side():
    assert Ledger(conv_macs=3) * 5 == 5 * Ledger(conv_macs=3) == Ledger(conv_macs=15)


def test_what_is_there_comes_in_the_order_in_which_it_was_given():
    both = Ledger(relu_elements=3, conv_macs=5)
    assert list(both) == ["relu_elements", "conv_macs"]
    assert list(both.items()) == [("relu_elements", 3), ("conv_macs", 5)]
    assert repr(both) == "Ledger(relu_elements=3, conv_macs=5)"
