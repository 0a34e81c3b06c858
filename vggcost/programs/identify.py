"""What a program is: one of the paper's configurations in some variant, or the nearest one and what differs.

A program and a configuration are both reduced to their convolutions, linear layers, pools and normalizations, in
execution order, and aligned as a diff: the cheapest way from one list to the other. What the pairs of that diff have in
common is a difference, and the nearest configuration is the one with the fewest. No difference, the same network.
"""

from __future__ import annotations

from functools import lru_cache

from vggcost import units
from vggcost.costs.table import table_if_it_runs
from vggcost.network import catalogue
from vggcost.programs.activations import other_activations
from vggcost.programs.alignment import aligned
from vggcost.programs.changes import Changes
from vggcost.programs.differences import Difference, Pair
from vggcost.programs.likeness import Likeness, departures, shares
from vggcost.programs.naming import Namer
from vggcost.programs.pieces import mismatch, network_pieces, structure
from vggcost.programs.trunks import trunks
from vggcost.programs.variants import has_classifier, variants
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.costs.table import Row
    from vggcost.network.plan import Configuration, Network, Variant
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading
    from vggcost.programs.trunks import Trunk

SCALED, LEFT_OUT = 1.0, 2.25
"""What a width factor costs that does not explain everything, for a network is rather taken for one of full width; and
to leave out the classifier where the program has dense layers, and does not compare what several runs give."""

MEANT = ("D", "E", "B", "A", "C", "A-LRN")
"""Of configurations that come equally near, as where a program ends before they part, the first of these is named."""

LOOKED_INTO = 3
"""Of how many variants of a configuration, those whose alignments cost least, the differences are named."""


class _Fit(Record):
    """One variant of a configuration beside one trunk of a program."""

    network: Network
    trunk: Trunk
    cost: float
    pairs: tuple[Pair, ...]


def among_the_papers(reading: ProgramReading) -> Likeness:
    """Return the paper's configuration that a program is, or comes nearest to."""
    ways = tuple(trunks(reading))
    found: list[tuple[Likeness, _Fit]] = []
    for name in MEANT:
        found.append(_compare(reading, ways, catalogue.find(name)))
        if found[-1][0].same:
            return found[-1][0]
    ranks = [(not likeness.like, likeness.cost) for likeness, _ in found]
    best = ranks.index(min(ranks))
    also = tuple(found[place][0].letter for place, rank in enumerate(ranks) if rank == ranks[best] and place != best)
    return _with_macs(reading, *found[best]).replace(also=also)


def packaged_twin(reading: ProgramReading) -> str | None:
    """Return the name of the packaged network that a program is, None where it is none."""
    ways = tuple(trunks(reading))
    for name in catalogue.names():
        if name not in catalogue.TABLE_1 and _compare(reading, ways, catalogue.find(name))[0].same:
            return name
    return None


def compare(reading: ProgramReading, configuration: Configuration, *, bound: frozenset[str] | None = None) -> Likeness:
    """Return how a program differs from a configuration in the program's own variant.

    bound are the keys of a network file that are the configuration's own instead, so that a program can differ in them;
    given at all, an empty one too, it also asks for each activation to be looked at.
    """
    likeness, fit = _compare(reading, tuple(trunks(reading)), configuration, bound=bound)
    return _with_macs(reading, likeness, fit, bound=bound)


def _compare(
    reading: ProgramReading,
    ways: Sequence[Trunk],
    configuration: Configuration,
    *,
    bound: frozenset[str] | None = None,
) -> tuple[Likeness, _Fit]:
    """The variant that comes nearest, and its fit, of which `_with_macs` makes the MACs of the differences."""
    every = _fits(reading, ways, configuration, bound=bound)
    found: list[tuple[Likeness, _Fit]] = []
    for fit in sorted(every, key=lambda fit: fit.cost)[:LOOKED_INTO]:
        found.append((_likeness(reading, fit, bound=bound), fit))
        if found[-1][0].same:
            return found[-1]
    return min(found, key=lambda each: (not each[0].like, each[0].cost))


