"""What a program is: one of the paper's configurations in some variant, or the nearest one and what differs.

A program and a configuration are both reduced to their convolutions, linear layers, pools and normalizations, in
execution order, and aligned as a diff: the cheapest way from one list to the other. No alignment cost, no difference.
"""

from __future__ import annotations

from vggcost import units
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network import catalogue
from vggcost.network.foreign_layers import AvgPool2d, CeilMaxPool2d, Free, Idle, MatMul, Uncounted, ZeroPad2d
from vggcost.network.layers import (
    AdaptiveAvgPool2d,
    Add,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Residual,
    Softmax,
)
from vggcost.programs import activations
from vggcost.programs.alignment import aligned
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.costs.table import Row
    from vggcost.network.layers import Layer
    from vggcost.network.plan import Configuration, Network, Variant
    from vggcost.programs.reading import ProgramReading

STRUCTURE = (
    *(Conv2d, Linear, BatchNorm2d, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, LocalResponseNorm, Add, MatMul),
    *(Uncounted, Idle),
)
"""The layers that make a network what it is; the rest (ReLU, dropout, reshaping) is compared by number alone."""

GAP, WEIGHTED_GAP, RESIDUAL_GAP = 0.5, 1.0, 0.25
"""What a layer without partner costs: one without weights, one with, and one inside a residual block, which comes and
goes with its block."""


SHARED = 0.5
"""What it costs that a layer has no parameters of its own, or that the total is another."""

SCALED = 3.0
"""What a width factor costs that does not explain everything: a network is rather taken for one of full width."""


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
        return WEIGHTED_GAP if isinstance(self.layer, Conv2d | Linear | Idle | Uncounted) else GAP


def _piece(layer: Layer, operation: int | None = None, *, residual: bool) -> Piece:
    if isinstance(layer, LocalResponseNorm):
        key: tuple[Any, ...] = (layer.size,)  # its constants change no count, and frameworks write them differently
    elif isinstance(layer, Add):
        key = ()
    else:
        key = tuple(getattr(layer, name) for name in layer._fields if name not in ("name", "path"))
    return Piece(layer, residual, (type(layer), *key), operation)


class Difference(Record):
    """One line of the diff.

    change: ``missing`` (the configuration has it, the program not), ``extra``, ``different``, or ``shared`` (the same
    layer, whose parameters are those of another, named in found). behind: the configuration's name of the layer that an
    activation follows. layer is the configuration's name for it, path and source the program's. params and macs are
    the program's less the configuration's; macs is None where one of the two cannot run at this input.
    """

    change: str
    layer: str | None
    path: str | None
    source: str | None
    expected: str | None
    found: str | None
    params: int
    macs: int | None
    behind: str | None = None

    @property
    def text(self) -> str:
        """The line: ``- conv4_3 3x3 512->512: 2,359,808 parameters, 1,849,688,064 MACs missing``."""
        if self.behind is not None:
            return self._activation()
        if self.change == "missing":
            return f"- {self.layer} {self.expected}: {self._amounts('missing')}"
        where = f" ({self.source})" if self.source else ""
        if self.change == "shared":
            fewer = f"{units.exact(-self.params)} parameters fewer"
            return f"~ {self.layer} shares the parameters of {self.found}{where}: {fewer}"
        if self.change == "extra":
            return f"+ {self.path or ''} {self.found}{where}: {self._amounts('more')}".replace("+  ", "+ ")
        return f"~ {self.layer} {self.expected}: is {self.found}{where}{self._shift()}"

    def _activation(self) -> str:
        """The line of an activation: ``- relu1_1 missing behind conv1_1``."""
        if self.change == "missing":
            return f"- {self.layer} missing behind {self.behind}"
        if self.change == "extra":
            return f"+ {self.found} behind {self.behind}: not in it"
        return f"~ {self.layer} behind {self.behind}: is {self.found}"

    def _amounts(self, end: str) -> str:
        parts = [f"{units.exact(abs(self.params))} parameters"] if self.params else []
        if self.macs:
            parts.append(f"{units.exact(abs(self.macs))} MACs")
        return f"{', '.join(parts)} {end}" if parts else {"missing": "missing", "more": "not in it"}[end]

    def _shift(self) -> str:
        parts = [f"{self.params:+,} parameters"] if self.params else []
        if self.macs:
            parts.append(f"{self.macs:+,} MACs")
        return f", {', '.join(parts)}" if parts else ""


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
        weighted = [piece.layer for piece in _pieces(self.network.layers, residual=False)]
        names = {layer.name for layer in weighted if isinstance(layer, Conv2d | Linear)}
        differing = {difference.layer for difference in self.differences}
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
    pieces = tuple(_program_pieces(reading))
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
    expected = tuple(piece for piece in _pieces(network.layers, residual=False) if isinstance(piece.layer, STRUCTURE))
    cost, pairs = aligned(expected, pieces, lambda piece: piece.gap, _mismatch)
    factor = _width([piece.layer for piece in pieces if isinstance(piece.layer, Conv2d)], configuration)
    if strict and factor is not None:
        # A thinner or wider program's layers are those of the configuration one by one, not those of the same width.
        scaled = catalogue.unfolded(configuration, variant.replace(width=factor), image)
        twins = [piece for piece in _pieces(scaled.layers, residual=False) if isinstance(piece.layer, STRUCTURE)]
        own = {id(twin): piece for twin, piece in zip(twins, expected, strict=True)}
        scaled_cost, scaled_pairs = aligned(twins, pieces, lambda piece: piece.gap, _mismatch)
        if scaled_cost < cost:
            cost, pairs = scaled_cost + SCALED, [(own.get(id(twin)), ours) for twin, ours in scaled_pairs]
    names = {
        ours.operation: theirs.layer.name
        for theirs, ours in pairs
        if theirs is not None and ours is not None and ours.operation is not None
    }
    rows = _rows(network, reading)
    differences = []
    for theirs, ours in pairs:
        if theirs is None or ours is None or theirs.key != ours.key:
            differences.append(_difference(theirs, ours, reading, rows))
        elif _shares(ours, reading):
            differences.append(_shared(theirs, ours, reading, names))
            cost += SHARED
    if not differences:
        differences += _unexplained(network, reading)
        cost += SHARED * len(differences)
    others = tuple(_other_activations(pairs, network, reading))
    if strict:
        differences += others
    return Likeness(network, cost, tuple(differences), names, tuple(_departures(network, reading, others)))


