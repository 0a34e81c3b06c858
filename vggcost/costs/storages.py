"""Storages while they are alive: how many hold each, and the bytes of all of them at every moment."""

from __future__ import annotations

from vggcost.formulas import memory
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from vggcost.network.layer import Size

    Seen = tuple[tuple["Storage", bool], ...]


class Widths(Record):
    """Bytes of one element, by what it is.

    element: activations, weights and gradients; place: torch's int64 place of a largest value; statistic: a batch's
    mean and deviation, which torch keeps in float32 where the elements are narrower; low: what torch.autocast computes
    products in, beside elements in float32, and 0 where there is no autocast.
    """

    element: int
    statistic: int
    place: int = 8
    low: int = 0


class Moment(Record):
    """The bytes alive beside weights, buffers, input and optimizer state when one operator has its outputs.

    phase is "forward", "recompute" or "backward"; layer the name of the layer that runs, None for the loss.
    """

    phase: str
    layer: str | None
    bytes: Size


class Storage:
    """A storage: its bytes, how many hold it, how often one did for a backward pass, and the layer that wrote it last.

    width: its elements' field of `Widths`. of_weights: whether it is a gradient of parameters; cast: whether it is a
    copy of parameters in the low precision.
    """

    __slots__ = ("bytes", "cast", "holders", "keepers", "of_weights", "width", "writer")

    def __init__(self, size: Size, writer: str | None, width: str = "element") -> None:
        self.bytes = size
        self.holders = 1
        self.keepers = 0
        self.writer = writer
        self.width = width
        self.of_weights = self.cast = False


class Alive:
    """The storages alive, as a running sum, and a moment for each operator that made some.

    watched: the places of the moments whose storages are listed, in `seen` by place: each storage, and whether a
    backward pass keeps it at that moment.
    """

    def __init__(self, widths: Widths, watched: Container[int] = ()) -> None:
        self.bytes: Size = 0
        self.moments: list[Moment] = []
        self.seen: dict[int, Seen] = {}
        self._watched = watched
        self._there: dict[int, Storage] = {}
        self.phase = "forward"
        self.layer: str | None = None
        self._widths = widths

    def take(self, elements: Size, width: str = "element") -> Storage:
        """Make a storage; the caller holds it."""
        made = Storage(memory.tensor_bytes(elements, getattr(self._widths, width)), self.layer, width)
        self.bytes = self.bytes + made.bytes
        self._there[id(made)] = made
        return made

    def mark(self) -> None:
        """Note what is alive: an operator has its outputs, and everything that it took is still there."""
        if len(self.moments) in self._watched:
            self.seen[len(self.moments)] = tuple((each, each.keepers > 0) for each in self._there.values())
        self.moments.append(Moment(self.phase, self.layer, self.bytes))

    def hold(self, storage: Storage) -> Storage:
        """Hold it once more."""
        storage.holders += 1
        return storage

    def drop(self, storage: Storage) -> None:
        """Hold it once less; the last one frees it."""
        storage.holders -= 1
        if storage.holders == 0:
            self.bytes = self.bytes - storage.bytes
            del self._there[id(storage)]

    def keep(self, storage: Storage) -> None:
        """Note that a backward pass is one of those that hold it."""
        storage.keepers += 1

    def forget(self, after: int) -> None:
        """Let go of what was taken behind that many storages and no backward pass keeps, whoever holds it."""
        for storage in list(self._there.values())[after:]:
            storage.holders = 1 + storage.keepers
            self.drop(storage)

    def __len__(self) -> int:
        return len(self._there)
