"""Programs and configurations as the pieces that make them what they are, and what sets two pieces apart."""

from __future__ import annotations

from vggcost.formulas import windows
from vggcost.network.blocks import Add, Residual
from vggcost.network.foreign_layers import Free, Idle, Uncounted, ZeroPad2d
from vggcost.network.foreign_pools import AvgPool2d
from vggcost.network.layers import AdaptiveAvgPool2d, Conv2d, Linear, LocalResponseNorm, MaxPool2d
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.network.layer import Layer, Pair
    from vggcost.programs.reading import Operation, ProgramReading

GAP, WEIGHTED_GAP, SLIGHT_GAP = 0.5, 1.0, 0.25
"""What a layer without partner costs: one without weights, one with, and one that goes with another: inside a residual
block, a normalization, a pool that does nothing."""

FAR = 1e6
"""The cost of setting layers of different kinds side by side: they never are."""


class Piece(Record):
    """One layer of either list.

    key is what makes two pieces the same, operation its place in the program (None for a configuration's layer).
    residual: inside a residual block. dense: a convolution that stands where a dense layer would. idle: a pool that
    hands its input on as it is.
    """

    layer: Layer
    residual: bool
    key: tuple[Any, ...]
    operation: int | None = None
    dense: bool = False
    idle: bool = False

    @property
    def token(self) -> tuple[Any, ...]:
        """What two pieces have in common that cost the same."""
        return (self.key, self.residual, self.dense, self.idle)

    @property
    def gap(self) -> float:
        """What it costs to leave it without partner."""
        if self.residual or self.idle or is_norm(self.layer):
            return SLIGHT_GAP
        return WEIGHTED_GAP if self.layer.weighted or isinstance(self.layer, Idle | Uncounted) else GAP


def is_norm(layer: Layer) -> bool:
    """Whether a layer normalizes with statistics: batch, group, layer, instance."""
    return layer.kind.startswith(("BatchNorm", "GroupNorm", "LayerNorm", "InstanceNorm", "RMSNorm"))


def is_pool(layer: Layer) -> bool:
    """Whether a layer is a pool with a window."""
    return isinstance(layer, MaxPool2d | AvgPool2d)


def _piece(layer: Layer, operation: int | None = None, *, residual: bool, idle: bool = False) -> Piece:
    return Piece(layer, residual, (type(layer), *layer.alike()), operation, idle=idle)


def program_pieces(reading: ProgramReading) -> tuple[Piece, ...]:
    """The program's structure; padding of its own is taken into the convolution behind it."""
    residual = _inside_residuals(reading)
    padded = (0, 0)
    found: list[Piece] = []
    for place, operation in enumerate(reading.operations):
        layer = _spoken(operation)
        if isinstance(layer, ZeroPad2d) and layer.padding[::2] == layer.padding[1::2]:
            padded = (layer.padding[2], layer.padding[0])
        elif isinstance(layer, Conv2d) and padded != (0, 0):
            both = (layer.padding[0] + padded[0], layer.padding[1] + padded[1])
            found.append(_piece(layer.replace(padding=both), place, residual=place in residual))
            padded = (0, 0)
        elif not operation.makes_weight and (layer.structural or operation.params):
            found.append(_piece(layer, place, residual=place in residual, idle=_hands_on(layer, operation)))
    dense = _dense(found, reading)
    return tuple(piece.replace(dense=True) if place in dense else piece for place, piece in enumerate(found))


def _spoken(operation: Operation) -> Layer:
    """The layer of an operation; a mean over each whole feature map is the pool that it is written for."""
    layer, shape, output = operation.layer, operation.input, operation.output
    if not isinstance(layer, Free) or layer.operation != "mean" or shape is None or output is None:
        return layer
    whole = len(shape) == 4 and output[:2] == shape[:2] and set(output[2:]) <= {1}
    return AdaptiveAvgPool2d(layer.name, layer.path, (1, 1)) if whole else layer


def _hands_on(layer: Layer, operation: Operation) -> bool:
    """Whether a pool hands its input on as it is: its window is one element, or its grid that of its input."""
    if is_pool(layer):
        window = layer.window(())
        return window is not None and (window.kernel, window.stride, window.padding) == ((1, 1), (1, 1), (0, 0))
    return isinstance(layer, AdaptiveAvgPool2d) and operation.input is not None and operation.input == operation.output


def _inside_residuals(reading: ProgramReading) -> set[int]:
    """The places of the operations between a fork and the addition that joins it again, the addition included.

    A way around a max-pool is no residual block: there two resolutions meet.
    """
    places: set[int] = set()
    operations = reading.operations
    for place, operation in enumerate(operations):
        if isinstance(operation.layer, Add):
            inside = range(place - operation.branch, place + 1)
            if not any(isinstance(operations[each].layer, MaxPool2d) for each in inside):
                places.update(inside)
    return places


