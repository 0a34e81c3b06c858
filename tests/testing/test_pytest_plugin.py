"""The pytest plugin, in sessions of pytest of its own: fixtures, failures, the lock, xdist, and silence."""

import json
import re

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.torch  # a session of pytest each

MODELS = """
from torch import nn

def net(classes=10, bias=True, kernel=3):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=bias), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, kernel, padding=kernel // 2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(16 * 49, classes),
    )
"""
PARAMS = 3 * 8 * 9 + 8 + 8 * 16 * 9 + 16 + 16 * 49 * 10 + 10
MACS = 32 * 32 * 3 * 8 * 9 + 16 * 16 * 8 * 16 * 9 + 16 * 49 * 10
IMAGE = "(1, 3, 32, 32)"
INI = "[pytest]\nfilterwarnings = error\n"


@pytest.fixture
def tests(pytester, monkeypatch):
    """Write a file of tests beside the models, and run pytest on it."""
    pytester.makepyfile(models=MODELS)
    pytester.makefile(".ini", pytest=INI)

    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)  # this session's own

    def run(body, *options):
        pytester.makepyfile(test_net=f"from models import net\n\n{body}")
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly", *options)

    return run


def lines(result):
    return "\n".join(re.sub(r"^E +", "", line) for line in result.outlines if line.startswith("E "))


def lock_of(pytester):
    return {entry["name"]: entry for entry in json.loads((pytester.path / "vggcost.lock.json").read_text())["entries"]}


def test_assert_cost_is_a_fixture_whose_failure_has_no_line_of_vggcost(tests):
    body = f"""
def test_good(assert_cost):
    assert_cost(net(), {IMAGE}, params={PARAMS}, macs={MACS})

def test_bad(assert_cost):
    assert_cost(net(kernel=5), {IMAGE}, like=net())

def test_refused(assert_cost):
    assert_cost(net(), {IMAGE})
"""
    result = tests(body)
    result.assert_outcomes(passed=1, failed=2)
    assert "3 kernel 3x3 -> 5x5, padding 1x1 -> 2x2: + 2,048 parameters, + 524,288 MACs" in lines(result)
    assert "assert_cost has nothing to hold the model to; give params=, macs= or like=" in lines(result)
    shown = [line for line in result.outlines if not line.startswith("E ")]
    assert [line for line in shown if line.startswith(">")] == [
        f">       assert_cost(net(kernel=5), {IMAGE}, like=net())",
        f">       assert_cost(net(), {IMAGE})",
    ]
    assert not [line for line in shown if "vggcost/" in line or "complaint" in line]


# cost_lock

LOCKED = f"""
import pytest

@pytest.mark.parametrize("name", ["one", "two"])
def test_lock(cost_lock, name):
    cost_lock(net(), name, input={IMAGE})
"""


def test_a_lock_is_written_on_request_alone_and_holds_from_then_on(tests, pytester):
    result = tests(LOCKED)
    result.assert_outcomes(failed=2)
    assert "'one' is not in vggcost.lock.json; pytest --update-cost-lock writes it" in lines(result)
    assert not (pytester.path / "vggcost.lock.json").exists()
    result = tests(LOCKED, "--update-cost-lock")
    result.assert_outcomes(passed=2)
    assert "written to vggcost.lock.json: one, two" in result.outlines
    assert lock_of(pytester)["one"]["params"] == PARAMS
    result = tests(LOCKED)
    result.assert_outcomes(passed=2)
    assert not [line for line in result.outlines if "vggcost" in line and not line.startswith("plugins: ")]
    changed = LOCKED.replace("net()", "net(kernel=5)")
    result = tests(changed)
    result.assert_outcomes(failed=2)
    assert "one is not as locked; pytest --update-cost-lock writes it as it is" in lines(result)
    assert "one: 3 kernel 3x3 -> 5x5" in lines(result)
    assert len([line for line in result.outlines if line.startswith(">")]) == 2
    assert "testing/" not in result.stdout.str()
    before = (pytester.path / "vggcost.lock.json").read_text()
    result = tests(changed, "--update-cost-lock", "-k", "one")
    assert any("one: 3 kernel 3x3 -> 5x5" in line for line in result.outlines)
    assert "written to vggcost.lock.json: one" in result.outlines
    assert lock_of(pytester)["one"]["params"] == PARAMS + 2048
    assert lock_of(pytester)["two"] == {each["name"]: each for each in json.loads(before)["entries"]}["two"]


