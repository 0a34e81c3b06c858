"""A question of a space, checked before anything runs: what passes, what is kept, how it is cut into tasks."""

from __future__ import annotations

import json
import pickle
import random
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from vggcost import units
from vggcost.conventions.rows import convention as convention_named
from vggcost.costs.table import checked_count
from vggcost.errors import VggcostError
from vggcost.predict import devices
from vggcost.predict.classes import check_device
from vggcost.predict.parameters import shipped_sha256
from vggcost.record import Record
from vggcost.sweep import query as queries
from vggcost.sweep import where as conditions
from vggcost.sweep.columns import COLUMNS, EVERY_COLUMN, TIME
from vggcost.sweep.layout import Layout
from vggcost.sweep.query import FRONT, MOST_KEPT, MOST_UNFILTERED, ROWS, TOP, USUAL_FRONT, Query
from vggcost.sweep.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from vggcost.predict.devices import FoundDevice
    from vggcost.sweep.query import Objective
    from vggcost.sweep.space import Space
    from vggcost.sweep.where import Condition

LARGEST = int(np.iinfo(np.int64).max)


class Question(Record):
    """What is asked, checked: the query, how the space is cut, and the sample where one is drawn."""

    query: Query
    layout: Layout
    sample: NDArray[np.int64] | None
    key: str
    """A digest of all that decides the rows: parts of another one are not taken for this one's."""

    def tasks(self) -> Iterator[Task]:
        """Yield all tasks in the order of the flat index; a sample leaves out those without a point of it."""
        blob = pickle.dumps(self.query)
        for number in range(self.layout.tasks):
            first, last = self.layout.task(number)
            sample = self.sample
            if sample is not None:
                low, high = (int(np.searchsorted(sample, self.layout.start(each))) for each in (first, last))
                sample = sample[low:high]
                if not len(sample):
                    continue
            yield Task(blob, first, last, sample)


def question(
    space: Space,
    where: Iterable[str] = (),
    pareto: str | None = None,
    top: int | None = None,
    by: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    every: bool = False,
    convention: str | None = None,
    device: str | None = None,
) -> Question:
    """Return what is asked of a space; without pareto, top and every it is the usual front.

    device is a name that `vggcost predict` knows: times of an eager forward call are forecast for it.

    Raises:
        VggcostError: a condition, an objective or a convention that cannot be; two ways of keeping; more than 10^12
            points and no condition; a number that int64 does not hold.
    """
    from vggcost import __version__

    ways = [name for name, given in (("--pareto", pareto), ("--top", top), ("--all", every)) if given]
    if len(ways) > 1:
        raise VggcostError(f"{' and '.join(ways)} are both given; give one of them")
    if by is not None and top is None:
        raise VggcostError(f"--by {by} is given without --top; add --top 20, or leave it away")
    found = conditions.parse(where)
    for name, count in (("--top", top), ("--sample", sample)):
        if count is not None and checked_count(count, name) > MOST_KEPT:
            raise VggcostError(f"{name} is {count:,}; give at most {MOST_KEPT:,}")
    if space.points > MOST_UNFILTERED and not found and sample is None:
        raise VggcostError(
            f"the space has {space.points:,} points, above 10^12, and no --where; give --where, --sample, or fewer"
        )
    if space.points > LARGEST:
        raise VggcostError(f"the space has {units.human(space.points)} points, and int64 ends at 9.2 E; give fewer")
    kept, objectives = FRONT, queries.objectives(pareto or USUAL_FRONT)
    if top is not None:
        kept, objectives = TOP, (queries.objective(by or "max:macs", "--by"),)
    elif every or (sample is not None and pareto is None):
        kept, objectives = ROWS, ()
    row = convention_named(convention or space.convention or "mac")
    timer = _device(device, [*found, *objectives])
    columns = tuple(COLUMNS) if timer is None else tuple(EVERY_COLUMN)
    query = Query(space, found, kept, objectives, top or 0, columns, row, timer)
    layout = Layout(space, keeps_rows=kept == ROWS)
    drawn = None
    if sample is not None:
        draw = random.Random(seed)  # noqa: S311  # the same points for the same seed
        drawn = np.array(sorted(draw.sample(range(space.points), min(sample, space.points))), np.int64)
    asked = {
        "version": __version__,
        "space": space.identity(),
        "where": [[each.column, each.sign, str(each.value)] for each in found],
        "kept": [kept, top, [each.text for each in objectives]],
        "sample": None if sample is None else [sample, seed],
        "convention": row.name,
        "device": None if timer is None else [repr(timer.device), shipped_sha256()],
    }
    key = blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=12).hexdigest()
    return Question(query, layout, drawn, key)


def _device(name: str | None, asked: Iterable[Condition | Objective]) -> FoundDevice | None:
    """A device by a name that `vggcost predict` knows.

    Raises:
        VggcostError: it is not known, or its datasheet says too little; none is given, and a time is asked for.
    """
    if name is None:
        if any(each.column == TIME.name for each in asked):
            raise VggcostError(f"{TIME.name} is asked for and no device is given; give --device NAME, as --device 3090")
        return None
    found = devices.shipped().find(name)
    check_device(found.device)
    return found
