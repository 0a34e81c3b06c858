"""What a program can change of the process that reads it, kept before and put back behind."""

from __future__ import annotations

import builtins
import gc
import locale
import os
import signal
import sys
import threading
import warnings
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SYS_NAMES = (
    *("stdin", "stdout", "stderr", "argv", "path", "path_hooks", "meta_path"),
    *("excepthook", "displayhook", "unraisablehook", "dont_write_bytecode"),
)
"""What stands in `sys` that a program may have replaced. Lists get their old content back, too."""

CHOSEN = ("KERAS_BACKEND",)
"""What is chosen once a process, by vggcost itself where nobody else has."""

HARMLESS = frozenset(
    ("print", "input", "open", "help", "exit", "quit", "breakpoint", "copyright", "credits", "license")
)
"""Built-in functions that a program may replace without a number of vggcost's depending on it."""

TORCH_MODULES = ("torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.overrides")
"""Where programs patch torch."""

_COUNTED_WITH = {
    "torch": ("empty", "empty_like"),
    "Tensor": ("shape", "size", "dim", "numel", "ndim", "dtype", "is_meta", "device", "stride", "element_size"),
}
"""What vggcost makes tensors with, and asks them for."""


class ProcessState:
    """The state of this process, and of torch in it, as it was when it was kept."""

    def __init__(self) -> None:
        self._put_back: list[Callable[[], object]] = []
        self._modules: dict[str, Any] = {}
        self._names: dict[str, Any] = {}
        self._builtins: dict[str, Any] = {}
        self._tools: list[tuple[Any, dict[str, Any]]] = []
        self._torch: list[tuple[Any, dict[str, Any]]] = []
        self._watch: _TorchWatch | None = None

    def keep(self) -> None:
        """Keep what is now."""
        self._modules = dict(sys.modules)
        self._names = vars(builtins)
        self._builtins = dict(self._names)
        self._tools = list(_tools())
        self._put_back = list(_of_the_process())
        if "torch.nn" in sys.modules:
            self._keep_torch()
        else:
            self._watch = _TorchWatch(self._keep_torch)
            sys.meta_path.insert(0, self._watch)

    def put_back(self) -> None:
        """Put back all that was kept; what was not there before and does not matter stays.

        The built-in functions come first, for the rest is done with them, and the names of modules before what is done
        with these.
        """
        self._names.update(self._builtins)
        for holder, kept in self._tools:
            now = vars(holder)
            if not _same(now, kept):
                for name, value in kept.items():
                    if now.get(name) is not value and (callable(value) or name[0] != "_"):
                        setattr(holder, name, value)
        if self._watch is not None and self._watch in sys.meta_path:
            sys.meta_path.remove(self._watch)
        for each in self._put_back:
            with suppress(Exception):  # what cannot be put back must not keep the rest from it
                each()
        for holder, names in self._torch:
            if not _same(vars(holder), names):
                _refill(holder, names)
        self.put_back_modules()

    def put_back_modules(self) -> None:
        """Put back the modules that are gone or are others."""
        if not isinstance(sys.modules, dict):
            return
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module and name.partition(".")[0] in _NEEDED:
                sys.modules[name] = module

    def replaced(self) -> list[str]:
        """Return what the program has replaced of that which vggcost counts with.

        While it is looked for, the built-in functions are those that were kept. What is gone of them stays put back.
        """
        now = self._names.copy()
        self._names.update(self._builtins)
        found = self._replaced(now)
        self._names.update(now)
        return found

    def _replaced(self, now: dict[str, Any]) -> list[str]:
        kept = {name: value for name, value in self._builtins.items() if not name.startswith("_")}
        found = [name for name, value in kept.items() if now.get(name) is not value and name not in HARMLESS]
        for holder, names in self._torch:
            asked = _COUNTED_WITH.get(getattr(holder, "__name__", ""), ())
            where = "torch.Tensor" if isinstance(holder, type) else "torch"
            found += [f"{where}.{name}" for name in asked if vars(holder).get(name) is not names.get(name)]
        return found

    def _keep_torch(self) -> None:
        torch = sys.modules["torch"]
        classes = [value for value in vars(torch.nn).values() if isinstance(value, type)]
        classes += [torch.Tensor, torch.nn.Module]
        modules = [sys.modules[name] for name in TORCH_MODULES if name in sys.modules]
        self._torch = [(each, dict(vars(each))) for each in (*modules, *dict.fromkeys(classes))]
        for name, hooks in vars(torch.nn.modules.module).items():
            if name.startswith("_global_") and isinstance(hooks, dict):
                self._put_back.append(_content_setter(hooks))
        kept = _torch_switches(torch)
        self._put_back.append(lambda: _switch_torch(torch, kept))


