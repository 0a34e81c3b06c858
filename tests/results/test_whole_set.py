"""A file keeps what is its own when it is replaced; a set of files is all new or all old, whatever stops its writer."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vggcost.errors import VggcostError
from vggcost.results import whole_file, whole_set

DEAD = 2**22 + 1
"""A process that no Linux has: pid_max ends at 2^22."""

OLD, NEW = (
    (("a.csv", "old a"), ("b.csv", "old b"), ("c.csv", "old c")),
    (("a.csv", "A"), ("b.csv", "B"), ("c.csv", "C")),
)
ROOT = os.name == "posix" and os.geteuid() == 0


def texts(folder):
    return {path.name: path.read_text() for path in sorted(Path(folder).iterdir())}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "set"
    whole_set.write(str(made), OLD)
    assert texts(made) == dict(OLD)
    return made


def test_a_file_keeps_its_mode_and_is_never_more_open_than_that(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(0o600)
    seen = []
    fsync = os.fsync

    def looked(number):
        seen.append(stat.S_IMODE(os.fstat(number).st_mode))
        fsync(number)

    monkeypatch.setattr(os, "fsync", looked)
    whole_file.write(str(target), "new")
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode), seen) == ("new", 0o600, [0o600])


def test_a_file_of_two_names_keeps_both(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("old and longer than what comes")
    os.link(one, other)
    for text in ("new", "new, and longer than what was there before it"):
        whole_file.write(str(one), text)
        assert (one.read_text(), other.read_text()) == (text, text)
        assert one.stat().st_ino == other.stat().st_ino
    assert sorted(os.listdir(tmp_path)) == ["one", "other"]


def test_a_file_keeps_its_owner(tmp_path):
    owner, group = (1234, 77) if ROOT else (os.geteuid(), os.getegid())  # only root gives files away
    target = tmp_path / "a.json"
    target.write_text("old")
    os.chown(target, owner, group)
    target.chmod(0o4750)
    whole_file.write(str(target), "new")
    now = target.stat()
    assert (target.read_text(), now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == ("new", owner, group, 0o4750)


def test_a_file_that_cannot_be_given_to_its_owner_is_written_where_it_is(tmp_path, monkeypatch):
    target = tmp_path / "a.json"
    target.write_text("old")
    before = target.stat().st_ino
    real = os.stat

    def of_another(path, *args, **named):
        found = real(path, *args, **named)
        if os.fspath(path) != str(target):
            return found
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:10]))

    monkeypatch.setattr(os, "fchown", lambda *_: (_ for _ in ()).throw(PermissionError))
    monkeypatch.setattr(os, "stat", of_another)
    whole_file.write(str(target), "new")
    monkeypatch.undo()
    assert (target.read_text(), target.stat().st_ino) == ("new", before)


@pytest.mark.parametrize("length", [230, 255])
def test_a_name_may_be_as_long_as_a_name_can_be(tmp_path, length):
    target = tmp_path / ("é" * 40 + "x" * (length - 80))
    half = Path(whole_file._beside(str(target), DEAD))
    half.write_text("half")
    whole_file.write(str(target), "new")
    assert texts(tmp_path) == {target.name: "new"}


def test_a_name_that_is_too_long_is_refused_before_anything_is_done(tmp_path):
    with pytest.raises(VggcostError, match="File name too long; choose another place"):
        whole_file.check_writable(str(tmp_path / ("x" * 256)))


def test_a_name_with_a_nul_is_refused(refused):
    assert "no name has a NUL in it" in refused("table", "-o", "a\0b.csv")
    assert "no name has a NUL in it" in refused("report", "-o", "a\0b")


def test_a_folder_that_may_not_be_written_is_refused_for_a_file_that_may(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != str(tmp_path))  # root may write everywhere
    with pytest.raises(VggcostError, match="may not be written"):
        whole_file.check_writable(str(tmp_path / "a"))


def test_a_set_is_written_whole(folder):
    whole_set.write(str(folder), NEW)
    assert texts(folder) == dict(NEW)


def test_a_file_that_is_no_longer_in_the_set_stays(folder):
    whole_set.write(str(folder), NEW[:1])
    assert texts(folder) == dict(OLD) | dict(NEW[:1])


@pytest.mark.parametrize("there", ["b.csv", "c.csv"])
def test_all_places_are_checked_first(folder, there):
    (folder / there).unlink()
    (folder / there).mkdir()
    with pytest.raises(VggcostError, match=f"{there}', which is a directory"):
        whole_set.write(str(folder), NEW)
    assert (folder / "a.csv").read_text() == "old a"
    assert sorted(os.listdir(folder)) == ["a.csv", "b.csv", "c.csv"]


def test_two_files_that_are_one_are_refused(folder):
    (folder / "b.csv").unlink()
    (folder / "b.csv").symlink_to("a.csv")
    with pytest.raises(VggcostError, match=r"'a.csv' and 'b.csv' in .* are links to one file"):
        whole_set.write(str(folder), NEW)
    assert (folder / "a.csv").read_text() == "old a"


def test_links_modes_and_devices_stay(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    place = tmp_path / "elsewhere" / "b"
    (folder / "b.csv").unlink()
    (folder / "b.csv").symlink_to(place)
    (folder / "c.csv").unlink()
    (folder / "c.csv").symlink_to(os.devnull)
    (folder / "a.csv").chmod(0o640)
    whole_set.write(str(folder), NEW)
    assert (folder / "b.csv").is_symlink() and place.read_text() == "B"
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert stat.S_IMODE((folder / "a.csv").stat().st_mode) == 0o640
    assert sorted(os.listdir(folder)) == ["a.csv", "b.csv", "c.csv"]


def test_a_link_into_another_file_system_is_followed(folder, tmp_path, monkeypatch):
    place = tmp_path / "b"
    (folder / "b.csv").unlink()
    (folder / "b.csv").symlink_to(place)
    replace = os.replace

    def across(part, to):
        if str(folder) in part and str(folder) not in to:
            raise OSError(18, "Invalid cross-device link")
        replace(part, to)

    monkeypatch.setattr(os, "replace", across)
    whole_set.write(str(folder), NEW)
    assert place.read_text() == "B"
    assert sorted(os.listdir(folder)) == ["a.csv", "b.csv", "c.csv"]


class Stopped(BaseException):
    """As Ctrl-C, which no handler of errors sees."""


@pytest.mark.parametrize("name", ["put", "move"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_set_that_is_stopped_is_old_or_is_completed_by_the_next(folder, monkeypatch, name, count):
    real, calls = getattr(whole_file, name), []

    def stops(*args):
        calls.append(args)
        if len(calls) == count:
            raise Stopped
        real(*args)

    monkeypatch.setattr(whole_file, name, stops)
    with pytest.raises(Stopped):
        whole_set.write(str(folder), NEW)
    monkeypatch.undo()
    if name == "put":
        assert texts(folder) == dict(OLD)
        return
    left = [str(folder / file) for file, _ in NEW[count - 1 :]]
    assert whole_set.unfinished(str(folder)) == left
    whole_set.write(str(folder), (("d.csv", "another set"),))
    assert texts(folder) == {**dict(NEW), "d.csv": "another set"}
    assert whole_set.unfinished(str(folder)) == []


def test_a_file_that_cannot_be_moved_is_named_with_what_is_left_to_do(folder, monkeypatch):
    real = whole_file.move

    def fails(part, place):
        if place.endswith("b.csv"):
            raise OSError(28, "No space left on device")
        real(part, place)

    monkeypatch.setattr(whole_file, "move", fails)
    with pytest.raises(VggcostError, match=r"cannot write .*b\.csv': No space left on device; the set is written in"):
        whole_set.write(str(folder), NEW)
    monkeypatch.undo()
    whole_set.write(str(folder), ())
    assert texts(folder) == dict(NEW)


FULL = """
import resource, signal, sys
from vggcost.results import whole_set
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
whole_set.write(sys.argv[1], [("a.csv", "A"), ("b.csv", "B" * 5000), ("c.csv", "C")])
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_leaves_the_old_set(folder, tmp_path, there):
    place = folder if there else tmp_path / "new" / "below"
    done = subprocess.run([sys.executable, "-B", "-c", FULL, place], capture_output=True, text=True, check=False)
    assert f"b.csv': File too large; nothing was changed in '{place}'" in done.stderr
    assert texts(folder) == dict(OLD)
    assert os.listdir(tmp_path) == ["set"]


