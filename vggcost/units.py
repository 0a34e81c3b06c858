"""Text for numbers: SI prefixes (1000^n) for counts, IEC prefixes (1024^n) for memory, and the sizes of dtypes."""

from __future__ import annotations

from vggcost.errors import VggcostError, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Dtype = Literal["float64", "float32", "tf32", "float16", "bfloat16", "float8", "int8"]
    """What an editor offers and a type checker takes; a test holds it against DTYPE_BYTES."""

SI_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")
IEC_PREFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")

DTYPE_BYTES = {
    "float64": 8,
    "float32": 4,
    "tf32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8": 1,
    "int8": 1,
}
"""Bytes an element takes in memory [B]; tf32 is a way to multiply float32 values, so it is stored in four."""

COUNT_LIMIT = 10**18
"""The largest count that one option may give."""

BYTE_UNITS: Mapping[str, int] = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(SI_PREFIXES[:7]) if prefix},
    "KB": 1000,
    **{f"{prefix}B": 1024**power for power, prefix in enumerate(IEC_PREFIXES[:7]) if prefix},
}
"""The units in which memory may be given [B]; they are case-sensitive, for Gb is a gigabit."""


def dtype_bytes(dtype: str) -> int:
    """Return the bytes of one element [B].

    Raises:
        VggcostError: the dtype is not known.

    >>> dtype_bytes("float16")
    2
    """
    try:
        return DTYPE_BYTES[dtype]
    except KeyError:
        raise unknown("dtype", dtype, tuple(DTYPE_BYTES)) from None


