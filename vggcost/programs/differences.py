"""One difference between a program and a configuration: what it is, where, and what it costs."""

from __future__ import annotations

from vggcost import units
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vggcost.costs.table import Row
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading

SIGNS = {
    **dict.fromkeys(("missing", "cut"), "-"),
    **dict.fromkeys(("extra", "before", "behind", "inside", "repeated", "unused"), "+"),
}
"""How a line of the diff begins, by its change; ``~`` for all that is other than it is there."""


class Difference(Record):
    """One difference, which may be that of many layers: one line of the diff.

    change: ``missing`` (the configuration has it, the program not), ``extra``, ``different``, or ``shared`` (the same
    layer, whose parameters are those of another, named in found); ``width`` (thinner, wider, other hidden widths),
    ``convolution`` (dense layers written so), ``order`` (normalization and activation), ``flatten`` (a missing one),
    ``batch`` (one that folds images into one another), ``size`` (another image); and of a program that has more or less
    than the configuration: ``cut`` (it ends before that does), ``before``, ``inside`` and ``behind`` (where it has more
    layers), ``unused`` (layers that it never calls), ``repeated`` (it runs them more than once).

    layer is the configuration's name of the first layer, layers those of all; path and source are the program's.
    behind: the configuration's name of the layer that an activation follows. words: the line without its costs, for
    what is no change of one layer into another. params [elements] and macs [MAC] are the program's less the
    configuration's; macs is None where one of the two cannot run at this input.
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
    layers: tuple[str, ...] = ()
    words: str | None = None

    @property
    def text(self) -> str:
        """The line: ``- conv4_3 3x3 512->512: 2,359,808 parameters, 1,849,688,064 MACs missing``."""
        sign = SIGNS.get(self.change, "~")
        if self.words is not None:
            return f"{sign} {self.words}{self._amounts_behind()}"
        where = f" ({self.source})" if self.source else ""
        if self.change == "missing":
            return f"- {self.layer} {self.expected}: {self._amounts('missing')}"
        if self.change == "shared":
            fewer = f"{units.exact(-self.params)} parameters fewer"
            return f"~ {self.layer} shares the parameters of {self.found}{where}: {fewer}"
        if sign == "+":
            named = f"{self.path} " if self.path and self.path != self.found else ""
            return f"+ {named}{self.found}{where}: {self._amounts('more')}"
        return f"~ {self.layer} {self.expected}: is {self.found}{where}{self._shift()}"

    def _amounts_behind(self) -> str:
        if self.behind is not None:
            return ""  # an activation has no costs
        if self.change not in SIGNS:
            return self._shift()
        if self.change not in ("missing", "extra") and not self.params and not self.macs:
            return ""
        return f": {self._amounts('missing' if SIGNS[self.change] == '-' else 'more')}"

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


class Pair(Record):
    """Two pieces side by side, or one without partner: theirs is the configuration's, ours the program's."""

    theirs: Piece | None
    ours: Piece | None


def amounts(pairs: Iterable[Pair], reading: ProgramReading, rows: dict[str, Row]) -> tuple[int, int | None]:
    """Return the parameters and MACs of the program's pieces less those of the configuration's, whose rows these are.

    The MACs are None where a configuration's layer has no row, or the program fails.
    """
    params, macs, known = 0, 0, True
    for pair in pairs:
        if pair.theirs is not None:
            params -= pair.theirs.layer.params()
            row = rows.get(pair.theirs.layer.name)
            known = known and row is not None
            macs -= row.macs if row is not None else 0
        if pair.ours is not None and pair.ours.operation is not None:
            operation = reading.operations[pair.ours.operation]
            params += operation.params
            macs += operation.macs
            known = known and not reading.failures
    return params, macs if known else None


def single(pair: Pair, counted: Sequence[Pair], reading: ProgramReading, rows: dict[str, Row]) -> Difference:
    """Return the difference of two pieces side by side, or of one without partner.

    counted are the pairs whose costs are in it: these two, and those that differ because of them, as what takes the
    output of a wider layer.
    """
    theirs, ours = pair.theirs, pair.ours
    operation = None if ours is None or ours.operation is None else reading.operations[ours.operation]
    params, macs = amounts(counted, reading, rows)
    return Difference(
        change="missing" if ours is None else "extra" if theirs is None else "different",
        layer=theirs.layer.name if theirs else None,
        path=(ours.layer.path or ours.layer.name) if ours else None,
        source=operation.source if operation else None,
        expected=theirs.layer.words() if theirs else None,
        found=ours.layer.words(theirs.layer if theirs else None) if ours else None,
        params=params,
        macs=macs,
        layers=(theirs.layer.name,) if theirs else (),
    )


def several(
    change: str,
    words: str,
    pairs: Sequence[Pair],
    counted: Sequence[Pair],
    reading: ProgramReading,
    rows: dict[str, Row],
) -> Difference:
    """Return the one difference of many pairs, in these words; counted are the pairs whose costs are in it."""
    params, macs = amounts(counted, reading, rows)
    named = tuple(pair.theirs.layer.name for pair in pairs if pair.theirs is not None)
    first = next((pair.ours for pair in pairs if pair.ours is not None), None)
    operation = None if first is None or first.operation is None else reading.operations[first.operation]
    return Difference(
        change=change,
        layer=named[0] if named else None,
        path=(first.layer.path or first.layer.name) if first else None,
        source=operation.source if operation else None,
        expected=None,
        found=None,
        params=params,
        macs=macs,
        layers=named,
        words=words,
    )


def span(names: Sequence[str], order: Sequence[str]) -> str:
    """Return names in few words: ``conv1_1 .. conv4_3`` where they stand in a row in this order.

    >>> span(("b", "c", "d"), "abcd"), span(("a", "c"), "abcd"), span(("a", "b", "d"), "abcd")
    ('b .. d', 'a and c', 'a, b and d')
    """
    places = [order.index(name) for name in names]
    if len(names) > 2 and places == list(range(places[0], places[0] + len(places))):
        return f"{names[0]} .. {names[-1]}"
    if len(names) > 6:
        return f"{', '.join(names[:5])} and {len(names) - 5} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def kinds_in_words(pieces: Iterable[Piece]) -> str:
    """Return how many layers of which kinds these are: ``6 convolutions, 5 transposed convolutions, 2 x mul``."""
    found: dict[tuple[str, bool], int] = {}
    for piece in pieces:
        kind = (piece.layer.noun or piece.layer.kind, bool(piece.layer.noun))
        found[kind] = found.get(kind, 0) + 1
    return ", ".join(
        units.counted(number, word) if named else f"{number} x {word}" for (word, named), number in found.items()
    )
