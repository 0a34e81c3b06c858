"""What a program is: one of the paper's configurations in some variant, or the nearest one and what differs.

A program and a configuration are both reduced to their convolutions, linear layers, pools and normalizations, in
execution order, and aligned as a diff: the cheapest way from one list to the other. No alignment cost, no difference.
"""

from __future__ import annotations

from vggcost.network import catalogue
from vggcost.network.layers import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, Softmax
from vggcost.programs.alignment import aligned
from vggcost.programs.differences import (
    departures,
    difference,
    other_activations,
    rows_of,
    shared,
    shares,
    unexplained,
)
from vggcost.programs.pieces import mismatch, network_pieces, program_pieces, structure
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.network.plan import Configuration, Network, Variant
    from vggcost.programs.differences import Difference
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading

SHARED = 0.5
"""What it costs that a layer has no parameters of its own, or that the total is another."""

SCALED = 3.0
"""What a width factor costs that does not explain everything: a network is rather taken for one of full width."""


class Likeness(Record):
    """A program beside one configuration, in the variant that comes nearest.

    names: the configuration's name of each of the program's layers that has one there, by its place. departures: what
    is unlike without touching structure or cost, in words.
    """

    network: Network
    cost: float
    differences: tuple[Difference, ...]
    names: dict[int, str]
    departures: tuple[str, ...]

    @property
    def penalized(self) -> float:
        """The cost by which variants of one configuration are ranked."""
        return self.cost + (SCALED if self.differences and self.network.variant.width != 1 else 0)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def close(self) -> bool:
        """Whether at least half of the configuration's convolutions and linear layers are the program's, too."""
        names = {piece.layer.name for piece in network_pieces(self.network.layers) if piece.layer.weighted}
        differing = {each.layer for each in self.differences}
        return 2 * len(names - differing) >= len(names)

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


def among_the_papers(reading: ProgramReading) -> Likeness:
    """Return the paper's configuration that a program is, or comes nearest to."""
    found = [compare(reading, catalogue.find(name)) for name in catalogue.TABLE_1]
    return min(
        found, key=lambda comparison: (comparison.cost, abs(sum(each.params for each in comparison.differences)))
    )


def packaged_twin(reading: ProgramReading) -> str | None:
    """Return the name of the packaged network that a program is, None where it is none."""
    for name in catalogue.names():
        if name not in catalogue.TABLE_1 and compare(reading, catalogue.find(name)).same:
            return name
    return None


def compare(
    reading: ProgramReading, configuration: Configuration, *, batch_norm: bool = False, strict: bool = False
) -> Likeness:
    """Return how a program differs from a configuration in the program's own variant; batch_norm insists on that.

    strict leaves the configuration its own head widths, width factor and classifier, so that these can differ, and
    looks at each activation as well.
    """
    pieces = tuple(program_pieces(reading))
    image = reading.image or (224, 224)
    variants = tuple(_variants(pieces, configuration, reading, batch_norm=batch_norm, strict=strict))
    nearest: Likeness | None = None
    for variant in variants:
        found = _compared(reading, pieces, configuration, variant, image, strict=strict)
        if nearest is None or found.penalized < nearest.penalized:
            nearest = found
        if nearest.same:
            break
    if nearest is None:
        raise AssertionError("a configuration has at least its plain variant")
    return nearest


