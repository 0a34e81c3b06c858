"""What a program's variables hold, and what autograd remembers of the layers that made them."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.costs.storages import Storage
    from vggcost.network.layer import Layer, Shape


class Value:
    """What a variable of the program holds: a storage in a shape, and the gradient that waits for it."""

    __slots__ = ("grad", "needs_grad", "shape", "storage")

    def __init__(self, storage: Storage, shape: Shape, *, needs_grad: bool = False) -> None:
        self.storage = storage
        self.shape = shape
        self.needs_grad = needs_grad
        self.grad: Storage | None = None


class Node(Record):
    """What autograd remembers of one layer: its two ends, and what it keeps, by name."""

    layer: Layer
    inputs: tuple[Value, ...]
    output: Value
    kept: dict[str, Storage]


class Again(Record):
    """A block that keeps its input alone and runs a second time in the backward pass, which fills its nodes."""

    layers: tuple[Layer, ...]
    input: Value
    output: Value
    nodes: tuple[Node, ...]
    keeps: int
    """How many tensors its nodes keep."""
