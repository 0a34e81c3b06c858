"""Which figures are looked at for a number: what tools print, vggcost's own definitions, and what stands in print."""

from __future__ import annotations

from vggcost.conventions.amounts import BYTES, COUNT, read_amount
from vggcost.conventions.definitions import DEFINITIONS
from vggcost.conventions.figure_rows import FIGURES, QUOTES, figure
from vggcost.conventions.figures import BYTES as BYTES_UNIT
from vggcost.conventions.figures import VALUES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.conventions.amounts import Amount
    from vggcost.conventions.figures import Figure, Quote
    from vggcost.conventions.searched import Searched

TELLING_DIGITS = 5
"""Digits from which a rounded number is no chance hit, of however many numbers that are searched."""

NEAR, FARTHER = (0, 1), (1, 1)
"""How far from the paper's plain network one may be whose figures are searched: for a few digits, and for many."""

_ELSEWHERE = ("weight_bytes",)
"""Definitions that are searched of every network, as the bytes of its parameters."""

_FIRST = ("keras-params", "torchinfo-pass", "torchinfo-total", "torchsummary-pass", "torchsummary-total")
"""The figures that most people have seen; of those that fit alike these come first, behind vggcost's own."""

_SEARCHED = (*(one for one in DEFINITIONS if one.name not in _ELSEWHERE), *FIGURES)
_RANKS = {
    name: rank
    for rank, name in enumerate(
        dict.fromkeys((*(one.name for one in DEFINITIONS), *_FIRST, *(one.name for one in FIGURES)))
    )
}


def rank_of(one: Figure) -> int:
    """The lower, the more people have seen numbers of this kind."""
    return _RANKS[one.name]


def quantity_of(one: Figure) -> str:
    """What kind of number a figure is, as `vggcost.conventions.amounts` calls it; values are a kind of their own."""
    return {BYTES_UNIT: BYTES, VALUES: VALUES}.get(one.unit, COUNT)


def figures_of(amount: Amount, among: Iterable[Searched]) -> Iterator[tuple[Searched, Figure, int]]:
    """Yield the figures that a number may be, each of each network that is searched for it.

    A few digits that nobody calls bytes or FLOP say nothing of so many numbers.
    """
    telling = len(str(amount.digits)) >= TELLING_DIGITS
    if amount.quantity is None and not telling:
        return
    wanted = [one for one in _SEARCHED if amount.quantity in (None, quantity_of(one))]
    farthest = FARTHER if telling else NEAR
    for one in among if wanted else ():
        if one.departures[0] > farthest[0] or one.departures[1] > farthest[1]:
            continue
        for each in wanted:
            # What lives when is followed for the paper's own sizes alone: it takes as long as all else.
            if not each.of_totals or one.departures[0] == 0:
                value = one.described.figure(each)
                if value is not None:
                    yield one, each, value


def prints(one: Figure, value: int, amount: Amount) -> bool:
    """Whether a number is what a tool prints, digit for digit and in the tool's own unit."""
    if one.text is None:
        return False
    printed = read_amount(one.text(value))
    typed = (amount.digits, amount.decimals, amount.scale, amount.quantity)
    return typed == (printed.digits, printed.decimals, printed.scale, printed.quantity) and amount.unit == printed.unit


def quotes_of(amount: Amount, among: Iterable[Searched]) -> Iterator[tuple[Quote, Searched, Figure, int]]:
    """Yield the quotes of a number, each with the network that it is of, and what the rows there sum to."""
    for quote in QUOTES:
        printed = read_amount(quote.text)
        if (amount.digits, amount.decimals) != (printed.digits, printed.decimals):
            continue
        if printed.scale not in (amount.scale, amount.slip) or amount.quantity not in (None, printed.quantity):
            continue
        rows = figure(quote.figure)
        for one in among:
            if one.name == quote.network and one.departures == (0, 0):
                value = one.described.figure(rows)
                if value is not None:
                    yield quote, one, rows, value
                break
