"""Devices: a row of a datasheet each, and which of them a name means."""

from __future__ import annotations

import os

from vggcost.errors import VggcostError, nearest
from vggcost.predict import plain_toml
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

HERE = os.path.dirname(__file__)
DEVICES_FILE = os.path.join(HERE, "devices.toml")

CONSUMER, TITAN, PROFESSIONAL, EMBEDDED, AMD, CPU = "consumer", "titan", "professional", "embedded", "amd", "cpu"
SEGMENTS = (CONSUMER, TITAN, PROFESSIONAL, EMBEDDED, AMD, CPU)
RECALLED = "recalled"
"""What `checked` is where nobody has seen a value on a page."""

_MAKERS = ("nvidia", "amd", "intel", "geforce", "tesla", "quadro", "radeon", "rtx", "gtx", "core")
"""What stands before a board's own name, in the order in which it stands."""

TF32_ARCHITECTURES = ("Ampere", "Ada", "Hopper", "Blackwell")
"""Those with TF32 and bfloat16."""


class Device(Record):
    """One board, or one of its chips: rates [TFLOP/s, FMA = 2, dense], memory, cache, processors, clocks, and sources.

    A rate of 0 is none; a clock, a size or a count of 0 is not known.
    """

    name: str
    architecture: str
    segment: str
    fp32_tflops: float
    memory_gb_per_s: float
    source: str
    checked: str
    aliases: tuple[str, ...] = ()
    compute_capability: str = ""
    tf32_tflops: float = 0.0
    fp16_vector_tflops: float = 0.0
    fp16_tensor_tflops: float = 0.0
    memory_gib: float = 0.0
    l2_mib: float = 0.0
    processors: int = 0
    cores_per_processor: int = 0
    boost_mhz: float = 0.0
    tensor_mhz: float = 0.0
    power_w: float = 0.0

    @property
    def tf32(self) -> bool:
        """Whether it multiplies in TF32, and in bfloat16."""
        return self.architecture in TF32_ARCHITECTURES

    @property
    def nvidia(self) -> bool:
        """Whether it is NVIDIA's."""
        return self.segment not in (AMD, CPU)

    @property
    def advertised_low(self) -> bool:
        """Whether its boost clock is advertised below what it holds: GeForce and Titan boards."""
        return self.segment in (CONSUMER, TITAN)

    @property
    def kind(self) -> str:
        """What boards are alike in: the chip's compute capability, and whether the clock is advertised low."""
        return f"{self.compute_capability} {CONSUMER if self.advertised_low else PROFESSIONAL}"


class FoundDevice(Record):
    """The device that a name means; note says which board a family's name was taken for, None where it names one."""

    device: Device
    note: str | None


class Devices(Record):
    """A table of devices, and what a family's name means."""

    rows: tuple[Device, ...]
    families: Mapping[str, str]

    def find(self, text: str) -> FoundDevice:
        """Return the device of a name, in any case, without spaces, hyphens and the maker's words: 4090, rtx3090.

        Raises:
            VggcostError: no device is called so, or several are.
        """
        for plain in (_plain, _bare):
            families = {plain(family): board for family, board in self.families.items()}
            if plain(text) in families:
                board = families[plain(text)]
                (device,) = (row for row in self.rows if row.name == board)
                return FoundDevice(device, f"{text} is taken for the {board}")
            found = [row for row in self.rows if plain(text) in {plain(name) for name in (row.name, *row.aliases)}]
            if len(found) == 1:
                return FoundDevice(found[0], None)
            if found:
                names = ", ".join(row.name for row in found)
                raise VggcostError(f"device {text!r} may be {names}; give one of them")
        near = nearest(_bare(text), tuple(dict.fromkeys(_bare(row.name) for row in self.rows)))
        boards = tuple(row.name for word in near.names for row in self.rows if _bare(row.name) == word)
        told = f"the nearest are {', '.join(boards)}; " if boards else ""
        raise VggcostError(f"unknown device {text[:80]!r}; {told}vggcost predict --devices lists all", nearest=boards)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _bare(text: str) -> str:
    """A name without its maker's words."""
    plain = _plain(text)
    for word in _MAKERS:
        if plain.startswith(word) and len(plain) > len(word):
            plain = plain.removeprefix(word)
    return plain


def shipped() -> Devices:
    """Return the table that vggcost ships."""
    data = plain_toml.read(DEVICES_FILE)
    return Devices(rows(data["device"]), data["families"])


def rows(given: Sequence[Mapping[str, Any]]) -> tuple[Device, ...]:
    """Return the devices of a file's tables."""
    return tuple(Device(**{**row, "aliases": tuple(row.get("aliases", ()))}) for row in given)
