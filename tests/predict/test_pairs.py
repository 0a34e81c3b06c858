"""Pairs of rows: which there are, what is forecast of one from the other, and what ships of them."""

from __future__ import annotations

import json
from math import exp, log, sqrt
from pathlib import Path

import pytest

from vggcost.predict import devices, pairs, parameters, rows, spreads

FIELDS = {
    "card": "RTX 3090",
    "size": "",
    "dtype": "amp",
    "layout": "nchw",
    "framework": "PyTorch",
    "tier": "B",
    "mode": "eager",
    "times_host_copy": "0",
    "class": "tensor",
    "anomaly": "False",
    "family": "one",
    "note": "",
}
SHIPPED = json.loads(Path(spreads.PAIRS_FILE).read_text(encoding="utf-8"))


def measured(*given, **fields):
    """Rows of (model, batch, ms), read."""
    table = [
        {**FIELDS, "model": model, "batch": str(batch), "fwd_ms": str(time), **fields} for model, batch, time in given
    ]
    return rows.of_table(table, devices.shipped(), "rows.csv", "").paired


def ratios(found):
    return {relation: sorted(round(exp(row.log_ratio), 6) for row in its) for relation, its in found.items() if its}


def test_each_row_is_forecast_from_each_other_of_its_machine():
    given = measured(("vgg16", 16, 10.0), ("vgg19", 16, 15.0), ("vgg16", 64, 30.0), ("vgg16", 4, 5.0))
    found = ratios(pairs.residuals(given, [2.0, 3.0, 9.0, 1.5]))
    # Amounts a second: 0.2, 0.2, 0.3, 0.3.
    assert found == {
        "same batch": [1.0, 1.0],
        "other batch": sorted([1.5, 1.5, round(2 / 3, 6), round(2 / 3, 6)]),
        "other batch below 8": sorted([1.5, round(2 / 3, 6), 1.5, round(2 / 3, 6), 1.0, 1.0]),
    }


def test_between_two_batches_rates_are_interpolated():
    given = measured(("vgg16", 8, 10.0), ("vgg16", 32, 20.0), ("vgg19", 16, 5.0))
    found = ratios(pairs.residuals(given, [1.0, 8.0, 3.0]))
    assert found["between two batches"] == [pytest.approx(3.0 / sqrt(0.1 * 0.4) / 5.0)]


@pytest.mark.parametrize("column", [*rows.ALIKE, "size", "times_host_copy"])
def test_rows_of_another_machine_or_way_are_no_pair(column):
    other = {
        "card": "RTX 3080",
        "family": "two",
        "class": "",
        "mode": "compiled",
        "dtype": "fp16",
        "framework": "MXNet",
        "layout": "nhwc",
        "size": "256",
        "times_host_copy": "1",
    }
    mine, its = measured(("vgg16", 8, 10.0)), measured(("vgg19", 8, 10.0), **{column: other[column]})
    assert not any(pairs.residuals([*mine, *its], [1.0, 1.0]).values())
    assert any(pairs.residuals([*mine, *measured(("vgg19", 8, 10.0))], [1.0, 1.0]).values())


def test_intervals_rest_on_pairs_of_the_same_software():
    given = [*measured(("vgg16", 8, 10.0), note="cuDNN 5"), *measured(("vgg19", 8, 12.0), note="none")]
    assert len(pairs.residuals(given, [1.0, 1.0])["same batch"]) == 2
    assert not pairs.residuals(given, [1.0, 1.0], noted=True)["same batch"]


def test_tier_x_and_anomalies_are_no_pairs_and_tier_b_is_scored_by_none():
    assert measured(("vgg16", 8, 10.0), tier="X") == measured(("vgg16", 8, 10.0), anomaly="True") == ()
    assert len(measured(("vgg16", 8, 10.0))) == len(measured(("vgg16", 8, 10.0), tier="A")) == 1


def test_factors_and_errors_are_of_each_kind_and_of_all():
    given = [
        *measured(("vgg16", 8, 10.0), ("vgg19", 8, 12.0)),
        *measured(("vgg16", 8, 10.0), ("vgg19", 8, 10.0), card="Radeon 680M", dtype="fp32", **{"class": "amd-fp32"}),
    ]
    found = pairs.residuals(given, [1.0] * 4)
    assert pairs.intervals(found)["same batch"] == {
        "all": {"80": pytest.approx(1.2), "90": pytest.approx(1.2)},
        "amd": {"80": 1.0, "90": 1.0},
        "tensor-eager": {"80": pytest.approx(1.2), "90": pytest.approx(1.2)},
    }
    assert pairs.tables(found)["same batch"]["tensor-eager"]["rows"] == 2
    assert set(pairs.baseline(found)["same batch"]) == {"median", "p90"}


def test_what_ships_stands_on_the_parameters_and_rows_that_ship():
    assert SHIPPED["parameters_sha256"] == parameters.shipped_sha256(), "run python benchmarks/predict/pairs.py"
    assert SHIPPED["rows_sha256"] == parameters.shipped().data["rows_sha256"]
    for relation in spreads.RELATIONS:
        for level in pairs.LEVELS:
            assert spreads.shipped().factor(relation, "fp32", level) > 1
            assert log(spreads.shipped().factor(relation, "cpu", level)) > 0


@pytest.mark.parametrize(("relation", "median", "p90"), [("same batch", 0.04, 0.10), ("other batch", 0.065, None)])
def test_one_measurement_forecasts_as_well_as_is_said(relation, median, p90):
    figures = SHIPPED["pairs"][relation]["all"]
    assert figures["median"] <= median
    assert p90 is None or figures["p90"] <= p90