def test_the_lock_lies_in_pytests_root(tests, pytester):
    (pytester.path / "root").mkdir()
    tests(LOCKED, f"--rootdir={pytester.path / 'root'}", "--update-cost-lock").assert_outcomes(passed=2)
    assert [path.name for path in pytester.path.rglob("*.lock.json")] == ["vggcost.lock.json"]
    assert (pytester.path / "root" / "vggcost.lock.json").exists()


def test_workers_of_xdist_record_into_one_lock(tests, pytester):
    body = f"""
import pytest

@pytest.mark.parametrize("classes", range(1, 9))
def test_lock(cost_lock, classes, worker_id):
    assert worker_id != "master"
    cost_lock(net(classes), f"net{{classes}}", {IMAGE})
"""
    result = tests(body, "-n", "2", "--update-cost-lock")
    result.assert_outcomes(passed=8)
    assert [*lock_of(pytester)] == [f"net{classes}" for classes in range(1, 9)]
    assert "written to vggcost.lock.json: net1, net2, net3, net4, net5, net6, net7, net8" in result.outlines
    tests(body, "-n", "2").assert_outcomes(passed=8)
    assert sorted(path.name for path in pytester.path.glob("*.json*")) == ["vggcost.lock.json"]


@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "each"]])
def test_two_tests_of_one_name_are_refused(tests, pytester, options):
    body = f"""
import os

def test_a(cost_lock):
    cost_lock(net(2 if os.environ.get("PYTEST_XDIST_WORKER") == "gw1" else 1), "net", {IMAGE})

def test_b(cost_lock):
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        cost_lock(net(2), "net", {IMAGE})
"""
    result = tests(body, "--update-cost-lock", *options)
    assert result.ret == 1
    assert "two tests lock 'net', and not as the same" in result.stdout.str()


def test_a_lock_that_is_none_is_refused_and_left(tests, pytester):
    (pytester.path / "vggcost.lock.json").write_text('{"schema": "vggcost.lock/1", "entries": [')
    result = tests(LOCKED, "--update-cost-lock")
    result.assert_outcomes(failed=2)
    assert "the lock is truncated" in lines(result)
    assert (pytester.path / "vggcost.lock.json").read_text() == '{"schema": "vggcost.lock/1", "entries": ['


def test_an_entry_of_the_command_is_held_and_not_written_over(tests, pytester):
    pytester.run("vggcost", "lock", "one=models.py:net", "--input", "3x32x32")
    body = LOCKED.replace('["one", "two"]', '["one"]')
    tests(body).assert_outcomes(passed=1)
    changed = body.replace("net()", "net(7)")
    assert "one: 7 width 10 -> 7 (classes)" in lines(tests(changed))
    result = tests(changed, "--update-cost-lock")
    result.assert_outcomes(failed=1)
    assert "is that of 'models.py:net'; vggcost check --update one writes it" in lines(result)


def test_a_model_that_cannot_run_is_not_written(tests, pytester):
    result = tests(LOCKED.replace("32)", "1)"), "--update-cost-lock")
    result.assert_outcomes(failed=2)
    assert "one cannot run: 2" in lines(result)
    assert not (pytester.path / "vggcost.lock.json").exists()


# Unless used


WATCHED = """
import sys

def test():
    assert not {"torch", "numpy", "msgspec", "keras", "sympy", "pandas"} & set(sys.modules)
    found = {name for name in sys.modules if name.partition(".")[0] == "vggcost"}
    assert found == {"vggcost", "vggcost.testing", "vggcost.testing.pytest_plugin"}
"""


@pytest.fixture
def alone(pytester, monkeypatch):
    """Run pytest with no plugin but this one; others load what they like."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(body):
        pytester.makepyfile(body)
        return pytester.runpytest_subprocess("-p", "vggcost", "-p", "no:cacheprovider")

    return run


def test_unless_used_nothing_is_loaded_or_said(alone):
    result = alone(WATCHED)
    result.assert_outcomes(passed=1)
    shown = [line for line in result.outlines if not line.startswith(("plugins:", "rootdir:"))]
    assert "vggcost" not in "\n".join(shown)


def test_the_watch_sees_what_it_watches_for(alone):
    alone(f"import vggcost.testing.costs\n{WATCHED}").assert_outcomes(failed=1)


def test_it_can_be_left_out(tests):
    result = tests(LOCKED, "-p", "no:vggcost")
    result.assert_outcomes(errors=2)
    assert "fixture 'cost_lock' not found" in result.stdout.str()
