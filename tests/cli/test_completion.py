"""What a real shell completes when Tab is pressed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vggcost.cli import COMMANDS, GROUPS

pytest.importorskip("argcomplete")

SCRIPT = r"""
PATH="$1:$PATH"
source <(vggcost completion bash)
shift
for line in "$@"; do
  COMP_LINE="$line"; COMP_POINT=${#line}; COMP_TYPE=9; COMPREPLY=()
  _python_argcomplete vggcost
  (IFS=' '; echo "${COMPREPLY[*]}")
done
"""

SHOWN = {
    "vggcost ta": "table ",
    "vggcost table --fo": "--formulas --format",
    "vggcost table --format=l": "latex latex-siunitx",
    "vggcost table --dtype bf": "bfloat16 ",
    "vggcost compare A --convention fv": "fvcore ",
    "vggcost memory vgg16": "vgg16 vgg16_bn",
    "vggcost audit my": "mynet.toml ",
    "vggcost completion z": "zsh ",
    "vggcost nothing --": "--help --version",
}


@pytest.fixture(scope="module")
def bash():
    found = shutil.which("bash")
    assert found  # .ci/run is written in it
    return found


def test_bash_completes_commands_options_and_values(bash, tmp_path):
    (tmp_path / "mynet.toml").touch()
    (tmp_path / "my.txt").touch()
    done = subprocess.run(
        [bash, "-c", SCRIPT, "bash", str(Path(sys.executable).parent), *SHOWN, "vggcost "],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    *shown, first = done.stdout.splitlines()
    assert dict(zip(SHOWN, shown, strict=True)) == SHOWN
    assert set(COMMANDS) <= set(first.split())


def test_each_shell_has_its_lines(vggcost):
    for shell, sign in (("bash", "complete "), ("zsh", "compdef"), ("fish", "complete --command vggcost")):
        ran = vggcost("completion", shell)
        assert ran.status == 0
        assert sign in ran.out


def test_another_shell_is_refused(refused):
    assert "unknown value of SHELL 'bsh'; the nearest are bash" in refused("completion", "bsh")


def test_every_command_has_its_place_in_the_help():
    grouped = [name for names in GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(COMMANDS) <= set(grouped)