def _with_macs(
    reading: ProgramReading, likeness: Likeness, fit: _Fit, *, bound: frozenset[str] | None = None
) -> Likeness:
    if likeness.same:
        return likeness
    return _likeness(reading, fit, bound=bound, rows=_rows(fit.network, reading))


def _fits(
    reading: ProgramReading, ways: Sequence[Trunk], configuration: Configuration, *, bound: frozenset[str] | None
) -> Iterator[_Fit]:
    """Every variant beside every trunk; nothing more where one fits without a cost."""
    image = reading.image or catalogue.find("D").size
    for trunk in ways:
        outside = sum(piece.gap for piece in trunk.outside) / 64
        for variant in variants(trunk, configuration, reading, bound or frozenset()):
            network, expected = _unfolded(configuration, variant, image, learned=reading.weights_alone)
            cost, sides = aligned(expected, trunk.pieces, lambda piece: piece.gap, mismatch, lambda piece: piece.token)
            pairs = tuple(Pair(theirs, ours) for theirs, ours in sides)
            yield _Fit(network, trunk, cost + outside + (trunk.times - 1) / 4, pairs)
            if cost == outside == 0 and trunk.times == 1:
                return


@lru_cache(maxsize=256)
def _unfolded(
    configuration: Configuration, variant: Variant, image: tuple[int, int], *, learned: bool
) -> tuple[Network, tuple[Piece, ...]]:
    network = catalogue.unfolded(configuration, variant, image)
    return network, structure(network.layers, learned=learned)


def _likeness(
    reading: ProgramReading, fit: _Fit, *, bound: frozenset[str] | None, rows: dict[str, Row] | None = None
) -> Likeness:
    """One fit's differences; without the configuration's rows their MACs are not known, which ranks the same."""
    rows = rows or {}
    namer = Namer(Changes(fit.pairs, fit.trunk, reading), fit.trunk, fit.network, reading, rows)
    cost, found = namer.differences()
    left = _unexplained(fit.network, reading, found)
    found += left
    # A file of weights has no activations, and no layers without weights.
    others = () if reading.weights_alone else tuple(other_activations(fit.pairs, fit.network, reading))
    beside = () if reading.weights_alone else tuple(departures(fit.network, reading, others, whole=not found))
    if bound is not None:
        found += others
    if found and fit.network.variant.width != 1:
        cost += SCALED
    if has_classifier(fit.trunk) and fit.network.variant.classifier == (fit.trunk.times > 1):
        cost += LEFT_OUT
    like, share, needed = shares(fit.pairs, fit.network, fit.trunk, pools=not reading.weights_alone)
    return Likeness(
        fit.network,
        cost + len(left),
        tuple(found),
        namer.names,
        beside,
        like or not found,
        share,
        needed,
    )


def _unexplained(network: Network, reading: ProgramReading, found: Sequence[Difference]) -> list[Difference]:
    """The gate behind the alignment: another number of parameters than the layers explain is a difference, too."""
    expected = sum(piece.layer.params() for piece in network_pieces(network.layers))
    expected += sum(difference.params for difference in found)
    if reading.params == expected:
        return []
    return [
        Difference(
            change="different",
            layer="parameters",
            path=None,
            source=None,
            expected=units.exact(expected),
            found=units.exact(reading.params),
            params=reading.params - expected,
            macs=0,
        )
    ]


def _rows(network: Network, reading: ProgramReading) -> dict[str, Row]:
    """The configuration's own rows at the program's input; none where it cannot run there, or none is known."""
    shape = reading.inputs[0]
    if reading.image is None or reading.weights_alone:
        return {}
    counted = table_if_it_runs(network, (shape[0], network.variant.in_channels, *reading.image))
    return {} if counted is None else {row.name: row for row in counted.rows}
