"""A bench over a space on two tagged workers of a local Dask cluster, of which one is killed while it measures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

pytestmark = pytest.mark.campaign

SECONDS = 60


def started(folder, *words):
    """A process of Dask's, in a session of its own, so that whatever it starts ends with it."""
    command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def waited(what):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing came of it in time")


@pytest.fixture
def cluster(tmp_path):
    pytest.importorskip("torch")
    distributed = pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    quiet = ("--host", "127.0.0.1")
    running = [
        started(tmp_path, "dask_scheduler", *quiet, "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    ]
    try:
        waited(file.exists)
        for tag in ("one", "two"):
            words = ("--scheduler-file", str(file), "--nthreads", "1", "--resources", f"{tag}=1", "--name", tag)
            running.append(started(tmp_path, "dask_worker", *quiet, *words, "--no-dashboard"))
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=SECONDS)
            yield file, client
    finally:
        for process in reversed(running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_four_cells_on_two_devices_survive_a_worker_that_is_killed(cluster, vggcost, tmp_path):
    file, client = cluster
    space, folder = tmp_path / "space.toml", tmp_path / "results"
    space.write_text('[axes]\nconfig = "A"\nwidth = 0.125\nsize = 32\nbatch = [1, 2, 4, 8]\n')
    engine = ("--engine", f"dask-file://{file}")
    line = ("bench", "--space", str(space), "-o", str(folder), *engine, "--whole", "--budget", "1", "--device", "cpu")
    missing = vggcost(*line, "--on", "device=one,three")
    assert missing.status == 2 and "offers three" in missing.err and not folder.exists()
    pids = client.run(os.getpid)
    (victim,) = [
        pids[address] for address, about in client.scheduler_info()["workers"].items() if about["name"] == "two"
    ]

    def kill():
        waited(lambda: folder.exists() and any("-two-" in name for name in os.listdir(folder)))
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    ran = vggcost(*line, "--on", "device=one,two")
    killer.join()
    assert ran.status == 0 and "10 cells: 10 measured, 0 failed" in ran.out
    results = {name: json.loads((folder / name).read_text()) for name in os.listdir(folder)}
    assert len(results) == 10
    for name, document in results.items():
        assert document["cell"]["tag"] in name and document["environment"]["device_name"]
    before = {name: os.stat(folder / name).st_mtime_ns for name in results}
    assert "0 measured, 0 failed, 10 were there" in vggcost(*line, "--on", "device=one,two").out
    assert before == {name: os.stat(folder / name).st_mtime_ns for name in results}
