"""A board that runs below its datasheet: at a lower clock, or under a lower power limit."""

from __future__ import annotations

from vggcost.errors import VggcostError
from vggcost.formulas.latency import sustained_rate
from vggcost.predict.devices import FoundDevice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.predict.devices import Device

RATES = ("fp32_tflops", "tf32_tflops", "fp16_vector_tflops", "fp16_tensor_tflops", "boost_mhz", "tensor_mhz")
"""What grows with the clock; the memory has its own."""

CUBE_ROOT = 1 / 3
"""Power goes with the clock and the square of the voltage, which goes with the clock: with the cube of the clock."""

MOST_OVER = 1.3
"""A clock that is higher over the boost clock is not one of the board."""


def capped(found: FoundDevice, power_w: float | None, clock_mhz: float | None) -> tuple[FoundDevice, tuple[str, ...]]:
    """Return the board at that power limit or that clock, and what no row has of it, in words.

    Raises:
        VggcostError: the limit or the clock is above the board's own, or the table has none for it.
    """
    device, share, words = found.device, 1.0, []
    if clock_mhz is not None:
        share = _share(device, "--clock", "MHz", clock_mhz, device.boost_mhz, MOST_OVER)
        words.append(f"{clock_mhz:g} MHz of {device.boost_mhz:g}")
    if power_w is not None:
        under = _share(device, "--power", "W", power_w, device.power_w, 1.0)
        share = min(share, under**CUBE_ROOT)
        words.append(f"{power_w:g} W of {device.power_w:g}, the cube root of which the clock follows")
    if not words:
        return found, ()
    changed = {name: sustained_rate(getattr(device, name), share, 1) for name in RATES}
    reason = f"the {device.name} runs at {' and '.join(words)}: no row has a capped board; the interval is wider"
    return FoundDevice(device.replace(**changed), found.note), (reason,)


def _share(device: Device, option: str, unit: str, given: float, own: float, most: float) -> float:
    if not own:
        raise VggcostError(f"the table has no {unit} for the {device.name}; leave {option} away")
    if given / own > most:
        raise VggcostError(f"{option} is {given:g} {unit}, and the {device.name} has {own:g}; give at most that")
    return given / own