def _compared(
    reading: ProgramReading,
    pieces: tuple[Piece, ...],
    configuration: Configuration,
    variant: Variant,
    image: tuple[int, int],
    *,
    strict: bool,
) -> Likeness:
    network = catalogue.unfolded(configuration, variant, image)
    expected = structure(network.layers, learned=reading.weights_alone)
    cost, pairs = aligned(expected, pieces, lambda piece: piece.gap, mismatch)
    factor = _width([piece.layer for piece in pieces if isinstance(piece.layer, Conv2d)], configuration)
    if strict and factor is not None:
        # A thinner or wider program's layers are those of the configuration one by one, not those of the same width.
        scaled = catalogue.unfolded(configuration, variant.replace(width=factor), image)
        twins = structure(scaled.layers, learned=reading.weights_alone)
        own = {id(twin): piece for twin, piece in zip(twins, expected, strict=True)}
        scaled_cost, scaled_pairs = aligned(twins, pieces, lambda piece: piece.gap, mismatch)
        if scaled_cost < cost:
            cost, pairs = scaled_cost + SCALED, [(own.get(id(twin)), ours) for twin, ours in scaled_pairs]
    names = {
        ours.operation: theirs.layer.name
        for theirs, ours in pairs
        if theirs is not None and ours is not None and ours.operation is not None
    }
    rows = rows_of(network, reading)
    found = []
    for theirs, ours in pairs:
        if theirs is None or ours is None or theirs.key != ours.key:
            found.append(difference(theirs, ours, reading, rows))
        elif shares(ours, reading):
            found.append(shared(theirs, ours, reading, names))
            cost += SHARED
    if not found:
        found += unexplained(network, reading)
        cost += SHARED * len(found)
    others = tuple(other_activations(pairs, network, reading))
    if strict:
        found += others
    return Likeness(network, cost, tuple(found), names, tuple(departures(network, reading, others)))


def _variants(
    pieces: tuple[Piece, ...], configuration: Configuration, reading: ProgramReading, *, batch_norm: bool, strict: bool
) -> Iterator[Variant]:
    """The variants of a configuration that a program's layers speak for; strict keeps its own widths."""
    convs = [piece.layer for piece in pieces if isinstance(piece.layer, Conv2d)]
    linears = [piece.layer for piece in pieces if isinstance(piece.layer, Linear)]
    shape = reading.inputs[0]
    channels = convs[0].c_in if convs else shape[min(1, len(shape) - 1)]
    hidden = tuple(linear.out_features for linear in linears[:-1])
    plain = configuration.variant.replace(
        batch_norm=batch_norm or any(isinstance(piece.layer, BatchNorm2d) for piece in pieces),
        classes=linears[-1].out_features if linears else 1000,
        in_channels=channels,
        bias=not convs or any(conv.bias for conv in convs),
        adaptive_pool=any(isinstance(piece.layer, AdaptiveAvgPool2d) for piece in pieces),
        head=None if hidden == catalogue.HEAD else hidden,
        classifier=bool(linears),
        softmax=any(isinstance(operation.layer, Softmax) for operation in reading.operations) and bool(linears),
    )
    if strict:
        own = configuration.variant
        plain = plain.replace(head=own.head, classifier=own.classifier, softmax=plain.softmax and own.classifier)
    heads = [plain]
    if reading.weights_alone:  # pools are in no file of weights: the first linear layer says which there may be
        heads.insert(0, plain.replace(adaptive_pool=True))
    if plain.classifier and not plain.adaptive_pool and plain.head is None:
        heads.append(plain.replace(head=catalogue.HEAD))  # fc6 takes what the features yield, not 7x7
    for variant in heads:
        yield variant
        factor = None if strict else _width(convs, configuration)
        if factor is not None:
            yield variant.replace(width=factor)


def _width(convs: Sequence[Conv2d], configuration: Configuration) -> float | None:
    """The shortest decimal factor that makes the configuration's widest convolution the program's widest."""
    if not convs:
        return None
    plan = catalogue.unfolded(configuration, configuration.variant)
    widest = max(piece.layer.c_out for piece in network_pieces(plan.layers) if isinstance(piece.layer, Conv2d))
    mine = max(conv.c_out for conv in convs)
    if mine == widest:
        return None
    for digits in range(1, 7):
        scale = 10**digits
        numerator = -(-mine * scale // widest)
        if numerator * widest < (mine + 1) * scale:
            factor = numerator / scale
            return int(factor) if factor.is_integer() else factor
    return None