def _dense(pieces: Sequence[Piece], reading: ProgramReading) -> set[int]:
    """Which convolutions stand where dense layers would: one that sees a large window, and those of 1x1 behind it."""
    pools = [place for place, piece in enumerate(pieces) if is_pool(piece.layer) and not piece.idle]
    follow: list[int] = []
    for place in range(pools[-1] + 1 if pools else 0, len(pieces)):
        piece, layer = pieces[place], pieces[place].layer
        if not layer.weighted:
            continue
        plain = isinstance(layer, Conv2d) and (layer.groups, layer.stride) == (1, (1, 1)) and not piece.residual
        if not isinstance(layer, Conv2d) or not plain or len(follow) == 3:
            break
        if not follow and not _sees_it_all(layer, piece, reading):
            break
        if follow and layer.kernel != (1, 1):
            break
        if len(follow) == 2 and _activated(reading, piece.operation or 0):
            break  # fc8 has no activation: this one is something else
        follow.append(place)
    return set(follow)


def _sees_it_all(layer: Conv2d, piece: Piece, reading: ProgramReading) -> bool:
    """Whether a convolution is fc6: its window is as large as what five pools leave, or holes widen it."""
    operation = reading.operations[piece.operation or 0]
    whole = operation.input is not None and operation.input[2:] == layer.kernel != (1, 1)
    return whole or (layer.c_out > layer.c_in >= 256 and (min(layer.kernel) >= 6 or min(layer.dilation) > 2))


def _activated(reading: ProgramReading, place: int) -> bool:
    """Whether an activation comes behind an operation before the next weight layer."""
    for operation in reading.operations[place + 1 :]:
        if operation.layer.weighted:
            return False
        if operation.layer.activation:
            return True
    return False


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


def mismatch(theirs: Piece, ours: Piece) -> float:
    """Return what it costs to set two pieces side by side; 0 where they are the same.

    Powers of two, so that sums of costs are exact and equal ones compare equal. Width weighs little: a layer's place
    among its neighbours says more of what it is than how many channels it has.
    """
    apart = 0.5 if theirs.residual != ours.residual else 0.0
    if theirs.key == ours.key and not ours.dense:
        return apart
    one, other = theirs.layer, ours.layer
    if isinstance(one, Conv2d) and isinstance(other, Conv2d):
        return apart + (FAR if ours.dense else _convs_apart(one, other))
    if isinstance(one, Linear) and isinstance(other, Linear):
        return apart + _linears_apart(one, other)
    if isinstance(one, Linear) and isinstance(other, Conv2d):
        as_wide: float = 0.25 if one.out_features == other.c_out else 0.375
        return as_wide if ours.dense else FAR
    return apart + _others_apart(one, other, idle=ours.idle)


def _convs_apart(one: Conv2d, other: Conv2d) -> float:
    channels: float = 0.03125 * (one.c_in != other.c_in) + 0.125 * (one.c_out != other.c_out)
    window: float = 0.25 * (one.kernel != other.kernel) + 0.25 * (one.stride != other.stride)
    alike = (one.kernel, one.padding, one.dilation) == (other.kernel, other.padding, other.dilation)
    inside: float = 0 if alike else 0.0625 * (off_centre(one) != off_centre(other))
    inside += 0.125 * (one.dilation != other.dilation)
    return channels + window + inside + 0.25 * (one.groups != other.groups) + 0.0625 * (one.bias != other.bias)


def _linears_apart(one: Linear, other: Linear) -> float:
    features: float = 0.03125 + 0.125 * (one.out_features != other.out_features)
    return features + 0.0625 * (one.bias != other.bias)


def off_centre(conv: Conv2d) -> Pair:
    """How much a convolution's padding differs from that which keeps the size at stride 1 [elements]."""
    height, width = (
        padding - windows.centred_padding(windows.window_reach(kernel, dilation))
        for padding, kernel, dilation in zip(conv.padding, conv.kernel, conv.dilation, strict=True)
    )
    return height, width


def _others_apart(one: Layer, other: Layer, *, idle: bool) -> float:
    if isinstance(one, MaxPool2d):
        if is_pool(other) and not idle:
            both = (one.window(()), other.window(()))
            return 0.25 * (one.kind != other.kind) + 0.125 * (both[0] != both[1]) + 0.0625
        # More than to leave out a pool beside it: the pool that is there comes first.
        return 1.0 if isinstance(other, Conv2d) and min(other.stride) > 1 else FAR
    if isinstance(one, AdaptiveAvgPool2d):
        return 0.25 if isinstance(other, AdaptiveAvgPool2d) else 0.375 if is_pool(other) else FAR
    if is_norm(one) and is_norm(other):
        return 0.03125 if type(one) is type(other) else 0.125
    if type(one) is type(other) or one.kind == other.kind:
        return 0.25 if isinstance(one, LocalResponseNorm) else 0.375
    return FAR
