"""What is searched for a number: networks at an input, their features alone too, and the numbers that each has."""

from __future__ import annotations

from functools import cache, cached_property, partial

from vggcost import units
from vggcost.conventions.amounts import BYTES, COUNT, PARAMS
from vggcost.conventions.counting import count, difference, total
from vggcost.conventions.figures import Sizes
from vggcost.conventions.rows import CONVENTIONS
from vggcost.costs.table import table
from vggcost.formulas.memory import tensor_bytes
from vggcost.network.catalogue import TABLE_1, Network, Variant, network
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.conventions.figures import Figure
    from vggcost.costs.table import Row, Table

    Numbers = tuple[int | None, ...]

SIDES = (224, 32)
"""Heights and widths of the images that are searched [pixels]."""

CLASSES = (1000, 10, 100)

HEADS: tuple[tuple[int, ...], ...] = ((), (512,), (512, 512), (4096, 4096))
"""The classifiers that people put on a VGG for 32x32 images, without the pool to 7x7."""

BIASLESS = 2
"""From which departure in its variant a network's convolutions have no biases."""

FLOAT32_BYTES = units.dtype_bytes("float32")

NUMBERS: tuple[tuple[str, Convention | None], ...] = (
    (PARAMS, None),
    (BYTES, None),
    *((COUNT, convention) for convention in CONVENTIONS),
)
"""The numbers that each thing searched has, in their order: a quantity, and the convention of a count."""


class Section(Record):
    """Layers in a row, whose numbers are counted once however many networks have them."""

    rows: tuple[Row, ...]
    numbers: Numbers

    @cached_property
    def weighted(self) -> tuple[Row, ...]:
        """The weight layers."""
        return tuple(row for row in self.rows if row.layer.weighted)

    @cached_property
    def largest(self) -> int:
        """What no layer's share in a number is above: twice its multiply-accumulates and outputs, or its parameters."""
        return max((max(2 * (row.macs + row.output_elements), row.params) for row in self.weighted), default=0)

    @cached_property
    def _shares(self) -> dict[str | None, tuple[int, ...]]:
        return {}

    def shares(self, by: Convention | None) -> tuple[int, ...]:
        """What each of the weight layers counts by a convention; its parameters [elements] where none is given."""
        name = by.name if by else None
        if name not in self._shares:
            self._shares[name] = tuple(self.counted(by, row) for row in self.weighted)
        return self._shares[name]

    def counted(self, by: Convention | None, row: Row) -> int:
        """What one row counts by a convention; its parameters [elements] where none is given."""
        return row.params if by is None else count(by, row).value or 0


class Described(Record):
    """What something searched is.

    title names it with its input, ``D (VGG-16), 1000 classes, at 224x224``; inputs are those inputs' shapes, batch
    first; identity is which it is, in plain values.
    """

    title: str
    inputs: tuple[tuple[int, ...], ...]
    identity: dict[str, Any]

    noun = ""
    """What stands before its title in a sentence."""

    bytes_label = "bytes of the parameters"

    def layer_words(self, row: Row) -> str:
        """One of its layers as one speaks of it: ``one 512 -> 512 convolution``."""
        raise NotImplementedError

    def figure(self, figure: Figure) -> int | None:  # noqa: ARG002  # the signature that a subclass fills
        """What a tool prints of it beside its count, exactly [the figure's unit]; None where nobody knows."""
        return None

    def consists(self, figure: Figure) -> str:
        """What a figure of it consists of, in words."""
        raise NotImplementedError

    def beside(self, by: Convention) -> str:
        """What a convention counts beside the multiply-accumulates, in words: ``+ 9,192 linear bias``."""
        raise NotImplementedError


class DescribedNetwork(Described):
    """What a network is, with its table."""

    table: Table

    noun = "VGG "
    bytes_label = "weight_bytes (bytes of the parameters in float32)"

    def layer_words(self, row: Row) -> str:
        """One of its layers by its sizes, for several are alike."""
        sizes = (row.input[1], row.output[1])
        kernel = row.layer.window(row.input)
        side = f" {units.shape_text(kernel.kernel)}" if kernel and kernel.kernel != (3, 3) else ""
        return f"one {sizes[0]} -> {sizes[1]}{side} {row.layer.noun}"

    def figure(self, figure: Figure) -> int | None:
        """What a tool prints of it in float32."""
        return figure.value(self._sizes)

    @cached_property
    def _sizes(self) -> Sizes:
        return Sizes(self.table)

    def consists(self, figure: Figure) -> str:
        """Its parts, each with its bytes; nothing where it is no sum of such."""
        return figure.consists(self._sizes)

    def beside(self, by: Convention) -> str:
        """What a convention counts beside the multiply-accumulates, piece by piece."""
        return " ".join(part.text for part in difference(by, self.table))


