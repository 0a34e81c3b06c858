"""What a file of weights holds: named tensors with shapes, without their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.record import Record

if TYPE_CHECKING:
    Ints = tuple[int, ...]


class StoredTensor(Record):
    """One tensor of a file: its name there, its shape, its dtype, and the bytes that it takes [B].

    Tensors of equal places are one tensor under several names; None: a place of its own.
    """

    name: str
    shape: Ints
    dtype: str
    nbytes: int
    place: Any = None

    @property
    def elements(self) -> int:
        """Its elements."""
        return forward.elements(self.shape)


class Stored(Record):
    """The tensors of a file, in its own order.

    kind: what such a file is called. layout: how it writes the axes of a kernel, ``OIHW`` as torch or ``HWIO`` as
    Keras. notes: what was left aside.
    """

    path: str
    kind: str
    layout: str
    tensors: tuple[StoredTensor, ...]
    notes: tuple[str, ...] = ()


def is_average(name: str) -> bool:
    """Return whether a name says that it is a moving average of a model's weights.

    >>> is_average("model_ema"), is_average("ema_model.features.0"), is_average("schema.0")
    (True, True, False)
    """
    return re.search(r"(?:^|[_.])(?:ema|averaged?|swa)(?:[_.]|$)", name.lower()) is not None
