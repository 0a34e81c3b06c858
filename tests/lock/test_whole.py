"""A lock is written whole or not at all, whoever writes beside us, and whatever stops us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vggcost.errors import VggcostError
from vggcost.results import whole_file

DEAD = 2**22 + 1
"""A process that no Linux has: pid_max ends at 2^22."""


def beside(folder):
    """What stands beside the lock."""
    return [path.name for path in folder.iterdir() if path.name != "vggcost.lock.json"]


@pytest.mark.torch  # for its time
def test_two_at_once_leave_one_of_the_two(tmp_path):
    vggcost = Path(sys.executable).with_name("vggcost")
    lock = tmp_path / "vggcost.lock.json"
    texts = set()
    for name in ("A", "E"):
        subprocess.run([vggcost, "lock", name], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
        texts.add(lock.read_bytes())
    for _ in range(3):
        children = [
            subprocess.Popen([vggcost, "lock", name], cwd=tmp_path, stdout=subprocess.DEVNULL)
            for name in ("A", "E", "A", "E")
        ]
        assert [child.wait() for child in children] == [0, 0, 0, 0]
        assert lock.read_bytes() in texts
        assert beside(tmp_path) == []


FULL = """
import resource, sys
from vggcost.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
sys.exit(main(["lock", "E"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix's")
def test_a_full_disk_leaves_the_old_file(vggcost):
    vggcost("lock", "A")
    before = Path("vggcost.lock.json").read_bytes()
    done = subprocess.run([sys.executable, "-B", "-c", FULL], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "vggcost: error: cannot write 'vggcost.lock.json': File too large; nothing was changed"
    )
    assert Path("vggcost.lock.json").read_bytes() == before
    assert beside(Path()) == []


@pytest.mark.parametrize("words", [("check",), ("lock", "A")])
def test_what_a_dead_process_left_is_swept(vggcost, words):
    vggcost("lock", "A")
    ours = [f".vggcost.lock.json.{number}.part" for number in (DEAD, os.getpid())]
    others = [".vggcost.lock.json.1.part", ".vggcost.lock.json.x.part", f".other.json.{DEAD}.part", "a.part"]
    for name in (*ours, *others):
        Path(name).write_text("half")
    assert vggcost(*words).status == 0
    assert [name for name in ours if Path(name).exists()] == []
    assert all(Path(name).exists() for name in others)


def test_what_cannot_be_swept_stops_nobody(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    (tmp_path / f".a.json.{DEAD}.part").write_text("half")
    monkeypatch.setattr(os, "listdir", lambda _: (_ for _ in ()).throw(PermissionError))
    whole_file.write(str(target), "whole")
    assert target.read_text() == "whole"


def test_a_file_of_our_own_number_from_an_earlier_process_is_no_obstacle(tmp_path):
    (tmp_path / f".a.json.{os.getpid()}.part").write_text("half")
    whole_file.write(str(tmp_path / "a.json"), "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(refused, vggcost):
    error = refused("lock", "no_such_file.py:x", "-o", "nowhere/lock.json")
    assert "there is no directory" in error
    with pytest.raises(VggcostError):
        whole_file.check_writable("nowhere/lock.json")
