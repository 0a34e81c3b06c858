"""The call of the Python API: a space swept, and its rows as pandas frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.engines import engine as engine_named
from vggcost.errors import Needs, VggcostError
from vggcost.record import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike
    from typing import Any

    import pandas as pd

    from vggcost.conventions.rows import ConventionName
    from vggcost.sweep.question import Question
    from vggcost.sweep.task import TaskResult

SMALL_ROWS = 10_000_000
"""What one frame holds at most."""


def sweep(
    space: str | PathLike[str] | Mapping[str, Any],
    *,
    where: str | Sequence[str] = (),
    pareto: str | None = None,
    top: int | None = None,
    by: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    every: bool = False,
    convention: ConventionName | None = None,
    device: str | None = None,
    engine: str = "here",
) -> Sweep:
    """Return the networks of a space that pass: their front, the top of them, a sample, or with every each one.

    space is a space file, or its content as a mapping: ``{"axes": {"width": [0.5, 1]}}``; the other arguments are the
    options of ``vggcost sweep``. engine is ``here``, ``pool:2`` (from a script whose main part stands under
    ``if __name__ == "__main__"``) or a Dask cluster, ``dask://host:8786``. See `vggcost.sweep.frames.Sweep`.

    Raises:
        VggcostError: what `vggcost.sweep.space.read` and `vggcost.sweep.question.question` refuse; a number that
            int64 does not hold.

    >>> sweep({"axes": {"config": ["A", "D"], "width": [0.5, 1]}}, top=1, by="min:params").frame()["params"].tolist()
    [74568872]
    """
    with Needs("vggcost.sweep", "numpy", "sweep"), Needs("vggcost.sweep", "pandas", "sweep"):
        import pandas as pd  # noqa: F401

        from vggcost.sweep import space as spaces
        from vggcost.sweep.driver import largest_number
        from vggcost.sweep.question import question

    read = spaces.read(space)
    texts = (where,) if isinstance(where, str) else tuple(where)
    asked = question(read, texts, pareto, top, by, sample, seed, every, convention, device)
    largest_number(read, convention)
    return Sweep(asked, engine)


class Sweep(Frozen):
    """What was asked of a space, which is evaluated when its frames are asked for.

    Iteration yields frames in the order of the flat index, a million rows and fewer each, so that no more is held than
    one; a front or a top is one frame. Columns are those of ``vggcost sweep``: counts are int64 (Int64 where there is
    no number), ``width`` a float, words are text.
    """

    def __init__(self, asked: Question, engine: str) -> None:
        self._set(_asked=asked, _engine=engine)

    def __iter__(self) -> Iterator[pd.DataFrame]:
        from vggcost.sweep.driver import pieces

        asked: Question = self.__dict__["_asked"]
        workers = engine_named(self.__dict__["_engine"])
        try:
            running = pieces(asked, workers)
            while True:
                try:
                    found = next(running)
                except StopIteration as end:
                    outcome = end.value
                    break
                if len(found.index):
                    yield _frame(asked, found)
        finally:
            workers.close()
        if outcome.failed:
            raise VggcostError(f"{len(outcome.failed)} tasks failed, the first at {outcome.failed[0]}")
        if outcome.kept is not None:
            yield _frame(asked, outcome.kept)

    def frame(self) -> pd.DataFrame:
        """Return all rows as one frame.

        Raises:
            VggcostError: there are more than ten million.
        """
        import pandas as pd

        frames, rows = [], 0
        for each in self:
            rows += len(each)
            if rows > SMALL_ROWS:
                raise VggcostError(f"there are more than {SMALL_ROWS:,} rows; iterate over the frames, or filter")
            frames.append(each)
        if not frames:
            return pd.DataFrame()
        return pd.concat(frames, ignore_index=True)

    def plot(self, ax: Any = None) -> Any:
        """Draw the front, as ``vggcost plot front`` does, into ax or a new figure of pyplot's; return the axes.

        Raises:
            VggcostError: something else than a front is asked for, or no network passes.
            MissingExtraError: matplotlib is not installed.
        """
        from vggcost.report.plots.front import front
        from vggcost.report.plots.picture import on_axes
        from vggcost.sweep.driver import answer
        from vggcost.sweep.files import columns_of
        from vggcost.sweep.front_file import front_of
        from vggcost.sweep.query import FRONT

        asked: Question = self.__dict__["_asked"]
        if asked.query.kept != FRONT:
            raise VggcostError("only a front is drawn; sweep without top, every and sample, or with pareto=")
        workers = engine_named(self.__dict__["_engine"])
        try:
            outcome = answer(asked, workers)
        finally:
            workers.close()
        if outcome.kept is None or not len(outcome.kept.index):
            raise VggcostError("no network of the space passes; nothing can be drawn")
        columns = columns_of(asked.query.space, outcome.kept)
        found = front_of(asked.query.objectives, columns, asked.query.space.points, outcome.passed)
        return on_axes(front(found), ax)


def _frame(asked: Question, found: TaskResult) -> pd.DataFrame:
    import pandas as pd

    from vggcost.sweep.files import columns_of
    from vggcost.sweep.places import NOTHING

    series = {}
    for name, values in columns_of(asked.query.space, found).items():
        if values.dtype == object:
            series[name] = pd.Series(values, dtype="string")
        elif values.dtype == "int64" and (values == NOTHING).any():
            series[name] = pd.Series(values, dtype="Int64").mask(values == NOTHING)
        else:
            series[name] = pd.Series(values)
    return pd.DataFrame(series)
