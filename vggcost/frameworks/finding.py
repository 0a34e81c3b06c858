"""Finds what a program's TARGET names, or the only model of a file, and makes the call that makes its model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError, nearest
from vggcost.frameworks.call_text import as_in_source
from vggcost.frameworks.guard import class_of, pass_on
from vggcost.frameworks.place import Place
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from inspect import Signature
    from types import ModuleType

    from vggcost.frameworks.call_text import CallText

    IsModel = Callable[[Any], bool]


class Found(Record):
    """What a target names: the value, the target in full, and the names that an argument of its call may use."""

    target: str
    value: Any
    names: Mapping[str, Any]


def place_of(target: str) -> Place:
    """Return where a target's modules are.

    Raises:
        VggcostError: it is no file and no module.
    """
    place, colon, name = _parted(target)
    if not place or (colon and not name):
        raise VggcostError(
            f"TARGET is {target!r}; give package.module:callable or path/to/file.py:callable, as vgg.py:VGG16"
        )
    return Place(place)


def _parted(target: str) -> tuple[str, str, str]:
    """The place, the colon and what stands behind it; a file whose name has a colon is a place."""
    if target.endswith(".py") and os.path.isfile(target):
        return target, "", ""
    place, colon, name = target.rpartition(":")
    return (place, colon, as_in_source(name)) if colon else (target, "", "")


def find(target: str, place: Place, extras: Mapping[str, str], is_model: IsModel) -> Found:
    """Return what a target names; without a name, the only model in its file. The place is entered.

    extras are the packages that a program may want, and what brings each; is_model says of an object whether it is a
    model or a class of them.

    Raises:
        MissingExtraError: the program imports one of these packages, and it is not installed.
        VggcostError: it does not exist, or raises when it is imported; there is no model, or several.
    """
    module = place.load(extras)
    _, _, name = _parted(target)
    if not name:
        name = _only_model(place.text, module, is_model)
        target = f"{place.text}:{name}"
    value: Any = module
    where = place.text
    for piece in name.split("."):
        if not hasattr(value, piece):
            raise _missing(piece, where, vars(value) if hasattr(value, "__dict__") else {})
        value = getattr(value, piece)
        where = piece
    own = getattr(value, "__globals__", {})  # of a function that the module has from elsewhere
    return Found(target, value, {**own, **vars(module)})


def _missing(name: str, where: str, names: Mapping[str, Any]) -> VggcostError:
    """The refusal of a name that a module, or something in it, does not have."""
    known = tuple(word for word, value in names.items() if not word.startswith("_") and callable(value))
    if not known:
        return VggcostError(f"{where} has no {name!r}; it has nothing that can be called")
    found = nearest(name, known)
    return VggcostError(f"{where} has no {name!r}; {found}", nearest=found.names)


def _only_model(place: str, module: ModuleType, is_model: IsModel) -> str:
    """The name of the only model of a module: an object, a class of its own, or else its only function.

    Raises:
        VggcostError: there is none, or several, which are listed.
    """
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    own = {name: value for name, value in public.items() if getattr(value, "__module__", None) == module.__name__}
    models = [
        name for name, value in public.items() if is_model(value) and (name in own or not isinstance(value, type))
    ]
    functions = [name for name, value in own.items() if callable(value) and not isinstance(value, type)]
    functions = [name for name in functions if name not in models]
    if len(models) == 1 and (not functions or _needs_nothing(public[models[0]])):
        return models[0]
    if not models and len(functions) == 1:
        return functions[0]
    listed = [
        f"the {what}{'s' if len(names) > 1 else ''} {', '.join(names)}"
        for what, names in (("model", models), ("function", functions))
        if names
    ]
    if not listed:
        raise VggcostError(f"{place} has no model and no function of its own; name one that has, as vgg.py:VGG16")
    raise VggcostError(f"{place} has {' and '.join(listed)}; name one, as {place}:{(models or functions)[-1]}")


def _needs_nothing(value: Any) -> bool:
    import inspect

    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        return not isinstance(value, type)
    return True


def maker(found: Found, call: CallText) -> Callable[[], Any]:
    """Return a call without arguments that makes the model.

    Raises:
        VggcostError: it cannot be called, needs arguments or does not take those given. The call itself raises what
            the program raises, of which `told` makes a line, or a VggcostError where an argument does.
    """
    import inspect

    if not callable(found.value):
        raise VggcostError(
            f"{found.target} is {_a(class_of(found.value))}, no model and nothing that makes one; give a class"
            " or a function"
        )

    def make() -> Any:
        positional, named = call.values(found.names)
        return found.value(*positional, **named)

    placeholders = call.placeholders()
    try:
        signature = inspect.signature(found.value)
    except (ValueError, TypeError):
        return make
    try:
        if placeholders is not None:
            signature.bind(*placeholders[0], **placeholders[1])
    except TypeError as error:
        raise VggcostError(
            f"{found.target} takes {_shown(signature)}, and was given {call.words} ({error}); give its arguments as"
            ' --call "name=value, ..."'
        ) from None
    return make


def _shown(signature: Signature) -> str:
    """A signature as Python writes it; by its names alone where a default cannot be written."""
    try:
        return str(signature)
    except BaseException as error:  # noqa: BLE001  # a default's own __repr__
        pass_on(error)
        return f"({', '.join(signature.parameters)})"


def _a(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeiou' else 'a'} {word}"
