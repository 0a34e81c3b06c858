"""The program's own lines that make the parts of a model: ``nn.Conv2d(64, 64, 3)`` in ``models.py:41``."""

from __future__ import annotations

import os
import sys
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Self

from vggcost.frameworks.own_lines import is_library, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType


class Constructors(MetaPathFinder):
    """Notes, while it is entered, which line makes each part of a model.

    bases are classes by module and name, whose ``__init__`` the constructor of every part calls:
    ``("torch.nn.modules.module", "Module")``. Their modules may be imported later.
    """

    def __init__(self, bases: Iterable[tuple[str, str]]) -> None:
        self._bases = dict(bases)
        self._lines: dict[int, tuple[Any, str]] = {}
        self._undo: list[tuple[type, Any]] = []

    def __enter__(self) -> Self:
        for name in self._bases:
            if name in sys.modules:
                self._watch(sys.modules[name])
        sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *_: object) -> None:
        if self in sys.meta_path:  # a program may have made its own list of it
            sys.meta_path.remove(self)
        for base, init in self._undo:
            base.__init__ = init  # type: ignore[misc]  # what stood there

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Let a base's module be found as ever, and its class be watched once it is loaded."""
        spec = PathFinder.find_spec(name, path, target) if name in self._bases else None
        loader = None if spec is None else spec.loader
        if loader is None:
            return None
        load = loader.exec_module

        def load_and_watch(module: ModuleType) -> None:
            load(module)
            self._watch(module)

        loader.exec_module = load_and_watch  # type: ignore[method-assign]  # of this one loader
        return spec

    def line(self, part: Any) -> str | None:
        """Return ``file:line`` of what made a part, None where nothing of the program's own did."""
        made, line = self._lines.get(id(part), (None, None))
        return line if made is part else None

    def _watch(self, module: ModuleType) -> None:
        base = getattr(module, self._bases[module.__name__], None)
        if base is None:
            return
        init = base.__init__

        @wraps(init)
        def watched(part: Any, *args: Any, **kwargs: Any) -> None:
            line = _line_of(sys._getframe(1), part)  # noqa: SLF001  # the interpreter's own name for it
            if line is not None:
                self._lines[id(part)] = (part, line)
            init(part, *args, **kwargs)

        base.__init__ = watched
        self._undo.append((base, init))


def _line_of(frame: FrameType | None, part: Any) -> str | None:
    """The innermost line of the program's own that is in none of the part's own constructors."""
    while frame is not None:
        code = frame.f_code
        own = code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is part
        if not own and not code.co_filename.startswith("<") and not is_library(code.co_filename):
            return f"{short(os.path.abspath(code.co_filename))}:{frame.f_lineno}"
        frame = frame.f_back
    return None