_NEEDED = frozenset(("torch", "numpy", "keras", "vggcost", *sys.stdlib_module_names))
"""The modules that vggcost itself goes on with, and those that can be loaded once only."""


def _tools() -> Iterator[tuple[Any, dict[str, Any]]]:
    """The modules that vggcost works with, and their classes that can be changed, with what all names stand for."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _WORKED_WITH and isinstance(module, ModuleType):
            names = vars(module).copy()
            yield module, names
            for value in names.values():
                # What is written in C is closed to changes.
                if type(value) is type and value.__module__ == name and value.__flags__ & _OF_PYTHON:
                    yield value, dict(vars(value))


_OF_PYTHON = 1 << 9
"""Of a class's flags, that it is made while Python runs (Py_TPFLAGS_HEAPTYPE)."""

_WORKED_WITH = frozenset(
    (
        *("abc", "ast", "codecs", "collections", "contextlib", "copy", "csv", "difflib", "functools", "genericpath"),
        *("hashlib", "html", "importlib", "inspect", "io", "itertools", "json", "keyword", "linecache", "math"),
        *("msgspec", "operator", "os", "posixpath", "ntpath", "re", "shutil", "signal", "statistics", "string"),
        *("struct", "subprocess", "sys", "tabulate", "tempfile", "textwrap", "threading", "time", "token", "tokenize"),
        *("traceback", "types", "typing", "unicodedata", "warnings", "weakref"),
    )
)
"""The modules, with those in them, whose functions vggcost calls."""


def _of_the_process() -> Iterator[Callable[[], object]]:
    for name in SYS_NAMES:
        yield _setter(name, getattr(sys, name, None))
    limit = sys.getrecursionlimit()
    yield lambda: sys.setrecursionlimit(limit)
    yield lambda: sys.settrace(trace) if sys.gettrace() is not trace else None
    yield lambda: sys.setprofile(profile) if sys.getprofile() is not profile else None
    trace, profile = sys.gettrace(), sys.getprofile()
    hook = threading.excepthook
    yield lambda: setattr(threading, "excepthook", hook)
    with suppress(OSError):
        folder = os.getcwd()
        yield lambda: os.chdir(folder)
    environment = dict(os.environ)
    yield lambda: _set_environment(environment)
    filters, content, shown = warnings.filters, list(warnings.filters), warnings.showwarning
    yield lambda: _set_warnings(filters, content, shown)
    if "tempfile" in sys.modules:
        tempfile = sys.modules["tempfile"]
        place = tempfile.tempdir
        yield lambda: setattr(tempfile, "tempdir", place)
    mask = os.umask(0o077)
    os.umask(mask)
    yield lambda: os.umask(mask)
    language = locale.setlocale(locale.LC_ALL)
    yield lambda: locale.setlocale(locale.LC_ALL, language)
    package = sys.modules["vggcost"]
    public = {name: vars(package)[name] for name in package.__all__ if name in vars(package)}
    yield lambda: _set_public(package, public)
    collected = gc.isenabled()
    yield gc.enable if collected else gc.disable
    if threading.current_thread() is threading.main_thread():
        handlers: dict[int, Any] = {number: signal.getsignal(number) for number in signal.valid_signals()}
        yield lambda: _set_handlers(handlers)


