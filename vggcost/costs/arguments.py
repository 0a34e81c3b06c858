"""What a public call is given, read once: each argument by what it is called, whichever call it is an argument of.

A call takes what people pass: dtypes of torch and numpy, whole numbers of any kind, sizes as any pair, path objects. No
framework is imported to look at them. What is of another kind is refused with a WrongKindError, a TypeError, too.
"""

from __future__ import annotations

from functools import wraps
from os import PathLike, fsdecode

from vggcost.costs.table import checked_count
from vggcost.costs.variants import image_size
from vggcost.errors import VggcostError, WrongKindError, unknown, wrong_kind
from vggcost.network.unfold import width_factor
from vggcost.units import DTYPE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")
    Read = Callable[[Any, str], Any]


def flag(value: Any, what: str) -> bool:
    """Return a truth value, Python's or numpy's; no text and no number is one.

    Raises:
        WrongKindError: it is none.
    """
    if value is True or value is False:
        return bool(value)
    kind, shape = getattr(getattr(value, "dtype", None), "kind", None), getattr(value, "shape", None)
    if kind == "b" and shape == ():
        return bool(value)
    raise wrong_kind(what, value, "True or False")


def word(value: Any, what: str) -> str:
    """Return a text.

    Raises:
        WrongKindError: it is none.
    """
    if isinstance(value, str):
        return str(value)
    raise wrong_kind(what, value, "a name, as a text")


def words(value: Any, what: str) -> tuple[str, ...]:
    """Return several texts; one that stands alone is the only one.

    Raises:
        WrongKindError: they are none.
    """
    found = (value,) if isinstance(value, str) else _entries(value)
    if found is None:
        raise wrong_kind(what, value, "a list of names")
    return tuple(word(each, f"a name of {what}") for each in found)


def path(value: Any, what: str) -> str:
    """Return a path that is a text or a path object.

    Raises:
        WrongKindError: it is neither.
    """
    if isinstance(value, str):
        return str(value)
    try:
        if isinstance(value, PathLike):
            return fsdecode(value)
    except Exception:  # noqa: BLE001, S110  # a path object's own code may raise anything
        pass
    raise wrong_kind(what, value, "a path, as a text or a pathlib.Path")


def network(value: Any, what: str) -> str:
    """Return a network's name.

    Raises:
        WrongKindError: it is no text.
    """
    if isinstance(value, str | PathLike):
        return path(value, what)
    raise wrong_kind(f"the {what}", value, "its name as a text such as 'D', or a network file as file=")


def target(value: Any, what: str) -> Any:
    """Return the text of a target, or a live model as it is."""
    return path(value, what) if isinstance(value, PathLike) else value


def dtype(value: Any, what: str) -> str:
    """Return a dtype's name: a text as it is, a dtype of any library as it calls itself.

    That is float32 of numpy's and TensorFlow's, ``torch.float32``, and ``<class 'numpy.float32'>``.

    Raises:
        WrongKindError: it is no dtype that has a name here.
    """
    if isinstance(value, str):
        return str(value)
    import re

    try:
        own = getattr(value, "name", None)
        called = re.fullmatch(r"(?:<class ')?(?:\w+\.)*(\w+)(?:'>)?", own if isinstance(own, str) else str(value))
    except Exception:  # noqa: BLE001  # a value's own code may raise anything
        called = None
    name = "" if called is None else re.sub(r"^float8_.*", "float8", called[1])
    if name not in DTYPE_BYTES:
        raise wrong_kind(what, value, "a dtype such as 'float32' or torch.float32")
    return name


def size(value: Any, what: str) -> tuple[int, int]:
    """Return (height, width) of one whole number or of any pair of them [pixels].

    Raises:
        VggcostError: it is neither, or a side is below 1.
    """
    found = _entries(value)
    try:
        return image_size(value if found is None else found)
    except WrongKindError:
        raise wrong_kind(what, value, "one whole number or (height, width)") from None


def head(value: Any, what: str) -> tuple[int, ...]:
    """Return the hidden widths of a classifier.

    Raises:
        VggcostError: it is no list, or has what is no count.
    """
    found = _entries(value)
    if found is None:
        raise wrong_kind(what, value, "hidden widths such as (512, 512), or () for none")
    return tuple(checked_count(hidden, "a width of the head") for hidden in found)


def width(value: Any, what: str) -> float:
    """Return a width factor; see `vggcost.network.unfold.width_factor`.

    Raises:
        VggcostError: it is no number, or out of range.
    """
    number = hasattr(value, "__float__") and not isinstance(value, bool | type)
    if not isinstance(value, str) and not number:
        raise wrong_kind(what, value, "a decimal number such as 0.5")
    try:
        return width_factor(value)
    except VggcostError:
        raise
    except Exception:  # noqa: BLE001  # what a foreign number's own code raises; a number of thousands of digits
        raise wrong_kind(what, value, "a decimal number such as 0.5") from None


