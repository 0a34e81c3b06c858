"""What is asked of a space: which networks pass, and which of them are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.errors import VggcostError, unknown
from vggcost.record import Record
from vggcost.sweep.columns import EVERY_COLUMN
from vggcost.sweep.where import WHOLE, Condition

if TYPE_CHECKING:
    from vggcost.conventions.convention import Convention
    from vggcost.predict.devices import FoundDevice
    from vggcost.sweep.space import Space

NUMBERS = (*EVERY_COLUMN, "width", *WHOLE)
"""What can be an objective."""

FRONT, TOP, ROWS = "front", "top", "rows"

USUAL_FRONT = "min:training_bytes,max:macs"

MOST_KEPT = 1_000_000
"""How many rows a front, a top or a sample may have."""

MOST_UNFILTERED = 10**12


class Objective(Record):
    """A column, and whether the largest is asked for."""

    column: str
    largest: bool

    @property
    def text(self) -> str:
        """``max:macs``."""
        return f"{'max' if self.largest else 'min'}:{self.column}"


class Query(Record):
    """All that decides what a task gives: the space, the conditions, what is kept, and the columns of numbers.

    device: for which times are forecast, where one is given.
    """

    space: Space
    conditions: tuple[Condition, ...]
    kept: str
    objectives: tuple[Objective, ...]
    top: int
    columns: tuple[str, ...]
    convention: Convention
    device: FoundDevice | None = None


def objectives(text: str) -> tuple[Objective, ...]:
    """Return the objectives of --pareto: two or three.

    Raises:
        VggcostError: there are fewer or more, one twice, or one that is no column of numbers.
    """
    found = tuple(objective(part, "--pareto", None) for part in text.split(","))
    if not 2 <= len(found) <= 3:
        raise VggcostError(f"--pareto is {text!r}; give two or three objectives, as {USUAL_FRONT}")
    if len({each.column for each in found}) < len(found):
        raise VggcostError(f"--pareto is {text!r}, which has a column twice; give each once")
    return found


def objective(text: str, option: str, usual: str | None = "max") -> Objective:
    """Return one objective such as ``min:params``; usual is the direction where none is given.

    Raises:
        VggcostError: it has no direction, or its column is not known or no number.
    """
    way, sign, column = text.strip().partition(":")
    if not sign:
        way, column = usual or "", way
    if way not in ("min", "max"):
        raise VggcostError(f"{option} has {text.strip()!r}; write min:COLUMN or max:COLUMN, as {USUAL_FRONT}")
    if column not in NUMBERS:
        raise unknown("column", column, NUMBERS)
    return Objective(column, way == "max")
