"""A forecast from a datasheet: the model's terms, summed, and the interval that rows of other devices give it."""

from __future__ import annotations

from vggcost.formulas.latency import step_time, sustained_rate
from vggcost.predict.classes import MEBI, Choice, machine_of
from vggcost.predict.intervals import factor_of
from vggcost.predict.model import EAGER, terms
from vggcost.predict.prediction import LayerTime, Prediction
from vggcost.predict.work import CLASSIFIER, CONVOLUTION, ELEMENTWISE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from vggcost.predict.devices import Device, FoundDevice
    from vggcost.predict.model import Number, Terms
    from vggcost.predict.parameters import Parameters
    from vggcost.predict.subject import ForecastSubject
    from vggcost.predict.work import LayerWork

DATASHEET = "datasheet"
"""What such a forecast stands on."""

LEAST_BATCH = 8
"""Below so many images an eager forward may take as long as the host needs to launch it."""

LEFT_OUT = (
    "the copy of the batch to the device, the framework's start, and the first call, which tunes and compiles",
    "throttling, other work on the device, a host too slow to launch, and kernels chosen without cuDNN's autotuning",
)

MILLI = 1e3
"""Milliseconds in a second."""


def predicted(
    subject: ForecastSubject,
    found: FoundDevice,
    choice: Choice,
    parameters: Parameters,
    level: int,
    unseen: tuple[str, ...] = (),
) -> Prediction:
    """Return the forecast of a network on a device; unseen says what no row has, beside what follows from the device.

    Raises:
        VggcostError: there is none for the device, the dtype or the choice.
    """
    device = found.device
    wanted, machine = machine_of(device, choice, parameters.values)
    rows = [(work, terms(work, machine)) for work in subject.works]
    step = 1.0
    if choice.backward:
        step = parameters.data["step"][wanted]["batch_norm" if subject.batch_norm else "plain"]
    layers = tuple(_layer(work, each, step) for work, each in rows)
    factor = factor_of(parameters, device, wanted, choice, level, unseen)
    every = parts_ms(rows, step)
    likely = sum(every.values())
    warnings = [*([found.note] if found.note else []), *factor.reasons]
    warnings += _warnings(subject, choice)
    return Prediction(
        network=subject.identity,
        input=subject.input,
        device=device_data(device),
        choice={
            "dtype": choice.dtype,
            "mode": choice.mode,
            "channels_last": choice.channels_last,
            "backward": choice.backward,
        },
        basis={
            "from": DATASHEET,
            "class": wanted,
            "rows_sha256": parameters.data["rows_sha256"],
            "factor": factor.value,
        },
        likely_ms=likely,
        low_ms=likely / factor.value,
        high_ms=sustained_rate(likely, factor.value, 1),
        level=level,
        parts={part: time for part, time in every.items() if time},
        layers=layers,
        warnings=tuple(warnings),
        left_out=LEFT_OUT,
        in_use_bytes_estimated=subject.in_use_bytes(choice),
        memory_bytes=int(sustained_rate(device.memory_gib, 1024, MEBI)) or None,
    )


def device_data(device: Device) -> dict[str, Any]:
    """A device's row, as the JSON shows it."""
    row = {name: getattr(device, name) for name in device.__match_args__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def parts_ms(rows: Iterable[tuple[LayerWork, Terms]], step: float) -> dict[str, Number]:
    """Milliseconds by kind of work, whose sum is the likely time; step is what a training step takes of a forward."""
    sums: dict[str, Number] = dict.fromkeys((CONVOLUTION, CLASSIFIER, ELEMENTWISE, "conversion", "launch"), 0.0)
    for work, each in rows:
        sums[work.part] = sums[work.part] + each.product_s
        sums[ELEMENTWISE] = sums[ELEMENTWISE] + each.pass_s
        sums["conversion"] = sums["conversion"] + each.conversion_s
        sums["launch"] = sums["launch"] + each.launch_s
    return {part: step_time(sustained_rate(seconds, 1, MILLI), step) for part, seconds in sums.items()}


TOLD = {f"{name}_ms": f"{name}_s" for name in ("compute", "memory", "conversion", "pass", "launch")}
"""What is told of a layer [ms], and the terms that it is [s]."""


def _layer(work: LayerWork, each: Terms, step: float) -> LayerTime:
    bound = None
    if work.product is not None:
        bound = "compute" if each.compute_s >= each.memory_s else "memory"
    elif each.pass_s:
        bound = "memory"
    return LayerTime(
        work.name,
        work.kind,
        work.part,
        step_time(sustained_rate(each.seconds, 1, MILLI), step),
        bound,
        {name: sustained_rate(getattr(each, of), 1, MILLI) for name, of in TOLD.items()},
    )


def _warnings(subject: ForecastSubject, choice: Choice) -> list[str]:
    found = []
    if subject.batch < LEAST_BATCH and choice.mode == EAGER:
        found.append(
            f"batch {subject.batch} is below {LEAST_BATCH}: the host, which launches the kernels, may decide the time"
        )
    if subject.unknown:
        names = ", ".join(subject.unknown[:3]) + (", ..." if len(subject.unknown) > 3 else "")
        found.append(f"nothing counts {names}, whose time is missing")
    return found