def space(value: Any, what: str) -> Any:
    """Return a space: the path of its file, or its content.

    Raises:
        WrongKindError: it is neither.
    """
    if isinstance(value, str | PathLike):
        return path(value, what)
    if isinstance(value, dict):
        return value
    raise wrong_kind(f"the {what}", value, "the path of a space file, or its content as a dict")


def amount(value: Any, what: str) -> int | str:
    """Return how much of something as it was given: a text with its unit, or a whole number.

    Raises:
        VggcostError: it is neither.
    """
    return str(value) if isinstance(value, str) else checked_count(value, what)


def view(value: T | None, kind: type[T]) -> T:
    """Return how a result is looked at; the usual way where nothing says.

    Raises:
        WrongKindError: it is no view of this kind.
    """
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise wrong_kind("view", value, f"a {kind.__name__}, or nothing")
    return value


def _as_it_is(value: Any, _: str) -> Any:
    return value


READERS: Mapping[str, Read] = {
    **dict.fromkeys(("batch_norm", "bias", "adaptive_pool", "classifier", "softmax"), flag),
    **dict.fromkeys(("training", "checkpoint", "master_weights", "in_place", "human"), flag),
    **dict.fromkeys(("classes", "in_channels", "batch", "accumulate", "images", "epochs"), checked_count),
    **dict.fromkeys(("optimizer", "implementation", "solve", "convention"), word),
    **dict.fromkeys(("dtype", "mixed"), dtype),
    **dict.fromkeys(("memory", "macs", "params"), amount),
    **dict.fromkeys(("file", "like"), path),
    **dict.fromkeys(("self", "model", "input"), _as_it_is),
    **dict.fromkeys(("pareto", "by", "engine", "device"), word),
    **dict.fromkeys(("top", "sample"), checked_count),
    "where": words,
    "every": flag,
    "seed": lambda value, what: checked_count(value, what, 0),
    "space": space,
    "network": network,
    "freeze": words,
    "head": head,
    "size": size,
    "width": width,
}
"""How an argument of each name is read."""

OF_ONE_CALL: Mapping[str, Mapping[str, Read]] = {
    "memory": {"network": target},
    "memory_totals": dict.fromkeys(("batch", "classes", "size"), _as_it_is),  # arrays, which the call itself reads
}
"""The arguments that mean something else in one call."""


def public(function: Callable[..., T]) -> Callable[..., T]:
    """Return a call that reads all that it is given; what is left at its default is not looked at.

    The call raises VggcostError, and beside it what a program that it runs lets through.
    """
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    readers = {name: {**READERS, **OF_ONE_CALL.get(function.__name__, {})}[name] for name in names}
    defaults = dict(function.__kwdefaults__ or {})
    defaults.update(zip(reversed(names[: code.co_argcount]), reversed(function.__defaults__ or ()), strict=False))

    @wraps(function)
    def call(*args: Any, **given: Any) -> T:
        return function(**_read(_by_name(function.__name__, names[: code.co_argcount], args, given)))

    def _read(given: Mapping[str, Any]) -> dict[str, Any]:
        for name in given:
            if name not in readers:
                found = unknown(f"argument of {function.__name__}", name, names)
                raise WrongKindError(str(found), nearest=found.nearest)
        for name in names:
            if name not in given and name not in defaults:
                raise WrongKindError(f"{function.__name__} lacks its argument {name}; give it")
        return {
            name: value if name in defaults and value is defaults[name] else readers[name](value, name)
            for name, value in given.items()
        }

    return call


def _by_name(call: str, positional: tuple[str, ...], args: tuple[Any, ...], given: dict[str, Any]) -> dict[str, Any]:
    """All that a call is given, by name.

    Raises:
        WrongKindError: there is too much, or something is given twice.
    """
    if len(args) > len(positional):
        takes = " and ".join(positional)
        raise WrongKindError(
            f"{call} takes {takes} by position and was given {len(args)} values; give the others by name"
        )
    for name in positional[: len(args)]:
        if name in given:
            raise WrongKindError(f"{call} was given its argument {name} twice; give it once")
    return {**dict(zip(positional, args, strict=False)), **given}


def _entries(value: Any) -> tuple[Any, ...] | None:
    """The entries of a list, a tuple, an array or another sequence; None for anything else."""
    if isinstance(value, str | bytes | bytearray | type) or hasattr(value, "keys"):
        return None
    if not hasattr(value, "__getitem__") or not hasattr(value, "__len__"):
        return None
    try:
        return tuple(value)
    except Exception:  # noqa: BLE001  # an array of no axis is no sequence, and says so in its own way
        return None
