"""How like a configuration a program is, and what it is in words."""

from __future__ import annotations

from vggcost.network.foreign_layers import Free
from vggcost.network.layers import Conv2d, Dropout, ReLU
from vggcost.programs.naming import COMPOSITION
from vggcost.programs.pieces import is_pool, network_pieces
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.network.layer import Layer
    from vggcost.network.plan import Network
    from vggcost.programs.differences import Difference, Pair
    from vggcost.programs.reading import ProgramReading
    from vggcost.programs.trunks import Trunk

LOCATED = 5
"""How many differences of activations are named beside a configuration that the program is."""

WORTH = (0, 0.5, 1)
"""What a convolution counts at its place of which neither kernel nor width, one of them, both are a configuration's."""

LIKE = 0.5
"""The share of layers from which on a program is like a configuration."""


class Likeness(Record):
    """A program beside one configuration, in the variant that comes nearest.

    cost: 1 for each difference, and little for further layers of one. names: the configuration's name of each of the
    program's layers that has one there, by its place. departures: what is unlike without touching structure or cost, in
    words. also: the letters of other configurations that come as near. found and of: how many of the configuration's
    convolutions and pools the program has, by which it is `like` it or not, see `shares`.
    """

    network: Network
    cost: float
    differences: tuple[Difference, ...]
    names: dict[int, str]
    departures: tuple[str, ...]
    like: bool
    found: float
    of: int
    also: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def inside(self) -> bool:
        """Whether the program has the configuration in it, or a piece of it, as it is."""
        return bool(self.differences) and all(each.change in COMPOSITION for each in self.differences)

    @property
    def letter(self) -> str:
        """The configuration's name."""
        return self.network.name

    @property
    def words(self) -> str:
        """The variant in words: ``batch normalization, 4 classes``; an empty text for the paper's own."""
        variant = self.network.variant
        _, _, extras = self.network.title.partition(" with ")
        words = [extras] if extras else []
        if variant.classifier and variant.classes != 1000:
            words.append(f"{variant.classes} class{'es' if variant.classes != 1 else ''}")
        if variant.in_channels != 3:
            words.append(f"{variant.in_channels} input channel{'s' if variant.in_channels != 1 else ''}")
        return ", ".join(words)

    @property
    def title(self) -> str:
        """The configuration and its variant: ``D (VGG-16) with batch normalization, 4 classes``."""
        name = self.letter if self.network.alias is None else f"{self.letter} ({self.network.alias})"
        return f"{name} with {self.words}" if self.words else name

    @property
    def made_of(self) -> str:
        """What a program is that has the configuration in it: ``VGG-16's features, run twice, and a decoder``."""
        changes = {each.change: each.words or "" for each in self.differences}
        plain, _, _ = self.title.partition(" with ")
        extras = ", ".join(word for word in self.words.split(", ") if word not in ("", "no classifier"))
        name = self.title
        if "cut" in changes:
            name = f"{plain}{f' with {extras}' if extras else ''} {changes['cut']}"
        elif not self.network.variant.classifier:
            name = f"{self.network.alias or self.letter}'s features{f' with {extras}' if extras else ''}"
        runs = changes.get("repeated", "").partition(":")[0]
        more = [words for change, words in MORE_WORDS.items() if change in changes]
        if changes.get("behind", "").startswith("a decoder"):
            more[-1] = "a decoder"
        text = f"{name}, {runs}" if runs else name
        return f"{text}{',' if runs else ''} and {', '.join(more)}" if more else text


MORE_WORDS = {
    "before": "layers before it",
    "inside": "layers beside it",
    "unused": "layers that are never used",
    "behind": "more layers behind it",
}
"""What a program has beside a configuration, in words."""


