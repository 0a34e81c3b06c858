"""The shipped parameters against rows that others measured, and the tables that were made when they were fitted."""

from __future__ import annotations

import os
from functools import cache
from math import log

from vggcost.costs import variants
from vggcost.costs.table import table
from vggcost.formulas import forward, latency, memory, roofline
from vggcost.network import catalogue
from vggcost.predict import scores
from vggcost.predict.classes import EFFICIENCIES, GIGA, converts, element_bytes, machine, sheet
from vggcost.predict.devices import HERE
from vggcost.predict.intervals import factor_of
from vggcost.predict.model import PASSES, terms
from vggcost.predict.parameters import shipped_sha256
from vggcost.predict.work import works

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vggcost.predict.parameters import Parameters
    from vggcost.predict.rows import Measured, MeasuredRows
    from vggcost.predict.work import LayerWork

EVALUATION_FILE = os.path.join(HERE, "evaluation.json")


def shipped() -> dict[str, Any]:
    """Return the tables of the shipped parameters: devices and sources left out in turn, and baselines."""
    import json

    with open(EVALUATION_FILE, encoding="utf-8") as file:
        data: dict[str, Any] = json.load(file)
    return data


def evaluated(rows: MeasuredRows, parameters: Parameters) -> dict[str, Any]:
    """Return how far the shipped parameters are from rows: no refit, and none left out that can be scored."""
    residuals = [residual(row, parameters) for row in rows.scored]
    data: dict[str, Any] = {
        "schema": "vggcost.predict-evaluation/1",
        "parameters_sha256": shipped_sha256(),
        "rows_sha256": rows.sha256,
        "fitted_on_them": rows.sha256 == parameters.data["rows_sha256"],
    }
    if residuals:
        data |= scores.tables(residuals)
        data |= {"tensor_modes": scores.by_mode(residuals), "by_device": scores.by_device(residuals)}
    return {**data, "left_out": dict(rows.left_out)}


def residual(row: Measured, parameters: Parameters) -> scores.ForecastResidual:
    """Return what a forecast of a row is off by, and the interval that it would have."""
    predicted = seconds(row, parameters.values)
    factor = factor_of(parameters, row.device, row.wanted, row.choice, 80)
    ratio = log(predicted / row.seconds)
    return scores.ForecastResidual(row.device.name, row.wanted, row.choice.mode, row.family, ratio, factor.value)


def seconds(row: Measured, values: Mapping[str, float]) -> float:
    """Return the time that a row would have by the model [s], with the copy of its batch where the source timed it."""
    wanted, choice = row.wanted, row.choice
    size = element_bytes(choice.dtype)
    made = machine(
        sheet(row.device, wanted),
        values[EFFICIENCIES[wanted]],
        values,
        bytes_of_element=size,
        passes=PASSES[choice.mode],
        converts=converts(wanted, choice.mode, channels_last=choice.channels_last),
    )
    total: float = copy_seconds(row, values) + sum(
        terms(work, made).seconds for work in works_of(row.model, row.batch, row.size)
    )
    return total


def copy_seconds(row: Measured, values: Mapping[str, float]) -> float:
    """Return the time of the copy of a row's batch to its device [s]; 0 where its source did not time it."""
    if not row.copied:
        return 0.0
    image = memory.tensor_bytes(forward.elements((row.batch, 3, row.size, row.size)), element_bytes(row.choice.dtype))
    return roofline.memory_time(image, 1 / latency.sustained_rate(values["copy_gb_per_s"], 1, GIGA))


@cache
def works_of(model: str, batch: int, size: int) -> tuple[LayerWork, ...]:
    """Return the work of a network by its common name, at a square input."""
    network = variants.unfolded(catalogue.named(model), {}, (size, size))
    return works(table(network, (batch, 3, size, size)).rows)
