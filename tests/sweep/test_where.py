"""The language of --where."""

from __future__ import annotations

import numpy as np
import pytest

from vggcost.errors import VggcostError
from vggcost.sweep.columns import NOTHING
from vggcost.sweep.where import parse


@pytest.mark.parametrize(
    ("text", "column", "sign", "value"),
    [
        ("params < 20e6", "params", "<", 20_000_000),
        ("params<=1.5k", "params", "<=", 1500),
        ("training_bytes < 8GiB", "training_bytes", "<", 8 * 1024**3),
        ("training_bytes < 8GB", "training_bytes", "<", 8 * 10**9),
        ("macs > 2.5", "macs", ">", 2),
        ("macs >= 2.5", "macs", ">=", 3),
        ("macs < 2.5", "macs", "<", 3),
        ("macs <= 2.5", "macs", "<=", 2),
        ("batch == 8", "batch", "==", 8),
        ("width = 0.5", "width", "=", 0.5),
        ("batch_norm != false", "batch_norm", "!=", False),
        ('config == "A-LRN"', "config", "==", "A-LRN"),
    ],
)
def test_a_condition_is_read(text, column, sign, value):
    (found,) = parse([text])
    assert (found.column, found.sign, found.value) == (column, sign, value)


def test_all_conditions_of_all_texts_hold():
    assert [each.column for each in parse(["params < 1M and macs < 1G", "batch > 2"])] == ["params", "macs", "batch"]


def test_what_has_no_number_never_holds():
    for text in ("count < 5", "count != 5"):
        (condition,) = parse([text])
        assert condition.holds(np.array([3, 5, NOTHING])).tolist() == [True, text == "count > 5", False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("parms < 3", "unknown column 'parms'; the nearest are params"),
        ("params < 8GiB", "unit 'GiB' does not fit it; give 20e6 or 20M"),
        ("saved_bytes < 8G", "unit 'G' does not fit it; give 8GiB or 8GB"),
        ("batch < 8k", "unit 'k' does not fit it"),
        ("params", "cannot read --where 'params'"),
        ("params < 3 and", "cannot read"),
        ("params < 3 or macs < 3", "cannot read"),
        ("__import__('os') < 3", "cannot read"),
        ("params < -3", "give a number"),
        ("dtype < float32", "it is no number; write == or !="),
        ("bias == yes", "give true or false"),
        ("", "cannot read"),
    ],
)
def test_a_condition_that_is_none_is_refused(text, says):
    with pytest.raises(VggcostError, match=says):
        parse([text])
