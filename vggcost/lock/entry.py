"""What is written down of a network: facts of the whole, and of every layer in its order."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Ints = tuple[int, ...]
    Settings = tuple[tuple[str, Any], ...]


class LayerFacts(Record):
    """One layer: what it is called, what it is, what it gives, and what it costs.

    kind is torch's class name. settings are what makes it this layer beside its kind, name and value: ``("kernel",
    (3, 3))``; a value is a number, a text, a truth value, None, or a tuple of such. output is the shape, batch first,
    None where the forward call does not get there. params are its parameters and params_trainable those of them that
    training changes [elements], macs its multiply-accumulates [MAC], None where they are not known.
    """

    name: str
    kind: str
    output: Ints | None
    settings: Settings
    params: int
    params_trainable: int
    macs: int | None

    @property
    def sort(self) -> tuple[str, Settings]:
        """What it is, whatever it is called and wherever it stands."""
        return self.kind, self.settings

    @property
    def weighted(self) -> bool:
        """Whether it multiplies by what it has learned."""
        return self.params > 0 and self.macs != 0

    @property
    def free(self) -> bool:
        """Whether it costs nothing: neither parameters nor multiply-accumulates."""
        return not self.params and not self.macs


class Entry(Record):
    """A network or a program as it is written down.

    target is what it was read from, None for a live model; given has what was given beside it, by the words of
    `vggcost.lock.definition`. inputs are the shapes of what the forward call gets, batch first; totals are the sums by
    name, None where one is not known; counts is what each convention counts of the whole. numbered: layers are called
    by where they stand (``conv3_2``), so that those behind one that is gone have other names.
    """

    name: str
    target: str | None
    given: Mapping[str, Any]
    framework: str
    inputs: tuple[Ints, ...]
    totals: Mapping[str, int | None]
    counts: Mapping[str, int | None]
    layers: tuple[LayerFacts, ...]
    stems: frozenset[str] = frozenset()
    cut_short: bool = False


OURS = ("configuration", "network file")
"""The frameworks whose layers are called by where they stand: ``conv3_2``."""

TOTALS = (
    "params",
    "params_trainable",
    "params_frozen",
    "weight_bytes",
    "buffers",
    "buffer_bytes",
    "macs",
    "output_bytes",
    "training_peak_bytes",
)
"""The sums of an entry, in their order: elements, bytes [B] and multiply-accumulates [MAC]."""
