"""How far forecasts are from what was measured: errors, and the factor within which a share of devices lies."""

from __future__ import annotations

from math import ceil, exp, expm1, floor, log

from vggcost.predict.classes import CLASSES, TENSOR
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class ForecastResidual(Record):
    """One row: which device and class it is of, log(predicted / measured), and the factor of its 80% interval."""

    device: str
    wanted: str
    mode: str
    family: str
    log_ratio: float
    factor: float

    @property
    def error(self) -> float:
        """|predicted / measured - 1|, a fraction."""
        return abs(expm1(self.log_ratio))

    @property
    def covered(self) -> bool:
        """Whether the interval holds what was measured."""
        return abs(self.log_ratio) <= log(self.factor)


def quantile(values: Iterable[float], level: float) -> float:
    """Return a quantile, between two order statistics on the line through them.

    >>> quantile([3.0, 1.0, 2.0], 0.5), quantile([0.0, 10.0], 0.9)
    (2.0, 9.0)
    """
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return quantile(values, 0.5)


def _by_device(rows: Iterable[ForecastResidual]) -> Mapping[str, list[ForecastResidual]]:
    found: dict[str, list[ForecastResidual]] = {}
    for row in rows:
        found.setdefault(row.device, []).append(row)
    return found


def factor(rows: Iterable[ForecastResidual], level: int) -> float:
    """Return the factor within which a share of devices lies that were not fitted on.

    It is the (1 + 1/n) * level quantile of |log ratio| over n devices, of which every one weighs the same.
    Source: Lei et al. 2018 (split conformal prediction), section 2; here a device is one observation.

    >>> rows = [ForecastResidual("a", "fp32", "eager", "x", ratio, 1.0) for ratio in (0.1, -0.2)]
    >>> round(log(factor(rows, 80)), 6)
    0.2
    """
    devices = _by_device(rows)
    share = min(1.0, (1 + 1 / len(devices)) * level / 100)
    weighed = sorted((abs(row.log_ratio), 1 / (len(each) * len(devices))) for each in devices.values() for row in each)
    reached = 0.0
    for size, weight in weighed:
        reached += weight
        if reached >= share - 1e-9:
            return exp(size)
    return exp(weighed[-1][0])


def score(rows: Sequence[ForecastResidual]) -> dict[str, float]:
    """Return the figures of some rows: errors are fractions, bias is the median row's, coverage the interval's."""
    devices = _by_device(rows).values()
    errors = [row.error for row in rows]
    return {
        "rows": len(rows),
        "devices": len(devices),
        "median": median(errors),
        "p90": quantile(errors, 0.9),
        "bias": expm1(median(row.log_ratio for row in rows)),
        "device_median": median(median(row.error for row in each) for each in devices),
        "coverage80": sum(row.covered for row in rows) / len(rows),
        "coverage80_device": sum(sum(row.covered for row in each) / len(each) for each in devices) / len(devices),
    }


def tables(rows: Sequence[ForecastResidual]) -> dict[str, dict[str, float]]:
    """Return the figures of all rows, and of each class that has some."""
    by_class = {wanted: [row for row in rows if row.wanted == wanted] for wanted in CLASSES}
    return {"all": score(rows)} | {wanted: score(found) for wanted, found in by_class.items() if found}


def by_mode(rows: Sequence[ForecastResidual]) -> dict[str, dict[str, float]]:
    """Return the figures of each mode of the rows on tensor cores."""
    found: dict[str, list[ForecastResidual]] = {}
    for row in rows:
        if row.wanted == TENSOR:
            found.setdefault(row.mode, []).append(row)
    return {mode: score(found[mode]) for mode in sorted(found)}


def by_device(rows: Sequence[ForecastResidual]) -> dict[str, dict[str, float]]:
    """Return the figures of each device."""
    return {device: score(found) for device, found in sorted(_by_device(rows).items())}
