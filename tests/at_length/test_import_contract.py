"""Imports point down, and the contract that says so can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

LINT_IMPORTS = os.path.join(os.path.dirname(sys.executable), "lint-imports")


@pytest.fixture
def copied(checkout, tmp_path):
    """The sources and their contract, somewhere they may be spoilt."""
    shutil.copytree(checkout / "vggcost", tmp_path / "vggcost", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(checkout / "pyproject.toml", tmp_path)
    return tmp_path


def contract_holds(folder):
    done = subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0


def test_imports_point_down(copied):
    assert contract_holds(copied)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("formulas/forward.py", "from vggcost.network import layers"),
        ("costs/table.py", "from vggcost import api"),
        ("report/document.py", "import torch"),
        ("brand_new_room.py", "x = 1"),
        ("network/ledger.py", "from vggcost.network import layers"),
    ],
)
def test_the_contract_can_fail(copied, room, line):
    with (copied / "vggcost" / room).open("a") as file:
        file.write(f"\n{line}\n")
    assert not contract_holds(copied)
