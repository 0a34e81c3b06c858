"""Forecasts from a measurement against arithmetic that is written out: rates, scales, batches between, intervals."""

from __future__ import annotations

from math import prod, sqrt

import pytest
from measured_documents import case, document, forecast_of

from vggcost.errors import VggcostError
from vggcost.predict import calibration, devices, measurement, parameters, spreads
from vggcost.predict.classes import Choice, machine_of
from vggcost.predict.intervals import WIDER
from vggcost.predict.model import terms

CPU_RATES = {"first layer": 50.0, "convolution": 200.0, "Linear": 20.0, "ReLU": 25.0, "MaxPool2d": 1.0}
"""GFLOP/s, GFLOP/s, and GB/s: so many FLOPs or bytes a nanosecond."""


def cpu_ns(row):
    """What a layer takes on a CPU of these rates [ns]."""
    if row["kind"] == "Conv2d":
        return row["flops"] / CPU_RATES["first layer" if row["input"][1] == 3 else "convolution"]
    if row["kind"] in CPU_RATES:
        return row["min_bytes"] / CPU_RATES[row["kind"]]
    return 0


def forecast(subject, made, level=80):
    return calibration.forecast(subject, calibration.calibration(measurement.of_document(made, "bench.json")), level)


@pytest.mark.parametrize("whole_over_layers", [1.0, 1.1])
def test_a_cpu_is_its_rates(whole_over_layers):
    made = document(case("A", cpu_ns, whole_over_layers=whole_over_layers))
    given = forecast_of("D", 1)
    found = {row.name: row.ms for row in forecast(given, made).layers}
    rows = {row.name: row for row in given.counted.rows}
    for name, rate in (("conv1_1", 50.0), ("conv1_2", 200.0), ("conv5_3", 200.0)):
        assert found[name] == pytest.approx(rows[name].flops / rate * 1e-6 * whole_over_layers)
    for name, rate in (("relu3_1", 25.0), ("pool4", 1.0)):
        moved = 4 * (prod(rows[name].input) + prod(rows[name].output))
        assert found[name] == pytest.approx(moved / rate * 1e-6 * whole_over_layers)
    weights = 4 * (25088 * 4096 + 4096 + 25088 + 4096)
    assert found["fc6"] == pytest.approx(weights / 20.0 * 1e-6 * whole_over_layers)


def test_arithmetic_binds_a_cpus_classifier_where_each_weight_is_used_often():
    made = document(case("A", cpu_ns))
    found = {row.name: row.ms for row in forecast(forecast_of("A", 64), made).layers}
    assert found["fc6"] == pytest.approx(2 * 64 * 25088 * 4096 / 200.0 * 1e-6)


def test_a_kind_that_was_not_timed_has_the_rate_of_all_passes():
    made = document(case("A", cpu_ns))
    found = forecast(forecast_of("A", 1, batch_norm=True), made)
    passes = [row for row in forecast_of("A", 1).counted.rows if row.kind in ("ReLU", "MaxPool2d")]
    moved = [4 * (prod(row.input) + prod(row.output)) for row in passes]
    spent = [each / CPU_RATES[row.kind] for each, row in zip(moved, passes, strict=True)]
    (layer,) = (row for row in found.layers if row.name == "bn1_1")
    assert layer.ms == pytest.approx(4 * 2 * 64 * 224 * 224 / (sum(moved) / sum(spent)) * 1e-6)


GPU = {"environment__device_name": "NVIDIA A100-SXM4-40GB", "environment__compute_capability": "8.0"}
CARD = devices.shipped().find("a100").device


def modelled_ms(subject, dtype="float32"):
    """The model's time of each layer on the card."""
    _, machine = machine_of(CARD, Choice(dtype), parameters.shipped().values)
    return {work.name: terms(work, machine).seconds * 1e3 for work in subject.works}


SCALES = {"Conv2d": 1.25, "Linear": 0.5}


def gpu_ns(name, batch):
    """Times that are the model's, each kind by a scale of its own."""
    told = modelled_ms(forecast_of(name, batch))
    return lambda row: told.get(row["name"], 0) * 1e6 * SCALES.get(row["kind"], 2.0)


def test_a_gpu_is_its_model_with_a_scale_a_kind():
    made = document(case("A", gpu_ns("A", 16), 16), device="cuda:0", **GPU)
    given = forecast_of("E", 16, width=0.5)
    found = forecast(given, made)
    told = modelled_ms(given)
    for row in found.layers:
        assert row.ms == pytest.approx(told[row.name] * SCALES.get(row.kind, 2.0), rel=1e-4)
    assert found.basis["model"] == "the datasheet of the A100-SXM4-40GB"
    assert sum(found.parts.values()) == pytest.approx(found.likely_ms)


