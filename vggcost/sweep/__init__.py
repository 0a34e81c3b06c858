"""A space of networks, evaluated: which points it has, what each costs, which are kept.

``vggcost.sweep(space)`` is a call of the Python API as well as this room, so the room can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature
    from typing import Any


class _Room(ModuleType):
    @property
    def __wrapped__(self) -> Callable[..., Any]:
        from vggcost.costs.arguments import public
        from vggcost.sweep.frames import sweep

        return public(sweep)

    @property
    def __signature__(self) -> Signature:
        from inspect import signature

        return signature(self.__wrapped__)

    def __call__(self, *args: Any, **given: Any) -> Any:
        return self.__wrapped__(*args, **given)


sys.modules[__name__].__class__ = _Room