class Searched(Record):
    """Something whose numbers are searched: a network at an input, or a program.

    Answers take turns by its name. departures: how far it is from the plain network of the paper, in its size and
    head, and in its variant. numbers has a value for each of NUMBERS, None where a convention has none. look says what
    it is, which is asked where one of its numbers fits.
    """

    name: str
    departures: tuple[int, int]
    sections: tuple[Section, ...]
    numbers: Numbers
    look: Callable[[], Described]

    @cached_property
    def described(self) -> Described:
        """What it is."""
        return self.look()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its layers in execution order."""
        return tuple(row for section in self.sections for row in section.rows)

    def weighted(self, by: Convention | None) -> tuple[tuple[Row, int], ...]:
        """Its weight layers, each with what it counts by a convention, or with its parameters [elements]."""
        return tuple(
            layer for section in self.sections for layer in zip(section.weighted, section.shares(by), strict=True)
        )


def numbers_of(counted: Table) -> Numbers:
    """Return a table's value for each of NUMBERS."""
    weight_bytes = tensor_bytes(counted.params, FLOAT32_BYTES)
    return counted.params, weight_bytes, *(total(convention, counted) for convention in CONVENTIONS)


def searched_network(counted: Table) -> Searched:
    """Return a network that is searched because somebody names it, or its features."""
    section = _section(counted)
    away = int(not counted.network.variant.classifier)
    return Searched(counted.network.name, (away, 0), (section,), section.numbers, partial(_described, counted))


def _described(counted: Table) -> Described:
    built = counted.network
    classes = f", {built.variant.classes} classes" if built.variant.classifier else ""
    batch = f", batch {counted.input[0]}" if counted.input[0] != 1 else ""
    title = f"{built.title}{classes}, at {units.shape_text(counted.input[2:])}{batch}"
    return DescribedNetwork(title, (counted.input,), built.identity(), counted)


@cache
def searched() -> tuple[Searched, ...]:
    """Return every configuration of the paper in every variant and at every input that is searched; made once."""
    return tuple(_searched())


def _searched() -> Iterator[Searched]:
    """Yield them, the likeliest first.

    A network's numbers are the sums of its features' and its classifier's, each of which many have alike. (What one
    layer counts depends on another in a convention that folds norms into convolutions, and both are features.)
    """
    for side in SIDES:
        features = [
            (name, batch_norm, bias, _section(_features(name, Variant(batch_norm, bias=bias), side)))
            for bias in (True, False)
            for name in TABLE_1
            for batch_norm in (False, True)
        ]
        for variant in _classifiers(side):
            behind = (_section(_classifier(variant, side)),) if variant.classifier else ()
            for name, batch_norm, bias, before in features:
                whole = variant.replace(batch_norm=batch_norm, bias=bias)
                sections = (before, *behind)
                look = partial(_look, name, whole, side)
                yield Searched(name, _departures(whole, side), sections, _sums(sections), look)


def _sums(sections: tuple[Section, ...]) -> Numbers:
    sums, *rest = (section.numbers for section in sections)
    for numbers in rest:
        sums = tuple(None if a is None or b is None else a + b for a, b in zip(sums, numbers, strict=True))
    return sums


def _classifiers(side: int) -> Iterator[Variant]:
    """Yield the variants of what stands behind the features, and that without anything there."""
    for classes in CLASSES:
        yield Variant(classes=classes)
        if side == 224:
            yield Variant(classes=classes, adaptive_pool=False)
        else:
            for head in HEADS:
                yield Variant(classes=classes, adaptive_pool=False, head=head)
    yield Variant(classifier=False)


def _table(name: str, variant: Variant, side: int) -> Table:
    return table(network(name, variant, (side, side)), (1, variant.in_channels, side, side))


def _look(name: str, variant: Variant, side: int) -> Described:
    return _described(_table(name, variant, side))


def _section(counted: Table) -> Section:
    return Section(counted.rows, numbers_of(counted))


def _features(name: str, variant: Variant, side: int) -> Table:
    return _table(name, variant.replace(classifier=False), side)


def _classifier(variant: Variant, side: int) -> Table:
    """What stands behind the features, which yield as many channels in every configuration, as a table of its own."""
    name = next(iter(TABLE_1))
    features = _features(name, variant, side)
    built = network(name, variant, (side, side))
    behind = built.layers[len(features.network.layers) :]
    return table(Network(name, variant, behind), features.rows[-1].output)


def _departures(variant: Variant, side: int) -> tuple[int, int]:
    """How far a variant is from the plain network of the paper: in its size and head, and in all else.

    Nearest are the features alone, and ten classes, the usual way to train on small images; then a hundred; then the
    paper's thousand at 32 pixels. Convolutions without biases are usual where norms stand behind them.
    """
    usual = variant.classes == 1000 and side == 224 and variant.head is None
    away = int(not variant.classifier) if usual else {10: 1, 100: 2}.get(int(variant.classes), 3)
    if variant.bias:
        return away, int(variant.batch_norm or (usual and not variant.adaptive_pool))
    return away, BIASLESS + int(not variant.batch_norm)
