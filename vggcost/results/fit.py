"""The largest batch, image or width that keeps within budgets, the next one that does not, and what would move it."""

from __future__ import annotations

from functools import cached_property

from vggcost import units
from vggcost.costs.arguments import flag
from vggcost.costs.fit import Tried, largest
from vggcost.errors import VggcostError
from vggcost.formulas.memory import tensor_bytes
from vggcost.record import Frozen, Record
from vggcost.report import fit as fit_report
from vggcost.report import formats
from vggcost.results.settings import MEMORY, TIME, axis, levers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.predict.prediction import Prediction
    from vggcost.report.document import Document
    from vggcost.results.budgets import Budget
    from vggcost.results.settings import Axis, Setting


class Reached(Record):
    """One choice: its value (a batch, the side of a square image, a width factor), and what it takes of each budget.

    place is the choice on its axis, a whole number.
    """

    place: int
    value: float
    used: Mapping[str, int]


class Pull(Record):
    """What another option would give: the value that fits then, and what it takes of each budget.

    images: those of one step where a batch is chosen, else None. times: how much further that is.
    """

    option: str
    value: float
    images: int | None
    times: float
    used: Mapping[str, int]


class Fit(Frozen):
    """The largest value that fits: `value` and what it uses, `next` and what that would, both recomputed.

    `solve` says what the value is, and `batch`, `size` and `width` have it where it is one, else None. `used` and
    `headroom` are by budget: memory_bytes, macs, params. `next` is None where no larger value runs. `levers` are the
    options that would take less, each with what it would give.
    """

    setting: Setting
    solve: str
    budgets: tuple[Budget, ...]
    axis: Axis
    answer: Reached
    next: Reached | None

    def __init__(self, setting: Setting, solve: str, budgets: Sequence[Budget]) -> None:
        setting.check_dtype()
        scale = axis(solve, setting)
        self._set(setting=setting, solve=solve, budgets=tuple(budgets), axis=scale)
        fits, refused = self._boundary(setting)
        if fits is None:
            raise self._nothing_fits()
        if refused is None and fits >= units.COUNT_LIMIT:
            raise VggcostError(
                f"no {solve} of {setting.plan.name} exceeds {self._given()}; solve another, or give less"
            )
        self._set(answer=self._reached(fits), next=None if refused is None else self._reached(refused))
        self._confirm()

    @property
    def value(self) -> float:
        """The largest value that fits."""
        return self.answer.value

    @property
    def batch(self) -> int | None:
        """The largest batch [images]."""
        return self.answer.place if self.solve == "batch" else None

    @property
    def size(self) -> int | None:
        """The side of the largest square image [pixels]."""
        return self.answer.place if self.solve == "size" else None

    @property
    def width(self) -> float | None:
        """The largest width factor."""
        return self.answer.value if self.solve == "width" else None

    @property
    def used(self) -> Mapping[str, int]:
        """What the answer takes of each budget."""
        return self.answer.used

    @property
    def headroom(self) -> dict[str, int]:
        """What it leaves of each."""
        return {budget.key: budget.limit - self.used[budget.key] for budget in self.budgets}

    @cached_property
    def levers(self) -> tuple[Pull, ...]:
        """What options would give that take less, the strongest first; those that would move nothing are left out.

        A batch counts by the images of a step, of which accumulating has several passes.
        """
        return tuple(sorted(self._pulls(self.answer), key=lambda pull: -pull.times))

    @cached_property
    def counted(self) -> Table:
        """The network at the answer."""
        return self.axis.on(self.setting, self.answer.place).counted()

    @cached_property
    def forecast(self) -> Prediction | None:
        """The forecast of the answer's time; None where no time is limited."""
        timer = self.setting.timer
        return None if timer is None else timer.forecast(self.counted)

    def over(self, reached: Reached) -> tuple[str, ...]:
        """The budgets that a value exceeds, by key."""
        return tuple(budget.key for budget in self.budgets if reached.used[budget.key] > budget.limit)

    def document(self, *, human: bool = False) -> Document:
        """What `vggcost fit` shows, for the formats."""
        return fit_report.document(self, human=flag(human, "human"))

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.fit/1."""
        return fit_report.fit_data(self)

    def rendered(self, fmt: str, *, human: bool = False) -> str:
        """The answer in one of the formats that --format names.

        Raises:
            VggcostError: there is no such format.
        """
        return formats.rendered(self.document(human=human), formats.checked(fmt))

    def __repr__(self) -> str:
        return f"<vggcost fit of {self.setting.plan.name}: {self.solve} {self.value} in {self._given()}>"

    @property
    def _keys(self) -> tuple[str, ...]:
        return tuple(budget.key for budget in self.budgets)

    def _given(self) -> str:
        return " and ".join(f"--{budget.word} {budget.given}" for budget in self.budgets)

    def _boundary(self, setting: Setting, start: int | None = None) -> tuple[int | None, int | None]:
        """The last place that fits and the first that does not."""

        def tried(place: int) -> Tried:
            used = self.axis.on(setting, place).amounts(self._keys)
            return Tried(
                all(used[budget.key] <= budget.limit for budget in self.budgets),
                max(used[budget.key] / budget.limit for budget in self.budgets),
            )

        bounds = self.axis.bounds if start is None else self.axis.bounds.replace(start=start)
        found = largest(tried, bounds, self.axis.span)
        return self._beyond(setting, *found, tried) if TIME in self._keys else found

    def _beyond(
        self, setting: Setting, fits: int | None, refused: int | None, tried: Callable[[int], Tried]
    ) -> tuple[int | None, int | None]:
        """The same, with those behind the boundary looked at: a likely time may fall a little where a network grows.

        One that never falls lies below it, and where that is too long all that is larger is.
        """
        limit = next(budget.limit for budget in self.budgets if budget.key == TIME)
        place = refused
        while place is not None and self.axis.on(setting, place).least_time() <= limit:
            _, last = self.axis.span(place)
            following = last + 1 if last < self.axis.bounds.most else None
            if tried(place).fits:
                fits, refused = last, following
            place = following
        return fits, refused

    def _reached(self, place: int) -> Reached:
        used = self.axis.on(self.setting, place).amounts(self._keys)
        return Reached(place, self.axis.value(place), used)

    def _confirm(self) -> None:
        """Hold both values against the budgets once more, and the two against each other.

        Raises:
            AssertionError: the search was wrong.
        """
        _, last = self.axis.span(self.answer.place)
        beside = self.next is None or self.axis.span(self.next.place)[0] == last + 1
        if self.over(self.answer) or not beside or (self.next is not None and not self.over(self.next)):
            raise AssertionError(f"{self.solve} {self.value} is not the largest that fits {self._given()}")

    def _pulls(self, now: Reached | None) -> list[Pull]:
        """What each other option would give, where that is more than what is reached now."""
        found = []
        for lever in levers(self.setting, self.solve, self._keys):
            place, _ = self._boundary(lever.setting, None if now is None else now.place)
            if place is None:
                continue
            value = self.axis.value(place)
            images = self._images(lever.setting, value)
            times = images / self._images(self.setting, now.value) if now else images
            if times > 1 or now is None:
                used = self.axis.on(lever.setting, place).amounts(self._keys)
                found.append(Pull(lever.option, value, int(images) if self.solve == "batch" else None, times, used))
        return found

    def _images(self, setting: Setting, value: float) -> float:
        """How far a value goes: a batch by the images of a step."""
        passes = setting.training.accumulate if setting.training and self.solve == "batch" else 1
        return value * passes

    def _nothing_fits(self) -> VggcostError:
        """The refusal where not even the smallest value fits, with what it takes and what would help."""
        least = self._reached(self.axis.bounds.least)
        worst = next(budget for budget in self.budgets if least.used[budget.key] > budget.limit)
        counted = self.axis.on(self.setting, least.place).counted()
        title = self.setting.plan.name
        message = f"--{worst.word} {worst.given} is {worst.text(worst.limit)}, "
        weights = tensor_bytes(counted.params, units.dtype_bytes(self.setting.dtype))
        if worst.key == MEMORY and worst.limit < weights:
            message += f"less than the weights of {title} alone, {worst.text(weights)}; with"
        else:
            message += f"and {title} takes more: with"
        message += f" {self.solve} {least.value}, the smallest, it takes {worst.text(least.used[worst.key])}"
        pulls = self._pulls(None)
        if pulls:
            helps = max(pulls, key=lambda pull: pull.times)
            return VggcostError(f"{message}; {helps.option} would give {self.solve} {helps.value}")
        return VggcostError(f"{message}; give at least that")
