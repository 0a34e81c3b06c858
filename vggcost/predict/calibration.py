"""A forecast from a measurement: the rates of each kind of work there, and the work of another network.

At a batch that was measured, a kind's rate is its work over its time, in all networks of that batch. Between two such
batches it is interpolated, in logarithms of rate and batch; beyond them that of the nearest counts, which is said.
"""

from __future__ import annotations

from math import exp, log

from vggcost.errors import VggcostError
from vggcost.formulas.latency import interpolated, sustained_rate
from vggcost.predict import spreads
from vggcost.predict.datasheet import LEAST_BATCH, MILLI
from vggcost.predict.intervals import WIDER
from vggcost.predict.measurement import key_of
from vggcost.predict.prediction import LayerTime, Prediction
from vggcost.predict.spreads import BELOW, BETWEEN, OTHER_BATCH, SAME_BATCH, SMALL_BATCH
from vggcost.predict.work import CLASSIFIER, CONVOLUTION, ELEMENTWISE
from vggcost.predict.yardsticks import WHOLE, yardstick
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vggcost.predict.measurement import Case, Measurement
    from vggcost.predict.spreads import Spreads
    from vggcost.predict.subject import ForecastSubject
    from vggcost.predict.work import LayerWork
    from vggcost.predict.yardsticks import Yardstick

LEFT_OUT = (
    "what was not in the measurement either: copies to the device, the framework's start, other work on the machine",
)

Rates = dict[str, float]
"""How much work of each kind is done in a second."""


class Calibration(Record):
    """A machine as it was measured: its yardstick, and the rates at each batch."""

    measured: Measurement
    yardstick: Yardstick
    rates: Mapping[int, Rates]
    layered: bool


class MeasuredPlace(Record):
    """Where a batch stands to those that were measured: the rates there, the relation, its factor, and what to say."""

    rates: Rates
    relation: str
    wider: float
    notes: tuple[str, ...]


def calibration(measured: Measurement) -> Calibration:
    """Return the rates of a machine; where not all cases have timed layers, all are taken whole.

    Raises:
        VggcostError: there is no model of the dtype on the device.
    """
    layered = all(case.timed for case in measured.cases)
    made = yardstick(measured, layered=layered)
    batches = sorted({case.batch for case in measured.cases})
    rates = {
        batch: _rates(made, (case for case in measured.cases if case.batch == batch), layered=layered)
        for batch in batches
    }
    return Calibration(measured, made, rates, layered)


def _rates(made: Yardstick, cases: Iterable[Case], *, layered: bool) -> Rates:
    """The rate of each kind: all its work over all its time."""
    amounts: dict[str, float] = {}
    seconds: dict[str, float] = {}

    def add(kind: str, amount: float, time: float) -> None:
        amounts[kind] = amounts.get(kind, 0.0) + amount
        seconds[kind] = seconds.get(kind, 0.0) + time

    for case in cases:
        if not layered:
            add(WHOLE, sum(made.amounts(work)[0].size for work in case.works), case.seconds)
            continue
        for work, time in case.timed:
            first = made.amounts(work)[0]
            for kind in first.kinds:
                # The first layer stands for other convolutions only where there are none.
                if kind == first.kinds[0] or kind == ELEMENTWISE:
                    add(kind, first.size, time)
    return {kind: amounts[kind] / time for kind, time in seconds.items() if amounts[kind] and time}


def forecast(subject: ForecastSubject, made: Calibration, level: int) -> Prediction:
    """Return the forecast of a network on a machine that was measured.

    Raises:
        VggcostError: it has a kind of work that was not measured there.
    """
    known = spreads.shipped()
    place = _own(subject, made) or _placed(subject, made)
    choice = made.measured.choice
    layers = tuple(_layer(work, place.rates, made) for work in subject.works)
    parts = {part: sum(row.ms for row in layers if row.part == part) for part in (CONVOLUTION, CLASSIFIER, ELEMENTWISE)}
    likely = sum(parts.values())
    factor = sustained_rate(known.factor(place.relation, made.yardstick.group, level), place.wider, 1)
    return Prediction(
        network=subject.identity,
        input=subject.input,
        device={"name": made.measured.machine},
        choice={
            "dtype": choice.dtype,
            "mode": choice.mode,
            "channels_last": choice.channels_last,
            "backward": choice.backward,
        },
        basis=_basis(made, place, known, factor),
        likely_ms=likely,
        low_ms=likely / factor,
        high_ms=sustained_rate(likely, factor, 1),
        level=level,
        parts={part: time for part, time in parts.items() if time},
        layers=layers,
        warnings=(*place.notes, *_notes(subject, made)),
        left_out=LEFT_OUT,
        in_use_bytes_estimated=subject.in_use_bytes(choice),
        memory_bytes=made.measured.environment.get("memory_bytes") or None,
    )


