"""The likely time of a forward call on a device, for all networks of a block at once.

Each is the forecast of `vggcost predict --device` for an eager call, in whole nanoseconds: the same terms, on arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.costs.lines import BatchLine
from vggcost.costs.table import Row
from vggcost.errors import VggcostError
from vggcost.formulas.latency import sustained_rate
from vggcost.network.ledger import Ledger
from vggcost.predict import parameters
from vggcost.predict.classes import Choice, machine_of
from vggcost.predict.datasheet import parts_ms
from vggcost.predict.model import EAGER, Pick, terms
from vggcost.predict.timer import NS_OF_MS
from vggcost.predict.work import works
from vggcost.record import Record
from vggcost.sweep.places import NOTHING, taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vggcost.costs.table import Table
    from vggcost.predict.devices import FoundDevice
    from vggcost.predict.model import Machine

    Int64 = NDArray[np.int64]

ARRAYS = Pick(np.maximum, np.minimum, np.where)
"""How the larger and the smaller of arrays are taken."""


class Timed(Record):
    """Times of a block [ns], along its five axes; `NOTHING` where there is no forecast."""

    values: Any

    def at(self, places: tuple[Any, ...], _: Any) -> Any:
        """Return the times at these places of the block."""
        return taken(self.values, places)


def timed(counted: Table, found: FoundDevice, dtype: str, batch: Int64) -> Timed:
    """Return the times of a block, whose table has lines over the batch; the batches lie along the last axis."""
    choice = Choice(dtype, EAGER, channels_last=False, backward=False)
    try:
        _, machine = machine_of(found.device, choice, parameters.shipped().values)
    except VggcostError:
        return Timed(np.full((1,) * 5, NOTHING))
    sizes = max((np.shape(each)[2] for row in counted.rows for each in _shapes(row) if np.ndim(each)), default=1)
    every = slice(None)
    # A size at a time: which kernels run depends on it, and on nothing else of a block.
    slices = [
        _at(counted, machine, (every, every, slice(place, place + 1), every, every), batch) for place in range(sizes)
    ]
    whole = np.broadcast_shapes(*(np.shape(each) for each in slices))
    return Timed(np.concatenate([np.broadcast_to(each, whole) for each in slices], axis=2))


def _shapes(row: Row) -> list[Any]:
    return [part for size in (*row.input, *row.output) for part in _parts(size)]


def _parts(size: Any) -> tuple[Any, ...]:
    return (size.fixed, size.image) if isinstance(size, BatchLine) else (size,)


def _at(counted: Table, machine: Machine, places: tuple[slice, ...], batch: Int64) -> Any:
    """The times at one size [ns]."""

    def number(value: Any) -> Any:
        if isinstance(value, BatchLine):
            return BatchLine(number(value.fixed), number(value.image)).at(batch)
        part = taken(value, places)
        return int(np.reshape(part, ())) if np.size(part) == 1 else part

    rows = [
        Row(
            row.layer,
            tuple(map(number, row.input)),
            tuple(map(number, row.output)),
            0,
            0,
            Ledger(**{name: number(value) for name, value in row.ledger.items()}),
        )
        for row in counted.rows
    ]
    likely = sum(parts_ms([(work, terms(work, machine, ARRAYS)) for work in works(rows)], 1.0).values())
    return (
        np.ceil(sustained_rate(likely, NS_OF_MS, 1))
        .astype(np.int64)
        .reshape((1,) * (5 - np.ndim(likely)) + np.shape(likely))
    )
