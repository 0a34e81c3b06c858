"""Whether a batch will fit, what to say where it does not, and whether a captured graph fits beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.costs.memory import in_use_bytes, largest_batch, layer_live_bytes
from vggcost.errors import VggcostError

if TYPE_CHECKING:
    from vggcost.costs.table import Table

NOT_COUNTED = "the libraries' workspaces, the device's context and the allocator's rounding come on top"

OUT_OF_MEMORY = (
    "can't allocate memory",  # the CPU's allocator
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What stands in an error that is a lack of memory and no torch.OutOfMemoryError, which is its caching allocator's."""


def is_out_of_memory(torch: Any, error: BaseException) -> bool:
    """Whether this is a lack of memory, whoever raised it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def check_fits(
    counted: Table,
    element_bytes: int,
    free: int | None,
    beside: int = 0,
    *,
    backward: bool = False,
    in_place: bool = True,
) -> None:
    """Refuse a batch that will not fit; beside is what else the bench allocates [B], in_place as in the module built.

    Raises:
        VggcostError: it needs more than is free; the message has the largest batch that should fit.
    """
    need = in_use_bytes(counted, element_bytes, backward=backward, in_place=in_place) + beside
    if free is None or need <= free:
        return
    tip = advice(counted, element_bytes, free, beside, backward=backward, in_place=in_place)
    raise VggcostError(
        f"batch {counted.input[0]} of {counted.network.title} needs about {units.human_bytes(need)} and"
        f" {units.human_bytes(free)} are free; {tip}"
    )


def graph_refused(counted: Table, element_bytes: int, free: int | None, *, in_place: bool = True) -> str | None:
    """Return why a captured graph does not fit beside the forward it was captured from; None where it does.

    Its private pool keeps a whole forward's activations for as long as the graph lives, and a forward outside it needs
    its own. free is what is free before the module is built [B].
    """
    forward = in_use_bytes(counted, element_bytes, in_place=in_place)
    # What the pool does not hold: weights, buffers and the input are the forward's own tensors.
    pool = max(layer_live_bytes(counted, element_bytes, in_place=in_place))
    if free is None or forward + pool <= free:
        return None
    return f"its activations, about {units.human_bytes(pool)}, do not fit beside those of a forward"


def refused(
    counted: Table,
    element_bytes: int,
    free: int | None,
    beside: int = 0,
    *,
    backward: bool = False,
    in_place: bool = True,
) -> VggcostError:
    """Return the refusal for an allocator that gave up half way; free is what was free before it began [B]."""
    batch = counted.input[0]
    tip = advice(counted, element_bytes, free, beside, backward=backward, in_place=in_place, below=batch)
    return VggcostError(f"the allocator refused batch {batch} of {counted.network.title} half way; {tip}")


def advice(
    counted: Table,
    element_bytes: int,
    free: int | None,
    beside: int = 0,
    *,
    backward: bool = False,
    in_place: bool = True,
    below: int | None = None,
) -> str:
    """Say which batch should fit; where the estimate itself says that the one just refused does, half of that."""
    if free is None and below != 1:
        return f"give a smaller --batch ({NOT_COUNTED})"
    batch = (
        0
        if free is None
        else largest_batch(counted, element_bytes, free - beside, backward=backward, in_place=in_place)
    )
    if below is not None and batch >= below:
        batch = below // 2
    if batch < 1:
        return "not even one image fits; choose a smaller --size or --dtype, or free memory"
    return f"the largest batch that should fit is {batch}, give --batch {batch} ({NOT_COUNTED})"
