"""Frozen values with named fields.

What a frozen dataclass gives, for the values on the way to ``table`` and ``cost("D")``, which start in milliseconds.
Measured by ``benchmarks/records.py`` in one run (Python 3.11, two quiet cores): a row of ten fields by position takes
84 ns as msgspec.Struct, 382 as Record, 1090 as frozen dataclass. Beside a bare interpreter's 10 ms, in its units, the
import of msgspec costs 2.8, that of dataclasses 1.5 and thirty of them 2.3 more, this module 0.4 and thirty Records
0.1 more. So Records stand where every start passes, and msgspec reads documents from outside, where one is given.

Type checkers read a Record as the frozen dataclass that it is.
"""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> object:
        """Stand in for typing's marker, which does nothing at run time."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """Base of a frozen value: annotations are its fields, class attributes their defaults.

    A field annotated ``Mapping[...]`` holds a read-only copy of what is given. Records are equal where they are of one
    class and their fields are `same`; what else an object keeps, such as a cached property, is no part of its value.

    Raises:
        TypeError: a field is missing, unknown or given twice.
        AttributeError: a field is assigned after construction.
    """

    __match_args__: tuple[str, ...] = ()
    _fields: tuple[str, ...] = ()
    _mappings: tuple[str, ...] = ()
    _defaults: Mapping[str, Any] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        annotations = cls.__dict__.get("__annotations__", {})  # noqa: RUF063  # importing inspect costs more than this
        own = [name for name in annotations if not name.startswith("_")]
        cls._fields = tuple(dict.fromkeys((*cls._fields, *own)))
        cls.__match_args__ = cls._fields  # type: ignore[misc]  # mypy takes it as said in a class's body alone
        cls._mappings += tuple(name for name in own if _is_mapping(annotations[name]))
        cls._defaults = {name: getattr(cls, name) for name in cls._fields if hasattr(cls, name)}
        cls.__init__ = _first_init  # type: ignore[assignment, method-assign]

    def _freeze(self) -> None:
        values = self.__dict__
        for name in self._mappings:
            if hasattr(values[name], "keys"):  # a field may also hold None, or words in place of a mapping
                values[name] = MappingProxyType(dict(values[name]))

    def replace(self, **changes: object) -> Self:
        """Return a copy with some fields changed."""
        values = self.__dict__
        return type(self)(**{**{name: values[name] for name in self._fields}, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; replace({name}=...) makes a changed copy")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        mine, theirs = self.__dict__, other.__dict__
        for name in self._fields:
            one, its = mine[name], theirs[name]
            if one is not its and not same(one, its):
                return False
        return True

    def __hash__(self) -> int:
        values = self.__dict__
        if not self._mappings:
            return hash((type(self), *(values[name] for name in self._fields)))
        return hash((type(self), *(_hashable(values[name]) for name in self._fields)))

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[object, ...]]:
        # Copies and pickles are made anew from the fields, for a read-only mapping can be neither copied nor pickled.
        values = (self.__dict__[name] for name in self._fields)
        return type(self), tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self._fields)})"


def _first_init(self: Record, *args: Any, **kwargs: Any) -> None:
    """Write the class its constructor when it makes its first value: most classes never make one in a short run."""
    cls = type(self)
    parameters = "".join(
        f", {name}=_defaults[{name!r}]" if name in cls._defaults else f", {name}" for name in cls._fields
    )
    lines = [f"def __init__(self{parameters}):", "_values = self.__dict__"]
    lines += [f"_values[{name!r}] = {name}" for name in cls._fields]
    if cls._mappings:
        lines.append("self._freeze()")
    namespace: dict[str, Any] = {"_defaults": cls._defaults}
    # As dataclasses do. One that takes *args needs thrice the time, and a network is a hundred values made each time.
    exec("\n ".join(lines), namespace)  # noqa: S102  # nothing but names of fields, which are Python's own words
    made = namespace["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"  # what Python's refusals call it
    cls.__init__ = made  # type: ignore[method-assign]
    made(self, *args, **kwargs)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal: arrays in shape and in every element, also where they stand in tuples.

    >>> same((1, 2), (1, 2)), same((1, 2), (1, 3))
    (True, False)
    """
    if one is other:
        return True
    if type(one) is tuple and type(other) is tuple:
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    shape = getattr(one, "shape", None)
    if shape is None and not hasattr(other, "shape"):
        return bool(one == other)
    # Only arrays have a shape; a plain number beside one is no array of the same shape, but it is one of no dimension.
    if (shape or ()) != getattr(other, "shape", ()):
        return False
    equal = one == other
    return bool(equal.all() if hasattr(equal, "all") else equal)


def _is_mapping(annotation: object) -> bool:
    """Whether an annotation, text or object, says ``Mapping[...]``, alone or before a ``| None``."""
    return str(annotation).partition("[")[0].rpartition(".")[2] == "Mapping"


def _hashable(value: Any) -> Any:
    return frozenset(value.items()) if isinstance(value, MappingProxyType) else value


class Frozen:
    """Base of a value that is made by its own constructor: attributes stand once `_set` has set them.

    Two are equal only if they are one; cached properties keep their values.

    Raises:
        AttributeError: an attribute is assigned or deleted.
    """

    def _set(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; {name} cannot be assigned, make another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; {name} cannot be deleted")
