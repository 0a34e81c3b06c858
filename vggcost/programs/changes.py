"""From two lists side by side to differences: what many layers have in common is one difference, with its name."""

from __future__ import annotations

from vggcost.network.layers import AdaptiveAvgPool2d, Conv2d, Linear, MaxPool2d
from vggcost.programs.flow import on_the_way, runs_again
from vggcost.programs.pieces import is_norm, is_pool, off_centre

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vggcost.programs.differences import Pair
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading
    from vggcost.programs.trunks import Trunk

    Label = tuple[Any, ...]


class Changes:
    """The pairs of one alignment by what sets them apart: a label for each difference, in the order of the network.

    pairs: the program's pieces beside the configuration's, which stand in the trunk. `listed` has
    the pairs that a difference names, `counted` those whose parameters and MACs are in it, which are those of layers
    that differ because of it, too: each pair is counted once. `first` and `last` are the places of the first and last
    partners.
    """

    def __init__(self, pairs: Sequence[Pair], trunk: Trunk, reading: ProgramReading) -> None:
        self.pairs = pairs
        self.listed: dict[Label, list[Pair]] = {}
        self.counted: dict[Label, list[Pair]] = {}
        self._trunk = trunk
        self._reading = reading
        partners = [place for place, pair in enumerate(pairs) if pair.theirs is not None and pair.ours is not None]
        self.first, self.last = (partners[0], partners[-1]) if partners else (len(pairs), -1)
        self._stretches = self._between_partners()
        self._sort()
        self._take_strides_for_pools()

    def _put(self, label: Label, pair: Pair, *, counted: bool = True) -> None:
        self.listed.setdefault(label, []).append(pair)
        if counted:
            self.counted.setdefault(label, []).append(pair)

    def _sort(self) -> None:
        latest: Label | None = None
        waiting: list[Pair] = []
        for place, pair in enumerate(self.pairs):
            labels = self._labels(place, pair)
            if labels is None:
                continue
            if labels:
                for number, label in enumerate(labels):
                    self._put(label, pair, counted=not number)
                latest = labels[0]
            elif latest is None:
                waiting.append(pair)
            else:
                self.counted.setdefault(latest, []).append(pair)
        for pair in waiting:
            # Nothing before it explains it, so that it is a difference of its own.
            self._put(("different", pair.theirs.layer.name if pair.theirs else ""), pair)

    def _labels(self, place: int, pair: Pair) -> list[Label] | None:
        """The differences that a pair belongs to: None where it has none, no label where another pair's is its own."""
        theirs, ours = pair.theirs, pair.ours
        if theirs is None and ours is not None:
            return [self._extra(place, ours)]
        if ours is None and theirs is not None:
            return [self._missing(place, theirs)]
        if theirs is None or ours is None:
            return None
        if theirs.key != ours.key or ours.dense:
            return _changed(theirs, ours, self._trunk, self._reading)
        if ours.operation is not None and self._shares(ours.operation):
            return [("shared", theirs.layer.name)]
        return None

    def _shares(self, place: int) -> bool:
        """Whether an operation's parameters, or some of them, are those of one before it."""
        operation = self._reading.operations[place]
        return runs_again(operation) or (operation.shares is not None and operation.params < operation.layer.params())

    # What has no partner

    def _between_partners(self) -> list[tuple[int, bool, bool]]:
        """For each place the number of its stretch between partners, and whether weight layers miss or are more."""
        stretches: list[list[bool]] = [[False, False]]
        numbers = []
        for pair in self.pairs:
            if pair.theirs is not None and pair.ours is not None:
                stretches.append([False, False])
            piece = pair.theirs or pair.ours
            if piece is not None and piece.layer.weighted and not piece.residual:
                stretches[-1][0] |= pair.ours is None
                stretches[-1][1] |= pair.theirs is None
            numbers.append(len(stretches) - 1)
        return [(number, stretches[number][0], stretches[number][1]) for number in numbers]

    def _missing(self, place: int, piece: Piece) -> Label:
        number, weighted, _ = self._stretches[place]
        if place > self.last:
            return ("cut",)
        if weighted:
            return ("missing", number)
        return ("missing", piece.layer.kind)

    def _extra(self, place: int, piece: Piece) -> Label:
        if place < self.first or (place > self.last and not piece.idle):
            return ("before",) if place < self.first else ("behind",)
        if piece.idle or piece.residual:
            return ("idle",) if piece.idle else ("residual",)
        number, _, weighted = self._stretches[place]
        if self._aside(place, piece):
            return ("inside",)
        if weighted:
            return ("extra", number)
        return ("extra", piece.layer.kind if is_norm(piece.layer) else piece.layer.words())

    def _aside(self, place: int, piece: Piece) -> bool:
        """Whether what is more at a place stands in a branch, past which the network goes on."""
        before = next((pair for pair in reversed(self.pairs[:place]) if _both(pair)), None)
        behind = next((pair for pair in self.pairs[place:] if _both(pair)), None)
        if before is None or behind is None or before.ours is None or behind.ours is None or piece.operation is None:
            return False
        first, last = before.ours.operation or 0, behind.ours.operation or 0
        return piece.operation not in on_the_way(self._trunk.taken, first, last)

    # Pools that a stride replaces

    def _take_strides_for_pools(self) -> None:
        """Make one difference of a max-pool that is missing and the stride of the convolution beside it."""
        label = ("missing", MaxPool2d.__name__)
        for pair in list(self.listed.get(label, ())):
            place = next(number for number, each in enumerate(self.pairs) if each is pair)
            before = next((each for each in reversed(self.pairs[:place]) if _both_weighted(each)), None)
            behind = next((each for each in self.pairs[place:] if _both_weighted(each)), None)
            for beside in (before, behind):
                found = next(
                    (key for key, listed in self.listed.items() if key[0] == STRIDE and beside in listed), None
                )
                if found is not None and beside is not None:
                    self._move(found, beside)
                    self._move(label, pair)
                    break

    def _move(self, label: Label, pair: Pair) -> None:
        for groups in (self.listed, self.counted):
            if pair in groups.get(label, ()):
                groups[label].remove(pair)
                groups.setdefault(("strided",), []).append(pair)
                if not groups[label]:
                    del groups[label]


