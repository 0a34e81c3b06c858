"""Where a number comes from: which network, variant and convention give it, exactly or as it was rounded."""

from __future__ import annotations

from vggcost.conventions.amounts import BYTES, COUNT, FLOP, MAC, PARAMS, read_amount
from vggcost.conventions.figures_searched import (
    TELLING_DIGITS,
    figures_of,
    prints,
    quantity_of,
    quotes_of,
    rank_of,
)
from vggcost.conventions.rows import NAMES
from vggcost.conventions.rows import convention as convention_named
from vggcost.conventions.searched import BIASLESS, FLOAT32_BYTES, NUMBERS, searched
from vggcost.formulas.forward import flops
from vggcost.formulas.memory import tensor_bytes
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vggcost.conventions.amounts import Amount
    from vggcost.conventions.convention import Convention
    from vggcost.conventions.figures import Figure, Quote
    from vggcost.conventions.searched import Searched
    from vggcost.costs.table import Row

EXACT, PRINTED, ROUNDED, OTHER_BASE, FACTOR_TWO = "exact", "printed", "rounded", "1024", "doubled or halved"
FITS = (EXACT, PRINTED, ROUNDED, OTHER_BASE, FACTOR_TWO)
"""How a number may fit, best first: to the digit; as a tool prints it; as it was rounded; over 1024^n, the old unit
slip; by a factor 2."""

BEST_KNOWN = "D"

NEAREST = 3
"""How many near misses are named where nothing fits."""

_KNOWN = ("mac", "torch", "fvcore", "conv-only")
"""The counts that most people have seen; of those that fit alike these come first, then the others as listed."""
_PROMINENCE = {name: rank for rank, name in enumerate(dict.fromkeys((*_KNOWN, *NAMES)), 1)}


class Candidate(Record):
    """A number that something searched has: a quantity, the convention of a count, the layers it is not or only of.

    less is the layer that was left out, if any; only are the layers that alone are counted, none where all are. figure
    is what a tool prints, or a definition of vggcost's, where it is neither a count nor of the parameters.
    """

    searched: Searched
    quantity: str
    value: int
    convention: Convention | None = None
    less: Row | None = None
    only: tuple[Row, ...] = ()
    figure: Figure | None = None

    @property
    def unit(self) -> str:
        """MAC, FLOP or mixed for a count, ``parameters``, ``values`` or ``B``."""
        if self.figure:
            return self.figure.unit
        if self.convention:
            return self.convention.unit
        return "parameters" if self.quantity == PARAMS else "B"

    @property
    def departures(self) -> tuple[int, int, int]:
        """How far it is from a number of the paper's plain network: not whole; its size and head; its variant."""
        return int(not self.whole), *self.searched.departures

    @property
    def whole(self) -> bool:
        """Whether every layer is counted."""
        return self.less is None and not self.only

    @property
    def prominence(self) -> int:
        """The lower, the more people have seen numbers of this kind."""
        if self.figure:
            return len(_PROMINENCE) + rank_of(self.figure)
        return _PROMINENCE[self.convention.name] if self.convention else 0

    @property
    def words(self) -> str:
        """The network, its input and what of it is counted: ``D (VGG-16), 1000 classes, at 224x224``."""
        described = self.searched.described
        if self.less:
            return f"{described.title} less {described.layer_words(self.less)}"
        return f"{described.title}, {part_words(self.only)}" if self.only else described.title

    @property
    def label(self) -> str:
        """What is counted: a convention with its tool, the quantity, or a tool's own words."""
        if self.figure:
            return self.figure.label
        if self.convention is None:
            return "parameters" if self.quantity == PARAMS else self.searched.described.bytes_label
        return f"{self.convention.name} ({self.convention.title})"


class Answer(Record):
    """A number that fits: how, the candidate that stands for it, and others that have the very same number."""

    fit: str
    candidate: Candidate
    also: tuple[Candidate, ...] = ()


