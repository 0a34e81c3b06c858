"""Where a program's modules are: what is on Python's path for it, and how one file or module of it is loaded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Self

from vggcost.errors import MissingExtraError, VggcostError
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.own_lines import is_library, missing_name, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


class Place:
    """A file or a module by its name, with what stands beside it importable while the place is entered.

    A file's folder is on the path, as ``python path/to/file.py`` has it, and the working directory; of a file in a
    package, the folder of the outermost package comes first, so that relative imports work. Modules of one place are
    out of the way while another is entered: two programs may have files of the same name.
    """

    _latest: ClassVar[Place | None] = None

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_file = text.endswith(".py") or os.sep in text
        folder, self._name = _package(os.path.abspath(text)) if self.is_file else (os.getcwd(), text)
        beside = os.path.dirname(os.path.abspath(text)) if self.is_file else folder
        self._roots = tuple(dict.fromkeys((folder, os.getcwd(), beside)))
        self._before = set(sys.modules)
        self._hidden: dict[str, ModuleType] = {}
        self._paths: list[list[str]] = []

    def __enter__(self) -> Self:
        """Put the roots on the path; show this place's modules in place of the latest one's."""
        if Place._latest is not self:
            if Place._latest is not None:
                Place._latest.hide()
            self._before = set(sys.modules)
            sys.modules.update(self._hidden)
            Place._latest = self
        self._paths.append(list(sys.path))
        first, *others = self._roots
        # Inside a package a neighbour may be called as a module of the standard library is: it comes last there.
        inside = "." in self._name and self.is_file
        sys.path[:] = [first, *others[: 1 if inside else None], *sys.path, *(others[1:] if inside else ())]
        return self

    def __exit__(self, *_: object) -> None:
        """Put the path back as it was."""
        sys.path[:] = self._paths.pop()

    def hide(self) -> None:
        """Take the modules that were loaded from the roots out of Python's sight; what others have stays theirs."""
        new = {name: module for name, module in sys.modules.items() if name not in self._before}
        compiled = {name.partition(".")[0] for name, module in new.items() if not _source(module).endswith(".py")}
        for name, module in new.items():
            source = _source(module)
            own = source.startswith(self._roots_with_ends) and not is_library(source)
            if own and name.partition(".")[0] not in compiled:  # what is compiled cannot be loaded twice
                self._hidden[name] = sys.modules.pop(name)

    @property
    def _roots_with_ends(self) -> tuple[str, ...]:
        return tuple(os.path.join(root, "") for root in self._roots)

    def load(self, extras: Mapping[str, str]) -> ModuleType:
        """Import the module, which runs it; extras are the packages that it may want, and what brings each.

        Raises:
            MissingExtraError: it imports one of these packages, and that is not installed.
            VggcostError: it does not exist, or raises when it is imported; the message has the program's own line.
        """
        if not self.is_file:
            return _by_name(self.text, extras)
        if not os.path.isfile(self.text):
            what = "a directory" if os.path.isdir(self.text) else "not there"
            raise VggcostError(f"the file {self.text!r} is {what}; give path/to/file.py:callable")
        if not self.text.endswith(".py"):
            raise VggcostError(f"{self.text!r} is no Python file; give one that ends in .py")
        arguments, sys.argv = sys.argv, [self.text]
        try:
            return self._as_a_part(extras) if "." in self._name else self._alone(self._name)
        except BaseException as error:  # noqa: BLE001  # whatever the program raises is its own
            raise _unimportable(self.text, error, extras) from None
        finally:
            sys.argv = arguments

    def _as_a_part(self, extras: Mapping[str, str]) -> ModuleType:
        """Import the file as the part of its package that it is; alone, where its package cannot be imported."""
        from importlib import import_module

        top = sys.modules.get(self._name.partition(".")[0])
        stem = self._name.rpartition(".")[2]
        if top is not None and not _source(top).startswith(self._roots_with_ends):
            return self._alone(stem)  # somebody else's package of this name is loaded
        try:
            module = import_module(self._name)
        except BaseException as error:
            pass_on(error)
            if missing_name(error, ModuleNotFoundError) in extras:
                raise
            try:
                return self._alone(stem)
            except BaseException as second:  # noqa: BLE001  # the package's own reason says more
                pass_on(second)
                raise error from None
        same = os.path.samefile(_source(module) or os.devnull, self.text)
        return module if same else self._alone(stem)

    def _alone(self, stem: str) -> ModuleType:
        from importlib.util import module_from_spec, spec_from_file_location

        name = f"audited_{stem}" if stem in sys.modules or not stem.isidentifier() else stem
        spec = spec_from_file_location(name, os.path.abspath(self.text))
        if spec is None or spec.loader is None:
            raise VggcostError(f"{self.text!r} is no Python file; give one that ends in .py")
        module = module_from_spec(spec)
        sys.modules[name] = module  # dataclasses, among others, look for their module there
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def _package(path: str) -> tuple[str, str]:
    """The folder that the outermost package of a file is in, and the file's name as a module there."""
    folder, file = os.path.split(path)
    names = [os.path.splitext(file)[0]]
    if "." in names[0]:
        return folder, names[0].replace(".", "_")
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        above, name = os.path.split(folder)
        if not name or "." in name:
            break
        names.insert(0, name)
        folder = above
    if names[-1] == "__init__" and len(names) > 1:
        names.pop()
    return folder, ".".join(names)


def _source(module: Any) -> str:
    """The file of a module, or the folder of a package that has no file; an empty text for those of the interpreter."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file
    try:
        return os.path.join(next(iter(module.__path__)), ".py")
    except (AttributeError, TypeError, StopIteration):
        return ".py"


def _by_name(name: str, extras: Mapping[str, str]) -> ModuleType:
    from importlib import import_module

    if not all(piece.isidentifier() for piece in name.split(".")):
        raise VggcostError(
            f"{name!r} is neither a module's name nor a .py file; give package.module or path/to/file.py"
        )
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = missing_name(error, ModuleNotFoundError) or name
        above, _, last = name.rpartition(".")
        if name == missing and hasattr(sys.modules.get(above), last):
            raise VggcostError(f"{name!r} is no module, and {above} has {last!r}; write {above}:{last}") from None
        if name == missing or name.startswith(f"{missing}."):
            raise VggcostError(
                f"there is no module {missing!r} here; give a module that python can import from {os.getcwd()!r},"
                " or a file as path/to/file.py:callable"
            ) from None
        raise _unimportable(name, error, extras) from None
    except BaseException as error:  # noqa: BLE001  # whatever the program raises is its own
        raise _unimportable(name, error, extras) from None


def _unimportable(place: str, error: BaseException, extras: Mapping[str, str]) -> VggcostError:
    pass_on(error)
    missing = missing_name(error, ModuleNotFoundError)
    if missing in extras:
        return MissingExtraError(f"auditing {place}", missing, extras[missing])
    return VggcostError(f"{place} cannot be imported: {told(error)}")
