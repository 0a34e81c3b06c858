"""Where a number comes from: which network, variant and convention give it, exactly or as it was rounded."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.amounts import BYTES, COUNT, PARAMS, read_amount
from vggcost.conventions.counting import count, difference, total
from vggcost.conventions.rows import CONVENTIONS, NAMES
from vggcost.conventions.rows import convention as convention_named
from vggcost.costs.table import table
from vggcost.formulas.forward import flops
from vggcost.formulas.memory import tensor_bytes
from vggcost.network import catalogue
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.conventions.amounts import Amount
    from vggcost.conventions.rows import Convention
    from vggcost.costs.table import Row, Table

FITS = ("exact", "rounded", "1024", "doubled or halved")
"""How a number may fit, best first: to the digit; as it was rounded; over 1024^n, the old unit slip; by a factor 2."""

BEST_KNOWN = "D"

NEAREST = 3
"""How many near misses are named where nothing fits."""

SMALL_HEADS: tuple[tuple[int, ...], ...] = ((), (512,), (512, 512))
"""The classifiers that people put on a VGG for 32x32 images, without the pool to 7x7."""

FLOAT32_BYTES = units.dtype_bytes("float32")

_KNOWN = ("mac", "torch", "fvcore", "conv-only")
"""The counts that most people have seen; of those that fit alike these come first, then the others as listed."""
_PROMINENCE = {name: rank for rank, name in enumerate(dict.fromkeys((*_KNOWN, *NAMES)), 1)}


class Candidate(Record):
    """A number that a network has: a quantity, the convention of a count, and the layers it is not or only of.

    less is the layer that was left out, if any; only are the layers that alone are counted, none where all are.
    """

    table: Table
    quantity: str
    value: int
    convention: Convention | None = None
    less: Row | None = None
    only: tuple[Row, ...] = ()

    @property
    def unit(self) -> str:
        """MAC, FLOP or mixed for a count, ``parameters`` or ``B``."""
        if self.convention:
            return self.convention.unit
        return "parameters" if self.quantity == PARAMS else "B"

    @property
    def departures(self) -> tuple[int, int, int]:
        """How far the network is from the plain one of the paper: not whole; its size and head; its variant.

        Ten classes, the usual way to train on small images, are nearer than the paper's thousand at 32 pixels.
        """
        variant = self.table.network.variant
        usual = variant.classes == 1000 and self.table.input[2] == 224 and variant.head is None
        plain = not variant.batch_norm and (variant.adaptive_pool or not usual)
        size = 0 if usual else 1 if variant.classes == 10 else 2
        return int(not self.whole), size, int(not plain)

    @property
    def whole(self) -> bool:
        """Whether every layer is counted."""
        return self.less is None and not self.only

    @property
    def prominence(self) -> int:
        """The lower, the more people have seen numbers of this kind."""
        return _PROMINENCE[self.convention.name] if self.convention else 0

    @property
    def words(self) -> str:
        """The network, its input and what of it is counted: ``D (VGG-16), 1000 classes, at 224x224``."""
        network = self.table.network
        height, width = self.table.input[2:]
        part = f" less {layer_words(self.less)}" if self.less else f", {part_words(self.only)}" if self.only else ""
        return f"{network.title}, {network.variant.classes} classes, at {height}x{width}{part}"

    @property
    def label(self) -> str:
        """What is counted: a convention with its tool, or the quantity."""
        if self.convention is None:
            return "parameters" if self.quantity == PARAMS else "bytes of the parameters in float32"
        return f"{self.convention.name} ({self.convention.title})"


class Answer(Record):
    """A number that fits: how, the candidate that stands for it, and others that have the very same number."""

    fit: str
    candidate: Candidate
    also: tuple[Candidate, ...] = ()


class Explanation(Record):
    """All that a number may be, the likeliest first, and where nothing fits the nearest.

    meant are amounts that the number may stand for where nothing fits and its prefix was left out: 15.5 for 15.5G.
    """

    amount: Amount
    answers: tuple[Answer, ...]
    nearest: tuple[Candidate, ...]
    meant: tuple[str, ...] = ()


def layer_words(row: Row) -> str:
    """A layer as one speaks of it: ``one 512 -> 512 convolution``."""
    sizes = (row.input[1], row.output[1])
    kernel = row.layer.window(row.input)
    side = f" {units.shape_text(kernel.kernel)}" if kernel and kernel.kernel != (3, 3) else ""
    return f"one {sizes[0]} -> {sizes[1]}{side} {row.layer.noun}"


def part_words(rows: tuple[Row, ...]) -> str:
    """What alone is counted: ``fc6 alone``, ``the convolutions alone``."""
    if len(rows) == 1:
        return f"{rows[0].name} alone"
    return "the convolutions alone" if rows[0].kind == "Conv2d" else "the classifier alone"


def decomposition(candidate: Candidate) -> str:
    """What a number consists of: ``15,470,264,320 MACs + 13,547,520 conv bias + 9,192 linear bias``."""
    table = candidate.table
    if candidate.only:
        return _parts_sum(candidate)
    less = f" - {_of_row(candidate):,} of {candidate.less.name}" if candidate.less else ""
    if candidate.convention:
        parts = " ".join(part.text for part in difference(candidate.convention, table))
        return f"{table.macs:,} MACs {parts}".strip() + less
    sums: dict[str, int] = {}
    for row in table.rows:
        if row.params:
            sums[row.layer.noun] = sums.get(row.layer.noun, 0) + row.params
    parts = " + ".join(f"{total:,} in {noun}s" for noun, total in sums.items()) + less
    return f"{FLOAT32_BYTES} B x ({parts})" if candidate.quantity == BYTES else parts


def _parts_sum(candidate: Candidate) -> str:
    if candidate.convention is None:
        if len(candidate.only) > 1:
            return " + ".join(f"{row.params:,} of {row.name}" for row in candidate.only)
        (row,) = candidate.only
        return row.layer.written(row.output)["params_numbers"] or ""
    macs = sum(row.macs for row in candidate.only)
    again = f" + {macs:,} MACs again (1 MAC = 2 FLOP)" if candidate.value == flops(macs) else ""
    return f"{macs:,} MACs{again}"


def _of_row(candidate: Candidate) -> int:
    return 0 if candidate.less is None else _counted(candidate.convention, (candidate.less,))


def _counted(by: Convention | None, rows: Iterable[Row]) -> int:
    """The parameters of rows, or their count by a convention."""
    return sum(row.params if by is None else count(by, row).value or 0 for row in rows)


def explain(amount: Amount) -> Explanation:
    """Search every configuration, variant and convention for a number.

    The order of the answers: by how they fit (FITS), and within that 1000 classes at 224 pixels first, then plain
    networks. What is alike in this fits alike, so there each configuration has its turn, well-known conventions come
    before the others, and only then the distance decides. A network less one layer, and parts of one alone, come
    behind the whole ones where they are exact, and behind all others where they are not, for there are many of those.
    """
    tables = tuple(searched_tables())
    whole = [one for one in _whole(tables) if amount.quantity in (None, one.quantity)]
    found = list(_fitting(amount, whole, FITS))
    parts = [one for one in _parts(tables) if amount.quantity in (None, one.quantity)]
    found += _fitting(amount, (*parts, *_less_one_layer(amount, tables)), FITS[:2])
    answers = _in_turn(_grouped(sorted(found, key=lambda entry: entry[0])))
    if answers:
        return Explanation(amount, tuple(answers), ())
    return Explanation(amount, (), _nearest(amount, whole), tuple(_meant(amount, whole)))


def _meant(amount: Amount, whole: Iterable[Candidate]) -> list[str]:
    """The same number with the prefix that was left out, where it then fits; the likeliest first."""
    if amount.slip is not None or amount.quantity is not None:
        return []
    likely = []
    for prefix in ("M", "G"):
        one = read_amount(f"{amount.text}{prefix}")
        fitting = list(_fitting(one, whole, FITS[:2]))
        if fitting:
            likely.append((min(order for order, _, _ in fitting), one.text))
    return [text for _, text in sorted(likely)]


def searched_tables() -> Iterator[Table]:
    """Yield every network and input that is searched, the likeliest first."""
    for size, classes, adaptive, head in (
        *(
            (size, classes, adaptive, None)
            for size in (224, 32)
            for classes in (1000, 10)
            for adaptive in (True, False)
        ),
        *((32, classes, False, head) for classes in (1000, 10) for head in SMALL_HEADS),
    ):
        if size == 32 and head is None and not adaptive:
            continue  # fc6 does not fit
        for letter in catalogue.TABLE_1:
            for batch_norm in (False, True):
                variant = catalogue.Variant(batch_norm, classes, adaptive_pool=adaptive, head=head)
                network = catalogue.network(letter, variant, (size, size))
                yield table(network, (1, variant.in_channels, size, size))


def _whole(tables: Iterable[Table]) -> Iterator[Candidate]:
    for one in tables:
        yield Candidate(one, PARAMS, one.params)
        yield Candidate(one, BYTES, tensor_bytes(one.params, FLOAT32_BYTES))
        for convention in CONVENTIONS:
            value = total(convention, one)
            if value is not None:
                yield Candidate(one, COUNT, value, convention)


def _parts(tables: Iterable[Table]) -> Iterator[Candidate]:
    """Yield the parameters, MACs and FLOPs of parts of the paper's networks: convolutions, classifier, each layer."""
    paper = [one for one in tables if Candidate(one, PARAMS, one.params).departures == (0, 0, 0)]
    # The best known first, for its layers stand in others too.
    for one in sorted(paper, key=lambda table: table.network.name != BEST_KNOWN):
        weighted = [row for row in one.rows if row.layer.weighted]
        parts: dict[str, list[Row]] = {}
        for row in weighted:
            parts.setdefault(row.kind, []).append(row)
        for rows in (*map(tuple, parts.values()), *((row,) for row in weighted)):
            yield Candidate(one, PARAMS, _counted(None, rows), only=rows)
            for name in ("mac", "torch"):
                by = convention_named(name)
                yield Candidate(one, COUNT, _counted(by, rows), by, only=rows)


