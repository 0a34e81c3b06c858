"""On which networks and inputs counters are run where the command line leaves them open."""

from __future__ import annotations

from vggcost.frameworks.peers.matrix import MATRIX_BATCHES, MATRIX_SIZES, matrix_cells
from vggcost.network import catalogue

D, E = catalogue.find("D"), catalogue.find("E")


def shown(*given, **switches):
    cells = matrix_cells(*given, **{"every": False, "counters": False, **switches})
    return [(cell.plan.name, cell.options.get("batch_norm"), cell.size, cell.batch) for cell in cells]


def test_without_a_name_it_is_d_at_its_own_size():
    assert shown([], {}, None, None) == [("D", None, (224, 224), 1)]


def test_what_is_given_is_taken():
    assert shown([D, E], {"batch_norm": True}, (32, 48), 3) == [
        ("D", True, (32, 48), 3),
        ("E", True, (32, 48), 3),
    ]


def test_every_network_is_twelve_whatever_is_asked_of_batch_norm():
    cells = shown([], {"batch_norm": True, "classes": 4}, None, 2, every=True)
    assert len(set(cells)) == len(cells) == 12
    assert {batch_norm for _, batch_norm, _, _ in cells} == {False, True}
    assert {batch for *_, batch in cells} == {2}


def test_counters_without_an_input_run_the_matrix():
    cells = shown([], {}, None, None, counters=True)
    assert len(set(cells)) == len(cells) == 12 * len(MATRIX_SIZES) * len(MATRIX_BATCHES)
    assert shown([E], {}, None, None, counters=True) == [
        ("E", None, (side, side), batch) for side in MATRIX_SIZES for batch in MATRIX_BATCHES
    ]


def test_counters_with_an_input_run_there_alone():
    assert shown([], {}, (64, 64), None, counters=True) == [("D", None, (64, 64), 1)]
    assert shown([], {}, None, 2, counters=True) == [("D", None, (224, 224), 2)]


def test_a_network_file_is_held_at_its_own_size():
    small = D.replace(size=(96, 64))
    assert shown([small], {}, None, None, counters=True, own_size=True) == [
        ("D", None, (96, 64), batch) for batch in MATRIX_BATCHES
    ]