class Explanation(Record):
    """All that a number may be, the likeliest first, and where nothing fits the nearest.

    meant are amounts that the number may stand for where nothing fits and its prefix was left out: 15.5 for 15.5G; the
    answers are those of the first.
    typed is then what was typed, and the amount what it is read as.
    quoted are those in print that no rule gives, each with what the rows under which it stands sum to.
    """

    amount: Amount
    answers: tuple[Answer, ...]
    nearest: tuple[Candidate, ...]
    meant: tuple[str, ...] = ()
    quoted: tuple[tuple[Quote, Candidate], ...] = ()
    typed: str | None = None


def part_words(rows: tuple[Row, ...]) -> str:
    """What alone is counted: ``fc6 alone``, ``the classifier alone``."""
    return f"{rows[0].name} alone" if len(rows) == 1 else "the classifier alone"


def decomposition(candidate: Candidate) -> str:
    """What a number consists of: ``15,470,264,320 MACs + 13,547,520 conv bias + 9,192 linear bias``."""
    if candidate.figure:
        return candidate.searched.described.consists(candidate.figure)
    if candidate.only:
        return _parts_sum(candidate)
    less = f" - {_of_less(candidate):,} of {candidate.less.name}" if candidate.less else ""
    if candidate.convention:
        macs = sum(row.macs for row in candidate.searched.rows)
        return f"{macs:,} MACs {candidate.searched.described.beside(candidate.convention)}".strip() + less
    sums: dict[str, int] = {}
    for row in candidate.searched.rows:
        if row.params:
            noun = f"{row.layer.noun or row.kind}s"
            sums[noun] = sums.get(noun, 0) + row.params
    parts = " + ".join(f"{total:,} in {noun}" for noun, total in sums.items()) + less
    if candidate.quantity == PARAMS:
        return parts
    float32 = candidate.value == tensor_bytes(sum(sums.values()), FLOAT32_BYTES)
    return f"{FLOAT32_BYTES} B x ({parts})" if float32 else f"the bytes of {parts}, each in its own dtype"


def _parts_sum(candidate: Candidate) -> str:
    if candidate.convention is None:
        if len(candidate.only) > 1:
            return " + ".join(f"{row.params:,} of {row.name}" for row in candidate.only)
        (row,) = candidate.only
        return row.layer.written(row.output)["params_numbers"] or ""
    macs = sum(row.macs for row in candidate.only)
    again = f" + {macs:,} MACs again (1 MAC = 2 FLOP)" if candidate.value == flops(macs) else ""
    return f"{macs:,} MACs{again}"


def _of_less(candidate: Candidate) -> int:
    (own,) = (own for row, own in candidate.searched.weighted(candidate.convention) if row is candidate.less)
    return own


def explain(amount: Amount, among: Sequence[Searched] = ()) -> Explanation:
    """Search for a number: every configuration, variant and convention, or what is given to be searched in their place.

    The order of the answers: a count of FLOPs comes last where MACs are asked for; then by how they fit (FITS), where
    bytes that nobody asked for come behind all else that is rounded; and within that 1000 classes at 224 pixels first,
    then plain networks. What is alike in this fits alike, so there each configuration has its turn, well-known
    conventions come before the others, and only then the distance decides. A network less one layer, and single layers
    and classifiers alone, come behind the whole ones that fit likewise; where few digits were given, behind all others,
    for there are many of those.
    """
    among = tuple(among) or searched()
    ways = _ways(amount)
    found = list(_whole(amount, ways, among))
    found += _parts(amount, ways[:1], (*_alone(among), *_less_one_layer(amount, among)))
    quoted = tuple(
        (quote, Candidate(one, BYTES, value, figure=figure)) for quote, one, figure, value in quotes_of(amount, among)
    )
    found += _figures(amount, ways, among, in_print=bool(quoted))
    answers = _in_turn(_grouped(sorted(found, key=lambda entry: entry.order)))
    if answers or quoted:
        return Explanation(amount, tuple(answers), (), quoted=quoted)
    meant = tuple(_meant(amount, among))
    if meant:
        return explain(read_amount(meant[0]), among).replace(meant=meant, typed=amount.text)
    return Explanation(amount, (), _nearest(amount, among))


