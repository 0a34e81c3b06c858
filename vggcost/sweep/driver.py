"""A sweep from its question to its rows: tasks handed out, and what they give merged.

The rows depend on the space and the question alone: parts are merged by their flat index, whoever gave them, and when.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.record import Record
from vggcost.sweep.query import MOST_KEPT, ROWS
from vggcost.sweep.question import LARGEST
from vggcost.sweep.task import Task, TaskResult, kept_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from vggcost.engines import Engine
    from vggcost.sweep.parts import Parts
    from vggcost.sweep.question import Question
    from vggcost.sweep.space import Space


class SweepOutcome(Record):
    """How a sweep went: points examined, passed and refused, ranges that failed, and rows where they are few."""

    examined: int
    passed: int
    refused: dict[str, tuple[int, int]]
    failed: tuple[str, ...]
    kept: TaskResult | None


def answer(
    asked: Question,
    engine: Engine,
    parts: Parts | None = None,
    take: Callable[[TaskResult], None] = lambda _: None,
    told: Callable[[int, int], None] = lambda _, __: None,
) -> SweepOutcome:
    """Run all tasks on an engine; take gets the rows of each in order where every row is kept; see `pieces`."""
    running = pieces(asked, engine, parts, told)
    while True:
        try:
            take(next(running))
        except StopIteration as end:
            outcome: SweepOutcome = end.value
            return outcome


def pieces(
    asked: Question,
    engine: Engine,
    parts: Parts | None = None,
    told: Callable[[int, int], None] = lambda _, __: None,
) -> Generator[TaskResult, None, SweepOutcome]:
    """Run all tasks on an engine, yield the rows of each in order where every row is kept, and return the outcome.

    parts are where finished tasks are kept and found again; told hears how many points are done, and how many there
    are.

    Raises:
        VggcostError: a front has more than a million points.
    """
    merge = _Merge(asked, parts)
    waiting: Iterator[tuple[int, Task]] = enumerate(asked.tasks())
    todo = (
        [(number, task) for number, task in waiting if not _kept_already(merge, parts, number, task)] if parts else None
    )
    source: Iterator[tuple[int, Task]] = iter(todo) if todo is not None else waiting
    numbers: dict[int, int] = {}

    def more(count: int) -> None:
        for number, task in islice(source, count):
            numbers[id(engine.submit(run, task))] = number

    total = asked.layout.space.points if asked.sample is None else len(asked.sample)
    more(engine.slots)
    for job in engine.as_completed():
        number = numbers.pop(id(job))
        task: Task = job.argument
        more(1)
        yield from merge.ready()
        try:
            found: TaskResult = job.result()
        except Exception as error:  # noqa: BLE001  # one range that fails leaves the others whole
            low, high = asked.layout.start(task.first), asked.layout.start(task.last)
            merge.fail(number, f"points {low:,} to {high - 1:,}: {type(error).__name__}: {error}")
            continue
        if parts is not None:
            parts.write(task, found)
        merge.add(number, task, found)
        told(merge.examined, total)
    yield from merge.ready()
    return merge.outcome()


def _kept_already(merge: _Merge, parts: Parts, number: int, task: Task) -> bool:
    found = parts.read(task)
    if found is None:
        return False
    merge.add(number, task, found)
    return True


class _Merge:
    """What tasks gave, put together in their order."""

    def __init__(self, asked: Question, parts: Parts | None) -> None:
        self._asked = asked
        self._parts = parts
        self._next = 0
        self._held: dict[int, tuple[Task, TaskResult | None]] = {}
        self._kept: TaskResult | None = None
        self.examined = self._passed = 0
        self._refused: dict[str, tuple[int, int]] = {}
        self._failed: list[str] = []

    def fail(self, number: int, why: str) -> None:
        """Leave out a task that failed."""
        self._failed.append(why)
        self._held[number] = (Task(b"", 0, 0, None), None)

    def add(self, number: int, task: Task, found: TaskResult) -> None:
        """Take in what a task gave."""
        self.examined += found.examined
        self._passed += found.passed
        for name, (points, example) in found.refused.items():
            before, first = self._refused.get(name, (0, example))
            self._refused[name] = (before + points, min(first, example))
        if self._asked.query.kept != ROWS:
            self._best(found)
            return
        # Rows that are read again from their part are not held meanwhile.
        self._held[number] = (task, None if self._parts is not None and number != self._next else found)

    def _best(self, found: TaskResult) -> None:
        if self._kept is None:
            self._kept = found
        else:
            index = np.concatenate((self._kept.index, found.index))
            columns = {name: np.concatenate((self._kept.columns[name], found.columns[name])) for name in found.columns}
            index, columns = kept_of(self._asked.query, index, columns, self._asked.layout)
            self._kept = found.replace(index=index, columns=columns)
        if len(self._kept.index) > MOST_KEPT:
            raise VggcostError(
                f"the front has more than {MOST_KEPT:,} points, most of them equal in what is asked; give another"
                " objective, or --where"
            )

    def ready(self) -> Iterator[TaskResult]:
        """Yield the rows that are next."""
        while self._next in self._held:
            task, found = self._held.pop(self._next)
            if found is None and self._parts is not None and task.query:
                found = self._parts.read(task)
            self._next += 1
            if found is not None:
                yield found

    def outcome(self) -> SweepOutcome:
        """Return how it went."""
        return SweepOutcome(self.examined, self._passed, self._refused, tuple(self._failed), self._kept)


def reasons(space: Space, refused: dict[str, tuple[int, int]], most: int = 20) -> Sequence[str]:
    """Return for configurations with points that cannot run how many there are, and in the int door's words why."""
    from vggcost.costs.table import table
    from vggcost.network.unfold import unfold
    from vggcost.sweep.space import unravelled

    found = []
    for name, (points, example) in sorted(refused.items(), key=lambda each: (-each[1][0], each[0]))[:most]:
        structure, rest = divmod(example, space.grid)
        point = space.structure(structure)
        image = space.values["size"][unravelled(rest, space.grid_shape)[2]] or point.plan.size
        variant = point.variant()
        try:
            table(unfold(point.plan, variant, image), (1, variant.in_channels, *image))
            why = "it runs"
        except VggcostError as error:
            why = str(error)
        found.append(f"{name}: {points:,} points cannot run, as at {units.pair_text(image)}: {why}")
    return found


def largest_number(space: Space, convention: str | None = None) -> tuple[str, int]:
    """Return the column with the largest number of all, and that number, by the int door at the space's corner.

    No number falls where a batch, a side, the classes, a width or a depth rises.

    Raises:
        VggcostError: int64 does not hold it.
    """
    from vggcost.sweep.corner import corner_numbers

    name, number = max(corner_numbers(space, convention), key=lambda each: each[1], default=("params", 0))
    if number > LARGEST:
        raise VggcostError(
            f"the space's corner has {name} {units.human(number).strip()}, and int64 ends at {units.human(LARGEST)};"
            " give smaller axes"
        )
    return name, number
