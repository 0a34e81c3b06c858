"""Engines: a task's result comes back whatever happens to the worker that had it."""

from __future__ import annotations

import os

import engine_tasks
import pytest

from vggcost.engines import engine
from vggcost.errors import VggcostError


@pytest.fixture(params=["here", "pool:2"])
def made(request):
    found = engine(request.param)
    yield found
    found.close()


def test_every_task_comes_back_once_also_those_submitted_on_the_way(made):
    for number in range(3):
        made.submit(engine_tasks.doubled, number)
    found = {}
    for job in made.as_completed():
        found[job.argument] = job.result()
        if job.argument < 3:
            made.submit(engine_tasks.doubled, job.argument + 10)
    assert found == {number: 2 * number for number in (0, 1, 2, 10, 11, 12)}


def test_what_a_task_raises_is_raised_where_its_result_is_asked_for(made):
    made.submit(engine_tasks.refuses, 3)
    made.submit(engine_tasks.doubled, 4)
    jobs = {job.argument: job for job in made.as_completed()}
    with pytest.raises(ValueError, match="not 3"):
        jobs[3].result()
    assert jobs[4].result() == 8


def test_a_pool_outlives_a_worker_that_is_killed(tmp_path):
    pool = engine("pool:2")
    try:
        pool.submit(engine_tasks.dies_once, os.fspath(tmp_path))
        for number in range(4):
            pool.submit(engine_tasks.doubled, number)
        found = {job.argument: job.result() for job in pool.as_completed()}
    finally:
        pool.close()
    assert found == {os.fspath(tmp_path): "lives", 0: 0, 1: 2, 2: 4, 3: 6}


def test_a_task_that_kills_its_worker_each_time_is_given_up():
    pool = engine("pool:1")
    try:
        pool.submit(engine_tasks.always_dies, "range 7")
        (job,) = pool.as_completed()
        with pytest.raises(VggcostError, match="killed 3 times"):
            job.result()
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("poool:2", "unknown engine 'poool:2'; the nearest are pool"),
        ("pool:0", "1 to 1024"),
        ("pool:two", "1 to 1024"),
        ("dask://", "without an address"),
        ("dask-file://no/such.json", "no Dask scheduler answers at no/such.json"),
    ],
)
def test_an_engine_that_is_none_is_refused(text, says):
    if text.startswith("dask"):
        pytest.importorskip("distributed")
    with pytest.raises(VggcostError, match=says):
        engine(text)


def test_tls_is_for_dask():
    with pytest.raises(VggcostError, match="--tls is for Dask"):
        engine("pool:2", {"ca_file": "ca.pem"})
