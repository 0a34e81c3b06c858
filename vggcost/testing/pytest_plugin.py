"""The pytest plugin: the fixtures `assert_cost` and `cost_lock`, and ``--update-cost-lock``.

It loads nothing of vggcost beside itself until a test asks for one of them.
"""

from __future__ import annotations

from typing import Any

import pytest

from vggcost.testing import IMAGE
from vggcost.testing import assert_cost as _assert_cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vggcost.testing.cost_lock import CostLock

_LOCK: pytest.StashKey[CostLock] = pytest.StashKey()
_RECORDED: pytest.StashKey[list[Any]] = pytest.StashKey()
_LINES: pytest.StashKey[list[str]] = pytest.StashKey()
_OUTPUT = "vggcost_cost_lock"
"""Under which a worker of pytest-xdist hands what it has recorded to the process that started it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("vggcost").addoption(
        "--update-cost-lock",
        action="store_true",
        help="write what cost_lock finds to vggcost.lock.json, in place of failing where it differs",
    )


@pytest.fixture(scope="session")
def assert_cost() -> Callable[..., None]:
    """Hold a model to what it should cost: ``assert_cost(model, params=138_357_544)``; see vggcost.testing."""
    return _assert_cost


@pytest.fixture(scope="session")
def cost_lock(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Hold a model to its entry in vggcost.lock.json, which lies in pytest's root: ``cost_lock(model, "vgg16")``."""
    from vggcost.errors import VggcostError
    from vggcost.testing.cost_lock import CostLock

    lock = CostLock(str(pytestconfig.rootpath), update=pytestconfig.getoption("--update-cost-lock"))
    pytestconfig.stash[_LOCK] = lock

    def check(model: Any, name: str, input: Any = IMAGE) -> None:  # noqa: A002  # what it is
        __tracebackhide__ = True
        try:
            text = lock.complaint(model, name, input)
        except VggcostError as error:
            raise error.with_traceback(None) from None
        if text is not None:
            raise AssertionError(text)

    return check


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist has recorded."""
    found = getattr(node, "workeroutput", {}).get(_OUTPUT)
    if found:
        node.config.stash.setdefault(_RECORDED, []).append(found)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was recorded, once for all processes."""
    config = session.config
    lock = config.stash.get(_LOCK, None)
    own = [lock.recorded] if lock is not None and lock.recorded else []
    if hasattr(config, "workeroutput"):
        config.workeroutput[_OUTPUT] = own[0] if own else None
        return
    recorded = [*own, *config.stash.get(_RECORDED, [])]
    if not recorded:
        return
    from vggcost.errors import VggcostError
    from vggcost.testing.cost_lock import written

    try:
        lines, good = written(str(config.rootpath), recorded)
    except VggcostError as error:
        lines, good = [str(error)], False
    config.stash[_LINES] = lines
    if not good and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was written, where anything was."""
    lines = config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("vggcost lock")
        for line in lines:
            terminalreporter.line(line)
