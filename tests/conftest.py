from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import Phase, settings

from vggcost.cli import main

TORCHVISION = "against_torchvision"
COSTLY = ("against_torch", "against_tools", TORCHVISION, "pages", "at_length", "campaigns")
"""The folders of tests that the inner loop leaves out: they run torch or the tools, or take long for what they hold."""
INNER_LOOP = "not torch"

EXAMPLES_OF_THE_INNER_LOOP = 10
"""Of each property; the whole suite draws hypothesis's hundred."""

# A deadline would be a time asserted in a test.
settings.register_profile("vggcost", deadline=None, database=None)
settings.register_profile("inner loop", deadline=None, database=None, max_examples=EXAMPLES_OF_THE_INNER_LOOP)
# A mutant has failed at the first example that fails; nobody reads which is the smallest.
settings.register_profile(
    "mutants",
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=EXAMPLES_OF_THE_INNER_LOOP,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("vggcost")

CHECKOUT = Path(__file__).resolve().parents[1]

# It would be the screen's width. readline, which pytest loads, sets it behind os.environ, and processes inherit it.
os.environ.pop("COLUMNS", None)
os.unsetenv("COLUMNS")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == INNER_LOOP and not config.getoption("--hypothesis-profile"):
        settings.load_profile("inner loop")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Read no file of these where `-m "not torch"` leaves all of them out: what they import need not be installed."""
    left_out = config.option.markexpr == INNER_LOOP and collection_path.name in COSTLY
    return True if left_out else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # "not torch" stands in the place of what leaves these out where nothing is said.
        if set(COSTLY) & set(item.path.parts) or any(item.iter_markers("campaign")) or any(item.iter_markers("matrix")):
            item.add_marker(pytest.mark.torch)
        if TORCHVISION in item.path.parts:
            item.add_marker(pytest.mark.torchvision)


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def vggcost(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """The command in this process: vggcost("table", "D")."""

    def run(*words: str) -> Ran:
        status = main(list(words))
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Ran]:
    """The command as a process of its own, outside the checkout, in a pipe."""

    def run(*words: str, **options: object) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "vggcost", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **options,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def refused(vggcost: Callable[..., Ran]) -> Callable[..., str]:
    """The one line with which a command refuses; it must be one, with exit status 2 and nothing on standard output."""

    def run(*words: str) -> str:
        ran = vggcost(*words)
        assert ran.status == 2, ran
        assert ran.out == ""
        assert ran.err.startswith("vggcost: error: ")
        assert ran.err.count("\n") == 1
        return ran.err

    return run


@pytest.fixture
def heed_ctrl_c() -> Callable[[], None]:
    """For preexec_fn: a job in the background of a shell is born deaf to Ctrl-C, and so is all that it starts."""
    return lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def checkout() -> Path:
    return CHECKOUT