def shares(pairs: Sequence[Pair], network: Network, trunk: Trunk, *, pools: bool = True) -> tuple[bool, float, int]:
    """Return whether a program is like a configuration, how many of its layers it has, and how many there are.

    The layers that count are the configuration's convolutions and, where `pools` are known, its pools, both outside of
    residual blocks. The program has one where it has, in the same order, a pool; or a convolution of the same kernel or
    width, and of the same stride and groups, that takes what the layer before it there gives, with nothing but other
    kinds of layer between them. One of the same kernel and width, or the same window, counts whole, another one half.

    A program is like a configuration that it has half the layers of (`LIKE`), if it makes feature maps smaller at least
    half as often. And it is like one that it has two convolutions or more of, unchanged and at full width, where these
    and the pools are at least half of the program's own weight layers and pools: the beginning of a configuration, or
    one inside a small network.
    """
    every = [piece.layer for piece in network_pieces(network.layers) if not piece.residual]
    halvings = sum(is_pool(layer) for layer in every) if pools else 0
    needed = halvings + sum(isinstance(layer, Conv2d) for layer in every)
    found = exact = 0.0
    convs = 0
    before: int | None = None
    for pair in pairs:
        if pair.theirs is None or pair.ours is None or pair.theirs.residual or pair.ours.residual:
            continue
        worth = _worth(pair, before, trunk)
        if pair.theirs.layer.weighted:
            before = pair.ours.operation
        found += worth
        exact += worth == 1
        convs += worth == 1 and isinstance(pair.theirs.layer, Conv2d)
    own = sum(piece.layer.weighted or is_pool(piece.layer) for piece in (*trunk.pieces, *trunk.outside))
    begins = convs >= 2 and network.variant.width == 1 and exact >= LIKE * own
    smaller = sum(_makes_smaller(piece.layer) for piece in trunk.pieces)
    return begins or (found >= LIKE * needed and smaller >= LIKE * halvings), found, needed


def _makes_smaller(layer: Layer) -> bool:
    """Whether a layer's window moves by more than one element."""
    window = layer.window(()) if isinstance(layer, Conv2d) or is_pool(layer) else None
    return window is not None and max(window.stride) > 1


def _worth(pair: Pair, before: int | None, trunk: Trunk) -> float:
    """1, 1/2 or 0: how much of a configuration's layer the program's is, whose weight layer before it is given."""
    theirs, ours = pair.theirs, pair.ours
    if theirs is None or ours is None:
        return 0
    one, other = theirs.layer, ours.layer
    if isinstance(one, Conv2d):
        if not isinstance(other, Conv2d) or (one.stride, one.groups) != (other.stride, other.groups):
            return 0
        behind = before is None or before in trunk.weighted_before[ours.operation or 0]
        alike = (one.kernel == other.kernel) + (one.c_out == other.c_out)
        return WORTH[alike] if behind else 0
    if is_pool(one):
        return 1 if theirs.key == ours.key else 0.5 if is_pool(other) else 0
    return 0


def departures(
    network: Network, reading: ProgramReading, others: Sequence[Difference], *, whole: bool
) -> Iterator[str]:
    """What is unlike beside the structure, in words.

    These are activations, and, of a program that is a whole configuration, numbers of ReLU and dropout layers, and
    functions of other kinds.
    """
    if not whole:
        yield from _located(others)
        return
    flat = [piece.layer for piece in network_pieces(network.layers)]
    for kind in (ReLU, Dropout):
        expected = sum(isinstance(layer, kind) for layer in flat)
        found = sum(isinstance(operation.layer, kind) for operation in reading.operations)
        if expected != found:
            yield f"{found or 'no'} {kind.noun} layer{'s' if found != 1 else ''} in place of {expected}"
    yield from _located(others)
    kinds: dict[str, int] = {}
    for operation in reading.operations:
        if isinstance(operation.layer, Free) and not operation.makes_weight:
            kinds[operation.layer.kind] = kinds.get(operation.layer.kind, 0) + 1
    for name, number in kinds.items():
        yield f"{number} x {name}"


def _located(others: Sequence[Difference]) -> Iterator[str]:
    if others:
        shown = [other.text.lstrip("-+~ ") for other in others[:LOCATED]]
        yield ", ".join(shown) + (f" and {len(others) - LOCATED} more" if len(others) > LOCATED else "")
