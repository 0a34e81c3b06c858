"""Frozen values with named fields.

What a frozen dataclass gives, in thirty lines, because importing ``dataclasses`` costs more than everything else
that ``vggcost table --format json`` does. Type checkers read a Record as the frozen dataclass that it is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> object:
        """Stand in for typing's marker, which does nothing at run time."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """Base of a frozen value: annotations are its fields, class attributes their defaults.

    Raises:
        TypeError: a field is missing, unknown or given twice.
        AttributeError: a field is assigned after construction.
    """

    _fields: tuple[str, ...] = ()
    _defaults: Mapping[str, Any] = {}  # each class is given its own

    def __init_subclass__(cls) -> None:
        annotations = cls.__dict__.get("__annotations__", ())  # noqa: RUF063  # importing inspect costs more than this
        own = (name for name in annotations if not name.startswith("_"))
        cls._fields = tuple(dict.fromkeys((*cls._fields, *own)))
        cls._defaults = {name: getattr(cls, name) for name in cls._fields if hasattr(cls, name)}

    if not TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            fields = self._fields
            values = self.__dict__
            if len(args) == len(fields) and not kwargs:
                # Rows and steps are made by the hundred, all this way.
                values.update(zip(fields, args))  # noqa: B905  # just compared, and the keyword costs
                return
            if len(args) > len(fields):
                raise TypeError(f"{type(self).__name__} takes {len(fields)} values and got {len(args)}")
            values.update(self._defaults)
            values.update(zip(fields, args, strict=False))
            given = fields[: len(args)]
            for name, value in kwargs.items():
                if name in given or name not in fields:
                    reason = "twice" if name in given else "but has no such field"
                    raise TypeError(f"{type(self).__name__} got {name} {reason}")
                values[name] = value
            if len(values) < len(fields):
                missing = next(name for name in fields if name not in values)
                raise TypeError(f"{type(self).__name__} needs {missing}")

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
        # By field: what else stands in __dict__ is a cached property, which one side may lack.
        mine, theirs = self.__dict__, other.__dict__
        return all(mine[name] == theirs[name] for name in self._fields)

    def __hash__(self) -> int:
        return hash((type(self), *(self.__dict__[name] for name in self._fields)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self._fields)})"


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
