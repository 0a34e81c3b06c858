"""Fits the parameters of `vggcost predict` on the rows here: ``python benchmarks/predict/fit.py``.

It writes vggcost/predict/parameters.toml: what was fitted, what stays at its stated value, the factors of the intervals
(from forecasts of each device by a fit without it), training steps over forwards, and what was in the data at all.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from arrays import Arrays
from scipy.optimize import least_squares

from vggcost.predict import classes, devices, evaluation, intervals, parameters, rows, scores
from vggcost.predict.scores import ForecastResidual

if TYPE_CHECKING:
    from collections.abc import Callable

    from vggcost.predict.rows import Measured

HERE = Path(__file__).parent
ROWS = HERE / "rows.csv"

LOG, LOGIT, ABOVE_ONE = "log", "logit", "above one"
TO = {LOG: math.log, LOGIT: lambda value: math.log(value / (1 - value)), ABOVE_ONE: lambda value: math.log(value - 1)}
FROM = {LOG: math.exp, LOGIT: lambda place: 1 / (1 + math.exp(-place)), ABOVE_ONE: lambda place: 1 + math.exp(place)}

FITTED = {
    "winograd": (1.2, 0.05, LOG),
    "tensor": (0.75, 0.05, LOGIT),
    "tf32": (0.8, 0.05, LOGIT),
    "vector_half": (1.0, 0.05, LOG),
    "memory": (0.8, 1.0, LOGIT),
    "boost": (1.1, 1.5, LOG),
}
"""Where each parameter is expected, how strongly it is held there, and the scale on which it is."""

STATED = {
    "linear": 0.7,
    "prologue": 30.0,
    "idle": 0.5,
    "kernel_us": 5.0,
    "conversions": 1.0,
    "copy_gb_per_s": 6.0,
    "cache_speed": 3.0,
}
"""Those that the rows do not determine: fitted, they stay where they are expected, and sources that are left out are
forecast worse (11.7% in median against 10.0%). They are not fitted, and stay at these values."""


def group(row: Measured) -> tuple[str, str, str, str]:
    """Rows that are alike: of n of them each weighs 1 / sqrt(n)."""
    return row.device.name, row.family, row.wanted, row.choice.mode


def fitted(given: list[Measured]) -> dict[str, float]:
    """The parameters that these rows give."""
    made, count = Arrays(given), Counter(group(row) for row in given)
    weights = np.array([1 / math.sqrt(count[group(row)]) for row in given])
    start = np.array([TO[scale](expected) for expected, _, scale in FITTED.values()])
    held = np.array([strength for _, strength, _ in FITTED.values()])
    measured = np.log(made.seconds_measured)

    def off(places: Any) -> Any:
        ratios = np.log(made.seconds(values_at(places))) - measured
        return np.concatenate([ratios * weights, (places - start) * held])

    return values_at(least_squares(off, start, loss="soft_l1", f_scale=0.1).x)


def values_at(places: Any) -> dict[str, float]:
    """The parameters at a point of the fit's scales."""
    free = {name: FROM[scale](place) for place, (name, (_, _, scale)) in zip(places, FITTED.items(), strict=True)}
    return free | STATED


def left_out(given: list[Measured], key: Callable[[Measured], str]) -> list[float]:
    """Each row's log(predicted / measured) by a fit on the rows that do not share its key."""
    found = np.zeros(len(given))
    for each in sorted({key(row) for row in given}):
        values = fitted([row for row in given if key(row) != each])
        places = [place for place, row in enumerate(given) if key(row) == each]
        made = Arrays([given[place] for place in places])
        found[places] = np.log(made.seconds(values) / made.seconds_measured)
    return [float(ratio) for ratio in found]


def residuals(given: list[Measured], ratios: list[float]) -> list[ForecastResidual]:
    """The rows as residuals, without an interval."""
    return [
        ForecastResidual(row.device.name, row.wanted, row.choice.mode, row.family, ratio, 1.0)
        for row, ratio in zip(given, ratios, strict=True)
    ]


def name_of(row: ForecastResidual) -> str:
    """The rows that are judged together."""
    return intervals.group_of(row.wanted, row.mode)