def read_bytes(text: str, option: str) -> int:
    """Return an amount of memory written with its unit [B]: GB is 1000^3, GiB 1024^3; a part of a byte is cut off.

    Raises:
        VggcostError: it has no unit or one that is no memory's, is not above 0, or is above 10^18 B.

    >>> read_bytes("24GB", "--memory"), read_bytes("1.5 GiB", "--memory"), read_bytes("1,024 B", "--memory")
    (24000000000, 1610612736, 1024)
    """
    import re

    given = text.strip()
    found = re.fullmatch(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s*([A-Za-z]*)", given)
    if found is None or len(given) > 60:
        raise VggcostError(f"{option} is {given[:60]!r}; give a number with its unit, as 24GiB or 24GB")
    number, unit = found[1].replace(",", "") + (found[2] or ""), found[3]
    if unit not in BYTE_UNITS:
        raise VggcostError(f"{option} is {given!r}, {_unit_fault(unit)}; write {_with_units(number, unit)}")
    size = _in_bytes(number, unit)
    if size < 1:
        raise VggcostError(f"{option} is {given}; give at least 1B")
    if size > COUNT_LIMIT:
        raise VggcostError(f"{option} is {given}, above the limit of 10^18 B; give a smaller one")
    return size


def _in_bytes(number: str, unit: str) -> int:
    """A decimal number of units [B], in integers: a float would lose digits."""
    whole, _, tail = number.partition(".")
    tens: int = 10 ** len(tail)
    return int(whole + tail) * BYTE_UNITS[unit] // tens


def _unit_fault(unit: str) -> str:
    if not unit:
        return "without a unit"
    return f"and {unit} is bits" if unit.endswith("b") else f"and {unit!r} is no unit of memory"


def _with_units(number: str, unit: str) -> str:
    """What may have been meant: nobody's guess, for the two differ."""
    prefix = unit[:1].upper() if unit[:1].upper() in tuple("KMGTPE") else "G"
    both = (f"{prefix}B", f"{prefix}iB")
    return " or ".join(f"{number}{each} ({exact(_in_bytes(number, each))} B)" for each in both)


def exact(count: int) -> str:
    """Return a count with thousands separators.

    >>> exact(138357544)
    '138,357,544'
    """
    return f"{count:,}"


def human(count: int, decimals: int | None = None) -> str:
    """Return a count with an SI prefix (k, M, G, T = 1000^n) and four digits, or so many decimals.

    >>> human(138357544), human(15470264320), human(64), human(138357544, 0)
    ('138.4 M', '15.47 G', '64', '138 M')
    """
    return _scaled(count, 1000, SI_PREFIXES, decimals)


def human_bytes(count: int, decimals: int | None = None) -> str:
    """Return an amount of memory with an IEC prefix (KiB, MiB, GiB = 1024^n) and four digits, or so many decimals.

    >>> human_bytes(553430176), human_bytes(553430176, 3)
    ('527.8 MiB', '527.792 MiB')
    """
    return _scaled(count, 1024, tuple(f"{prefix}B" for prefix in IEC_PREFIXES), decimals)


def mebibytes(count: int) -> str:
    """Return an amount of memory in MiB (1024^2 bytes) with three decimals.

    >>> mebibytes(114804640)
    '109.486'
    """
    # Integer arithmetic: a float would lose the digits of a count above 2^53.
    thousandths = (count * 2000 + 1024**2) // (2 * 1024**2)
    return f"{thousandths // 1000:,}.{thousandths % 1000:03}"


def _scaled(count: int, base: int, prefixes: tuple[str, ...], asked: int | None) -> str:
    # Integer arithmetic throughout: a float would lose the digits of a count above 2^53.
    sign = "-" if count < 0 else ""
    magnitude = abs(count)
    power = 0
    while power + 1 < len(prefixes) and magnitude >= base ** (power + 1):
        power += 1
    if power == 0:
        return f"{sign}{magnitude} {prefixes[0]}".rstrip()
    while True:
        whole = magnitude // base**power
        decimals = max(0, 4 - len(str(whole))) if asked is None else asked
        scaled = (magnitude * 10**decimals * 2 + base**power) // (2 * base**power)
        if scaled < base * 10**decimals or power + 1 == len(prefixes):
            break
        power += 1  # rounding has carried into the next prefix: 999,999 is 1.000 M
    head, tail = divmod(scaled, 10**decimals)
    digits = f"{head}.{tail:0{decimals}d}" if decimals else str(head)
    return f"{sign}{digits} {prefixes[power]}"


def three(value: float | None) -> str | None:
    """Return a value with three digits, two decimals at most, never in scientific notation; None for None.

    >>> three(0.1234), three(12.34), three(1234.5)
    ('0.12', '12.3', '1234')
    """
    if value is None:
        return None
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def human_three(count: int) -> str:
    """Return a count with an SI prefix and three digits.

    >>> human_three(1849688064)
    '1.85 G'
    """
    number, _, prefix = human(count).partition(" ")
    return f"{three(float(number))} {prefix}" if prefix else number


def milliseconds(time_ns: float) -> str:
    """Return a time in ms with four digits or so.

    >>> milliseconds(123456789)
    '123.5 ms'
    """
    value = time_ns / 1e6
    return f"{value:.1f} ms" if value >= 100 else f"{value:.2f} ms" if value >= 1 else f"{value:.4f} ms"


def percent(part: int, whole: int, decimals: int = 1) -> str:
    """Return a share in percent with its decimals; an empty text where there is no whole to share.

    >>> percent(102764544, 138357544), percent(102764544, 138357544, 3), percent(102764544, 138357544, 0)
    ('74.3', '74.275', '74')
    """
    if whole == 0:
        return ""
    # Integer arithmetic: a float would lose the digits of a count above 2^53.
    units_of_last = 10**decimals
    last = (part * 200 * units_of_last + whole) // (2 * whole)
    digits = f"{last % units_of_last:0{decimals}d}" if decimals else ""
    return f"{last // units_of_last}.{digits}" if decimals else str(last)


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it.

    >>> shape_text((1, 3, 224, 224))
    '1x3x224x224'
    """
    return "x".join(str(size) for size in shape)


def pair_text(pair: tuple[int, int]) -> str:
    """Return (height, width) as one number where they agree.

    >>> pair_text((212, 212)), pair_text((212, 180))
    ('212', '212x180')
    """
    height, width = pair
    return str(height) if height == width else f"{height}x{width}"


def counted(number: int, word: str) -> str:
    """Return a number with its word.

    >>> counted(1, "thread"), counted(2, "thread")
    ('1 thread', '2 threads')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"


def counted_exact(number: int, word: str) -> str:
    """Return a number with its word and its thousands separators.

    >>> counted_exact(1792, "parameter")
    '1,792 parameters'
    """
    return f"{exact(number)} {word}{'' if number == 1 else 's'}"
