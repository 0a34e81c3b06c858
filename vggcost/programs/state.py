"""What a program keeps between calls: parameters, trainable or frozen, and buffers, with the bytes of each."""

from __future__ import annotations

from vggcost.formulas import memory
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class State(Record):
    """Parameters and buffers, each counted once; sums of states are states.

    params: learned parameters, the frozen ones included [elements]; params_frozen: those that training leaves as they
    are [elements]; weight_bytes: the memory of all of them, each in its own dtype [B]; dtypes: how many are stored in
    each [elements]. buffers: what is kept and not learned, as running statistics, masks, tables and the counters and
    random states of layers [elements]; buffer_bytes: their memory [B].
    """

    params: int = 0
    params_frozen: int = 0
    weight_bytes: int = 0
    buffers: int = 0
    buffer_bytes: int = 0
    dtypes: Mapping[str, int] = {}  # a Record holds a read-only copy

    @classmethod
    def of(cls, elements: int, element_bytes: int, dtype: str, *, frozen: bool = False) -> State:
        """Return the state of parameters of one dtype."""
        return cls.stored(elements, memory.tensor_bytes(elements, element_bytes), dtype, frozen=frozen)

    @classmethod
    def stored(cls, elements: int, size: int, dtype: str, *, frozen: bool = False) -> State:
        """Return the state of parameters that take this many bytes [B], which packed ones share."""
        return cls(elements, elements if frozen else 0, size, dtypes={dtype: elements} if elements else {})

    @property
    def params_trainable(self) -> int:
        """Parameters that training changes [elements]."""
        return self.params - self.params_frozen


NOTHING = State()
"""No parameter and no buffer."""


def total(states: Iterable[State]) -> State:
    """Return the sum of states."""
    every = tuple(states)
    dtypes: dict[str, int] = {}
    for state in every:
        for dtype, elements in state.dtypes.items():
            dtypes[dtype] = dtypes.get(dtype, 0) + elements
    return State(
        params=sum(state.params for state in every),
        params_frozen=sum(state.params_frozen for state in every),
        weight_bytes=sum(state.weight_bytes for state in every),
        buffers=sum(state.buffers for state in every),
        buffer_bytes=sum(state.buffer_bytes for state in every),
        dtypes=dtypes,
    )
