"""A local Dask cluster of two worker processes: the same rows as here, also where one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from vggcost.engines import engine
from vggcost.engines.here import HereEngine
from vggcost.errors import VggcostError
from vggcost.sweep import layout
from vggcost.sweep import space as spaces
from vggcost.sweep.columns import COLUMNS
from vggcost.sweep.driver import answer
from vggcost.sweep.question import question

SPACE = {
    "axes": {
        "config": ["A", "B"],
        "width": {"from": 0.1, "to": 1, "step": 0.1},
        "batch_norm": [False, True],
        "in_channels": {"from": 1, "to": 20, "step": 1},
        "size": {"from": 32, "to": 256, "step": 32},
        "batch": {"powers_of": 2, "to": 64},
    }
}


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler and the numbers of its two worker processes."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ("--scheduler-file", os.fspath(file))
    words = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1")
    running = [subprocess.Popen((*words, "--no-dashboard", *common), cwd=tmp_path, **quiet)]
    words = (sys.executable, "-m", "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1")
    running.append(
        subprocess.Popen((*words, "--no-dashboard", "--resources", "h100=1", *common), cwd=tmp_path, **quiet)
    )
    try:
        for _ in range(600):
            try:
                found = engine(f"dask-file://{file}")
            except VggcostError:
                time.sleep(0.1)
                continue
            numbers = [int(each) for each in found._client.run(os.getpid).values()]
            found.close()
            if len(numbers) == 2:
                break
        yield f"dask-file://{file}", numbers
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


def rows(outcome):
    return outcome.kept.index.tolist(), [outcome.kept.columns[name].tolist() for name in COLUMNS]


@pytest.mark.torch  # takes long
@pytest.mark.filterwarnings("ignore")  # what Dask says of a worker that was killed
def test_a_cluster_gives_the_same_rows_and_outlives_a_killed_worker(cluster, monkeypatch):
    monkeypatch.setattr(layout, "TASK_BLOCKS", 4)
    asked = question(spaces.read(SPACE), pareto="min:training_bytes,max:macs,min:params")
    expected = rows(answer(asked, HereEngine()))
    address, workers = cluster
    works = engine(address)
    try:
        assert works.tags() == {"h100": 2}
        killed = []

        def kill_one(done, total):
            if not killed and done < total:
                killed.append(workers[0])
                os.kill(workers[0], signal.SIGKILL)

        assert rows(answer(asked, works, told=kill_one)) == expected
        assert killed
    finally:
        works.close()


@pytest.mark.torch  # waits for nobody, some seconds
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_is_not_there_is_named():
    pytest.importorskip("distributed")
    with pytest.raises(VggcostError, match="no Dask scheduler answers"):
        engine("dask://127.0.0.1:9")
