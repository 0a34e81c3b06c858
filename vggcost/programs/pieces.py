"""Programs and configurations as the pieces that make them what they are, and what sets two pieces apart."""

from __future__ import annotations

from vggcost.network.blocks import Add, Residual
from vggcost.network.foreign_layers import Idle, Uncounted, ZeroPad2d
from vggcost.network.layers import Conv2d
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.network.layer import Layer
    from vggcost.programs.reading import ProgramReading

GAP, WEIGHTED_GAP, RESIDUAL_GAP = 0.5, 1.0, 0.25
"""What a layer without partner costs: one without weights, one with, and one inside a residual block, which comes and
goes with its block."""


class Piece(Record):
    """One layer of either list.

    key is what makes two pieces the same, operation its place in the program (None for a configuration's layer).
    """

    layer: Layer
    residual: bool
    key: tuple[Any, ...]
    operation: int | None = None

    @property
    def gap(self) -> float:
        """What it costs to leave it without partner."""
        if self.residual:
            return RESIDUAL_GAP
        return WEIGHTED_GAP if self.layer.weighted or isinstance(self.layer, Idle | Uncounted) else GAP


def _piece(layer: Layer, operation: int | None = None, *, residual: bool) -> Piece:
    return Piece(layer, residual, (type(layer), *layer.alike()), operation)


def program_pieces(reading: ProgramReading) -> Iterator[Piece]:
    """The program's structure; padding of its own is taken into the convolution behind it."""
    residual = _inside_residuals(reading)
    padded = (0, 0)
    for place, operation in enumerate(reading.operations):
        layer = operation.layer
        if isinstance(layer, ZeroPad2d) and layer.padding[::2] == layer.padding[1::2]:
            padded = (layer.padding[2], layer.padding[0])
        elif isinstance(layer, Conv2d) and padded != (0, 0):
            both = (layer.padding[0] + padded[0], layer.padding[1] + padded[1])
            yield _piece(layer.replace(padding=both), place, residual=place in residual)
            padded = (0, 0)
        elif layer.structural:
            yield _piece(layer, place, residual=place in residual)


def _inside_residuals(reading: ProgramReading) -> set[int]:
    """The places of the operations between a fork and the addition that joins it again, the addition included."""
    places: set[int] = set()
    for place, operation in enumerate(reading.operations):
        if isinstance(operation.layer, Add):
            places.update(range(place - operation.branch, place + 1))
    return places


def network_pieces(layers: Sequence[Layer], *, residual: bool = False) -> Iterator[Piece]:
    """All of a network's layers, those of its residual blocks and their additions among them."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from network_pieces((*layer.body, *layer.shortcut), residual=True)
            yield _piece(Add(layer.name, layer.path, ()), residual=True)
        else:
            yield _piece(layer, residual=residual)


def structure(layers: Sequence[Layer], *, learned: bool = False) -> tuple[Piece, ...]:
    """The pieces of a network that make it what it is; learned: those that have parameters alone."""
    pieces = (piece for piece in network_pieces(layers) if piece.layer.structural)
    return tuple(piece for piece in pieces if not learned or piece.layer.params_call() is not None)


FAR = 1e6
"""The cost of setting layers of different kinds side by side: they never are."""


def mismatch(theirs: Piece, ours: Piece) -> float:
    """Return what it costs to set two pieces side by side; 0 where they are the same."""
    apart = 0.5 if theirs.residual != ours.residual else 0.0
    if theirs.key == ours.key:
        return apart
    if type(theirs.layer) is not type(ours.layer) and theirs.layer.kind != ours.layer.kind:
        return FAR
    # Powers of two, so that sums of costs are exact and equal ones compare equal.
    if isinstance(theirs.layer, Conv2d) and isinstance(ours.layer, Conv2d):
        one, other = theirs.layer, ours.layer
        channels: float = 0.25 * (one.c_in != other.c_in) + 0.5 * (one.c_out != other.c_out)
        window: float = 0.5 * (one.kernel != other.kernel) + 0.25 * (
            (one.stride, one.padding) != (other.stride, other.padding)
        )
        return apart + channels + window + 0.125
    return apart + 0.375
