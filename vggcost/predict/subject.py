"""What is forecast: a network at its input as rows of work, whoever counted it."""

from __future__ import annotations

from functools import cached_property

from vggcost.costs.memory import in_use_bytes
from vggcost.errors import VggcostError
from vggcost.predict.classes import element_bytes
from vggcost.predict.work import works
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vggcost.costs.table import Table
    from vggcost.predict.classes import Choice
    from vggcost.predict.work import LayerWork
    from vggcost.programs.reading import ProgramReading


class ForecastSubject(Record):
    """A network at one input.

    title is what people call it, identity what JSON says of it. batch_norm: whether it has batch normalization, which a
    training step runs longer for. counted is its table, None for a program, whose memory needs the program itself.
    unknown has the layers that nothing counts, whose time is missing.
    """

    title: str
    identity: Mapping[str, Any]
    input: tuple[int, ...]
    works: tuple[LayerWork, ...]
    batch_norm: bool
    counted: Table | None = None
    unknown: tuple[str, ...] = ()

    @property
    def batch(self) -> int:
        """Images in one call."""
        return self.input[0]

    def in_use_bytes(self, choice: Choice) -> int | None:
        """The memory at the worst moment of a forward, or of a step without an optimizer [B]; None for a program."""
        if self.counted is None:
            return None
        size, backward = element_bytes(choice.dtype), choice.backward
        if (size, backward) not in self._in_use:
            self._in_use[size, backward] = in_use_bytes(self.counted, size, backward=backward)
        return self._in_use[size, backward]

    @cached_property
    def _in_use(self) -> dict[tuple[int, bool], int]:
        """What was counted once, for the next device."""
        return {}


def of_table(counted: Table) -> ForecastSubject:
    """Return a network of ours."""
    identity = counted.network.identity()
    rows = works(counted.rows)
    return ForecastSubject(identity["title"], identity, counted.input, rows, _has_norm(rows), counted)


def of_reading(reading: ProgramReading) -> ForecastSubject:
    """Return a program that was read.

    Raises:
        VggcostError: it does not run, so its layers have no shapes.
    """
    if reading.failures or reading.weights_alone:
        raise VggcostError(f"{reading.program} does not get through a forward call, so it has no time")
    counted = [row for row in reading.operations if row.counted and row.input is not None and row.output is not None]
    unknown = tuple(row.layer.name for row in reading.operations if not row.counted)
    rows = works(counted)
    identity = {"name": reading.program, "title": reading.program, "options": None}
    return ForecastSubject(reading.program, identity, reading.inputs[0], rows, _has_norm(rows), None, unknown)


def _has_norm(rows: tuple[LayerWork, ...]) -> bool:
    return any(row.kind == "BatchNorm2d" for row in rows)
