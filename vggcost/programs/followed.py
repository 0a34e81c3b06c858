"""What following a program's storages has shown: of one forward call without gradients, and of one training step."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Ints = tuple[int, ...]


class Asked(Record):
    """How a program is followed.

    training: a training step beside the forward call; accumulating: gradients are there from a pass before; frozen: the
    parameters without gradients, each by its name or by the path of a module around it; dtype: what floating weights
    and inputs are turned into, None leaving them as they are; autocast: the dtype of torch.autocast around the forward
    call, None for none. device: what the tensors are on by name, which have no memory: "cpu", so that a program takes
    the path that it takes there, or "meta", which is what the formulas of vggcost's own networks are held against.
    """

    training: bool = False
    accumulating: bool = False
    frozen: tuple[str, ...] = ()
    dtype: str | None = None
    autocast: str | None = None
    device: str = "cpu"


class FollowedRow(Record):
    """One call of torch's functions by a program [B, FLOP]; name and kind as an audit has them.

    output: the shape of what it returns first, output_bytes all of it; live_bytes: the largest sum of storages alive
    while it runs in a forward call without gradients; saved_bytes: what autograd keeps of what it wrote last.
    """

    name: str
    kind: str
    source: str | None
    output: Ints | None
    weight_bytes: int = 0
    buffer_bytes: int = 0
    gradient_bytes: int = 0
    output_bytes: int = 0
    live_bytes: int = 0
    saved_bytes: int = 0
    forward_flops: int = 0
    backward_flops: int = 0


class FollowedMoment(Record):
    """The worst moment of what was followed [B]; weights, buffers, input and optimizer state are in none of it.

    phase: "forward", "backward" or "recompute"; layer: what runs. live_gradient_bytes: gradients of parameters that
    were made by then, live_saved_bytes what autograd keeps then beside the input, working_bytes all else. alive: what
    is alive then, by the name of what wrote it last.
    """

    phase: str
    layer: str | None
    live_gradient_bytes: int
    live_saved_bytes: int
    working_bytes: int
    alive: Mapping[str, int] = {}  # a Record holds a read-only copy

    @property
    def bytes(self) -> int:
        """All of it [B]."""
        return self.live_gradient_bytes + self.live_saved_bytes + self.working_bytes


class Followed(Record):
    """A program followed.

    forward and step: the worst moments; step is None without training. gradients: the dtype and the bytes of each
    parameter that has a gradient after the step; without_gradient: the elements of those that should. dtype: what the
    first parameter is stored in. unseen: what may take memory that is not seen, so that all of this is a lower bound.
    notes: how it was followed.
    """

    rows: tuple[FollowedRow, ...]
    dtype: str
    input_bytes: int
    forward: FollowedMoment
    step: FollowedMoment | None = None
    gradients: tuple[tuple[str, int], ...] = ()
    without_gradient: int = 0
    forward_flops: int = 0
    backward_flops: int = 0
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
