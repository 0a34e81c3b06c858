"""A number as people write it in papers and READMEs: ``15.61G``, ``138 M params``, ``528MB``, ``15,470,264,320``."""

from __future__ import annotations

import re

from vggcost.errors import VggcostError
from vggcost.record import Record

WRITE_AS = "write it as 15.61G, 138M params, 528MB, 30.94 GFLOPs or 15,470,264,320"

COUNT, PARAMS, BYTES = "count", "params", "bytes"
"""What a number may be: operations under some convention, parameters, memory of the parameters."""

_UNITS = {
    **dict.fromkeys(("mac", "macs", "madd", "madds", "multadds", "mult-adds", "flop", "flops", "ops"), COUNT),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), PARAMS),
    **dict.fromkeys(("b", "byte", "bytes"), BYTES),
}
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "b": 3, "t": 4, "million": 2, "billion": 3}
_NUMBER = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<tail>[0-9]+))?(?:[eE]\+?(?P<tens>[0-9]{1,2}))?"
)
_ENDING = re.compile(r"(?P<prefix>million|billion|[kmgtb])?(?P<binary>i)?\s*(?P<unit>[a-z-]*)", re.IGNORECASE)
_LONGEST = 40
"""Digits beyond which a number is no count of anything."""


class Amount(Record):
    """A number with the precision it was typed in: digits / 10**decimals * scale.

    slip is the scale in the other base (1024 for 1000 and the reverse), None where there is no prefix; quantity is
    COUNT, PARAMS or BYTES where a unit was given, None where it may be any of them.
    """

    text: str
    digits: int
    decimals: int
    scale: int
    slip: int | None
    quantity: str | None

    @property
    def tens(self) -> int:
        """What its digits are divided by: 10 for each decimal."""
        return int(10**self.decimals)

    @property
    def nearest_int(self) -> int:
        """The amount, rounded to a whole number."""
        return (2 * self.digits * self.scale + self.tens) // (2 * self.tens)

    def distance(self, value: int, scale: int) -> int:
        """How far a value is from the digits at a scale, in units that only order distances at one scale."""
        return abs(value * self.tens - self.digits * scale)

    def rounds_to(self, value: int, scale: int) -> bool:
        """Whether a value, written at this scale and with as many decimals, is what was typed."""
        return 2 * self.distance(value, scale) <= scale


def read_amount(text: str) -> Amount:
    """Read a number with an optional prefix (k, M, G, T, B for billion, Mi, Gi) and unit (MAC, FLOPs, params, B).

    Raises:
        VggcostError: it cannot be read, or its unit fits no quantity that a network has.

    >>> read_amount("15.61 GMACs").nearest_int, read_amount("528MiB").nearest_int
    (15610000000, 553648128)
    """
    given = " ".join(text.split())
    number = _NUMBER.match(given)
    if number is None or not number["whole"]:
        raise VggcostError(f"cannot read the number {text!r}; {WRITE_AS}")
    digits, tail = number["whole"].replace(",", ""), number["tail"] or ""
    ending = given[number.end() :].strip()
    matched = _ENDING.fullmatch(ending)
    # In 15,61G or 1.2.3 what follows the number begins with a mark, not with a letter.
    if len(digits + tail) > _LONGEST or (ending and not ending[0].isalpha()):
        raise VggcostError(f"cannot read the number {text!r}; {WRITE_AS}")
    if matched is None:
        raise VggcostError(_no_such_unit(ending, text))
    prefix, binary, unit = _ending_parts(ending, matched)
    if prefix == "b" and not binary and not unit and not tail and len(digits) > 6:
        prefix, unit = "", "b"  # 553430176 B: nobody has that many billions
    if unit and unit not in _UNITS:
        raise VggcostError(_no_such_unit(ending, text))
    exact = int(digits + tail)
    if exact == 0:
        raise VggcostError(f"the number is {text!r}; give one above 0")
    power = _POWERS[prefix]
    tens = 10 ** int(number["tens"] or 0)
    base, other = (1024, 1000) if binary else (1000, 1024)
    return Amount(given, exact, len(tail), tens * base**power, tens * other**power if power else None, _UNITS.get(unit))


def _ending_parts(ending: str, matched: re.Match[str]) -> tuple[str, str, str]:
    word = ending.lower().replace(" ", "")
    if word in _UNITS and word != "b":
        return "", "", word  # MACs is no mega-ACs
    return (matched["prefix"] or "").lower(), matched["binary"] or "", matched["unit"].lower()


def _no_such_unit(ending: str, text: str) -> str:
    return (
        f"the unit {ending!r} of {text!r} fits no quantity of a network; known are MAC, FLOPs, params, B (MB, MiB),"
        " each with k, M, G, T or B before it"
    )
