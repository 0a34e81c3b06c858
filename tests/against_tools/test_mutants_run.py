"""The run of mutants sees a weak test and a list that does not hold, and leaves the checkout alone; in seconds each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from mutations import PER_FUNCTION

AREA = """def area(height: int, width: int = 3) -> int:
    return height * (width + 0)
"""
HALVINGS = """def halvings(size: int) -> int:
    while size > 1:
        size //= 2
    return size
"""
CONFTEST = """from hypothesis import settings
settings.register_profile("mutants", database=None)
"""
PLAN = """rooms = ["vggcost/formulas/*.py"]
first = ["tests/test_*.py"]
[[by_hand]]
function = "area"
old = "(width + 0)"
new = "(width + 2 - 2)"
[[equivalent]]
function = "area"
change = "return height * (width + 0) -> return height * (width + 2 - 2)"
proof = "2 - 2 is 0"
"""
TESTS = """from vggcost.formulas import area

def test_area():
"""
SOUND = "    assert (area.area(2, 3), area.area(5, 2), area.area(7)) == (6, 10, 21)\n"


@pytest.fixture
def project(tmp_path, checkout):
    """Write a project with a formula and the run of mutants: its folder and its files."""

    def write(tests, formulas=AREA, plan=PLAN, patience=1):
        making = (checkout / "tests" / "mutations.py").read_text()
        script = (checkout / "tests" / "mutants.py").read_text()
        files = {
            "pyproject.toml": "",
            "vggcost/__init__.py": "",
            "vggcost/formulas/__init__.py": "",
            "vggcost/formulas/area.py": formulas,
            "tests/conftest.py": CONFTEST,
            "tests/test_area.py": TESTS + tests,
            # In a checkout it holds the plan against the sources, which no mutant has as they were.
            "tests/project/test_mutations.py": "def test_the_plan():\n    assert False\n",
            "tests/mutants.toml": plan,
            "vggcost/testing/pytest_plugin.py": "",  # the installed vggcost names it as pytest's plugin
            "tests/mutations.py": making.replace(f"PER_FUNCTION = {PER_FUNCTION}", "PER_FUNCTION = 4"),
            "tests/mutants.py": script.replace("PATIENCE = 10", f"PATIENCE = {patience}"),
        }
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path, files

    return write


@pytest.fixture
def small(project):
    """Run it, which leaves each file as it was: its status and its lines."""

    def run(*texts, **more):
        folder, files = project(*texts, **more)
        done = subprocess.run(
            [sys.executable, "-B", "tests/mutants.py"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        found = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}
        assert found == files
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run


def test_sound_tests_kill_all_but_the_equivalent_one(small):
    assert small(SOUND) == (0, ["5 mutants, 4 killed, 1 equivalent, 0 survive"])


def test_weak_tests_let_mutants_survive_and_a_list_that_does_not_hold_is_said(small):
    wrong = PLAN[PLAN.index("[[equivalent]]") :]
    plan = PLAN + wrong.replace("-> return height * (width + 2 - 2)", "-> return height * (width + 1)")
    plan += wrong.replace('"area"', '"gone"')
    status, lines = small("    assert area.area(2, 2) == 4\n", plan=plan)
    change = "area: return height * (width + 0) -> return"
    assert status == 1
    assert lines == [
        f"survives: vggcost/formulas/area.py, {change} height * (height + 0)",
        f"listed as equivalent and killed: {change} height * (width + 1)",
        "listed as equivalent and no longer made: gone: return height * (width + 0) -> return height * (width + 2 - 2)",
        "5 mutants, 3 killed, 1 equivalent, 1 survive",
    ]


def test_a_mutant_that_hangs_is_killed(small):
    plan = PLAN[: PLAN.index("[[by_hand]]")]
    tests = "    assert [area.halvings(4), area.halvings(6)] == [1, 1]\n"
    assert small(tests, HALVINGS, plan) == (0, ["4 mutants, 4 killed, 0 equivalent, 0 survive"])


HANGS_WITH_A_MUTANT = """    import os, time
    with open(os.environ["STARTED"], "a") as file:
        print(os.getpid(), file=file)
    if area.area(2, 3) != 6 or area.area(7) != 21:
        time.sleep(60)
"""


def test_a_run_that_is_ended_leaves_nothing_running_and_no_copy(project, tmp_path_factory):
    folder, _ = project(HANGS_WITH_A_MUTANT, patience=60)
    copies = tmp_path_factory.mktemp("copies")
    started = copies / "started"
    started.touch()
    run = subprocess.Popen(
        [sys.executable, "-B", "tests/mutants.py"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(copies), "STARTED": str(started)},
    )
    # Twice without a mutant, then one in each of the two copies.
    while len(started.read_text().splitlines()) < 4:
        assert run.poll() is None
        time.sleep(0.05)
    run.terminate()
    assert run.wait(30) == 128 + signal.SIGTERM
    assert list(copies.iterdir()) == [started]
    for line in started.read_text().splitlines():
        with pytest.raises(ProcessLookupError):
            os.kill(int(line), 0)
