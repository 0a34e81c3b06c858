"""What the tests that need no torch would not see: ``python tests/mutants.py``, on two cores within half an hour.

``.ci/run`` takes one in eight of them.

Each mutant is this repository with one small change where numbers are made, in a copy in a temporary folder; the tests
of the copy must fail. ``tests/mutants.toml`` says where mutants are made, which are made by hand beside those of the
syntax tree, and which are equivalent, each with its proof. A mutant runs the quickest tests first, then those of its
room, and survives only if the whole of ``pytest -m "not torch"`` passes.

The mutants of the syntax tree: + and - exchanged, * and //, % and //; a side of a sum, product, `and` or `or` dropped;
an argument, or an entry of a table, exchanged with its neighbour; a parameter in a sum or product replaced by the next;
a number one higher; a comparison turned; a weight given to another primitive of its kind. Data outside functions (each
weight of each convention, each default) is all taken. Of a function, the PER_FUNCTION whose SHA-256 is the lowest are:
always the same ones, in every function, whatever else the file holds.

The last line is ``N mutants, K killed, E equivalent, S survive``. The exit status is 1 where one survives, or where the
list of equivalent ones does not hold: one of them is killed, or is no longer made.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mutations import Mutant, mutants, rooms

CHECKOUT = Path(__file__).resolve().parents[1]
WORKERS = 2
MEMORY_LIMIT = 8 * 2**30
"""What one run of tests may map [B]: a mutant may ask for memory without end."""
PATIENCE = 10
"""How much longer than a multiple of their usual time tests may take [s]: a mutant may hang."""
PYTEST = ("-q", "-x", "-m", "not torch", "--assert=plain", "--hypothesis-profile=mutants", "-p", "no:cacheprovider")
PYTEST += ("-p", "no:randomly", "-p", "no:xdist")
# It holds the list of mutants against the sources, and would fail of every mutant whose line the list names.
PYTEST += ("--ignore=tests/project/test_mutations.py",)


class Place:
    """A copy of the repository with a copy of the package beside it, as if installed; one mutant at a time in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.installed = folder / "installed"
        self.mutant: Mutant | None = None
        self.stage = 0
        self.since = 0.0
        shutil.copytree(CHECKOUT, self.repository, ignore=_left_behind)
        shutil.copytree(self.repository / "vggcost", self.installed / "vggcost")

    def write(self, file: str, source: str) -> None:
        """Write a file into both copies, and let no bytecode of another version of it stay."""
        for root in (self.repository, self.installed):
            path = root / file
            path.write_text(source, encoding="utf-8")
            for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
                compiled.unlink()

    def take_bytecode(self, other: Place) -> None:
        """Copy what another place compiled from the same sources."""
        for compiled in other.folder.rglob("__pycache__"):
            shutil.copytree(compiled, self.folder / compiled.relative_to(other.folder), dirs_exist_ok=True)

    def start(self, tests: list[str]) -> int:
        """Run tests in a process of their own, and return its id; its exit status is pytest's."""
        self.since = time.monotonic()
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        status = 3
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
            os.chdir(self.repository)
            os.environ["PYTHONPATH"] = str(self.installed)
            sys.path[:] = [str(self.installed), *(path for path in sys.path if path != str(Path(__file__).parent))]
            # Tests without a mutant write the bytecode of all that no mutant changes, whatever this run was told.
            sys.dont_write_bytecode = self.mutant is not None
            os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
            if self.mutant:
                os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            status = int(pytest.main([*PYTEST, *tests]))
        except BaseException:  # noqa: BLE001  # a forked process must never go on as its parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _left_behind(folder: str, names: list[str]) -> set[str]:
    hidden = {name for name in names if name.startswith(".") and name not in (".ci", ".github")}
    return hidden | ({"__pycache__", "build", "dist", "venv"} & set(names))


def stages(place: Place, plan: dict[str, Any], file: str) -> list[list[str]]:
    """What is run of a mutant in this file, until something fails: the quick tests, the room's, all."""
    tests = place.repository / "tests"
    quick = sorted(str(path) for pattern in plan["first"] for path in place.repository.glob(pattern))
    room = tests / Path(file).parent.name
    return [quick, [str(room)], [str(tests)]] if room.is_dir() else [quick, [str(tests)]]


def unmutated(place: Place, tests: list[str]) -> float:
    """How long these tests take where nothing is changed [s].

    Raises:
        ValueError: they fail.
    """
    child = place.start(tests)
    _, status = os.waitpid(child, 0)
    if status:
        raise ValueError(f"the tests fail without any change:\n{(place.folder / 'log').read_text()[-3000:]}")
    return time.monotonic() - place.since


