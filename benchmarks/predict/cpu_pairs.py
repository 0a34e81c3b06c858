"""The CPU runs of cpu.py as measurements: every case forecast from every other one."""

from __future__ import annotations

import csv
from itertools import permutations
from math import log
from pathlib import Path

from vggcost.costs import variants
from vggcost.costs.table import table
from vggcost.network import catalogue
from vggcost.predict import subject
from vggcost.predict.calibration import calibration, forecast
from vggcost.predict.classes import Choice
from vggcost.predict.datasheet import LEAST_BATCH
from vggcost.predict.measurement import Case, Measurement
from vggcost.predict.scores import ForecastResidual
from vggcost.predict.spreads import BELOW, CPU_GROUP, CPU_WHOLE_GROUP, OTHER_BATCH, SAME_BATCH, SMALL_BATCH

LAYERS = Path(__file__).parent / "cpu_layers.csv"
"""A row a layer and one for the whole of each case: medians and extremes over the rounds [ns]."""

CEILINGS = {"flops_per_s": 170e9, "bytes_per_s": 14e9}
"""What `vggcost bench --threads 1` found on the machine of cpu_layers.csv."""

Key = tuple[str, float, int]
"""Configuration, width, batch."""


def network(key: Key) -> subject.ForecastSubject:
    """The network of a case, counted."""
    config, width, batch = key
    unfolded = variants.unfolded(catalogue.find(config), {"width": width}, None)
    return subject.of_table(table(unfolded, (batch, 3, 224, 224)))


def cases(path: Path = LAYERS) -> dict[Key, Case]:
    """The measured cases, without their own names: none is found as itself."""
    times: dict[Key, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["config"], float(row["width"]), int(row["batch"]))
            times.setdefault(key, {})[row["layer"]] = int(row["median_ns"])
    made = {}
    for key, layers in times.items():
        counted = network(key)
        total = sum(layers[work.name] for work in counted.works)
        seconds = layers["whole"] * 1e-9
        timed = tuple((work, seconds * layers[work.name] / total) for work in counted.works)
        made[key] = Case(counted.title, "", counted.input, seconds, counted.works, timed)
    return made


def measurement(given: list[Case], *, layered: bool = True) -> Measurement:
    """Some cases as what a bench result would hold; layered: with the times of their layers."""
    environment = {"device": "cpu", "device_name": "this CPU", "threads": 1}
    kept = tuple(case if layered else case.replace(timed=()) for case in given)
    return Measurement("cpu_layers.csv", environment, Choice(), CEILINGS, kept, ())


def errors(given: dict[Key, Case], on: Key) -> dict[Key, float]:
    """Forecast / measured - 1 of each other case, forecast from one."""
    made = calibration(measurement([given[on]]))
    return {
        key: forecast(network(key), made, 80).likely_ms / (case.seconds * 1e3) - 1
        for key, case in given.items()
        if key != on
    }


def flop_errors(given: dict[Key, Case], on: Key) -> dict[Key, float]:
    """The same of FLOPs alone."""

    def flops(case: Case) -> int:
        return sum(work.product.flops for work in case.works if work.product)

    rate = flops(given[on]) / given[on].seconds
    return {key: flops(case) / rate / case.seconds - 1 for key, case in given.items() if key != on}


def residuals() -> dict[str, list[ForecastResidual]]:
    """log(forecast / measured) of every case from every other one, by relation: with timed layers, and without."""
    given = cases()
    found: dict[str, list[ForecastResidual]] = {}
    for on, key in permutations(given, 2):
        small, same = min(on[2], key[2]) < LEAST_BATCH, on[2] == key[2]
        relation = (SMALL_BATCH if small else SAME_BATCH) if same else (BELOW if small else OTHER_BATCH)
        for group, layered in ((CPU_GROUP, True), (CPU_WHOLE_GROUP, False)):
            made = calibration(measurement([given[on]], layered=layered))
            ratio = log(forecast(network(key), made, 80).likely_ms / (given[key].seconds * 1e3))
            found.setdefault(relation, []).append(ForecastResidual("CPU", group, "eager", "cpu.py", ratio, 1.0))
    return found