def _less_one_layer(amount: Amount, tables: Iterable[Table]) -> Iterator[Candidate]:
    """Yield networks without one of their weight layers, where that comes near the number."""
    near = amount.nearest_int
    margin = amount.scale // amount.tens + 1
    for one in tables:
        rows = [row for row in one.rows if row.params and row.layer.weighted]
        if amount.quantity in (None, PARAMS):
            for row in rows:
                if abs(one.params - row.params - near) <= margin:
                    yield Candidate(one, PARAMS, one.params - row.params, None, row)
        if amount.quantity in (None, COUNT):
            most = max(row.macs + row.ledger["conv_outputs"] for row in rows)
            for convention in CONVENTIONS:
                yield from _less_one_count(convention, one, rows, (near, margin, most))


def _less_one_count(
    convention: Convention, one: Table, rows: Iterable[Row], search: tuple[int, int, int]
) -> Iterator[Candidate]:
    near, margin, most = search
    every = total(convention, one)
    # No layer counts more than twice its multiply-accumulates and outputs.
    if every is None or not near - margin <= every <= near + margin + 2 * most:
        return
    for row in rows:
        own = count(convention, row).value
        if own and abs(every - own - near) <= margin:
            yield Candidate(one, COUNT, every - own, convention, row)


def _fitting(
    amount: Amount, candidates: Iterable[Candidate], fits: tuple[str, ...]
) -> Iterator[tuple[tuple[int, ...], str, Candidate]]:
    """Yield (order, fit, candidate) of those that fit in one of these ways."""
    for position, candidate in enumerate(candidates):
        found = _fit(amount, candidate.value)
        if found and found[0] in fits:
            fit, distance = found
            order = (_rank(fit, candidate), *candidate.departures, candidate.prominence, distance, position)
            yield order, fit, candidate


