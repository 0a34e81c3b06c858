"""Behind this a program may do anything: what comes out of it is one answer, one refusal, or a real Ctrl-C.

A program's `sys.exit`, a test framework's skip, an exception whose text raises: none of them ends vggcost. What cannot
be caught, as `os._exit` and a loop without an end, is what `vggcost.cli.isolation` is for.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from vggcost.errors import VggcostError
from vggcost.frameworks.own_lines import is_library, name_of, told
from vggcost.frameworks.process_state import ProcessState

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

Result = TypeVar("Result")


class OwnSignal(BaseException):
    """What vggcost raises through a program. No program's `except Exception` catches it."""


def pass_on(error: BaseException) -> None:
    """Raise again what is not the program's: vggcost's own refusals and signals, and a Ctrl-C that somebody pressed.

    Everything else is the program's own, whichever class it has.
    """
    kind = type(error)  # and not its __class__, which is the program's
    if issubclass(kind, OwnSignal) or kind.__module__ in _REFUSALS:
        raise error
    if Guard.interrupted() or (issubclass(kind, KeyboardInterrupt) and not Guard.listens()):
        raise KeyboardInterrupt from None


_process, _end = os.getpid, os._exit
"""As they are before a program can replace them."""
_REFUSALS = frozenset((VggcostError.__module__,))


class Guard:
    """While it is entered, a program is read; behind it the process is what it was before.

    what is read stands in the refusals. Guards stand inside one another where one reading needs a second.
    """

    tell: ClassVar[Callable[[str], None] | None] = None
    """Who is told what is read before anything of it runs."""
    _entered: ClassVar[list[Guard]] = []

    def __init__(self, what: str) -> None:
        self.what = what
        self._pressed = False
        self._before: Any = None
        self._own: Any = None
        self._hooks: list[Callable[..., object]] = []
        self._register = atexit.register
        self._state = ProcessState()
        self._replaced: list[str] = []
        self._process = 0

    def __enter__(self) -> Self:
        """Keep the state of the process, listen to Ctrl-C, and keep the program's exit hooks apart."""
        if Guard.tell is not None and not Guard._entered:
            Guard.tell(self.what)
        self._process = _process()
        self._state.keep()
        Guard._entered.append(self)
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            if callable(self._before):
                self._own = self._press
                signal.signal(signal.SIGINT, self._own)
        self._register = atexit.register
        atexit.register = self._keep_apart  # type: ignore[assignment]  # put back on exit
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Put everything back, and make a refusal of what the program has raised.

        Raises:
            VggcostError: something has come out that is the program's.
            KeyboardInterrupt: Ctrl-C was pressed, whatever the program has made of it.
        """
        if _process() != self._process:
            _end(1)  # a process that the program forked off: the answer is the other one's
        self.put_back()
        self._leave()
        if self._pressed:
            raise KeyboardInterrupt from None
        if error is not None and kind is not None:
            pass_on(error)
            raise VggcostError(f"{self.what} cannot be read: {told(error)}") from None
        self._refuse(self._replaced)

    def put_back(self) -> None:
        """Put the state of the process back, and remember what the program has replaced of it."""
        self._replaced += self._state.replaced()
        self._state.put_back()
        if self._own is not None:
            signal.signal(signal.SIGINT, self._own)

    def _refuse(self, replaced: list[str]) -> None:
        if replaced:
            raise VggcostError(
                f"{self.what} replaces {', '.join(replaced)}, which vggcost itself counts with; leave"
                f" {'these as they are' if len(replaced) > 1 else 'it as it is'}"
            )

    def _leave(self) -> None:
        Guard._entered.remove(self)
        atexit.register = self._register
        for hook in self._hooks:
            atexit.unregister(hook)
        if self._own is not None:
            signal.signal(signal.SIGINT, self._before)

    def settle(self) -> None:
        """Put back, between two steps of a program, what vggcost itself cannot do without.

        Raises:
            VggcostError: the program has replaced what vggcost counts with.
        """
        if _process() != self._process:
            _end(1)
        self._state.put_back_modules()
        self._refuse(self._state.replaced())

    @classmethod
    def interrupted(cls) -> bool:
        """Whether Ctrl-C was pressed since the outermost guard was entered."""
        return any(guard._pressed for guard in cls._entered)  # noqa: SLF001  # its own

    @classmethod
    def listens(cls) -> bool:
        """Whether a real Ctrl-C would be known here; it reaches the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            return True
        return any(guard._is_told for guard in cls._entered)  # noqa: SLF001  # its own

    @property
    def _is_told(self) -> bool:
        """Whether no Ctrl-C goes by unseen: it comes here, or raises nothing, as in a job in the background."""
        return self._own is not None or isinstance(self._before, signal.Handlers)

    def _press(self, number: int, frame: FrameType | None) -> None:
        self._pressed = True
        self._before(number, frame)

    def _keep_apart(self, function: Callable[..., Any], *args: Any, **words: Any) -> Callable[..., Any]:
        """Register an exit hook; the program's own are dropped, for it is vggcost that ends, and not the program."""
        if not is_library(sys._getframe(1).f_code.co_filename):  # noqa: SLF001  # the interpreter's own name for it
            self._hooks.append(function)
        return self._register(function, *args, **words)


class Restored:
    """Where a program runs inside other contexts, the innermost of them: these leave in the state they were entered in.

    Without it, a program that has emptied `sys.modules` or `builtins` would keep them from putting back what is theirs.
    Nothing here may need a built-in name.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __enter__(self) -> None:
        """Nothing is kept here: the guard has done that."""

    def __exit__(self, *_: object) -> None:
        """Put back what the guard has kept."""
        self._guard.put_back()


def attempted(action: Callable[[], Result], why: str) -> Result:
    """Return what a step of a program returns.

    Raises:
        VggcostError: the program has raised; why says what was tried, as ``vgg.py cannot be imported``.
    """
    try:
        return action()
    except BaseException as error:  # noqa: BLE001  # whatever the program raises is its own
        pass_on(error)
        raise VggcostError(f"{why}: {told(error)}") from None


def class_of(value: Any) -> str:
    """Return the name of a value's class, whatever its metaclass or its `__class__` say."""
    return name_of(type(value))
