"""What differs between a program and a configuration: a line a difference, and what is unlike beside it."""

from __future__ import annotations

from vggcost import units
from vggcost.costs.table import table
from vggcost.errors import VggcostError
from vggcost.network.foreign_layers import Free
from vggcost.network.layers import Dropout, ReLU
from vggcost.programs import activations
from vggcost.programs.pieces import network_pieces
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vggcost.costs.table import Row
    from vggcost.network.plan import Network
    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading


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


def other_activations(
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
        yield Difference(
            change=change,
            layer=relu,
            path=None,
            source=None,
            expected=ReLU.noun if relu else None,
            found=words,
            params=0,
            macs=0,
            behind=behind,
        )


def shares(piece: Piece, reading: ProgramReading) -> bool:
    """Whether a layer's parameters, or some of them, are those of an operation before it."""
    if piece.operation is None:
        return False
    operation = reading.operations[piece.operation]
    return operation.shares is not None and operation.params < operation.layer.params()


def shared(theirs: Piece, ours: Piece, reading: ProgramReading, names: dict[int, str]) -> Difference:
    """The difference of a layer whose parameters are those of another one."""
    operation = reading.operations[ours.operation or 0]
    first = operation.shares or 0
    owner = reading.operations[first].layer
    fewer = operation.params - theirs.layer.params()
    return Difference(
        change="shared",
        layer=theirs.layer.name,
        path=ours.layer.path or ours.layer.name,
        source=operation.source,
        expected=theirs.layer.words(),
        found=names.get(first, owner.path or owner.name),
        params=fewer,
        macs=0,
    )


def unexplained(network: Network, reading: ProgramReading) -> Iterator[Difference]:
    """The gate behind the alignment: whatever the layers look like, another number of parameters is another network."""
    expected = sum(piece.layer.params() for piece in network_pieces(network.layers))
    found = reading.params
    if found != expected:
        yield Difference(
            change="different",
            layer="parameters",
            path=None,
            source=None,
            expected=units.exact(expected),
            found=units.exact(found),
            params=found - expected,
            macs=0,
        )


def rows_of(network: Network, reading: ProgramReading) -> dict[str, Row]:
    """The configuration's own rows at the program's input; none where it cannot run there, or none is known."""
    shape = reading.inputs[0]
    if reading.image is None or reading.weights_alone:
        return {}
    try:
        counted = table(network, (shape[0], network.variant.in_channels, *reading.image))
    except VggcostError:
        return {}
    return {row.name: row for row in counted.rows}


def difference(theirs: Piece | None, ours: Piece | None, reading: ProgramReading, rows: dict[str, Row]) -> Difference:
    """The difference of two pieces side by side, or of one without partner; rows are the configuration's."""
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
        change=change,
        layer=theirs.layer.name if theirs else None,
        path=(ours.layer.path or ours.layer.name) if ours else None,
        source=operation.source if operation else None,
        expected=theirs.layer.words() if theirs else None,
        found=ours.layer.words(theirs.layer if theirs else None) if ours else None,
        params=params,
        macs=macs if known else None,
    )


LOCATED = 5
"""How many activations are named one by one beside a configuration that the program is."""


def departures(network: Network, reading: ProgramReading, others: Sequence[Difference]) -> Iterator[str]:
    """What is unlike beside the structure: numbers of ReLU and dropout layers, functions of other kinds."""
    flat = [piece.layer for piece in network_pieces(network.layers)]
    for kind in (ReLU, Dropout):
        expected = sum(isinstance(layer, kind) for layer in flat)
        found = sum(isinstance(operation.layer, kind) for operation in reading.operations)
        if expected != found:
            yield f"{found or 'no'} {kind.noun} layer{'s' if found != 1 else ''} in place of {expected}"
    if others:
        shown = [other.text.lstrip("-+~ ") for other in others[:LOCATED]]
        yield ", ".join(shown) + (f" and {len(others) - LOCATED} more" if len(others) > LOCATED else "")
    kinds: dict[str, int] = {}
    for operation in reading.operations:
        if isinstance(operation.layer, Free):
            kinds[operation.layer.kind] = kinds.get(operation.layer.kind, 0) + 1
    for name, number in kinds.items():
        yield f"{number} x {name}"
