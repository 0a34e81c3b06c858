"""A folder of its own for every test of a lock, which is the working directory."""

import json
from pathlib import Path

import pytest

NET = 'features = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


@pytest.fixture
def net():
    """A network file, and a function that writes another in its place."""
    Path("net.toml").write_text(NET)

    def change(old, new):
        assert old in NET
        Path("net.toml").write_text(NET.replace(old, new, 1))

    return change


@pytest.fixture
def locked(vggcost, net):
    """A lock of D and of the network file."""
    assert vggcost("lock", "D", "net.toml").status == 0
    return json.loads(Path("vggcost.lock.json").read_text())
