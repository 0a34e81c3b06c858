"""What a bench says of memory before it builds anything: refusals with the batch that should fit."""

from __future__ import annotations

import pytest

from vggcost import api
from vggcost.bench.memory_check import check_fits, graph_refused, refused
from vggcost.costs.memory import in_use_bytes
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network.plan import Variant


def counted(batch=1):
    return table(api.build("D", Variant()), (batch, 3, 224, 224))


def test_a_batch_that_does_not_fit_is_refused_with_the_one_that_should():
    with pytest.raises(VggcostError, match=r"batch 1000 of D \(VGG-16\) needs about .* give --batch 93 "):
        check_fits(counted(batch=1000), 4, 3 * 10**9)
    check_fits(counted(batch=93), 4, 3 * 10**9)
    check_fits(counted(batch=10**6), 4, None)


def test_nothing_fits_where_the_weights_do_not():
    with pytest.raises(VggcostError, match="not even one image fits"):
        check_fits(counted(), 4, 10**6)


def test_an_allocator_that_gave_up_is_answered_with_a_smaller_batch_than_it_was_asked_for():
    assert "give --batch 4 " in str(refused(counted(batch=8), 4, 10**12))
    assert "smaller --batch" in str(refused(counted(batch=8), 4, None))


def test_a_graph_needs_room_for_a_second_set_of_activations():
    of_eight = counted(batch=8)
    forward = in_use_bytes(of_eight, 4)
    pool = forward - 4 * (of_eight.params + 8 * 3 * of_eight.input[2] * of_eight.input[3])
    assert graph_refused(of_eight, 4, forward + pool) is None
    assert "do not fit beside those of a forward" in graph_refused(of_eight, 4, forward + pool - 1)
    assert graph_refused(of_eight, 4, None) is None


def test_after_a_refusal_half_way_the_advice_is_half_of_what_was_refused_or_what_fits():
    of_eight = counted(batch=8)
    assert "give --batch 4 " in str(refused(of_eight, 4, 10**12))
    fits = in_use_bytes(counted(batch=3), 4)
    assert "give --batch 3 " in str(refused(of_eight, 4, fits))
    assert "not even one image fits" in str(refused(counted(batch=1), 4, None))
    assert "--batch" not in str(refused(counted(batch=1), 4, None))
