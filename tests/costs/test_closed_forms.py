"""Every closed form, evaluated, is the table."""

from __future__ import annotations

import itertools

import pytest
import sympy

import vggcost
from vggcost.costs.closed_forms import SYMBOLS, K, N
from vggcost.errors import VggcostError
from vggcost.network import catalogue

VARIANTS = list(itertools.product(catalogue.TABLE_1, (False, True), (True, False)))


def counted(cost):
    """The five quantities, from the table's rows."""
    rows = cost.table.rows
    ledger = cost.table.ledger
    weighty = [row for row in rows if row.kind in ("Conv2d", "Linear")]
    return {
        "params": cost.totals.params,
        "macs": cost.totals.macs,
        "bias_adds": ledger["conv_bias_adds"] + ledger["linear_bias_adds"],
        "weight_layer_output_elements": sum(row.output_elements for row in weighty),
        "output_elements": sum(row.output_elements for row in rows),
    }


@pytest.mark.parametrize(("letter", "batch_norm", "adaptive_pool"), VARIANTS)
def test_closed_forms_equal_the_table_over_a_grid(letter, batch_norm, adaptive_pool):
    options = {"batch_norm": batch_norm, "adaptive_pool": adaptive_pool}
    form = vggcost.closed_form(letter, **options)
    sizes = [(32, 32), (64, 96), (224, 224), (256, 320)] if adaptive_pool else [(224, 224)]
    for (height, width), batch, classes in itertools.product(sizes, (1, 3), (1, 10, 1000)):
        table = vggcost.cost(letter, **options, size=(height, width), batch=batch, classes=classes)
        assert form.at(batch, classes, height, width) == counted(table)


def test_closed_forms_of_d_are_factored_so_that_one_sees_why():
    form = vggcost.closed_form("D")
    assert str(form.params) == "4097*K + 134260544"
    assert str(form.macs) == "4096*N*(K + 76464*a*b + 29184)"


def test_without_adaptive_pool_the_image_is_fixed():
    form = vggcost.closed_form("D", adaptive_pool=False)
    assert form.image == (224, 224)
    assert form.macs.free_symbols == {N, K}


@pytest.mark.parametrize("letter", catalogue.TABLE_1)
def test_layers_and_parts_add_up_to_the_whole(letter):
    form = vggcost.closed_form(letter, batch_norm=True)
    for pieces in ([form.layer(layer.name) for layer in form.network.layers], form.parts().values()):
        for name, whole in form.quantities().items():
            assert sympy.expand(sum(getattr(piece, name) for piece in pieces) - whole) == 0


def test_a_number_given_takes_its_symbols_place():
    form = vggcost.closed_form("D", classes=10, batch=2, size=(64, 64))
    assert not form.macs.free_symbols
    assert form.macs == vggcost.cost("D", classes=10, batch=2, size=64).totals.macs


def test_what_symbols_cannot_check_the_numbers_do():
    with pytest.raises(VggcostError, match="too small"):
        vggcost.closed_form("D", size=(20, 20))
    with pytest.raises(VggcostError, match="multiples of 32 pixels and got 225x224"):
        vggcost.closed_form("D").at(1, 1000, 225, 224)
    with pytest.raises(VggcostError, match="unknown layer 'conv9_1' in D; the nearest are conv5_1"):
        vggcost.closed_form("D").layer("conv9_1")


def test_the_symbols_are_the_four_of_the_documentation():
    assert [str(symbol) for symbol in SYMBOLS] == ["N", "K", "a", "b"]
