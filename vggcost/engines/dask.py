"""A Dask cluster, reached at its scheduler; whoever reaches a scheduler may run code on its workers."""

from __future__ import annotations

import os
import queue
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vggcost.engines import FORM, MOST_TRIES, Job
from vggcost.errors import Needs, VggcostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONNECT_SECONDS = 5
"""How long a scheduler is waited for."""

FILE = "dask scheduler --scheduler-file scheduler.json"

TLS_WORDS = {"ca_file": "tls_ca_file", "cert": "tls_client_cert", "key": "tls_client_key"}


def _unanswered(place: str, why: object) -> VggcostError:
    """The refusal of a scheduler that does not answer."""
    return VggcostError(
        f"no Dask scheduler answers at {place}: {why}; start one with: dask scheduler, and workers with: dask"
        f" worker HOST:8786"
    )


def _reach(place: str) -> None:
    """Knock at a scheduler's address, for a client waits longer than it is told to where nobody listens.

    Raises:
        VggcostError: it is no address, or nobody listens there.
    """
    import socket

    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return
    except (OSError, ValueError, OverflowError) as error:
        raise _unanswered(place, error) from None


class DaskEngine:
    """The workers of a scheduler that somebody else has started.

    Raises:
        MissingExtraError: distributed is not installed.
        VggcostError: the scheduler cannot be reached, is of another version, or has no worker.
    """

    def __init__(self, text: str, tls: Mapping[str, str]) -> None:
        with Needs(f"--engine {text}", "distributed", "dask"):
            distributed: Any = import_module("distributed")
        self._text = text
        kind, _, place = text.partition("://")
        if not place:
            raise VggcostError(f"--engine is {text!r}, without an address; write {FORM}")
        if kind == "dask-file" and not os.path.isfile(place):  # which a client waits for
            raise VggcostError(f"no Dask scheduler answers at {place}: there is no such file; start one with: {FILE}")
        if kind == "dask":
            _reach(place)
        where: dict[str, Any] = {"scheduler_file": place} if kind == "dask-file" else {"address": self._address(tls)}
        if tls:
            words = {TLS_WORDS[name]: value for name, value in tls.items()}
            where["security"] = distributed.Security(require_encryption=True, **words)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # other versions are asked for below
                self._client: Any = distributed.Client(timeout=CONNECT_SECONDS, set_as_default=False, **where)
        except Exception as error:  # noqa: BLE001  # of a socket, of TLS, of a file
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise _unanswered(place, why) from None
        self._jobs: dict[Any, Job] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            self._check()
        except BaseException:
            self._client.close(timeout=CONNECT_SECONDS)
            raise

    def _address(self, tls: Mapping[str, str]) -> str:
        place = self._text.partition("://")[2]
        return f"{'tls' if tls else 'tcp'}://{place}"

    def _check(self) -> None:
        """Refuse a cluster that is of another version, or that has no worker."""
        versions = self._client.get_versions()
        own = versions["client"]["packages"]
        others = {"the scheduler": versions["scheduler"], **versions["workers"]}
        for who, other in others.items():
            for package in ("distributed", "python"):
                theirs, ours = (other or {}).get("packages", {}).get(package), own[package]
                if theirs is None or theirs.split(".")[:2] != ours.split(".")[:2]:
                    raise VggcostError(
                        f"{who} of {self._text} has {package} {theirs}, and here is {ours}; install the same release"
                    )
        threads = self._client.nthreads()
        if not threads:
            raise VggcostError(f"{self._text} has no worker; start one with: dask worker HOST:8786 --nthreads 1")
        self._workers = int(sum(threads.values()))

    @property
    def slots(self) -> int:
        """How many tasks are worth having in hand."""
        return 2 * self._workers

    def submit(self, function: Callable[[Any], Any], argument: Any, needs: Mapping[str, float] | None = None) -> Job:
        """Hand in a task; needs are resources that workers were started with."""
        job = Job(function, argument, needs or {})
        self._start(job)
        return job

    def _start(self, job: Job) -> None:
        resources = dict(job.needs) or None
        future = self._client.submit(job.function, job.argument, pure=False, resources=resources)
        self._jobs[future] = job
        future.add_done_callback(self._done.put)

    def as_completed(self) -> Iterator[Job]:
        """Yield each task as it ends."""
        while self._jobs:
            future = self._done.get()
            job = self._jobs.pop(future, None)
            if job is None:
                continue
            try:
                job.value = future.result()
            except BaseException as error:  # noqa: BLE001  # whoever asks for the result gets it
                job.error = self._told(error)
            if job.error is not None and self._is_lost(job.error):
                job.tries += 1
                if job.tries < MOST_TRIES:
                    job.error = None
                    self._start(job)
                    continue
            future.release()
            yield job

    def _is_lost(self, error: BaseException) -> bool:
        """Whether a result was lost with its worker, so that the task may be tried again."""
        from asyncio import CancelledError as LoopCancelledError
        from concurrent.futures import CancelledError

        return isinstance(error, CancelledError | LoopCancelledError | TimeoutError)

    def _told(self, error: BaseException) -> BaseException:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return VggcostError("the worker that ran it died again and again")
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise error
        return error

    def tags(self) -> Mapping[str, float]:
        """Return the resources that the workers offer, summed up by tag."""
        found: dict[str, float] = {}
        for worker in self._client.scheduler_info(n_workers=-1)["workers"].values():
            for tag, amount in worker.get("resources", {}).items():
                found[tag] = found.get(tag, 0) + amount
        return found

    def close(self) -> None:
        """Give up what runs, and leave the cluster as it is."""
        self._client.cancel(list(self._jobs), force=True)
        self._jobs.clear()
        self._client.close(timeout=CONNECT_SECONDS)
