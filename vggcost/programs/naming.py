"""A name and a cost for each difference of an alignment."""

from __future__ import annotations

from vggcost import units
from vggcost.network.blocks import Add
from vggcost.network.foreign_layers import Idle
from vggcost.network.layers import AdaptiveAvgPool2d, Conv2d, Linear
from vggcost.programs import activations
from vggcost.programs.changes import STRIDE
from vggcost.programs.differences import Difference, Pair, kinds_in_words, several, single, span
from vggcost.programs.pieces import is_norm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.costs.table import Row
    from vggcost.network.layer import Layer
    from vggcost.network.plan import Network
    from vggcost.programs.changes import Changes
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading
    from vggcost.programs.trunks import Trunk

    Label = tuple[Any, ...]

COMPOSITION = frozenset(("cut", "before", "behind", "inside", "repeated", "unused"))
"""The differences of a program that has a configuration in it, or a piece of one, as it is."""

MORE_LAYERS, MORE_OF_A_KIND, BEHIND_THE_CUT, OTHER_SIDE = 1 / 2, 1 / 64, 1 / 16, 1 / 16
"""What the further weight layers of one difference cost, beside the 1 of each difference: where they are missing or
more at one place, where they are changed in the same way, and where they stand behind a cut and more is different; and
what a layer costs that is inside a residual block in one of the two alone."""

WIDTHS_SHOWN = 4
"""How many widths of thinner layers are shown."""

CONVOLUTIONS = ("a convolution", "convolutions")
"""One, and several."""


