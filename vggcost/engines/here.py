"""The engine without workers: each task runs in this process when its result is asked for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from vggcost.engines import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class HereEngine:
    """Runs tasks one after the other, in the order in which they come."""

    slots = 1

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()

    def submit(self, function: Callable[[Any], Any], argument: Any, needs: Mapping[str, float] | None = None) -> Job:
        """Hand in a task."""
        job = Job(function, argument, needs or {})
        self._waiting.append(job)
        return job

    def as_completed(self) -> Iterator[Job]:
        """Yield each task as it ends."""
        while self._waiting:
            job = self._waiting.popleft()
            try:
                job.value = job.function(job.argument)
            except Exception as error:  # noqa: BLE001  # whoever asks for the result gets it
                job.error = error
            yield job

    def tags(self) -> Mapping[str, float]:
        """Return no resources."""
        return {}

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
