"""Every block of the README and of docs/ is run, and shown output is real output."""

from __future__ import annotations

import doctest
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pages import refresh

ALL = [block for path in refresh.pages() for block in refresh.blocks(path)]
SET_UP = ("pip install",)
"""A line that installs is what .ci/run does on a clean machine; here it is only held against the packaging."""


def of(*languages):
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in ALL if block.language in languages]


def test_every_block_is_of_a_kind_that_is_checked():
    assert ALL
    assert {block.language for block in ALL} <= set(refresh.LANGUAGES)


@pytest.mark.parametrize("block", of("console"))
def test_shown_output_is_real_output(block):
    pytest.importorskip("torch")
    assert refresh.commands(block.text)
    assert refresh.filled(block.text) == block.text


@pytest.mark.parametrize("path", refresh.pages(), ids=lambda path: path.name)
def test_shown_tables_are_what_their_commands_print(path):
    text = path.read_text(encoding="utf-8")
    assert refresh.TABLE.sub(lambda found: refresh.table(found[1]), text) == text
    assert text.count("<!-- $ ") == len(refresh.TABLE.findall(text))


def test_the_readme_shows_what_every_counter_prints(checkout):
    (command, shown), *_ = refresh.TABLE.findall((checkout / "README.md").read_text(encoding="utf-8"))
    assert command == "vggcost conventions D --format markdown"
    totals = [line.split("|")[6].strip() for line in shown.splitlines() if line.startswith("| ")][1:]
    heading = f"## One network, {len(totals)} counters, {len(set(totals))} answers\n"
    assert heading in (checkout / "README.md").read_text(encoding="utf-8")


def test_a_changed_digit_would_be_seen():
    block = next(block for block in ALL if block.language == "console")
    assert refresh.filled(block.text.replace("138,357,544", "138,357,545")) != block.text.replace(
        "138,357,544", "138,357,545"
    )


@pytest.mark.parametrize("block", of("pycon"))
def test_sessions_run(block):
    test = doctest.DocTestParser().get_doctest(block.text, {}, block.page, block.page, block.line)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("block", of("sh"))
def test_commands_run(block, tmp_path):
    folder = os.path.dirname(sys.executable)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    for line in block.text.splitlines():
        if line.startswith(SET_UP):
            continue
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), line


def test_the_two_commands_do_all_the_set_up(checkout):
    lines = [
        line for block in refresh.blocks(checkout / "README.md") if block.language == "sh" for line in [block.text]
    ]
    assert lines[0] == "pip install . && vggcost table --config D\n"
    assert lines[1] == "pip install -c constraints.txt '.[test]' && pytest\n"
    assert lines[1].strip() in Path(checkout, ".ci", "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", of("toml"))
def test_network_files_can_be_read(block, vggcost, tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(block.text)
    ran = vggcost("table", "--file", str(file))
    assert (ran.status, ran.err) == (0, "")
