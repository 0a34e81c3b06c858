"""How wide a forecast's interval is: the factor of its class, and what widens it."""

from __future__ import annotations

from vggcost.formulas.latency import sustained_rate
from vggcost.predict.classes import FP32
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


def factor_of(parameters: Parameters, device: Device, wanted: str, choice: Choice, level: int) -> Factor:
    """Return the factor for a class on a device: the wider of its own and that of all, wider for what no row has."""
    factors = parameters.data["interval"]
    value = max(factors[name][str(level)] for name in (group_of(wanted, choice.mode), "all"))
    reasons = tuple(_unseen(parameters, device, wanted))
    for _ in reasons:
        value = sustained_rate(value, WIDER, 1)
    return Factor(value, reasons)


def group_of(wanted: str, mode: str) -> str:
    """Return the name of the rows that are judged together: a class, and for tensor cores the mode.

    >>> group_of("tensor", "compiled"), group_of("fp32", "eager")
    ('tensor-compiled', 'fp32')
    """
    return f"{wanted}-{mode}" if wanted == "tensor" else wanted


def _unseen(parameters: Parameters, device: Device, wanted: str) -> list[str]:
    """What of a device no row has, in words."""
    seen = parameters.data["seen"]
    found = []
    if device.architecture not in seen["architectures"]:
        found.append(f"no device of this architecture ({device.architecture}) was in the data: the interval is wider")
    elif device.compute_capability not in seen["compute_capabilities"]:
        found.append(
            f"no chip of compute capability {device.compute_capability} was in the data: the interval is wider"
        )
    elif device.l2_mib > seen["most_l2_mib"] or device.processors > seen["most_processors"]:
        found.append("no chip with so large a cache or so many processors was in the data: the interval is wider")
    if wanted == FP32 and device.tf32:
        found.append(
            "strict float32 on Ampere and later: no row has it (torch's rows are tf32, which --dtype tf32 is for), so"
            " the interval is wider"
        )
    return found
