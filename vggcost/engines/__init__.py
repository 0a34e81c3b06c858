"""Where tasks run: in this process, in a pool of processes, or on a Dask cluster, behind two calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vggcost.errors import VggcostError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KINDS = ("here", "pool", "dask", "dask-file")
"""The engines, as --engine names them."""

FORM = "pool:2 (processes here), here, dask://host:8786 or dask-file://scheduler.json"

MOST_TRIES = 3
"""How often a task is started whose worker dies under it."""


class Job:
    """A task that was submitted: its argument, and what came of it once it is done."""

    def __init__(self, function: Callable[[Any], Any], argument: Any, needs: Mapping[str, float]) -> None:
        self.function = function
        self.argument = argument
        self.needs = needs
        self.tries = 0
        self.value: Any = None
        self.error: BaseException | None = None

    def result(self) -> Any:
        """Return what the task returned.

        Raises:
            BaseException: what it raised; a VggcostError where its worker died as often as it was tried.
        """
        if self.error is not None:
            raise self.error
        return self.value


class Engine(Protocol):
    """What runs tasks: a function that can be imported, and one argument that can be pickled.

    A task may be run twice, after a worker died, so it should do nothing but return a value.
    """

    @property
    def slots(self) -> int:
        """How many tasks are worth having in hand: enough that no worker waits."""
        ...

    def submit(self, function: Callable[[Any], Any], argument: Any, needs: Mapping[str, float] | None = None) -> Job:
        """Hand in a task; needs are the workers' resources that it takes, by tag."""
        ...

    def as_completed(self) -> Iterator[Job]:
        """Yield each task as it ends, until none is left; more may be submitted meanwhile."""
        ...

    def tags(self) -> Mapping[str, float]:
        """Return the resources that the workers offer, summed up by tag."""
        ...

    def close(self) -> None:
        """Stop: tasks that run are given up."""
        ...


def engine(text: str, tls: Mapping[str, str] | None = None) -> Engine:
    """Return the engine that a text such as ``pool:2`` names; tls are files for Dask: ca_file, cert and key.

    Raises:
        VggcostError: there is no such engine, or it cannot be reached.
    """
    kind, sign, rest = text.partition(":")
    if kind in ("dask", "dask-file"):
        from vggcost.engines.dask import DaskEngine

        return DaskEngine(text, tls or {})
    if tls:
        raise VggcostError(f"--tls is for Dask, and --engine is {text!r}; leave it away, or give dask://host:8786")
    if text == "here":
        from vggcost.engines.here import HereEngine

        return HereEngine()
    if kind != "pool":
        found = unknown("engine", text, KINDS)
        raise VggcostError(f"{found}; write {FORM}", nearest=found.nearest)
    from vggcost.engines.pool import PoolEngine

    workers = rest if sign else str(PoolEngine.usual_workers())
    if not workers.isascii() or not workers.isdecimal() or not 1 <= int(workers[:6]) <= 1024:
        raise VggcostError(f"--engine is {text!r}; give pool:N with 1 to 1024 processes, such as pool:2")
    return PoolEngine(int(workers))
