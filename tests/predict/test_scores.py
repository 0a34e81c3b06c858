"""Order statistics of errors, by hand."""

from __future__ import annotations

from math import exp, log

import pytest

from vggcost.predict.scores import ForecastResidual, by_device, by_mode, factor, median, quantile, score, tables


def row(device, ratio, wanted="fp32", mode="eager", within=1.2):
    return ForecastResidual(device, wanted, mode, "somebody", ratio, within)


def test_quantiles_lie_on_the_line_between_two():
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([4, 1, 3, 2], 0.9) == pytest.approx(3.7)
    assert quantile([5], 0.9) == 5
    assert median([3, 1, 2]) == 2


def test_a_score_is_its_figures():
    rows = [row("a", log(1.1)), row("a", log(0.7)), row("a", log(1.0)), row("b", log(1.5))]
    assert score(rows) == pytest.approx(
        {
            "rows": 4,
            "devices": 2,
            "median": 0.2,  # of 0.1, 0.3, 0, 0.5
            "p90": 0.3 + 0.7 * 0.2,
            "bias": (1.0 * 1.1) ** 0.5 - 1,
            "device_median": (0.1 + 0.5) / 2,
            "coverage80": 2 / 4,
            "coverage80_device": (2 / 3 + 0) / 2,
        }
    )


def test_every_device_weighs_the_same_in_a_factor():
    # 3 devices: (1 + 1/3) * 60% = 80% of the weight; b and c have 2/3 of it, and a's rows 1/9 each.
    rows = [*(row("a", size) for size in (0.3, -0.4, 0.5)), row("b", 0.1), row("c", -0.2)]
    assert factor(rows, 60) == pytest.approx(exp(0.4))
    assert factor(rows, 80) == pytest.approx(exp(0.5))  # 107%: the whole
    assert factor([row("a", 0.3), row("b", 0.1)], 30) == pytest.approx(exp(0.1))  # 45% of the weight


def test_rows_stand_in_their_groups():
    rows = [
        row("a", 0.1),
        row("b", 0.2, "tensor"),
        row("b", 0.3, "tensor", "compiled"),
        row("c", 0.4, "tensor", "compiled"),
    ]
    found = tables(rows)
    assert list(found) == ["all", "fp32", "tensor"]
    assert [found[name]["rows"] for name in found] == [4, 1, 3]
    assert {mode: each["devices"] for mode, each in by_mode(rows).items()} == {"compiled": 2, "eager": 1}
    assert {device: each["rows"] for device, each in by_device(rows).items()} == {"a": 1, "b": 2, "c": 1}
