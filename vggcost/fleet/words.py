"""What a person types about a fleet: the speed of a link, what was measured, a price; each with its unit."""

from __future__ import annotations

from vggcost.errors import VggcostError, in_part, unknown
from vggcost.fleet.model import RDMA, TCP, Link
from vggcost.record import Record
from vggcost.units import COUNT_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_BITS: Mapping[str, int] = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BYTES: Mapping[str, int] = {**_BITS, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

LINK_UNITS: Mapping[str, tuple[int, int]] = {
    **{f"{prefix}{unit}": (times, 8) for prefix, times in _BITS.items() for unit in ("bit/s", "bps", "b/s", "bit")},
    **{f"{prefix}{unit}": (times, 1) for prefix, times in _BYTES.items() for unit in ("B/s", "Bps")},
}
"""The units of a link: its bits or bytes a second, and how many of them are a byte; a b is a bit, a B a byte."""

NAMED_UNITS = ("Gbit/s", "Gbps", "Mbit/s", "GB/s", "MB/s", "GiB/s")
"""Those that a refusal names."""

RATE_UNITS = ("img/s", "images/s", "im/s", "image/s", "imgs/s", "ips")
"""The units of a measured speed, which all mean images a second."""


class MeasuredSpeed(Record):
    """One measurement: so many images a second by all of so many GPUs."""

    gpus: int
    images_per_s: float


def _number_and_unit(text: str) -> tuple[str, str] | None:
    import re

    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(.*)", text.strip())
    return None if found is None or len(found[1]) > 40 else (found[1], found[2].strip())


def read_link(text: str, option: str) -> Link:
    """Return a link written ``25Gbit/s``, ``3GB/s`` or ``100Gbps:rdma``: TCP where nobody says.

    Raises:
        VggcostError: no number or unit of a speed, one that is 0 or above 10^18 B/s, an unknown transport.
    """
    speed, sign, transport = text.partition(":")
    if sign and transport.strip().lower() not in (TCP, RDMA):
        raise unknown(f"transport of {option}", transport, (TCP, RDMA))
    found = _number_and_unit(speed)
    if found is None:
        raise VggcostError(f"{option} is {in_part(text)!r}; give a speed with its unit, as 25Gbit/s or 3GB/s")
    number, unit = found
    if not unit:
        raise VggcostError(
            f"{option} is {in_part(text)!r}, without a unit; write {number}Gbit/s (bits) or {number}GB/s (bytes)"
        )
    if unit not in LINK_UNITS:
        raise unknown(f"unit of {option}", unit, NAMED_UNITS, f"; write {number}Gbit/s or {number}GB/s")
    times, parts = LINK_UNITS[unit]
    bytes_per_s = float(number) * times / parts
    if not 0 < bytes_per_s <= COUNT_LIMIT:
        raise VggcostError(f"{option} is {in_part(text)!r}; give a speed above 0 and up to 10^18 B/s")
    return Link(bytes_per_s, transport.strip().lower() or TCP)


def read_measured(text: str, option: str) -> MeasuredSpeed:
    """Return a measurement written ``16=1787.4img/s``: the total of 16 GPUs.

    Raises:
        VggcostError: it is written otherwise, the unit is no images a second, or a number is not above 0.
    """
    gpus, sign, rate = text.partition("=")
    found = _number_and_unit(rate)
    if not sign or not (gpus.strip().isascii() and gpus.strip().isdigit()) or found is None:
        raise VggcostError(f"{option} is {in_part(text)!r}; write GPUS=RATE, as 1=130.9img/s or 16=1787.4img/s")
    number, unit = found
    if unit and unit not in RATE_UNITS:
        raise unknown(f"unit of {option}", unit, RATE_UNITS, f"; write {gpus.strip()}={number}img/s")
    count, speed = int(gpus.strip()[:40]), float(number)
    if not 0 < count <= COUNT_LIMIT or not 0 < speed <= COUNT_LIMIT:
        raise VggcostError(f"{option} is {in_part(text)!r}; give GPUs and images/s above 0 and up to 10^18")
    return MeasuredSpeed(count, speed)


def read_price(text: str, option: str) -> float:
    """Return the price of a GPU for an hour, in any currency.

    Raises:
        VggcostError: it is no number above 0.
    """
    found = _number_and_unit(text)
    if found is None or found[1] or not 0 < float(found[0]) <= COUNT_LIMIT:
        raise VggcostError(f"{option} is {in_part(text)!r}; give what a GPU costs for an hour as a number, as 3.06")
    return float(found[0])
