"""How wide a forecast's interval is: the factor of its class, and what widens it."""

from __future__ import annotations

from vggcost.formulas.latency import sustained_rate
from vggcost.predict.classes import FP32
from vggcost.predict.model import EAGER
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.predict.classes import Choice
    from vggcost.predict.devices import Device
    from vggcost.predict.parameters import Parameters

LEVELS = (80, 90)
"""The levels that the parameters have factors for [%]."""

WIDER = 1.25
"""By which an interval is widened for each thing that no row has: a judgement, for there are no data on it."""


class Factor(Record):
    """An interval is from the likely time over `value` to the likely time times it; reasons say what widened it."""

    value: float
    reasons: tuple[str, ...]


def factor_of(
    parameters: Parameters, device: Device, wanted: str, choice: Choice, level: int, more: tuple[str, ...] = ()
) -> Factor:
    """Return the factor for a class on a device: the wider of its own and that of all, wider for what no row has.

    more are reasons beside those that the device and the choice have.
    """
    data, key = parameters.data, str(level)
    value = max(data["interval"][name][key] for name in (group_of(wanted, choice.mode), "all"))
    reasons = [*more, *_unseen(parameters, device, wanted)]
    if choice.backward:
        value = max(value, data["step"][wanted][key])
        if choice.mode != EAGER:
            reasons.append(
                "no row has a compiled training step: it is taken to be the eager one's multiple of a forward"
            )
    for _ in reasons:
        value = sustained_rate(value, WIDER, 1)
    return Factor(value, tuple(reasons))


def group_of(wanted: str, mode: str) -> str:
    """Return the name of the rows that are judged together: a class, and for tensor cores the mode.

    >>> group_of("tensor", "compiled"), group_of("fp32", "eager")
    ('tensor-compiled', 'fp32')
    """
    return f"{wanted}-{mode}" if wanted == "tensor" else wanted


LOW_POWER = 2 / 3
"""A board with less of the power that a peak has had in the data may not hold the clocks that the others hold."""


def _unseen(parameters: Parameters, device: Device, wanted: str) -> list[str]:
    """What of a device no row has, in words; each makes the interval wider."""
    seen = parameters.data["seen"]
    found = []
    if device.architecture not in seen["architectures"]:
        found.append(f"no device of this architecture ({device.architecture}) was in the data")
    elif device.kind not in seen["kinds"]:
        found.append(f"no board of this kind ({device.kind}) was in the data")
    elif device.l2_mib > seen["most_l2_mib"] or device.processors > seen["most_processors"]:
        found.append("no chip with so large a cache or so many processors was in the data")
    least = seen["least_w_per_tflops"].get(device.architecture, 0.0)
    if device.power_w and device.power_w / device.fp32_tflops < least * LOW_POWER:
        found.append(
            f"{device.power_w:g} W are few for its peak: T4, of which that is true, was slower than its forecast"
        )
    if wanted == FP32 and device.tf32:
        found.append("no row has strict float32 on Ampere and later: torch's rows are tf32, which --dtype tf32 is for")
    return [f"{reason}; the interval is wider" for reason in found]
