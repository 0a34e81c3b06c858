"""Whether a bench fits into memory, before anything is built, and what to do where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost import units
from vggcost.costs.memory import largest_batch, peak_bytes
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from vggcost.costs.table import Table

NOT_COUNTED = "the libraries' workspaces, the device's context and the allocator's rounding come on top"


def check_fits(
    counted: Table, element_bytes: int, free: int | None, beside: int = 0, *, backward: bool = False
) -> None:
    """Refuse a batch that will not fit; beside is what else the bench allocates [B].

    Raises:
        VggcostError: it needs more than is free; the message has the largest batch that should fit.
    """
    need = peak_bytes(counted, element_bytes, backward=backward) + beside
    if free is None or need <= free:
        return
    raise VggcostError(
        f"batch {counted.input[0]} of {counted.network.title} needs about {units.human_bytes(need)} and"
        f" {units.human_bytes(free)} are free; {advice(counted, element_bytes, free, beside, backward=backward)}"
    )


def refused(
    counted: Table, element_bytes: int, free: int | None, beside: int = 0, *, backward: bool = False
) -> VggcostError:
    """Return the refusal for an allocator that gave up half way."""
    batch = counted.input[0]
    tip = advice(counted, element_bytes, free, beside, backward=backward, below=batch)
    return VggcostError(f"the allocator refused batch {batch} of {counted.network.title} half way; {tip}")


def advice(
    counted: Table,
    element_bytes: int,
    free: int | None,
    beside: int = 0,
    *,
    backward: bool = False,
    below: int | None = None,
) -> str:
    """Say which batch should fit."""
    if free is None:
        return f"give a smaller --batch ({NOT_COUNTED})"
    batch = largest_batch(counted, element_bytes, free - beside, backward=backward)
    if below is not None and batch >= below:
        batch = below // 2
    if batch < 1:
        return "not even one image fits; choose a smaller --size or --dtype, or free memory"
    return f"the largest batch that should fit is {batch}, give --batch {batch} ({NOT_COUNTED})"