def test_what_the_dead_left_is_swept_and_what_the_living_have_stays(folder, monkeypatch):
    for number in (DEAD, os.getpid(), 1):
        (folder / f".vggcost-set.{number}.part").mkdir()
        (folder / f".vggcost-set.{number}.part" / "a.csv").write_text("half")
        (folder / f".a.csv.{number}.part").write_text("half")
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError))  # nobody can wait for his turn
    whole_set.write(str(folder), NEW)
    assert sorted(os.listdir(folder)) == [".a.csv.1.part", ".vggcost-set.1.part", "a.csv", "b.csv", "c.csv"]
    monkeypatch.undo()
    whole_set.write(str(folder), NEW)  # who has the folder alone knows that nobody else writes a set
    assert sorted(os.listdir(folder)) == [".a.csv.1.part", "a.csv", "b.csv", "c.csv"]


def test_two_at_once_leave_one_of_the_two(folder):
    sets = [tuple((name, letter * 1000) for name, _ in OLD) for letter in "xy"]

    def often(files):
        for _ in range(20):
            whole_set.write(str(folder), files)

    program = "import sys; from vggcost.results import whole_set\nfor _ in range(20): whole_set.write(sys.argv[1], {})"
    child = subprocess.Popen([sys.executable, "-c", program.format(sets[1]), folder])
    writer = threading.Thread(target=often, args=(sets[0],))
    writer.start()
    seen = []
    while child.poll() is None or writer.is_alive():
        with whole_set.turn(str(folder), shared=True):
            seen.append({text for name, text in texts(folder).items() if not name.startswith(".")})
    writer.join()
    assert child.returncode == 0
    assert all(len(each) == 1 or each == {text for _, text in OLD} for each in seen)
    assert texts(folder) in [dict(each) for each in sets]