def factors(found: list[ForecastResidual]) -> dict[str, dict[int, float]]:
    """The factors of intervals, of all rows and of each group."""
    names = sorted({name_of(row) for row in found})
    groups = {"all": found} | {name: [row for row in found if name_of(row) == name] for name in names}
    return {name: {level: scores.factor(its, level) for level in intervals.LEVELS} for name, its in groups.items()}


def steps(given: list[Measured], ratios: list[float]) -> dict[str, dict[str, float]]:
    """Forward and backward over forward by class, eager, and the factors within which the forecasts of steps lie.

    A source that times the copy of its batch does so in both, and it is taken off both.
    """
    found = {}
    for wanted in classes.CLASSES:
        timed = [
            (row, ratio, step_over_forward(row))
            for row, ratio in zip(given, ratios, strict=True)
            if row.wanted == wanted and row.step_seconds and row.choice.mode == "eager"
        ]
        medians = {
            norm: scores.median(over for row, _, over in timed if row.model.endswith("_bn") == norm)
            for norm in (False, True)
        }
        off = [
            ForecastResidual(
                row.device.name,
                wanted,
                row.choice.mode,
                row.family,
                ratio + math.log(medians[row.model.endswith("_bn")] / over),
                1.0,
            )
            for row, ratio, over in timed
        ]
        found[wanted] = {"plain": medians[False], "batch_norm": medians[True]}
        found[wanted] |= {level: scores.factor(off, level) for level in intervals.LEVELS}
        found[wanted] |= {"rows": len(timed), "devices": len({row.device.name for row, _, _ in timed})}
    return found


def step_over_forward(row: Measured) -> float:
    """Forward and backward over forward, without the copy of the batch."""
    copy = evaluation.copy_seconds(row, STATED)
    return (row.step_seconds - copy) / (row.seconds - copy)


def seen(given: list[Measured]) -> dict[str, Any]:
    """What was in the data at all; what was not makes an interval wider."""
    cards = {row.device.name: row.device for row in given}.values()
    return {
        "architectures": sorted({card.architecture for card in cards}),
        "kinds": sorted({card.kind for card in cards}),
        "least_w_per_tflops": {
            name: min(card.power_w / card.fp32_tflops for card in cards if card.architecture == name)
            for name in sorted({card.architecture for card in cards})
        },
        "most_processors": max(card.processors for card in cards),
        "most_l2_mib": max(card.l2_mib for card in cards),
    }


def as_toml(data: dict[str, Any]) -> str:
    """The data as TOML, a value of JSON a line, which `vggcost.predict.plain_toml` reads; tables stand last."""
    lines = ["# Fitted by benchmarks/predict/fit.py on benchmarks/predict/rows.csv, whose SHA-256 stands first."]
    return "\n".join([*lines, *lines_of(data, "")]) + "\n"


def lines_of(table: dict[Any, Any], path: str) -> list[str]:
    """The lines of a table, and of the tables in it."""
    lines = [f"{key} = {as_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for name, value in table.items():
        if isinstance(value, dict):
            inner = f"{path}{name}"
            head = [] if all(isinstance(each, dict) for each in value.values()) else ["", f"[{inner}]"]
            lines += [*head, *lines_of(value, f"{inner}.")]
    return lines


def as_value(value: Any) -> str:
    """One value, a number with five digits."""
    return f"{value:.5g}" if isinstance(value, float) else json.dumps(value)


def main() -> None:
    """Fit, and write the parameters."""
    read = rows.read(str(ROWS), devices.shipped())
    given = list(read.scored)
    values = fitted(given)
    ratios = left_out(given, lambda row: row.device.name)
    text = as_toml(
        {
            "rows_sha256": read.sha256,
            "rows": len(given),
            "devices": len({row.device.name for row in given}),
            "fitted": list(FITTED),
            "stated": list(STATED),
            "values": values,
            "interval": factors(residuals(given, ratios)),
            "step": steps(given, ratios),
            "seen": seen(given),
        }
    )
    Path(parameters.PARAMETERS_FILE).write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
