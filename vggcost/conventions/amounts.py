"""A number as people write it in papers and READMEs: ``15.61G``, ``138 M params``, ``528MB``, ``15,470,264,320``."""

from __future__ import annotations

import re

from vggcost.errors import VggcostError
from vggcost.record import Record

WRITE_AS = "write it as 15.61G, 138M params, 528MB, 30.94 GFLOPs or 15,470,264,320"

COUNT, PARAMS, BYTES = "count", "params", "bytes"
"""What a number may be: operations under some convention, parameters, memory of the parameters."""

MAC, FLOP = "MAC", "FLOP"
"""The units of a count, as conventions name theirs."""

_MAC_WORDS = (
    *("mac", "macs", "madd", "madds", "multadd", "multadds", "multiplyadd", "multiplyadds"),
    *("multiplyaccumulate", "multiplyaccumulates", "fma", "fmas"),
)
_FLOP_WORDS = ("flop", "flops", "floatingpointoperation", "floatingpointoperations")
_PARAM_WORDS = tuple(
    f"{what}{noun}"
    for what in ("", "trainable", "learnable", "learned")
    for noun in ("param", "params", "parameter", "parameters", "weight", "weights")
)
_UNITS: dict[str, tuple[str | None, str | None]] = {
    "": (None, None),
    **dict.fromkeys(_MAC_WORDS, (COUNT, MAC)),
    **dict.fromkeys(_FLOP_WORDS, (COUNT, FLOP)),
    **dict.fromkeys(("ops", "operations"), (COUNT, None)),
    **dict.fromkeys(_PARAM_WORDS, (PARAMS, None)),
    **dict.fromkeys(("b", "byte", "bytes"), (BYTES, None)),
}
"""Each unit without its spaces and hyphens: the quantity, and a count's unit."""

_PREFIXES = {
    "": 0,
    **dict.fromkeys(("k", "kilo", "thousand"), 1),
    **dict.fromkeys(("m", "mega", "mn", "mio", "mil", "mln", "million", "millions"), 2),
    **dict.fromkeys(("g", "giga", "b", "bn", "bil", "bln", "billion", "billions"), 3),
    **dict.fromkeys(("t", "tera", "tn", "trillion", "trillions"), 4),
}
_BINARY = {"ki": 1, "mi": 2, "gi": 3, "ti": 4, "kibi": 1, "mebi": 2, "gibi": 3, "tebi": 4}
"""The power of 1000, or of 1024, that each prefix is."""

_ABOUT = re.compile(r"(?:[~≈≃]|(?:about|around|approx\.?|ca\.?|circa)(?= ))\s*", re.IGNORECASE)
_NUMBER = re.compile(
    # Thousands are set off by one kind of mark; by spaces only from millions on, for two numbers look like thousands.
    r"(?P<whole>[0-9]{1,3}(?:(?:,[0-9]{3})+|(?:_[0-9]{3})+|(?:['\u2019][0-9]{3})+|(?: [0-9]{3}){2,})(?![0-9])|[0-9]*)"
    r"(?:\.(?P<tail>[0-9]+))?"
    r"(?:[eE]\+?(?P<e>[0-9]{1,2})| ?[x\u00d7*\u00b7] ?10(?:\^|\*\*)?(?P<power>[0-9]{1,2}|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}))?"
)
_LONGEST = 40
"""Digits beyond which a number is no count of anything."""


class Amount(Record):
    """A number with the precision it was typed in: digits / 10**decimals * scale.

    slip is the scale in the other base (1024 for 1000 and the reverse), None where there is no prefix; quantity is
    COUNT, PARAMS or BYTES where a unit was given, None where it may be any of them; unit is a count's, MAC or FLOP,
    where one was given.
    """

    text: str
    digits: int
    decimals: int
    scale: int
    slip: int | None
    quantity: str | None
    unit: str | None = None

    @property
    def tens(self) -> int:
        """What its digits are divided by: 10 for each decimal."""
        return int(10**self.decimals)

    @property
    def nearest_int(self) -> int:
        """The amount, rounded to a whole number."""
        return (2 * self.digits * self.scale + self.tens) // (2 * self.tens)

    @property
    def whole(self) -> int:
        """The amount without what is less than one."""
        return self.digits * self.scale // self.tens

    def distance(self, value: int, scale: int) -> int:
        """How far a value is from the digits at a scale, in units that only order distances at one scale."""
        return abs(value * self.tens - self.digits * scale)

    def rounds_to(self, value: int, scale: int) -> bool:
        """Whether a value, written at this scale and with as many decimals, is what was typed."""
        return 2 * self.distance(value, scale) <= scale

    def bounds(self, scale: int) -> tuple[int, int]:
        """The smallest and the largest value that `rounds_to` takes at a scale."""
        return -((scale - 2 * self.digits * scale) // (2 * self.tens)), (2 * self.digits + 1) * scale // (2 * self.tens)


def read_amount(text: str) -> Amount:
    """Read a number with an optional prefix (k, M, G, T, B or billion, Mi, Gi) and unit (MAC, FLOPs, params, B).

    Raises:
        VggcostError: it cannot be read, there are two, or its unit fits no quantity that a network has.

    >>> read_amount("15.61 GMACs").nearest_int, read_amount("528MiB").nearest_int
    (15610000000, 553648128)
    """
    given = " ".join(text.split())
    bare = _ABOUT.sub("", given, count=1) if _ABOUT.match(given) else given
    number = _NUMBER.match(bare)
    if number is None or not number["whole"]:
        raise VggcostError(f"cannot read the number {text!r}; {WRITE_AS}")
    digits, tail = re.sub("[^0-9]", "", number["whole"]), number["tail"] or ""
    ending = bare[number.end() :].strip()
    second = next((word for word in ending.split() if word[0].isdigit()), None)
    if second:
        raise VggcostError(
            f"{given!r} has a second number, {second!r}; give one at a time, in one piece: 15,470,264,320"
        )
    # In 15,61G or 1.2.3 what follows the number begins with a mark, not with a letter.
    if len(digits + tail) > _LONGEST or (ending and not ending[0].isalpha()):
        raise VggcostError(f"cannot read the number {text!r}; {WRITE_AS}")
    power, base, unit = _ending_parts(ending, text)
    if (power, base, unit) == (3, 1000, "") and ending in ("b", "B") and not tail and len(digits) > 6:
        power, unit = 0, "b"  # 553430176 B: nobody has that many billions
    exact = int(digits + tail)
    if exact == 0:
        raise VggcostError(f"the number is {text!r}; give one above 0")
    # int() reads superscripts of no kind.
    tens = 10 ** int((number["e"] or number["power"] or "0").translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
    other = 1024 if base == 1000 else 1000
    slip = tens * other**power if power else None
    return Amount(given, exact, len(tail), tens * base**power, slip, *_UNITS[unit])


def _ending_parts(ending: str, text: str) -> tuple[int, int, str]:
    """What follows the digits, as the power of a base, the base (1000 or 1024), and the unit."""
    word = re.sub("[ -]", "", ending.lower())
    if word in _UNITS and word != "b":
        return 0, 1000, word  # MACs is no mega-ACs
    for prefixes, base in ((_PREFIXES, 1000), (_BINARY, 1024)):
        for prefix, power in prefixes.items():
            unit = word.removeprefix(prefix)
            if prefix and unit != word and unit in _UNITS:
                return power, base, unit
    raise VggcostError(
        f"the unit {ending!r} of {text!r} fits no quantity of a network; known are MAC, FLOPs, params, B (MB, MiB),"
        " each with k, M, G, T or B before it"
    )