def test_a_gpu_that_was_timed_whole_has_one_scale():
    made = document(case("A", gpu_ns("A", 16), 16, layers=False), device="cuda:0", **GPU)
    scale = (
        sum(made["cases"][0]["passes"]["whole"]["samples_ns"]) / 30e6 / sum(modelled_ms(forecast_of("A", 16)).values())
    )
    found = forecast(forecast_of("E", 16), made)
    assert found.likely_ms == pytest.approx(sum(modelled_ms(forecast_of("E", 16)).values()) * scale)
    assert any("no layers were timed" in warning for warning in found.warnings)


def test_a_gpu_that_no_table_has_is_its_own_ceilings():
    made = document(
        case("A", gpu_ns("A", 16), 16), device="cuda:0", **(GPU | {"environment__device_name": "Simulated"})
    )
    found = forecast(forecast_of("A", 16, classes=10), made)
    assert found.basis["model"] == "its measured ceilings"
    whole = sum(made["cases"][0]["passes"]["whole"]["samples_ns"]) / 30e6
    assert found.likely_ms == pytest.approx(whole, rel=0.02)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_what_was_measured_is_forecast_as_it_was(device):
    cases = [case(name, lambda row: row["min_bytes"] / 7 + row["flops"] / 90, 4) for name in "AD"]
    made = document(*cases, device=device, **GPU)
    found = forecast(forecast_of("D", 4), made)
    assert found.likely_ms == pytest.approx(made["cases"][1]["passes"]["whole"]["median_ns"] * 1e-6)
    assert any("measured itself" in warning for warning in found.warnings)


def at_batches(*batches):
    """A machine of which a doubled batch takes 2^1.1 times as long."""
    return document(*(case("A", lambda row, batch=batch: cpu_ns(row) * batch**0.1, batch) for batch in batches))


def factor(relation, level=80, group="cpu"):
    return spreads.shipped().factor(relation, group, level)


@pytest.mark.parametrize(
    ("batches", "asked", "scale", "relation", "wider", "notes"),
    [
        ((8, 32), 16, sqrt(8**0.1 * 32**0.1), "between two batches", 1.0, ["lies between 8 and 32"]),
        ((2, 32), 8, 8**0.1, "other batch below 8", 1.0, ["lies between 2 and 32", "two sides of batch 8"]),
        ((8, 32), 64, 32**0.1, "other batch", 1.0, ["above the largest that was measured (8, 32)"]),
        ((16, 32), 8, 16**0.1, "other batch", WIDER, ["below the smallest that was measured (16, 32)"]),
        ((16, 8), 4, 8**0.1, "other batch below 8", WIDER, ["below the smallest", "two sides of batch 8"]),
        ((2,), 4, 2**0.1, "other batch below 8", 1.0, ["above the largest"]),
        ((8, 32), 32, 32**0.1, "same batch", 1.0, []),
        ((4, 32), 4, 4**0.1, "same batch below 8", 1.0, []),
    ],
)
def test_a_batch_between_is_interpolated_and_beyond_is_said(batches, asked, scale, relation, wider, notes):
    found = forecast(forecast_of("B", asked), at_batches(*batches))
    (layer,) = (row for row in found.layers if row.name == "conv3_1")
    flops = next(row.flops for row in forecast_of("B", asked).counted.rows if row.name == "conv3_1")
    assert layer.ms == pytest.approx(flops / 200.0 * 1e-6 * scale, rel=1e-6)
    assert found.basis["relation"] == relation
    assert found.basis["factor"] == pytest.approx(factor(relation) * wider)
    assert found.high_ms == pytest.approx(found.likely_ms * found.basis["factor"])
    assert found.low_ms == pytest.approx(found.likely_ms / found.basis["factor"])
    told = [warning for warning in found.warnings if warning.startswith("batch ")]
    assert len(told) == len(notes)
    for warning, note in zip(told, notes, strict=True):
        assert note in warning


def test_another_size_is_said():
    found = forecast(forecast_of("D", 1, (112, 112)), document(case("A", cpu_ns)))
    assert any("another image size" in warning for warning in found.warnings)


def test_a_kind_of_work_that_was_not_measured_is_refused():
    made = document(case("A", cpu_ns, classifier=False))
    with pytest.raises(VggcostError, match=r"'bench.json' timed no layer like fc6 \(Linear\)"):
        forecast(forecast_of("D", 1), made)


def test_the_wider_of_two_factors_counts_and_a_cpus_relations_have_no_line():
    known = spreads.Spreads(
        {
            "same batch": {"all": {"80": 1.1}, "fp32": {"80": 1.2}, "tf32": {"80": 1.05}},
            "same batch below 8": {"all": {"80": 1.1}, "cpu": {"80": 1.4}},
        },
        {},
        {},
        "",
        "",
    )
    assert known.factor("same batch", "fp32", 80) == 1.2
    assert known.factor("same batch", "tf32", 80) == 1.1
    assert known.factor("same batch", "amd", 80) == 1.1
    assert known.factor("same batch", "cpu", 80) == 1.4
