"""Which of a program's pieces may be a configuration's: without what runs again, and at one resolution's way down."""

from __future__ import annotations

from vggcost.network.foreign_layers import Idle
from vggcost.network.layers import Conv2d
from vggcost.programs import flow
from vggcost.programs.pieces import program_pieces
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.programs.pieces import Piece
    from vggcost.programs.reading import ProgramReading

LONGEST = 400
"""How many pieces of a program are aligned, so that one of thousands of layers takes no more time than this many: those
behind are not looked at, and count as more layers. Of the paper's configurations the longest has 41."""

LEVELS = 3
"""How many levels of enlargement are looked at, those with most convolutions."""


class Trunk(Record):
    """The pieces of a program that are aligned with a configuration's, and what stands beside them.

    pieces: those that are aligned, in order. outside: its other pieces, but for those that run again, whose operations
    are `again`; times: how often the program runs them in all. taken, weighted_before and level: of each operation, as
    `vggcost.programs.flow` has them; own_level is that of the pieces.
    """

    pieces: tuple[Piece, ...]
    outside: tuple[Piece, ...]
    again: frozenset[int]
    times: int
    taken: tuple[tuple[int, ...], ...]
    weighted_before: tuple[frozenset[int], ...]
    level: tuple[int, ...]
    own_level: int

    def enlarged(self, piece: Piece) -> bool:
        """Whether feature maps were enlarged on the way to a piece's output."""
        return piece.operation is not None and self.level[piece.operation] > self.own_level


def trunks(reading: ProgramReading) -> Iterator[Trunk]:
    """Yield the ways to look at a program: as it is, and, where layers run on parameters of others, each of them once.

    In each of them the pieces of one level are aligned: before the first enlargement stands the encoder; and behind the
    last one, where a program makes an image and a second network looks at that, this network.
    """
    taken = flow.takes(reading)
    level = flow.levels(reading, taken)
    pieces = program_pieces(reading)
    residual = {piece.operation for piece in pieces if piece.residual}
    before = flow.weighted_before(reading, taken, residual.__contains__)
    again, times = flow.repeated(reading, taken)
    alternatives = [(again, times)] if times > 1 else []
    for left_out, runs in (*alternatives, (frozenset(), 1)):
        left = [piece for piece in pieces if piece.operation not in left_out]
        for own in _levels_of(left, level):
            inside = [
                piece for piece in left if level[piece.operation or 0] == own and not isinstance(piece.layer, Idle)
            ]
            ours = tuple(inside[:LONGEST])
            kept = {piece.operation for piece in ours}
            outside = tuple(piece for piece in left if piece.operation not in kept)
            yield Trunk(ours, outside, left_out, runs, taken, before, level, own)


def _levels_of(pieces: list[Piece], level: tuple[int, ...]) -> list[int]:
    """The levels with most convolutions; 0 for a program without."""
    convs: dict[int, int] = {}
    for piece in pieces:
        if isinstance(piece.layer, Conv2d):
            own = level[piece.operation or 0]
            convs[own] = convs.get(own, 0) + 1
    found = sorted(convs, key=lambda own: (-convs[own], own))[:LEVELS]
    return sorted(found) or [0]