def killed(made: list[Mutant], places: list[Place], plan: dict[str, Any]) -> Iterator[tuple[Mutant, bool]]:
    """Run the tests of every mutant, and yield each with whether something failed.

    A mutant whose tests take far longer than without it has failed too: it hangs.
    """
    pristine = rooms(CHECKOUT, plan)
    every = [str(places[0].repository / "tests")]
    quick = stages(places[0], plan, "")[0]
    # The whole first: it writes the bytecode that all others read.
    slowest = unmutated(places[0], every)
    for place in places[1:]:
        place.take_bytecode(places[0])
    limits = [PATIENCE + 8 * unmutated(places[0], quick), PATIENCE + 4 * slowest]
    waiting = iter(made)
    running: dict[int, Place] = {}
    free = list(places)
    try:
        while True:
            while free and (one := next(waiting, None)):
                place = free.pop()
                place.mutant, place.stage = one, 0
                place.write(one.file, one.source)
                running[place.start(stages(place, plan, one.file)[0])] = place
            if not running:
                return
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                time.sleep(0.01)
                late = [
                    one for one, place in running.items() if time.monotonic() - place.since > limits[place.stage > 0]
                ]
                for hanging in late:
                    _end(hanging)
                continue
            place = running.pop(child)
            one = place.mutant
            assert one
            left = stages(place, plan, one.file)[place.stage + 1 :]
            if left and not status:
                place.stage += 1
                running[place.start(left[0])] = place
                continue
            place.write(one.file, pristine[one.file])
            free.append(place)
            yield one, bool(status)
    finally:
        for child in running:
            _end(child)
            os.waitpid(child, 0)


def _end(child: int) -> None:
    """End a process of tests and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def outcomes(made: list[Mutant], plan: dict[str, Any], listed: set[str]) -> dict[tuple[str, str], bool]:
    """Whether the tests of each mutant fail, by its file and name; a survivor is said at once, on a terminal the rest.

    listed are the names of those that are equivalent.
    """
    found = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        places = [Place(Path(folder) / str(number)) for number in range(WORKERS)]
        for name in plan.get("warm", ()):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for one, failed in killed(made, places, plan):
            found[one.file, one.name] = failed
            if not failed and one.name not in listed:
                print(f"survives: {one.file}, {one.name}", flush=True)
            if sys.stderr.isatty():
                text = f"{len(found)} of {len(made)} mutants, {list(found.values()).count(False)} pass all tests"
                print(text, end="\r", file=sys.stderr, flush=True)
    return found


def run(plan: dict[str, Any], only: str | None, parts: int) -> int:
    """Make all mutants, say which survive, and return the exit status."""
    sources = rooms(CHECKOUT, plan)
    made = mutants(sources, plan)
    listed = {f"{entry['function']}: {entry['change']}" for entry in plan.get("equivalent", ())}
    gone = listed - {one.name for one in made}
    if only:
        made = [one for one in made if one.file == only]
        if not made:
            raise ValueError(f"no mutant is made in {only}; mutants are made in {', '.join(sources)}")
    # By what they are called, so that a part holds the same ones whatever else is made.
    made = [one for one in made if int(hashlib.sha256(one.name.encode()).hexdigest(), 16) % parts == 0]
    found = outcomes(made, plan, listed)
    survivors = [one for one in made if not found[one.file, one.name] and one.name not in listed]
    wrong = [one for one in made if found[one.file, one.name] and one.name in listed]
    for one in wrong:
        print(f"listed as equivalent and killed: {one.name}")
    for name in sorted(gone):
        print(f"listed as equivalent and no longer made: {name}")
    dead = sum(found.values())
    equivalent = len(made) - dead - len(survivors)
    print(f"{len(made)} mutants, {dead} killed, {equivalent} equivalent, {len(survivors)} survive")
    return int(bool(survivors or wrong or gone))


def main() -> int:
    """Read the options and the plan, and run."""
    parser = argparse.ArgumentParser(description="Change the code a little, and see whether a test fails.")
    parser.add_argument("--only", metavar="FILE", help="make the mutants of one file: vggcost/costs/table.py")
    parser.add_argument("--one-in", metavar="N", type=int, default=1, help="make every N-th of them, always the same")
    asked = parser.parse_args()
    # Ended from outside, it ends the tests that it started, too, and leaves no copy behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]  # the options of a run that this one may be part of
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with (CHECKOUT / "tests" / "mutants.toml").open("rb") as file:
        plan = tomllib.load(file)
    try:
        return run(plan, asked.only, max(1, asked.one_in))
    except ValueError as problem:
        print(f"mutants.py: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