def _other_activations(
    pairs: Sequence[tuple[Piece | None, Piece | None]], network: Network, reading: ProgramReading
) -> Iterator[Difference]:
    """Activations that are missing, of another kind or more than the configuration's, outside of residual blocks."""
    expected, found = activations.expected(network.layers), activations.read(reading)
    for theirs, ours in pairs:
        if theirs is None or ours is None or ours.operation not in found or ours.residual:
            continue
        behind = theirs.layer.name
        if behind not in expected:
            continue
        relu, kinds = expected[behind], found[ours.operation]
        if set(kinds) == ({"ReLU"} if relu else set()):
            continue
        change = "missing" if not kinds else "different" if relu else "extra"
        words = " and ".join(kinds) or None
        yield Difference(change, relu, None, None, "ReLU" if relu else None, words, 0, 0, behind)


def _shares(piece: Piece, reading: ProgramReading) -> bool:
    """Whether a layer's parameters, or some of them, are those of an operation before it."""
    if piece.operation is None:
        return False
    operation = reading.operations[piece.operation]
    return operation.shares is not None and operation.params < operation.layer.params()


def _shared(theirs: Piece, ours: Piece, reading: ProgramReading, names: dict[int, str]) -> Difference:
    operation = reading.operations[ours.operation or 0]
    first = operation.shares or 0
    owner = reading.operations[first].layer
    fewer = operation.params - theirs.layer.params()
    return Difference(
        "shared",
        theirs.layer.name,
        ours.layer.path or ours.layer.name,
        operation.source,
        described(theirs.layer),
        names.get(first, owner.path or owner.name),
        fewer,
        0,
    )


def _unexplained(network: Network, reading: ProgramReading) -> Iterator[Difference]:
    """The gate behind the alignment: whatever the layers look like, another number of parameters is another network."""
    expected = sum(piece.layer.params() for piece in _pieces(network.layers, residual=False))
    found = reading.params
    if found != expected:
        yield Difference(
            *("different", "parameters", None, None),
            units.exact(expected),
            units.exact(found),
            found - expected,
            0,
        )


def _program_pieces(reading: ProgramReading) -> Iterator[Piece]:
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
        elif isinstance(layer, STRUCTURE):
            yield _piece(layer, place, residual=place in residual)


def _inside_residuals(reading: ProgramReading) -> set[int]:
    """The places of the operations between a fork and the addition that joins it again, the addition included."""
    places: set[int] = set()
    for place, operation in enumerate(reading.operations):
        if isinstance(operation.layer, Add):
            places.update(range(place - operation.branch, place + 1))
    return places


def _pieces(layers: Sequence[Layer], *, residual: bool) -> Iterator[Piece]:
    for layer in layers:
        if isinstance(layer, Residual):
            yield from _pieces((*layer.body, *layer.shortcut), residual=True)
            yield _piece(Add(layer.name, layer.path, ()), residual=True)
        else:
            yield _piece(layer, residual=residual)


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
    widest = max(piece.layer.c_out for piece in _pieces(plan.layers, residual=False) if isinstance(piece.layer, Conv2d))
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


FAR = 1e6
"""The cost of setting layers of different kinds side by side: they never are."""


def _mismatch(theirs: Piece, ours: Piece) -> float:
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


