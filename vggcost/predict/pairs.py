"""Forecasts from one measurement against another: pairs of published rows of one machine that ran in one way."""

from __future__ import annotations

from itertools import groupby, permutations
from math import log

from vggcost.predict import scores, spreads
from vggcost.predict.calibration import between
from vggcost.predict.datasheet import LEAST_BATCH
from vggcost.predict.devices import AMD
from vggcost.predict.evaluation import seconds, works_of
from vggcost.predict.scores import ForecastResidual
from vggcost.predict.spreads import ALL, BELOW, BETWEEN, OTHER_BATCH, RELATIONS, SAME_BATCH, SMALL_BATCH, Spreads
from vggcost.predict.yardsticks import WHOLE, group_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.predict.parameters import Parameters
    from vggcost.predict.rows import Measured, MeasuredRows

    Found = Mapping[str, Sequence[ForecastResidual]]

LEVELS = (80, 90)


def residuals(
    rows: Sequence[Measured], amounts: Sequence[float], known: Spreads | None = None, *, noted: bool = False
) -> Found:
    """Return log(forecast / measured) of all pairs by relation.

    amounts are the work of each row, in `modelled` seconds or in `flops`: the whole's scale is carried from one row to
    another. known gives each the factor that its interval would have; without it the factors are 1. noted: only pairs
    of which the source says the same, as one's own measurement has the same software as what is forecast.
    """
    by_relation: dict[str, list[ForecastResidual]] = {relation: [] for relation in RELATIONS}
    amount_of = {id(row): amount for row, amount in zip(rows, amounts, strict=True)}
    rates = {id(row): amount_of[id(row)] / row.seconds for row in rows}
    for alike in _alike(rows, noted=noted):
        for relation, row, rate in _forecasts(alike, rates):
            ratio = log(amount_of[id(row)] / rate / row.seconds)
            by_relation[relation].append(_residual(row, relation, ratio, known))
    return by_relation


def modelled(rows: Sequence[Measured], values: Mapping[str, float]) -> list[float]:
    """Return the seconds that the model has for each row."""
    return [seconds(row, values) for row in rows]


def flops(rows: Sequence[Measured]) -> list[float]:
    """Return the FLOPs of each row's network: the baseline."""
    return [
        sum(work.product.flops for work in works_of(row.model, row.batch, row.size) if work.product) for row in rows
    ]


def _residual(row: Measured, relation: str, ratio: float, known: Spreads | None) -> ForecastResidual:
    group = group_of(row.wanted, row.choice.mode, amd=row.device.segment == AMD)
    factor = known.factor(relation, group, LEVELS[0]) if known else 1.0
    return ForecastResidual(row.device.name, group, row.choice.mode, row.family, ratio, factor)


def evaluated(rows: MeasuredRows, parameters: Parameters) -> dict[str, Any]:
    """Return how far forecasts from one of these rows are from another: what `--evaluate` has of pairs."""
    amounts = modelled(rows.paired, parameters.values)
    return {
        "pairs": tables(residuals(rows.paired, amounts, spreads.shipped())),
        "pairs_flop_ratio": baseline(residuals(rows.paired, flops(rows.paired))),
    }


def shipped() -> dict[str, Any]:
    """Return the same of the rows that the factors of the intervals were taken from, as it ships."""
    known = spreads.shipped()
    return {"pairs": dict(known.tables), "pairs_flop_ratio": dict(known.flop_ratio)}


def _alike(rows: Sequence[Measured], *, noted: bool) -> Iterator[list[Measured]]:
    """Rows of the same card, source, class, mode, dtype, framework, layout, image size, with or without the copy."""

    def key(row: Measured) -> tuple[str, ...]:
        return (*row.alike, str(row.size), str(row.copied), row.note if noted else "")

    for _, found in groupby(sorted(rows, key=key), key):
        yield list(found)


def _forecasts(alike: Sequence[Measured], rates: Mapping[int, float]) -> Iterator[tuple[str, Measured, float]]:
    """Yield each forecast that rows allow: its relation, the row that it is of, and the rate that it is made with."""
    for given, row in permutations(alike, 2):
        relation = _relation(given, row)
        if relation is not None:
            yield relation, row, rates[id(given)]
    for low, high in permutations(alike, 2):
        if not LEAST_BATCH <= low.batch < high.batch or low.model != high.model:
            continue
        for row in (each for each in alike if low.batch < each.batch < high.batch):
            share = log(row.batch / low.batch) / log(high.batch / low.batch)
            made = between({WHOLE: rates[id(low)]}, {WHOLE: rates[id(high)]}, share)
            yield BETWEEN, row, made[WHOLE]


def _relation(given: Measured, row: Measured) -> str | None:
    """How two rows stand to each other; None where both are of one network at one batch, which forecasts nothing."""
    small = min(given.batch, row.batch) < LEAST_BATCH
    if given.batch != row.batch:
        return BELOW if small else OTHER_BATCH
    if given.model == row.model:
        return None
    return SMALL_BATCH if small else SAME_BATCH


def intervals(found: Found, levels: Sequence[int] = LEVELS) -> dict[str, dict[str, dict[str, float]]]:
    """Return the factors of each relation: of all machines, and of each kind of them."""
    return {
        relation: {
            group: {str(level): scores.factor(its, level) for level in levels} for group, its in _by_group(rows).items()
        }
        for relation, rows in found.items()
        if rows
    }


def tables(found: Found) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of each relation: of all machines, and of each kind."""
    return {
        relation: {group: scores.score(its) for group, its in _by_group(rows).items()}
        for relation, rows in found.items()
        if rows
    }


def baseline(found: Found) -> dict[str, dict[str, float]]:
    """Return the errors of each relation, of all machines."""
    return {
        relation: {key: figures[ALL][key] for key in ("median", "p90")} for relation, figures in tables(found).items()
    }


def _by_group(rows: Sequence[ForecastResidual]) -> dict[str, list[ForecastResidual]]:
    groups = sorted({row.wanted for row in rows})
    return {ALL: list(rows)} | {group: [row for row in rows if row.wanted == group] for group in groups}
