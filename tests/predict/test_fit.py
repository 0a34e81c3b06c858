"""What ships is what the fit in the repository gives, and the tables are those of what ships."""

from __future__ import annotations

import hashlib
import sys
import tomllib

import pytest

from vggcost.predict import devices, evaluation, parameters, plain_toml, rows

TABLE = devices.shipped()
SHIPPED = parameters.shipped()
DATA = evaluation.shipped()


@pytest.fixture
def here(checkout, monkeypatch):
    """The folder of the fit, on the path of imports."""
    folder = checkout / "benchmarks" / "predict"
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in ("arrays", "fit", "evaluate"):
        sys.modules.pop(name, None)


@pytest.fixture
def given(here):
    return rows.read(str(here / "rows.csv"), TABLE)


def test_the_tables_are_of_the_shipped_parameters_and_rows(here):
    digest = hashlib.sha256((here / "rows.csv").read_bytes()).hexdigest()
    assert SHIPPED.data["rows_sha256"] == DATA["rows_sha256"] == digest
    assert DATA["parameters_sha256"] == parameters.shipped_sha256()


def test_errors_and_coverage_are_within_what_the_docs_promise():
    out = DATA["device_out"]["all"]
    assert (out["rows"], out["devices"]) == (351, 22)
    assert out["median"] <= 0.10
    assert out["p90"] <= 0.25
    assert 0.75 <= out["coverage80"] <= 0.92
    assert out["median"] < DATA["roofline"]["all"]["median"] / 2
    assert out["median"] < DATA["flop_ratio"]["all"]["median"] / 2


def test_rows_say_which_are_not_scored(given):
    assert len(given.scored) == 351
    assert dict(given.left_out) == DATA["left_out"]
    # A row's class is the one that follows from its card and its dtype.
    from vggcost.predict.classes import class_of

    assert all(row.wanted == class_of(row.device, row.choice.dtype) for row in given.scored)


def test_arrays_and_numbers_are_one_formula(given):
    pytest.importorskip("numpy")
    from arrays import Arrays

    some = list(given.scored)[::7]
    seconds = Arrays(some).seconds(dict(SHIPPED.values))
    assert list(seconds) == pytest.approx([evaluation.seconds(row, SHIPPED.values) for row in some], rel=1e-12)


def test_the_fit_gives_the_shipped_parameters(given):
    pytest.importorskip("scipy")
    from fit import FITTED, STATED, fitted, seen, steps

    values = fitted(list(given.scored))
    assert values == pytest.approx(dict(SHIPPED.values), rel=1e-4)
    assert SHIPPED.data["fitted"] == list(FITTED)
    assert SHIPPED.data["stated"] == list(STATED)
    assert {name: SHIPPED.values[name] for name in STATED} == STATED
    assert seen(list(given.scored)).keys() == SHIPPED.data["seen"].keys()
    made = steps(list(given.scored), [0.0] * len(given.scored))
    for wanted, row in SHIPPED.data["step"].items():
        assert made[wanted]["plain"] == pytest.approx(row["plain"], rel=1e-4)


@pytest.mark.torch  # half a minute of fits
def test_the_tables_are_what_leaving_out_gives(given):
    pytest.importorskip("scipy")
    from evaluate import by_device, tables, with_intervals
    from fit import factors, left_out, residuals

    found = residuals(list(given.scored), left_out(list(given.scored), by_device))
    made = tables(with_intervals(found))
    for name in ("all", "fp32", "tf32", "tensor", "vector-half"):
        assert made[name] == pytest.approx(DATA["device_out"][name], abs=2e-4)
    for name, levels in factors(found).items():
        assert levels == pytest.approx(
            {int(key): value for key, value in SHIPPED.data["interval"][name].items()}, rel=1e-3
        )


@pytest.mark.parametrize("path", [devices.DEVICES_FILE, parameters.PARAMETERS_FILE])
def test_the_quick_reader_reads_toml(path):
    with open(path, "rb") as file:
        assert plain_toml.read(path) == tomllib.load(file)
