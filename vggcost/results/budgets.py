"""What must not be exceeded: memory, multiply-accumulates or parameters, as people write them."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.amounts import BYTES, COUNT, FLOP, PARAMS, read_amount
from vggcost.costs.table import checked_count
from vggcost.errors import VggcostError, unknown
from vggcost.record import Record
from vggcost.results.settings import MEMORY, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOVED_BY = {
    "memory": ("batch", "size", "width"),
    "time": ("batch", "size", "width"),
    "macs": ("width", "size", "batch"),
    "params": ("width",),
}
"""What can meet each budget, by the budget's option."""

SOLVED = MOVED_BY["memory"]
"""What may be asked for."""


class Budget(Record):
    """What must not be exceeded: its option, how much [B], [MAC] or [parameters], and as it was given."""

    word: str
    limit: int
    given: str

    @property
    def key(self) -> str:
        """Its name in JSON: ``memory_bytes``, ``time_ns``, ``macs``, ``params``."""
        return {"memory": MEMORY, "time": TIME}.get(self.word, self.word)

    def text(self, value: int, *, human: bool = False) -> str:
        """An amount of what it limits: ``1,024 B``."""
        if self.key == MEMORY:
            return units.human_bytes(value) if human else f"{units.exact(value)} B"
        if self.key == TIME:
            return units.milliseconds(value)
        return units.human(value) if human else units.exact(value)


def budgets(given: Mapping[str, int | str | None]) -> tuple[Budget, ...]:
    """Return those budgets of these that are given, by their options.

    Raises:
        VggcostError: there is none; a unit is missing or is another's; an amount is not above 0 or is above 10^18.
    """
    found = tuple(_budget(word, value) for word, value in given.items() if value is not None)
    if not found:
        raise VggcostError(
            "no budget is given; give --memory 24GiB, --time 5ms, --macs 5G, --params 20M, or several of them"
        )
    return found


def solved(solve: str | None, found: Sequence[Budget], given: Mapping[str, object]) -> str:
    """Return what is asked for: a batch within memory alone, else a width, or what is said.

    given are batch, size and width; each that is not None is given.

    Raises:
        VggcostError: it is none of batch, size and width, or is given; a budget does not change with it.
    """
    if solve is None:
        solve = "batch" if {budget.word for budget in found} <= {"memory", "time"} else "width"
    elif solve not in SOLVED:
        raise unknown("value of --solve", solve, SOLVED)
    for budget in found:
        if solve not in MOVED_BY[budget.word]:
            raise VggcostError(
                f"--{budget.word} does not change with the {solve}, and --solve {solve} is given; leave one of the two"
                " away (--solve width meets every budget)"
            )
    if given[solve] is not None:
        others = " or ".join(f"--solve {word}" for word in SOLVED if given[word] is None)
        raise VggcostError(
            f"--{solve} is given, and the {solve} is what is asked for; leave it away"
            + (f", or ask for another with {others}" if others else "")
        )
    return solve


def _budget(word: str, value: int | str) -> Budget:
    option = f"--{word}"
    if not isinstance(value, str):
        limit = checked_count(value, option)
        return Budget(word, limit, f"{limit}{'B' if word == 'memory' else ''}")
    given = " ".join(value.split())
    if word == "time":
        return Budget(word, read_time(value, option), given)
    return Budget(word, units.read_bytes(value, option) if word == "memory" else _count(value, word), given)


UNITS_NS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000}
"""The units in which a time may be given [ns]."""


def read_time(text: str, option: str) -> int:
    """Return a time written with its unit [ns], as 5ms; a part of one is cut off.

    Raises:
        VggcostError: it has no unit, or is not above 0 and at most a day.
    """
    import re
    from decimal import Decimal

    found = re.fullmatch(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([a-z]+)", text.strip())
    if found is None or found[2] not in UNITS_NS:
        raise VggcostError(f"{option} is {text[:60]!r}; give a time with its unit, as 5ms, 300us or 2s")
    amount = int(Decimal(found[1]) * UNITS_NS[found[2]])
    if not 1 <= amount <= LONGEST_NS:
        raise VggcostError(f"{option} is {text.strip()}; give at least 1ns and at most a day")
    return amount


LONGEST_NS = 86_400_000_000_000
"""A day."""


def _count(text: str, word: str) -> int:
    """A number of MACs or of parameters; a part of one is cut off."""
    try:
        amount = read_amount(text)
    except VggcostError as error:
        raise VggcostError(f"--{word}: {error}") from None
    quantity = COUNT if word == "macs" else PARAMS
    if amount.unit == FLOP:
        raise VggcostError(
            f"--macs is {text!r}, and a MAC is 2 FLOP: write half the number, in MACs"
            if word == "macs"
            else f"--{word} is {text!r}; give a number of parameters, as 20M"
        )
    if amount.quantity not in (None, quantity):
        example = "5G (MACs)" if word == "macs" else "20M (parameters)"
        other = "; bytes are --memory's" if amount.quantity == BYTES else ""
        raise VggcostError(f"--{word} is {text!r}; give a number such as {example}{other}")
    if not 1 <= amount.whole <= units.COUNT_LIMIT:
        raise VggcostError(f"--{word} is {text.strip()[:40]}; give a number from 1 to 10^18")
    return amount.whole