def _basis(made: Calibration, place: MeasuredPlace, known: Spreads, factor: float) -> dict[str, object]:
    return {
        "from": "measurement",
        "files": made.measured.path,
        "measured": sorted({case.title for case in made.measured.cases}),
        "model": made.yardstick.basis,
        "group": made.yardstick.group,
        "relation": place.relation,
        "rates": dict(place.rates),
        "rates_unit": made.yardstick.unit,
        "rows_sha256": known.rows_sha256,
        "factor": factor,
    }


def _layer(work: LayerWork, rates: Rates, made: Calibration) -> LayerTime:
    times = []
    for number, amount in enumerate(made.yardstick.amounts(work)):
        kind = next((kind for kind in amount.kinds if kind in rates), None)
        if kind is not None:
            times.append(amount.size / rates[kind])
        elif number == 0:
            raise VggcostError(
                f"{made.measured.path!r} timed no layer like {work.name} ({work.kind}); bench a network that has one"
            )
    return LayerTime(work.name, work.kind, work.part, sustained_rate(max(times), MILLI, 1), None, {})


def _own(subject: ForecastSubject, made: Calibration) -> MeasuredPlace | None:
    """The rates of the network itself, where it was measured at the same input; None where it was not."""
    key = key_of(subject.identity)
    cases = [case for case in made.measured.cases if case.key == key and case.input == subject.input]
    if not cases:
        return None
    relation = SAME_BATCH if subject.batch >= LEAST_BATCH else SMALL_BATCH
    rates = _rates(made.yardstick, cases, layered=made.layered)
    return MeasuredPlace(rates, relation, 1.0, (f"{subject.title} was measured itself at this input",))


def _placed(subject: ForecastSubject, made: Calibration) -> MeasuredPlace:
    """The rates at the batch of a network, with what there is to say of it."""
    batch, measured = subject.batch, sorted(made.rates)
    listed = ", ".join(map(str, measured))
    if batch in made.rates:
        return MeasuredPlace(made.rates[batch], SAME_BATCH if batch >= LEAST_BATCH else SMALL_BATCH, 1.0, ())
    below, above = [one for one in measured if one < batch], [one for one in measured if one > batch]
    if below and above:
        low, high = below[-1], above[0]
        crossed = low < LEAST_BATCH <= high
        notes = (f"batch {batch} lies between {low} and {high}, which were measured: their rates are interpolated",)
        rates = between(made.rates[low], made.rates[high], log(batch / low) / log(high / low))
        return MeasuredPlace(
            rates, BELOW if crossed or high < LEAST_BATCH else BETWEEN, 1.0, (*notes, *_line(crossed, batch))
        )
    nearest = below[-1] if below else above[0]
    crossed = min(batch, nearest) < LEAST_BATCH <= max(batch, nearest)
    relation = BELOW if min(batch, nearest) < LEAST_BATCH else OTHER_BATCH
    if below:
        note, wider = f"batch {batch} is above the largest that was measured ({listed})", 1.0
    else:
        note, wider = f"batch {batch} is below the smallest that was measured ({listed}): the interval is wider", WIDER
    return MeasuredPlace(made.rates[nearest], relation, wider, (note, *_line(crossed, batch)))


def _line(crossed: bool, batch: int) -> tuple[str, ...]:
    if not crossed:
        return ()
    line = (
        f"batch {batch} and a measured one lie on two sides of batch {LEAST_BATCH}, where what decides a time changes"
    )
    return (f"{line} (launches, the choice of algorithms): measure at batch {batch} where you can",)


def between(low: Rates, high: Rates, share: float) -> Rates:
    """Return rates between those of two batches, on the line through their logarithms."""
    both = {kind: exp(interpolated(log(low[kind]), log(high[kind]), share)) for kind in low if kind in high}
    return {**low, **high, **both}


def _notes(subject: ForecastSubject, made: Calibration) -> Iterable[str]:
    if not made.layered:
        yield "no layers were timed, so one scale stands for all of them, and the parts are the model's"
    if made.measured.doubts:
        doubts = ", ".join(doubt.replace("_", " ") for doubt in made.measured.doubts)
        yield f"the verdict on {made.measured.path} has warnings ({doubts}); vggcost bench --load shows them"
    sizes = {case.input[2:] for case in made.measured.cases}
    if subject.input[2:] not in sizes:
        yield "another image size was measured: no row that the interval rests on has two"
    if subject.unknown:
        names = ", ".join(subject.unknown[:3]) + (", ..." if len(subject.unknown) > 3 else "")
        yield f"nothing counts {names}, whose time is missing"
