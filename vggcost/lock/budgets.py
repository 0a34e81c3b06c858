"""Budgets of an entry: what it may cost at most, and what is left of that."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.amounts import COUNT, FLOP, PARAMS, read_amount
from vggcost.errors import VggcostError
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from vggcost.lock.entry import Entry

OF = {"max_params": "params", "max_macs": "macs", "max_memory": "training_peak_bytes"}
"""The sum of an entry that each budget limits."""

_WORDS = {"max_params": "parameters", "max_macs": "MACs"}
_EXAMPLES = {"max_params": "140M", "max_macs": "16G", "max_memory": "8GiB"}


class Headroom(Record):
    """One budget of an entry: the limit, what it takes, and the rest; value is None where it is not known.

    budget is its key in the table; parameters [elements], MACs [MAC] or bytes of a training step's worst moment [B].
    """

    budget: str
    limit: int
    value: int | None

    @property
    def held(self) -> bool:
        """Whether it is known, and within the limit."""
        return self.value is not None and self.value <= self.limit

    @property
    def left(self) -> int | None:
        """What is left of the limit; below 0 where it is exceeded."""
        return None if self.value is None else self.limit - self.value

    @property
    def text(self) -> str:
        """The budget in words: ``max_params 140,000,000: 138,357,544 parameters, 1,642,456 left (1.2 %)``."""
        head = f"{self.budget} {self._amount(self.limit)}"
        if self.value is None or self.left is None:
            return f"{head}: not known of this entry, so that it cannot be held"
        word = _WORDS.get(self.budget)
        taken = f"{self._amount(self.value)}{f' {word}' if word else ' in a training step'}"
        share = units.percent(abs(self.left), self.limit)
        return f"{head}: {taken}, {self._amount(abs(self.left))} {'left' if self.held else 'too many'} ({share} %)"

    def _amount(self, value: int) -> str:
        return units.human_bytes(value) if self.budget == "max_memory" else units.exact(value)


def headroom(entry: Entry, budgets: Mapping[str, int]) -> Iterator[Headroom]:
    """Yield each budget of an entry with what is left of it."""
    for name, limit in budgets.items():
        yield Headroom(name, limit, entry.totals[OF[name]])


def read_budget(name: str, value: Any, where: str) -> int:
    """Return a budget as a number of elements, MAC or bytes [B].

    Raises:
        VggcostError: it has no unit, or another's; it is not above 0, or above 10^18; it is one of time.
    """
    if name == "max_time":
        raise VggcostError(
            f"{where} has max_time, which a lock cannot hold: a time is a forecast for a device, which other parameters"
            " change; leave it away (vggcost fit --time says what runs within one)"
        )
    example = f'{name} = "{_EXAMPLES[name]}"'
    if not isinstance(value, str):
        raise VggcostError(f"{where}: {name} is {str(value)[:40]}, without a unit; write it as a text, as {example}")
    if name == "max_memory":
        return units.read_bytes(value, f"{where}: {name}")
    try:
        amount = read_amount(value)
    except VggcostError as error:
        raise VggcostError(f"{where}: {name}: {error}") from None
    quantity = COUNT if name == "max_macs" else PARAMS
    if amount.unit == FLOP:
        raise VggcostError(f"{where}: {name} is {value!r}, and a MAC is 2 FLOP; write MACs, as {example}")
    if amount.quantity not in (None, quantity):
        raise VggcostError(f"{where}: {name} is {value!r}, which is no number of {_WORDS[name]}; write {example}")
    if amount.quantity is None and amount.slip is None:
        raise VggcostError(f"{where}: {name} is {value!r}, without a unit; write {example}, or {value} {_WORDS[name]}")
    if not 1 <= amount.whole <= units.COUNT_LIMIT:
        raise VggcostError(f"{where}: {name} is {value!r}; give an amount from 1 to 10^18")
    return amount.whole
