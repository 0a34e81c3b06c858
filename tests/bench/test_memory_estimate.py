"""What a bench says of memory before it builds anything: refusals with the batch that should fit."""

from __future__ import annotations

import pytest

from vggcost import api
from vggcost.bench.memory_estimate import check_fits, refused
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