STRIDE = "stride"
"""The label of convolutions of which nothing but the stride is larger."""


def _both(pair: Pair) -> bool:
    return pair.theirs is not None and pair.ours is not None


def _both_weighted(pair: Pair) -> bool:
    return pair.theirs is not None and pair.ours is not None and pair.theirs.layer.weighted


def _changed(theirs: Piece, ours: Piece, trunk: Trunk, reading: ProgramReading) -> list[Label]:
    """The labels of two partners that are not the same; none where what is before them explains it."""
    one, other = theirs.layer, ours.layer
    if isinstance(one, Conv2d) and isinstance(other, Conv2d):
        return _changed_convs(one, other, ours, trunk, reading)
    if isinstance(one, Linear) and isinstance(other, Linear):
        labels: list[Label] = [("hidden",)] if one.out_features != other.out_features else []
        return labels + ([("changed", ("bias", other.bias, one.bias))] if one.bias != other.bias else [])
    if is_norm(one) and is_norm(other):
        affine = getattr(one, "affine", True), getattr(other, "affine", True)
        alike = type(one) is type(other) and affine[0] == affine[1]
        return [] if alike else [("norms", one.noun, other.noun, affine[1])]
    if is_pool(one) and is_pool(other):
        return [("pools", one.words(), other.words())]
    kinds = {Linear: "convolution", MaxPool2d: "strided", AdaptiveAvgPool2d: "global"}
    return [(kinds[type(one)],) if type(one) in kinds else ("different", one.name)]


def _changed_convs(one: Conv2d, other: Conv2d, ours: Piece, trunk: Trunk, reading: ProgramReading) -> list[Label]:
    signature: list[tuple[Any, ...]] = [
        (name, getattr(other, name), getattr(one, name))
        for name in ("kernel", "stride", "dilation", "groups", "bias")
        if getattr(one, name) != getattr(other, name)
    ]
    if off_centre(one) != off_centre(other):
        signature.append(("padding", other.padding, one.padding))
    labels: list[Label] = []
    if [each[0] for each in signature] == ["stride"] and min(other.stride) > min(one.stride):
        labels.append((STRIDE, other.stride))
    elif signature:
        labels.append(("changed", *signature))
    if one.c_out != other.c_out:
        labels.append(("width",))
    if not labels and one.c_in != other.c_in and not _fed(other, ours, trunk, reading):
        labels.append(("different", one.name))
    return labels


def _fed(conv: Conv2d, piece: Piece, trunk: Trunk, reading: ProgramReading) -> bool:
    """Whether a convolution takes as many channels as a convolution right before it gives."""
    before = (reading.operations[place].layer for place in trunk.weighted_before[piece.operation or 0])
    return any(getattr(layer, "c_out", None) == conv.c_in for layer in before)