class Namer:
    """Names the differences of one program and one configuration.

    rows are the configuration's own, by name, at the program's input.
    """

    def __init__(
        self, changes: Changes, trunk: Trunk, network: Network, reading: ProgramReading, rows: dict[str, Row]
    ) -> None:
        self._changes = changes
        self._trunk = trunk
        self._network = network
        self._reading = reading
        self._rows = rows
        self._order = [pair.theirs.layer.name for pair in changes.pairs if pair.theirs is not None]
        self.names = {
            pair.ours.operation: pair.theirs.layer.name
            for pair in changes.pairs
            if pair.theirs is not None and pair.ours is not None and pair.ours.operation is not None
        }

    def differences(self) -> tuple[float, list[Difference]]:
        """The differences, in the network's order, and their cost; further layers and runs come last.

        The cost is 1 for each difference, and little for each further layer of one.
        """
        found: list[Difference] = []
        cost = 0.0
        for label, pairs in self._changes.listed.items():
            if label[0] in MORE:
                continue
            found.append(self._named(label, pairs, self._changes.counted.get(label, ())))
            further = max(0, sum(_weighted(pair) for pair in pairs) - 1)
            if label[0] in ("missing", "extra"):
                cost += MORE_LAYERS * further
            elif label[0] != "cut":
                cost += MORE_OF_A_KIND * further
        every = self._changes.pairs
        found += activations.order_changes(every, self._network, self._reading)
        found += activations.shape_changes(every, self._reading)
        found += self._more_layers()
        found += self._again()
        cost += OTHER_SIDE * sum(_both_sides(pair) for pair in every)
        if not all(difference.change in COMPOSITION for difference in found):
            cost += BEHIND_THE_CUT * sum(_weighted(pair) for pair in self._changes.listed.get(("cut",), ()))
        return cost + len(found), found

    # One name for each sort of difference

    def _named(self, label: Label, pairs: Sequence[Pair], counted: Sequence[Pair]) -> Difference:
        sort = label[0]
        if sort == "shared":
            return self._shared(pairs[0])
        change, words = self._words(label, pairs)
        if words is None or (len(pairs) == 1 and sort not in ALWAYS_IN_WORDS):
            return single(pairs[0], counted, self._reading, self._rows)
        return several(change, words, pairs, counted, self._reading, self._rows)

    def _words(self, label: Label, pairs: Sequence[Pair]) -> tuple[str, str | None]:
        """What a difference's change is called, and its line; None where it is that of its first pair."""
        sort = label[0]
        theirs = [pair.theirs for pair in pairs if pair.theirs is not None]
        ours = [pair.ours for pair in pairs if pair.ours is not None]
        where = span([piece.layer.name for piece in theirs], self._order) if theirs else ""
        if sort in ("cut", "missing"):
            return sort, f"cut behind {self._end()}" if sort == "cut" else where
        if sort in ("residual", "idle", "extra"):
            return "extra", self._extra_words(sort, ours)
        if sort in ("width", "hidden"):
            outputs = f"{where}: {_numbers(ours)} outputs in place of {_numbers(theirs)}"
            return "width", self._widths(pairs) if sort == "width" else outputs
        if sort == "convolution":
            written = "; ".join(piece.layer.words() for piece in ours)
            return "convolution", f"{where} written as {CONVOLUTIONS[len(ours) > 1]} ({written})"
        return "different", self._other_words(label, where, theirs, ours)

    def _extra_words(self, sort: str, ours: Sequence[Piece]) -> str:
        if sort == "extra":
            return f"{kinds_in_words(ours)} behind {self._behind(ours)}"
        if sort == "idle":
            return f"{kinds_in_words(ours)} of no effect behind {self._behind(ours)}"
        joints = sum(isinstance(piece.layer, Add) for piece in ours)
        layers = kinds_in_words(piece for piece in ours if piece.layer.weighted)
        blocks = units.counted(joints, "residual block")
        return f"{blocks}{f' of {layers}' if layers else ''} behind {self._behind(ours)}"

    def _other_words(self, label: Label, where: str, theirs: Sequence[Piece], ours: Sequence[Piece]) -> str | None:
        sort = label[0]
        if sort == "strided":
            return f"{CONVOLUTIONS[len(theirs) > 1]} of stride 2 in place of {self._pools(theirs)}"
        if sort == "global":
            return self._global(theirs[0].layer, ours[0].layer)
        if sort in ("pools", "norms"):
            ending = ", not affine," if sort == "norms" and not label[3] else ""
            return f"{where}: {label[2]}{ending} in place of {label[1]}"
        if sort == STRIDE:
            return f"{where}: stride {units.pair_text(label[1])} in place of 1"
        if sort == "changed":
            return f"{where}: {', '.join(_told(*each) for each in label[1:])}"
        return None

    def _shared(self, pair: Pair) -> Difference:
        """The difference of a layer whose parameters are those of another one."""
        found = single(pair, (pair,), self._reading, self._rows)
        place = pair.ours.operation if pair.ours is not None else None
        first = self._reading.operations[place or 0].shares or 0
        owner = self._reading.operations[first].layer
        return found.replace(change="shared", found=self.names.get(first, owner.path or owner.name), macs=0)

    def _end(self) -> str:
        """The last layer that a program has of a configuration, its activation included: ``relu3_3``."""
        last = next((pair.theirs for pair in reversed(self._changes.pairs) if _partners(pair) and pair.theirs), None)
        if last is None:
            return "nothing"
        behind = activations.expected(self._network.layers)
        conv = next(
            (pair for pair in reversed(self._changes.pairs) if _partners(pair) and _weighted(pair)),
            None,
        )
        if conv is None or conv.theirs is None or conv.ours is None or not (last is conv.theirs or is_norm(last.layer)):
            return last.layer.name
        relu = behind.get(conv.theirs.layer.name)
        has = activations.read(self._reading).get(conv.ours.operation or 0, ())
        return relu if relu is not None and has else last.layer.name

    def _behind(self, pieces: Sequence[Piece]) -> str:
        """The configuration's layers behind which pieces stand that have no partner there."""
        found: list[str] = []
        latest = "the input"
        for pair in self._changes.pairs:
            if pair.theirs is not None:
                latest = pair.theirs.layer.name
            elif any(pair.ours is piece for piece in pieces) and latest not in found:
                found.append(latest)
        return span(found, self._order) if len(found) < 3 or found[0] == "the input" else _listed(found)

    def _widths(self, pairs: Sequence[Pair]) -> str:
        """``thinner: conv1_1 .. conv4_3 have 32, 32, 64, 64, ... of 64, 64, 128, 128, ... channels``."""
        widths = [
            (pair.ours.layer.c_out, pair.theirs.layer.c_out)
            for pair in pairs
            if pair.theirs is not None and pair.ours is not None
            if isinstance(pair.theirs.layer, Conv2d) and isinstance(pair.ours.layer, Conv2d)
        ]
        word = "other widths"
        if all(mine < its for mine, its in widths):
            word = "thinner"
        elif all(mine > its for mine, its in widths):
            word = "wider"
        where = span([pair.theirs.layer.name for pair in pairs if pair.theirs is not None], self._convolutions())
        mine, its = (_shown([str(pair[side]) for pair in widths]) for side in (0, 1))
        return f"{word}: {where} {'has' if len(pairs) == 1 else 'have'} {mine} of {its} channels"

    def _convolutions(self) -> list[str]:
        return [
            pair.theirs.layer.name
            for pair in self._changes.pairs
            if pair.theirs is not None and isinstance(pair.theirs.layer, Conv2d)
        ]

    def _pools(self, pieces: Sequence[Piece]) -> str:
        names = [piece.layer.name for piece in pieces if not piece.layer.weighted]
        every = [name for name in self._order if not self._network.layer(name).weighted]
        return span(names, every)

    def _global(self, one: Layer, other: Layer) -> str:
        if isinstance(other, AdaptiveAvgPool2d) and other.output_size == (1, 1):
            return f"global average pool in place of {one.name} to 7x7"
        return f"{other.words()} in place of {one.name}"

    # What the program has beside the configuration

    def _more_layers(self) -> Iterator[Difference]:
        """The layers before, beside and behind those of the configuration, each group one difference."""
        groups: dict[str, list[Piece]] = {"before": [], "inside": [], "behind": []}
        for (sort, *_), pairs in self._changes.listed.items():
            if sort in MORE:
                groups[sort] += [pair.ours for pair in pairs if pair.ours is not None]
        places = sorted(self.names)
        unused = [piece for piece in self._trunk.outside if isinstance(piece.layer, Idle)]
        for piece in self._trunk.outside:
            if isinstance(piece.layer, Idle):
                continue
            place = piece.operation or 0
            sort = "inside" if places and places[0] < place < places[-1] else "behind"
            groups["before" if places and place < places[0] else sort].append(piece)
        for sort, pieces in groups.items():
            if pieces:
                yield self._more(sort, sorted(pieces, key=lambda piece: piece.operation or 0))
        if unused:
            yield self._unused([Pair(None, piece) for piece in unused])

    def _more(self, sort: str, pieces: Sequence[Piece]) -> Difference:
        pairs = [Pair(None, piece) for piece in pieces]
        if len(pieces) == 1 and not pieces[0].layer.weighted:
            found = single(pairs[0], pairs, self._reading, self._rows)
            return found.replace(change=sort)
        layers = kinds_in_words([piece for piece in pieces if piece.layer.weighted] or pieces)
        enlarges = any(self._trunk.enlarged(piece) and piece.layer.weighted for piece in pieces)
        where = "beside it"
        if sort == "before":
            where = f"before {self._order[0] if self._order else 'it'}"
        elif sort == "behind":
            where = f"behind {self._end()}"
        words = f"a decoder {where}: {layers}" if enlarges and sort == "behind" else f"{where} {layers}"
        return several(sort, words, pairs, pairs, self._reading, self._rows)

    def _unused(self, pairs: Sequence[Pair]) -> Difference:
        if len(pairs) == 1:
            return single(pairs[0], pairs, self._reading, self._rows).replace(change="unused")
        names = [pair.ours.layer.name for pair in pairs if pair.ours is not None]
        return several("unused", f"never used: {_listed(names)}", pairs, pairs, self._reading, self._rows)

    def _again(self) -> Iterator[Difference]:
        """That the program runs what it has of the configuration more than once."""
        if self._trunk.times > 1:
            operations = [self._reading.operations[place] for place in sorted(self._trunk.again)]
            weighted = sum(operation.layer.weighted for operation in operations)
            yield Difference(
                change="repeated",
                layer=None,
                path=None,
                source=None,
                expected=None,
                found=None,
                params=0,
                macs=None if self._reading.failures else sum(operation.macs for operation in operations),
                words=f"run {times_in_words(self._trunk.times)}: {units.counted(weighted, 'layer')} again",
            )


