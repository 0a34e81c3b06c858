"""What the calls of the Python API return stays as it is: a document must agree with the values it is made from."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Frozen:
    """Base of a result whose attributes stand once `_set` has set them; cached properties still keep their values.

    Raises:
        AttributeError: an attribute is assigned or deleted.
    """

    def _set(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; {name} cannot be assigned, make another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; {name} cannot be deleted")
