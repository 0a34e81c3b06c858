"""Finds what TARGET names: ``package.module:callable`` or ``path/to/file.py:callable``. This runs the file."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vggcost.errors import MissingExtraError, VggcostError, nearest
from vggcost.frameworks.own_lines import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType


@contextmanager
def neighbours_importable(target: str) -> Iterator[None]:
    """Let a program import what stands beside it, as ``python path/to/file.py`` and ``python -m package`` do."""
    place = target.rpartition(":")[0]
    folder = os.path.dirname(os.path.abspath(place)) if _is_file(place) else os.getcwd()
    before = list(sys.path)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path[:] = before


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place


def find(target: str, extras: Mapping[str, str]) -> Any:
    """Return the object that TARGET names; extras are the packages that a program may want, and what brings each.

    Raises:
        MissingExtraError: the program imports one of these packages, and it is not installed.
        VggcostError: it is written otherwise, does not exist, or raises when it is imported; the message then has the
            program's own line.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise VggcostError(
            f"TARGET is {target!r}; give package.module:callable or path/to/file.py:callable, as vgg.py:VGG16"
        )
    module = _from_file(place, extras) if _is_file(place) else _from_package(place, extras)
    value: Any = module
    for piece in name.split("."):
        try:
            value = getattr(value, piece)
        except AttributeError:
            known = tuple(word for word in vars(module) if not word.startswith("_") and callable(getattr(module, word)))
            if not known:
                raise VggcostError(f"{place} has no {name!r}; it has nothing that can be called") from None
            found = nearest(piece, known)
            raise VggcostError(f"{place} has no {name!r}; {found}", nearest=found.names) from None
    return value


def _from_package(name: str, extras: Mapping[str, str]) -> ModuleType:
    from importlib import import_module

    if not all(piece.isidentifier() for piece in name.split(".")):
        raise VggcostError(
            f"{name!r} is neither a module's name nor a .py file; give package.module or path/to/file.py"
        )
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise VggcostError(
                f"there is no module {missing!r} here; give a module that python can import from {os.getcwd()!r},"
                " or a file as path/to/file.py:callable"
            ) from None
        raise _unimportable(name, error, extras) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the program raises is its own
        raise _unimportable(name, error, extras) from None


def _unimportable(place: str, error: BaseException, extras: Mapping[str, str]) -> VggcostError:
    missing = (error.name if isinstance(error, ModuleNotFoundError) else None) or ""
    if missing in extras:
        return MissingExtraError(f"auditing {place}", missing, extras[missing])
    return VggcostError(f"{place} cannot be imported: {told(error)}")


def _from_file(path: str, extras: Mapping[str, str]) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    if not os.path.isfile(path):
        what = "a directory" if os.path.isdir(path) else "not there"
        raise VggcostError(f"the file {path!r} is {what}; give path/to/file.py:callable")
    stem = os.path.splitext(os.path.basename(path))[0]
    name = f"audited_{stem}" if stem in sys.modules or not stem.isidentifier() else stem
    spec = spec_from_file_location(name, os.path.abspath(path))
    if spec is None or spec.loader is None:
        raise VggcostError(f"{path!r} is no Python file; give one that ends in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses, among others, look for their module there
    arguments, sys.argv = sys.argv, [path]
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the program raises is its own
        del sys.modules[name]
        raise _unimportable(path, error, extras) from None
    finally:
        sys.argv = arguments
    return module


def maker(value: Any, target: str, keywords: Mapping[str, Any]) -> Callable[[], Any]:
    """Return a call without arguments that makes the model.

    Raises:
        VggcostError: it cannot be called, needs arguments or does not take those given. The call itself raises what
            the program raises; `told` makes a line of that.
    """
    import inspect

    if not callable(value):
        raise VggcostError(
            f"{target} is {_a(type(value).__name__)}, no model and nothing that makes one; give a class or a function"
        )
    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError):
        return lambda: value(**keywords)
    try:
        signature.bind(**keywords)
    except TypeError as error:
        raise VggcostError(f"{target} takes {signature}, and {_unfit(error, keywords)}") from None
    return lambda: value(**keywords)


def _unfit(error: TypeError, keywords: Mapping[str, Any]) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in keywords.items()) or "nothing"
    return f'was given {given} ({error}); give its arguments as --call "name=value, ..."'


def _a(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"