def _rank(fit: str, candidate: Candidate) -> int:
    return FITS.index(fit) if candidate.whole or fit == "exact" else len(FITS)


def _fit(amount: Amount, value: int) -> tuple[str, int] | None:
    """How a value fits and how far off it is, or None."""
    scale, slip = amount.scale, amount.slip
    if amount.rounds_to(value, scale):
        distance = amount.distance(value, scale)
        return ("rounded" if distance else "exact"), distance
    if slip and amount.rounds_to(value, slip):
        return "1024", amount.distance(value, slip)
    if amount.rounds_to(value, 2 * scale):
        return "doubled or halved", amount.distance(value, 2 * scale)
    if amount.rounds_to(2 * value, scale):
        return "doubled or halved", amount.distance(2 * value, scale)
    return None


def _grouped(found: Iterable[tuple[tuple[int, ...], str, Candidate]]) -> list[Answer]:
    """Join candidates that have the very same number, for they are one answer."""
    groups: dict[tuple[str, int], list[tuple[str, Candidate]]] = {}
    for _, fit, candidate in found:
        groups.setdefault((candidate.quantity, candidate.value), []).append((fit, candidate))
    return [Answer(group[0][0], group[0][1], tuple(other for _, other in group[1:])) for group in groups.values()]


def _in_turn(answers: Iterable[Answer]) -> list[Answer]:
    """Give each configuration its turn among answers that fit alike, so that none hides the others."""
    turns: dict[tuple[object, ...], int] = {}
    ordered = []
    for answer in answers:
        one = answer.candidate
        alike = (_rank(answer.fit, one), *one.departures)
        turn = turns.setdefault((*alike, one.table.network.name), 0)
        turns[*alike, one.table.network.name] += 1
        ordered.append(((*alike, turn), answer))
    return [answer for _, answer in sorted(ordered, key=lambda entry: entry[0])]


def _nearest(amount: Amount, whole: Iterable[Candidate]) -> tuple[Candidate, ...]:
    near = amount.nearest_int
    nearest: dict[int, Candidate] = {}
    for candidate in sorted(whole, key=lambda one: (abs(one.value - near), one.departures)):
        nearest.setdefault(candidate.value, candidate)
        if len(nearest) == NEAREST:
            break
    return tuple(nearest.values())
