"""Each refusal: one line, exit status 2, nothing half written."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tabel",), "unknown command 'tabel'; the nearest are table"),
        (("--verison",), "unknown option '--verison'; the nearest are --version"),
        (("table", "F"), "unknown configuration 'F'; known are A, A-LRN, B, C, D, E, vgg11"),
        (("table", "vgg61"), "unknown configuration 'vgg61'; the nearest are vgg19, vgg16"),
        (("table", "--confg", "D"), "unknown option '--confg'; the nearest are --config"),
        (("table", "--conf=D"), "unknown option '--conf'; the nearest are --config"),
        (("table", "--config"), "argument --config: expected one argument"),
        (("table", "D", "--config", "E"), "the network is given twice, as 'D' and --config 'E'"),
        (("table", "A,D"), "2 configurations are given, A, D; this command takes one"),
        (("table", "A,"), "an empty configuration name"),
        (("table", "A", "B"), "unexpected word 'B'"),
        (("table", "--format", "jsn"), "unknown format 'jsn'; the nearest are json"),
        (("table", "--dtype", "float23"), "unknown dtype 'float23'; the nearest are float32"),
        (("table", "--size", "31"), "pool5 needs 2x2 and gets 1x1; the smallest size that works is 32x32"),
        (("table", "--size", "big"), "--size is 'big'; give a whole number of at least 1"),
        (("table", "--size", "224x"), "--size is '224x'; give one number or HEIGHTxWIDTH"),
        (("table", "--size", "1x2x3"), "--size is '1x2x3'; give one number or HEIGHTxWIDTH"),
        (("table", "--size", "0"), "--size is 0; give a whole number of at least 1"),
        (("table", "--size", "2_24"), "--size is '2_24'; give a whole number"),
        (("table", "--batch", "0"), "--batch is 0; give a whole number of at least 1"),
        (
            (
                "table",
                "--classes=-3",
            ),
            "--classes is -3; give a whole number of at least 1",
        ),
        (("table", "--classes", "1.5"), "--classes is '1.5'; give a whole number of at least 1"),
        (("table", "--batch", "1000000000000000001"), "above the limit of 10^18"),
        (("table", "--batch", "9" * 5000), "above the limit of 10^18"),
        (("table", "--size", "256", "--no-adaptive-pool"), "fc6 takes 25,088 features and gets 32,768"),
        (("formula", "--layer", "conv9"), "unknown layer 'conv9' in D"),
        (
            ("formula", "--format", "xyz"),
            "known are table, markdown, csv, json, latex, html, latex-siunitx, typst, python",
        ),
        (("compare", "D", "Z"), "unknown configuration 'Z'"),
        (("report", "D", "Z"), "unknown configuration 'Z'"),
        (("verify", "D", "--every-network"), "--every-network takes every configuration, and 'D' is named beside it"),
    ],
)
def test_a_wrong_word_gets_one_clear_line(refused, words, message):
    assert message in refused(*words)


def test_the_largest_count_is_still_exact(vggcost):
    assert f"{10**18 * 15_470_264_320}" in vggcost("table", "--batch", str(10**18), "--format", "csv").out


def test_an_output_that_is_a_directory_or_has_none(refused, tmp_path):
    assert "which is a directory; give a file" in refused("table", "-o", str(tmp_path))
    assert "there is no directory" in refused("table", "-o", str(tmp_path / "none" / "x.csv"))


def test_a_report_directory_that_is_a_file(refused, tmp_path):
    (tmp_path / "reports").write_text("mine")
    assert "which is a file; give a directory" in refused("report", "-o", str(tmp_path / "reports"))
    assert "which is a file; give a directory" in refused("report", "-o", str(tmp_path / "reports"), "--check")
    assert "cannot make" in refused("report", "-o", str(tmp_path / "reports" / "below"))
    assert (tmp_path / "reports").read_text() == "mine"


def test_a_file_is_replaced_whole_and_keeps_its_mode(vggcost, tmp_path):
    target = tmp_path / "d.csv"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    assert vggcost("table", "--format", "csv", "-o", str(link)).out == ""
    assert target.read_text().startswith("name,kind")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "link.csv"]


def limited(monkey_bytes):
    """Let a file grow no further than this, as a full disk does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (monkey_bytes, monkey_bytes))


def test_a_disk_that_fills_half_way_leaves_the_old_file(process, tmp_path):
    target = tmp_path / "d.json"
    target.write_text("old")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # which Python would cut short in silence
    ran = process("table", "--format", "json", "-o", str(target), preexec_fn=lambda: limited(1000), env=environment)
    assert ran.status == 2
    assert ran.err.startswith(f"vggcost: error: cannot write '{target}': File too large; nothing was changed there")
    assert ran.err.count("\n") == 1
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["d.json"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_standard_output_on_a_full_disk(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vggcost", "table"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot write the result to standard output: No space left on device; free the place" in done.stderr


@pytest.mark.parametrize("words", ["table --all", "table --format json", "--help"])
def test_a_closed_pipe_is_quiet(words):
    program = f"{sys.executable} -m vggcost {words}"
    script = f"({program}; echo status $? >&2) | true"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == "status 0\n"


def test_an_interrupt_ends_with_130(vggcost, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("vggcost.cli.table.run", interrupted)
    assert vggcost("table").status == 130


def test_a_device_is_written_to_and_not_replaced(vggcost):
    assert vggcost("table", "-o", os.devnull).status == 0
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