class _Way(Record):
    """One way to fit: a value from low to high is digits * scale, or half of that, at the precision that was typed."""

    fit: str
    low: int
    high: int
    scale: int
    times: int = 1


def _ways(amount: Amount) -> tuple[_Way, ...]:
    """Return the ways a number may fit, best first."""
    scale, slip = amount.scale, amount.slip
    low, high = amount.bounds(scale)
    return (
        _Way(ROUNDED, low, high, scale),
        *((_Way(OTHER_BASE, *amount.bounds(slip), slip),) if slip else ()),
        _Way(FACTOR_TWO, *amount.bounds(2 * scale), 2 * scale),
        _Way(FACTOR_TWO, (low + 1) // 2, high // 2, scale, 2),
    )


class _Found(Record):
    """A candidate that fits, and what it comes by among the others: the least first."""

    fit: str
    candidate: Candidate
    distance: int
    rank: int

    @property
    def alike(self) -> tuple[int, ...]:
        """How it fits and what it is; where two are alike in this, configurations take turns."""
        return self.rank, *self.candidate.departures

    @property
    def order(self) -> tuple[int, ...]:
        """Where it comes among all."""
        return *self.alike, self.candidate.prominence, self.distance


def _whole(amount: Amount, ways: Sequence[_Way], among: Iterable[Searched]) -> Iterator[_Found]:
    """Yield the numbers of whole networks that fit."""
    for one in among:
        for (quantity, convention), value in zip(NUMBERS, one.numbers, strict=True):
            if value is None or amount.quantity not in (None, quantity):
                continue
            for way in ways:
                if way.low <= value <= way.high:
                    yield _found(amount, way, Candidate(one, quantity, value, convention))
                    break


def _figures(amount: Amount, ways: Sequence[_Way], among: Iterable[Searched], *, in_print: bool) -> Iterator[_Found]:
    """Yield what tools print, and vggcost's own definitions, where it fits.

    A number that is in print and comes from no rule is not explained by one that only rounds to it.
    """
    # The best known first, for what is the very same number in several stands under the first.
    known_first = sorted(among, key=lambda searched: searched.name != BEST_KNOWN)
    for one, figure, value in figures_of(amount, known_first):
        candidate = Candidate(one, quantity_of(figure), value, figure=figure)
        distance = amount.distance(value, ways[0].scale)
        if distance and prints(figure, value, amount):
            yield _Found(PRINTED, candidate, distance, _rank(amount, PRINTED, candidate))
            continue
        for way in ways:
            if way.fit in (ROUNDED, OTHER_BASE) and way.low <= value <= way.high and not (distance and in_print):
                yield _found(amount, way, candidate)
                break


def _parts(amount: Amount, ways: Sequence[_Way], candidates: Iterable[Candidate]) -> Iterator[_Found]:
    """Yield those of some candidates that fit."""
    for candidate in candidates:
        for way in ways:
            if amount.quantity in (None, candidate.quantity) and way.low <= candidate.value <= way.high:
                yield _found(amount, way, candidate)


def _found(amount: Amount, way: _Way, candidate: Candidate) -> _Found:
    distance = amount.distance(way.times * candidate.value, way.scale)
    fit = EXACT if way.fit == ROUNDED and not distance else way.fit
    return _Found(fit, candidate, distance, _rank(amount, fit, candidate))


def _rank(amount: Amount, fit: str, candidate: Candidate) -> int:
    """How well a candidate fits, best 0; see `explain`."""
    few_digits = len(str(amount.digits)) < TELLING_DIGITS
    if fit == ROUNDED and not candidate.whole and few_digits:
        rank = len(FITS) + 1
    elif fit == ROUNDED and candidate.quantity == BYTES and amount.quantity is None:
        rank = FITS.index(fit) + 1
    else:
        rank = FITS.index(fit) + int(fit in (OTHER_BASE, FACTOR_TWO))
    if amount.unit == MAC and candidate.unit == FLOP:
        rank += len(FITS) + 2
    return rank


def _alone(among: Iterable[Searched]) -> Iterator[Candidate]:
    """Yield parts of plain networks: the parameters, MACs and FLOPs of the classifier and of each layer alone."""
    plain = [one for one in among if one.departures == (0, 0)]
    # The best known first, for its layers stand in others too.
    for one in sorted(plain, key=lambda searched: searched.name != BEST_KNOWN):
        for quantity, by in ((PARAMS, None), *((COUNT, convention_named(name)) for name in ("mac", "torch"))):
            weighted = one.weighted(by)
            classifier = [layer for layer in weighted if layer[0].kind == "Linear"]
            for layers in (*([classifier] if len(classifier) > 1 else []), *([layer] for layer in weighted)):
                rows, shares = zip(*layers, strict=True)
                yield Candidate(one, quantity, sum(shares), by, only=rows)


def _less_one_layer(amount: Amount, among: Iterable[Searched]) -> Iterator[Candidate]:
    """Yield networks without one of their weight layers, where that comes near the number; bias-less ones are rare."""
    near = amount.nearest_int
    margin = amount.scale // amount.tens + 1
    for one in among:
        if one.departures[1] >= BIASLESS:
            continue
        largest = max(section.largest for section in one.sections)
        for (quantity, by), value in zip(NUMBERS, one.numbers, strict=True):
            if quantity == BYTES or value is None or not near - margin <= value <= near + margin + largest:
                continue
            for row, own in one.weighted(by):
                if own and abs(value - own - near) <= margin:
                    yield Candidate(one, quantity, value - own, by, row)


def _meant(amount: Amount, among: Sequence[Searched]) -> list[str]:
    """The same number with the prefix that was left out, where it then fits; the likeliest first."""
    if amount.slip is not None or amount.quantity is not None:
        return []
    likely = []
    for prefix in ("M", "G"):
        one = read_amount(f"{amount.text}{prefix}")
        fitting = list(_whole(one, _ways(one)[:1], among))
        if fitting:
            likely.append((min(found.order for found in fitting), one.text))
    return [text for _, text in sorted(likely)]


def _grouped(found: Iterable[_Found]) -> list[tuple[_Found, Answer]]:
    """Join candidates that have the very same number, for they are one answer."""
    groups: dict[tuple[str, int], list[_Found]] = {}
    for one in found:
        groups.setdefault((one.candidate.quantity, one.candidate.value), []).append(one)
    return [
        (first, Answer(first.fit, first.candidate, tuple(other.candidate for other in others)))
        for first, *others in groups.values()
    ]


def _in_turn(answers: Iterable[tuple[_Found, Answer]]) -> list[Answer]:
    """Give each configuration its turn among answers that fit alike, so that none hides the others."""
    turns: dict[tuple[object, ...], int] = {}
    ordered = []
    for first, answer in answers:
        which = (*first.alike, first.candidate.searched.name)
        turn = turns[which] = turns.get(which, -1) + 1
        ordered.append(((*first.alike, turn), answer))
    return [answer for _, answer in sorted(ordered, key=lambda entry: entry[0])]


def _nearest(amount: Amount, among: Iterable[Searched]) -> tuple[Candidate, ...]:
    """The numbers of whole networks that come nearest, in the unit that was asked for."""
    near = amount.nearest_int
    away: dict[int, tuple[tuple[int, ...], Candidate]] = {}
    for one in among:
        for (quantity, convention), value in zip(NUMBERS, one.numbers, strict=True):
            if value is None or amount.quantity not in (None, quantity):
                continue
            if amount.unit == MAC and convention and convention.unit == FLOP:
                continue
            order = (abs(value - near), *one.departures)
            if value not in away or order < away[value][0]:
                away[value] = (order, Candidate(one, quantity, value, convention))
    for one, figure, value in figures_of(amount, among) if amount.quantity else ():
        if amount.unit == MAC and figure.unit == FLOP:
            continue
        order = (abs(value - near), *one.departures)
        if value not in away or order < away[value][0]:
            away[value] = (order, Candidate(one, quantity_of(figure), value, figure=figure))
    return tuple(candidate for _, candidate in sorted(away.values(), key=lambda entry: entry[0])[:NEAREST])