MORE = ("before", "inside", "behind")
"""The labels of layers that a program has beside a configuration."""

ALWAYS_IN_WORDS = ("cut", "convolution", "strided", "global", "residual", "idle", "hidden", "width")


def times_in_words(times: int) -> str:
    """``twice``, ``3 times``."""
    return "twice" if times == 2 else f"{times} times"


def _partners(pair: Pair) -> bool:
    return pair.theirs is not None and pair.ours is not None


def _both_sides(pair: Pair) -> bool:
    """Whether one of two partners is inside a residual block and the other not."""
    return pair.theirs is not None and pair.ours is not None and pair.theirs.residual != pair.ours.residual


def _weighted(pair: Pair) -> bool:
    piece = pair.theirs or pair.ours
    return piece is not None and piece.layer.weighted


def _numbers(pieces: Sequence[Piece]) -> str:
    return _shown([units.exact(piece.layer.out_features) for piece in pieces if isinstance(piece.layer, Linear)])


def _shown(texts: Sequence[str]) -> str:
    return ", ".join((*texts[:WIDTHS_SHOWN], *(("...",) if len(texts) > WIDTHS_SHOWN else ())))


def _listed(names: Sequence[str]) -> str:
    return span(names, names[::-1])


def _told(name: str, found: Any, expected: Any) -> str:
    """One property of convolutions that is another: ``5x5 kernels in place of 3x3``."""
    if name == "bias":
        return "with bias" if found else "without bias"
    if name == "kernel":
        return f"{units.shape_text(found)} kernels in place of {units.shape_text(expected)}"
    pairs = [units.pair_text(each) if isinstance(each, tuple) else str(each) for each in (found, expected)]
    return f"{name} {pairs[0]} in place of {pairs[1]}"
