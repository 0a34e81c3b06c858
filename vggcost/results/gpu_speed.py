"""How long one GPU takes for a training step: from measurements, a bench result, or a forecast."""

from __future__ import annotations

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.fleet.calibration import DEFAULTS, Calibrated
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.fleet.gradients import StepWork


class Speed(Record):
    """The time of one GPU's step, where it is from, and what is to be known of it."""

    calibrated: Calibrated
    source: str
    notes: tuple[str, ...] = ()


def of_result(path: str, counted: Table, dtype: str, work: StepWork) -> Speed:
    """Return what a bench result measured of this network at this input.

    A forward pass alone is taken for a step by what both multiply.

    Raises:
        VggcostError: the file is no bench result, or has no such case.
    """
    from statistics import median

    from vggcost.bench.result import best_pass, case_title, load

    document = load(path)
    identity, settings = counted.network.identity(), document["settings"]
    if settings["dtype"] != dtype:
        raise VggcostError(f"{path!r} was measured in {settings['dtype']}, and --dtype is {dtype}; give the same")
    found = [
        case
        for case in document["cases"]
        if tuple(case["input"]) == counted.input and _is_it(case["network"], identity)
    ]
    if not found:
        here = ", ".join(f"{case_title(case)} ({units.shape_text(tuple(case['input']))})" for case in document["cases"])
        asked = f"{identity['title']} at {units.shape_text(counted.input)}"
        raise VggcostError(f"{path!r} has no {asked}; it has {here}: give that network, --batch and --size")
    seconds = median(best_pass(found[0])) / 1e9
    device = document["environment"]["device_name"]
    if settings["backward"]:
        return Speed(_of(seconds), f"{path}, forward and backward measured on {device}")
    note = f"{path} has the forward pass alone; a step multiplies {work.steps_of_forward:.3f} times as much"
    return Speed(_of(seconds * work.steps_of_forward), f"{path}, a forward pass measured on {device}", (note,))


def _is_it(measured: Mapping[str, Any], identity: Mapping[str, Any]) -> bool:
    """Whether a result's network is one of ours: its name, and each option that both say."""
    options = measured["options"] or {}
    return measured["name"] == identity["name"] and all(
        value == options.get(name, value) for name, value in identity["options"].items()
    )


def of_device(name: str, counted: Table, dtype: str) -> Speed:
    """Return the forecast of forward and backward on a device.

    Raises:
        VggcostError: the device is not known, or there is no forecast for it.
    """
    from vggcost.predict import datasheet, devices, parameters, subject
    from vggcost.predict.classes import Choice
    from vggcost.predict.model import EAGER

    choice = Choice(dtype, EAGER, channels_last=False, backward=True)
    found = devices.shipped().find(name)
    forecast = datasheet.predicted(subject.of_table(counted), found, choice, parameters.shipped(), 80)
    low, high = forecast.low_ms, forecast.high_ms
    note = (
        f"One GPU's step is a forecast, {low:,.0f} to {high:,.0f} ms with 80% of cards like these inside:"
        " images/s, times and prices are no surer"
    )
    return Speed(_of(forecast.likely_ms / 1e3), f"vggcost predict, {forecast.device['name']}", (note,))


def _of(seconds: float) -> Calibrated:
    return Calibrated(seconds, DEFAULTS, {})