def _setter(name: str, value: Any) -> Callable[[], object]:
    content = list(value) if isinstance(value, list) else None

    def put_back() -> None:
        if content is not None:
            value[:] = content
        setattr(sys, name, value)

    return put_back


def _content_setter(changed: dict[Any, Any]) -> Callable[[], object]:
    content = dict(changed)

    def put_back() -> None:
        if list(changed) != list(content):
            changed.clear()
            changed.update(content)

    return put_back


def _set_public(package: ModuleType, public: dict[str, Any]) -> None:
    """Give vggcost the calls it had; one that nobody had asked for is loaded again when it is."""
    for name in package.__all__:
        if name in public:
            setattr(package, name, public[name])
        elif not isinstance(vars(package).get(name), ModuleType):
            vars(package).pop(name, None)


def _set_environment(environment: dict[str, str]) -> None:
    wanted = {**{name: os.environ[name] for name in CHOSEN if name in os.environ}, **environment}
    if dict(os.environ) != wanted:
        os.environ.clear()
        os.environ.update(wanted)


def _set_warnings(filters: Any, content: list[Any], shown: Any) -> None:
    warnings.showwarning = shown
    warnings.filters = filters
    if filters != content:
        filters[:] = content
        warnings._filters_mutated()  # type: ignore[attr-defined]  # noqa: SLF001  # else what was decided stays so


def _set_handlers(handlers: dict[int, Any]) -> None:
    changed = False
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)
            changed = True
    if changed and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two have the same objects in the same order; no object is asked, and it is done in C."""
    return len(one) == len(other) and [*map(id, one.values())] == [*map(id, other.values())]


def _refill(holder: Any, names: dict[str, Any]) -> None:
    """Give a module or a class what it had; of what has come on, a class keeps nothing and a module everything."""
    now = dict(vars(holder))
    for name, value in names.items():
        if now.get(name, holder) is not value and name not in ("__dict__", "__weakref__"):
            with suppress(AttributeError, TypeError):
                setattr(holder, name, value)
    if isinstance(holder, type):
        for name in now.keys() - names.keys():
            if not (name.startswith("__") and name.endswith("slotnames__")):
                with suppress(AttributeError, TypeError):
                    delattr(holder, name)


def _torch_switches(torch: Any) -> tuple[Any, ...]:
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        _default_device(torch),
        torch._C._len_torch_function_stack(),  # noqa: SLF001  # its only name
    )


def _default_device(torch: Any) -> Any:
    """The context that gives tensors the device that the program has set for all; None where it has set none."""
    return getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)


def _switch_torch(torch: Any, kept: tuple[Any, ...]) -> None:
    dtype, gradients, device, modes = kept
    if torch.get_default_dtype() is not dtype:
        torch.set_default_dtype(dtype)
    if torch.is_grad_enabled() is not gradients:
        torch.set_grad_enabled(gradients)
    if _default_device(torch) is not device:
        torch.set_default_device(None if device is None else device.device)
    while torch._C._len_torch_function_stack() > modes:  # noqa: SLF001  # its only name
        torch.overrides._pop_mode()  # noqa: SLF001  # the same


class _TorchWatch:
    """A finder of modules that finds none: it has torch kept as soon as it is loaded, before a program can patch it."""

    def __init__(self, loaded: Callable[[], None]) -> None:
        self._loaded = loaded

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002  # importlib's
        """Return torch's own specification, whose loader says when it is done; None for all else."""
        if name != "torch":
            return None
        from importlib.util import find_spec

        if self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def loaded(module: Any) -> None:
                load(module)
                self._loaded()

            vars(spec.loader)["exec_module"] = loaded  # of this one loader
        return spec
