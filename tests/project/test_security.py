"""What SECURITY.md says of commands and programs is what they do; a licence that is not known to be free is seen."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from vggcost.cli import COMMANDS

RAN = "from pathlib import Path\nPath('ran').touch()\nraise ValueError\n"
WORDS = {
    "explain": ("15.61G", "--among", "program.py"),
    "fit": ("program.py", "--memory", "8GiB"),
    "check": (),
    "report": ("program.py", "-o", "set"),
    "roofline": ("program.py", "-o", "roof.svg"),
    "bench-compare": ("program.py", "program.py"),
    "predict": ("program.py", "--device", "3090"),
    "fleet": ("program.py", "--device", "3090"),
    "completion": ("program.py",),
    "stack": ("program.py", "program.py"),
    "plot": ("layers", "program.py", "-o", "layers.svg"),
}
"""How a command is given a program, where that is not its one word."""

LOCK = """{"schema": "vggcost.lock/1", "entries": [{"name": "p", "target": "program.py", "given": {},
"framework": "torch", "inputs": [[1, 3, 8, 8]], "params": 1, "params_trainable": 1, "macs": 1, "output_bytes": 4,
"training_peak_bytes": 4,
"counts": {}, "layers": []}]}"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program in the working directory that leaves a file where it is run."""
    monkeypatch.chdir(tmp_path)
    Path("program.py").write_text(RAN)
    Path("vggcost.lock.json").write_text(LOCK)
    return Path("ran")


def listed(checkout):
    """The commands that the page says run programs, and those that it says take none."""
    page = (checkout / "SECURITY.md").read_text()
    running = re.search(r"\n\n(`audit`[^\n]*)\n\n", page)[1]
    others = re.search(r"Nothing else runs code\. ([^.]*)\stake no program", page)[1]
    return tuple(set(re.findall(r"`([\w-]+)`", words)) for words in (running, others))


@pytest.mark.torch
@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_names_the_commands_that_run_programs(vggcost, program, checkout, command):
    running, others = listed(checkout)
    assert running | others == set(COMMANDS)
    assert not running & others
    vggcost(command, *WORDS.get(command, ("program.py",)))
    assert program.exists() == (command in running)


@pytest.fixture
def licences(checkout):
    return runpy.run_path(str(checkout / ".ci" / "licences.py"))


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("MIT", True),
        ("3-Clause BSD License", True),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("(Apache-2.0 OR GPL-2.0-only) AND MIT", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND AGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_a_licence_that_is_not_known_to_be_free_is_seen(licences, licence, free):
    assert licences["is_free"](licence) is free


def test_the_packages_here_are_listed_with_their_licences(licences, capsys):
    assert licences["main"]() == 0, capsys.readouterr().err
    assert re.search(r"^msgspec [\d.]+: BSD-3-Clause$", capsys.readouterr().out, re.MULTILINE)


def test_a_package_that_says_nothing_fails(licences, capsys, monkeypatch):
    licences["STATED_ELSEWHERE"].clear()
    monkeypatch.setitem(licences["main"].__globals__, "FREE", ("MIT",))
    assert licences["main"]() == 1
    assert "look at it" in capsys.readouterr().err
