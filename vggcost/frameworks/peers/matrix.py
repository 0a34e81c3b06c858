"""On which networks, at which sizes and batches, our numbers are held against others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.network import catalogue
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vggcost.network.plan import Configuration

MATRIX_BATCHES, MATRIX_SIZES = (1, 2), (32, 224, 256)
"""The inputs on which counters are run where none is given: one that the adaptive pool leaves alone, two that it must
stretch or shrink."""


class MatrixCell(Record):
    """One network at one input: a configuration, what of its variant is changed, (height, width) and the batch."""

    plan: Configuration
    options: Mapping[str, Any]
    size: tuple[int, int]
    batch: int


def matrix_cells(
    plans: Sequence[Configuration],
    options: Mapping[str, Any],
    size: tuple[int, int] | None,
    batch: int | None,
    *,
    every: bool,
    counters: bool,
    own_size: bool = False,
) -> list[MatrixCell]:
    """Return the cells in the order in which they are run.

    plans are those that were asked for; every takes the paper's twelve networks instead. counters: other tools are run,
    and where no input is given that is on the matrix, where no plan is given either on all twelve. A size that is not
    given is a plan's own; own_size keeps it so on the matrix, too, for no other need fit a network file.
    """
    on_matrix = counters and size is None and batch is None
    if every or (on_matrix and not plans):
        plans = [catalogue.find(letter) for letter in catalogue.TABLE_1]
        variants = [{**options, "batch_norm": False}, {**options, "batch_norm": True}]
    else:
        plans = plans or [catalogue.find("D")]
        variants = [dict(options)]
    sizes = [(side, side) for side in MATRIX_SIZES] if on_matrix and not own_size else [size]
    return [
        MatrixCell(plan, variant, each or plan.size, count)
        for each in sizes
        for count in (MATRIX_BATCHES if on_matrix else [batch or 1])
        for plan in plans
        for variant in variants
    ]