def _rows(network: Network, reading: ProgramReading) -> dict[str, Row]:
    """The configuration's own rows at the program's input; none where it cannot run there."""
    shape = reading.inputs[0]
    if reading.image is None:
        return {}
    try:
        counted = table(network, (shape[0], network.variant.in_channels, *reading.image))
    except VggcostError:
        return {}
    return {row.name: row for row in counted.rows}


def _difference(theirs: Piece | None, ours: Piece | None, reading: ProgramReading, rows: dict[str, Row]) -> Difference:
    params, macs, known = 0, 0, True
    if theirs is not None:
        params -= theirs.layer.params()
        row = rows.get(theirs.layer.name)
        known = row is not None
        macs -= row.macs if row is not None else 0
    operation = None if ours is None or ours.operation is None else reading.operations[ours.operation]
    if operation is not None:
        params += operation.params
        macs += operation.macs
        known = known and not reading.failures
    change = "missing" if ours is None else "extra" if theirs is None else "different"
    return Difference(
        change,
        theirs.layer.name if theirs else None,
        (ours.layer.path or ours.layer.name) if ours else None,
        operation.source if operation else None,
        described(theirs.layer) if theirs else None,
        described(ours.layer, theirs.layer if theirs else None) if ours else None,
        params,
        macs if known else None,
    )


def described(layer: Layer, beside: Layer | None = None) -> str:  # noqa: PLR0911  # one a kind of layer
    """Return a layer in words: ``3x3 512->512``; the usual is left unsaid unless the one beside it differs there."""
    if isinstance(layer, Conv2d):
        return _described_conv(layer, beside if isinstance(beside, Conv2d) else None)
    if isinstance(layer, Linear):
        unlike = isinstance(beside, Linear) and beside.bias != layer.bias
        words = f"linear {layer.in_features:,}->{layer.out_features:,}"
        return words + ("" if layer.bias and not unlike else " with bias" if layer.bias else " without bias")
    if isinstance(layer, MaxPool2d | AvgPool2d):
        words = f"{'max' if isinstance(layer, MaxPool2d) else 'average'}-pool {units.shape_text(layer.kernel)}"
        words += f" of stride {units.pair_text(layer.stride)}"
        words += f", padding {units.pair_text(layer.padding)}" if layer.padding != (0, 0) else ""
        return words + (", ceil mode" if isinstance(layer, CeilMaxPool2d) else "")
    if isinstance(layer, AdaptiveAvgPool2d):
        return f"adaptive average-pool to {units.shape_text(layer.output_size)}"
    if isinstance(layer, BatchNorm2d):
        return f"batch normalization of {layer.channels} channels{'' if layer.affine else ', not affine'}"
    if isinstance(layer, LocalResponseNorm):
        return f"local response normalization of size {layer.size}"
    if isinstance(layer, Idle):
        return f"{layer.kind}, which is never used"
    return {"Add": "residual addition", "MatMul": "matrix product"}.get(layer.kind, layer.kind)


def _described_conv(conv: Conv2d, beside: Conv2d | None) -> str:
    words = f"{units.shape_text(conv.kernel)} {conv.c_in}->{conv.c_out}"
    usual = (conv.kernel[0] // 2, conv.kernel[1] // 2)
    if conv.stride != (1, 1) or (beside and beside.stride != conv.stride):
        words += f", stride {units.pair_text(conv.stride)}"
    if conv.padding != usual or (beside and beside.kernel == conv.kernel and beside.padding != conv.padding):
        words += f", padding {units.pair_text(conv.padding)}"
    if conv.dilation != (1, 1):
        words += f", dilation {units.pair_text(conv.dilation)}"
    if conv.groups != 1:
        words += f", {conv.groups} groups"
    if beside and beside.bias != conv.bias:
        words += ", with bias" if conv.bias else ", without bias"
    return words


LOCATED = 5
"""How many activations are named one by one beside a configuration that the program is."""


def _departures(network: Network, reading: ProgramReading, others: Sequence[Difference]) -> Iterator[str]:
    """What is unlike beside the structure: numbers of ReLU and dropout layers, functions of other kinds."""
    flat = [piece.layer for piece in _pieces(network.layers, residual=False)]
    for kind, word in ((ReLU, "ReLU"), (Dropout, "dropout")):
        expected = sum(isinstance(layer, kind) for layer in flat)
        found = sum(isinstance(operation.layer, kind) for operation in reading.operations)
        if expected != found:
            yield f"{found or 'no'} {word} layer{'s' if found != 1 else ''} in place of {expected}"
    if others:
        shown = [difference.text.lstrip("-+~ ") for difference in others[:LOCATED]]
        yield ", ".join(shown) + (f" and {len(others) - LOCATED} more" if len(others) > LOCATED else "")
    kinds: dict[str, int] = {}
    for operation in reading.operations:
        if isinstance(operation.layer, Free):
            kinds[operation.layer.kind] = kinds.get(operation.layer.kind, 0) + 1
    for name, number in kinds.items():
        yield f"{number} x {name}"