def test_report_checks_its_places_before_it_reads_anything(refused, tmp_path):
    (tmp_path / "r" / "D.md").mkdir(parents=True)
    line = refused("report", "D", "--no-figures", "-o", str(tmp_path / "r"))
    assert "D.md', which is a directory; give a file" in line
    (tmp_path / "r" / "no_such.py-x.csv").mkdir()
    assert "no_such.py-x.csv', which is a directory" in refused("report", "no_such.py:x", "-o", str(tmp_path / "r"))
    assert sorted(os.listdir(tmp_path / "r")) == ["D.md", "no_such.py-x.csv"]


def test_report_check_names_a_report_that_was_cut_short(vggcost, tmp_path):
    place = str(tmp_path / "r")
    assert vggcost("report", "A", "D", "--no-figures", "-o", place).status == 0
    stage = tmp_path / "r" / f".vggcost-set.{DEAD}.whole"
    stage.mkdir()
    (tmp_path / "r" / "D.csv").rename(stage / "D.csv")
    ran = vggcost("report", "A", "D", "--no-figures", "-o", place, "--check")
    assert (ran.status, "1 of 7 files differ" in ran.out) == (1, True)
    assert f"{tmp_path}/r/D.csv: left as it was by a report that was cut short, which the next one completes" in ran.out
    assert vggcost("report", "E", "--no-figures", "-o", place).status == 0
    assert vggcost("report", "A", "D", "--no-figures", "-o", place, "--check").status == 1  # its summary is E's
    assert (tmp_path / "r" / "D.csv").exists() and not stage.exists()


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))


def test_report_on_a_full_disk_says_that_nothing_was_changed(process, tmp_path):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # which Python would cut short in silence
    ran = process("report", "A", "--no-figures", "-o", "r", preexec_fn=limited, env=environment)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "vggcost: error: cannot write 'r/A.csv': File too large; nothing was changed in 'r'; free the place or choose"
        " another\n"
    )
    assert os.listdir(tmp_path) == []
