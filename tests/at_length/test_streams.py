"""Standard streams that are closed, full, of another encoding, or gone: a whole result, or one line and its status."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import pytest

from vggcost.cli import output

COMMAND = f"{sys.executable} -m vggcost"
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
CLOSED = "vggcost: error: cannot write the result to standard output: it is closed; free the place or choose another"


def shell(words, folder, **environment):
    """The status, and both streams, of a line of a shell in which ``vggcost`` is the command."""
    line = words.replace("vggcost", COMMAND)
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=folder, capture_output=True, check=False, env={**os.environ, **environment}
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("words", ["table D", "--help", "--version", "table --help"])
def test_a_closed_standard_output_is_refused_in_one_line(tmp_path, words):
    status, out, err = shell(f"vggcost {words} >&-", tmp_path)
    assert (status, out, err.count("\n")) == (2, b"", 1)
    assert err.startswith(CLOSED)


def test_a_file_is_written_where_standard_output_is_closed(tmp_path):
    assert shell("vggcost table D --format csv -o d.csv >&-", tmp_path) == (0, b"", "")
    assert (tmp_path / "d.csv").read_text().startswith("name,kind")


@pytest.mark.parametrize(
    "closed", ["2>&-", "<&-", "2>/dev/full", "<&- 2>&-"], ids=["no errors", "no input", "full errors", "neither"]
)
def test_a_result_is_whole_without_the_other_streams(tmp_path, closed):
    status, out, _ = shell(f"vggcost --version {closed}", tmp_path)
    assert (status, out.count(b"\n")) == (0, 1)


@FULL
@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_where_nobody_can_be_told_the_status_still_says_it(tmp_path, streams):
    assert shell(f"vggcost table Z {streams}", tmp_path) == (2, b"", "")


@FULL
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--help", "table --help"])
def test_help_on_a_full_disk(tmp_path, words, unbuffered):
    status, _, err = shell(f"vggcost {words} >/dev/full", tmp_path, PYTHONUNBUFFERED=unbuffered)
    assert (status, err.count("\n")) == (2, 1)
    assert "No space left on device" in err


def limited(most_bytes):
    """Let a file grow no further than this, as a full disk does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_fills_within_a_result_is_said(tmp_path, unbuffered):
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "vggcost", "table", "--format", "json"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            preexec_fn=lambda: limited(1024),
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "File too large" in done.stderr


class InPieces:
    """A stream without a buffer: it takes some bytes at a time, and at times none."""

    def __init__(self):
        self.taken = b""
        self.calls = 0

    def write(self, content):
        self.calls += 1
        self.taken += bytes(content[:7])
        return min(7, len(content))


class Unbuffered:
    encoding = "cp1252"

    def __init__(self):
        self.buffer = InPieces()

    def flush(self):
        pass


def test_a_stream_that_takes_a_part_is_given_the_rest(monkeypatch):
    stream = Unbuffered()
    monkeypatch.setattr(sys, "stdout", stream)
    output.emit("Größe → 3\n" * 9, None)
    assert stream.buffer.taken == "Größe \\u2192 3\n".encode("cp1252") * 9
    assert stream.buffer.calls > 9


def test_a_full_pipe_that_does_not_block_is_waited_for():
    program = (
        "import os, sys; os.set_blocking(1, False); from vggcost.cli import main;"
        " sys.exit(main(['table', '--format', 'json', '--all', '--config', 'E']) or main(['configs', '--schema'])"
        " or main(['table', '--format', 'html', 'E']) or main(['conventions', '--format', 'json']))"
    )
    line = f'{sys.executable} -c "$PROGRAM" | (sleep 0.3; wc -c)'
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, check=False, env={**os.environ, "PROGRAM": program}
    )
    assert done.stderr == ""
    assert int(done.stdout) > 1 << 16


ENCODINGS = (
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)


@pytest.mark.parametrize("environment", ENCODINGS, ids=["ascii", "cp1252", "C", "POSIX"])
def test_letters_that_an_encoding_lacks_are_escaped(tmp_path, environment):
    (tmp_path / "net.toml").write_text('name = "Größe→3"\nfeatures = [8, "M"]\n', encoding="utf-8")
    status, out, err = shell("vggcost table net.toml", tmp_path, **environment)
    assert (status, err) == (0, "")
    assert rb"\u2192" in out
    status, out, err = shell("vggcost table no→ne.toml", tmp_path, **environment)
    assert (status, out, err.count("\n")) == (2, b"", 1)


@pytest.mark.skipif(sys.platform == "darwin", reason="this system's file names are UTF-8")
def test_names_that_are_not_utf_8_are_read_and_written(tmp_path):
    name = os.fsdecode(b"n\xff.toml")
    (tmp_path / name).write_text('features = [8, "M"]\n')
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}

    def ran(*words):
        done = subprocess.run(
            [sys.executable, "-m", "vggcost", *words], cwd=tmp_path, capture_output=True, check=False, env=environment
        )
        return done.returncode, done.stdout, done.stderr.decode()

    status, out, err = ran("table", name)
    assert (status, err) == (0, "")
    assert rb"n\udcff" in out
    result = os.fsdecode(b"out\xff.csv")
    assert ran("table", name, "--format", "csv", "-o", result) == (0, b"", "")
    assert (tmp_path / result).read_text().startswith("name,kind")
    status, _, err = ran("table", name, "--format", "markdown", "-o", "d.md")
    assert (status, err) == (0, "")
    assert (tmp_path / "d.md").read_text(encoding="utf-8")
    status, _, err = ran("report", name, "-o", os.fsdecode(b"set\xff"))
    assert (status, err) == (0, "")
