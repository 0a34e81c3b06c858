"""A convention applied to a program: what its tool sees of how the program is written, what it counts of that, in sum.

A tool that hooks modules sees nothing of ``torch.relu``, and one that puts functions in the place of torch's sees
nothing of ``x + y``. Where a reading says how the program is written, each call is given to the tool's own handlers;
what has none is a known 0. Other readings, and conventions without a tool, are counted by what the operations are.
"""

from __future__ import annotations

from vggcost.conventions.convention import BY_MODULE, MODULES, ONE_IMAGE, TRACED
from vggcost.conventions.counting import NOT_COUNTED, count
from vggcost.conventions.handlers import handler_of
from vggcost.conventions.special_rules import Count
from vggcost.costs.table import Row
from vggcost.network.foreign_layers import Uncounted
from vggcost.network.ledger import MACS
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.programs.calls import FunctionCall, ModuleCall
    from vggcost.programs.reading import Operation, ProgramReading

FAST_PATH = "may be one operator of torch's own where no gradient is asked for, and is several where one is"
NO_FORM = "is called in a form for which its rule is not known here"
UNLISTED = "the model has parameters that it does not list, where torch.jit stops"
NO_LEAF = "no module is called that holds no others, and it sees only those"
UNUSUAL = (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError)
"""What a handler raises for a call whose tensors or arguments are not those that it is written for."""


class Seen(Record):
    """A program under a convention: a count an operation, and their sum.

    total is None where the tool gives none, or where it is not known, and reason then says of which operations.
    """

    counts: tuple[Count, ...]
    total: int | None
    reason: str | None = None


class _Piece(Record):
    """What one call adds to the operation at a place: a number, or words where there is none.

    shared: the number is one for all images, of which the total has an equal part.
    """

    place: int
    value: int | str
    what: str
    shared: bool = False
    note: str | None = None


def seen(convention: Convention, reading: ProgramReading) -> Seen:
    """Return what a convention's tool counts of each operation of a program, and in sum."""
    if not convention.sees or not reading.module_calls:
        return _by_layers(convention, reading)
    if TRACED in convention.sees and reading.unlisted:
        return Seen(tuple(Count(None, UNLISTED) for _ in reading.operations), None, UNLISTED)
    if ONE_IMAGE in convention.sees and not any(call.leaf for call in reading.module_calls):
        return Seen(tuple(Count(0, NOT_COUNTED) for _ in reading.operations), None, NO_LEAF)
    pieces = [piece for way in convention.sees for piece in _pieces(convention, way, reading)]
    images = _images(reading)
    whole: dict[int, int] = {}
    part: dict[int, int] = {}
    notes: dict[int, str] = {}
    unknown: dict[int, str] = {}
    for piece in pieces:
        if isinstance(piece.value, str):
            unknown.setdefault(piece.place, piece.value)
            continue
        sums = part if piece.shared else whole
        sums[piece.place] = sums.get(piece.place, 0) + piece.value
        if piece.note:
            notes[piece.place] = piece.note
    counts = []
    so_far = 0
    for place, operation in enumerate(reading.operations):
        before, so_far = so_far, so_far + part.get(place, 0)
        # The tool divides the sum and cuts off what is left: so the rows add up to its total.
        value = whole.get(place, 0) + so_far // images - before // images
        if place in unknown:
            counts.append(Count(None, f"what {convention.name} counts is not known: it {unknown[place]}"))
        else:
            counts.append(Count(value, notes.get(place) if value else _why_nothing(convention, operation)))
    reasons = [f"{piece.what}, which {piece.value}" for piece in pieces if isinstance(piece.value, str)]
    if reasons:
        return Seen(tuple(counts), None, _listed(reasons))
    return Seen(tuple(counts), sum(whole.values()) + sum(part.values()) // images)


def _listed(reasons: Sequence[str]) -> str:
    """Reasons in their order, each once, with how many there are of it."""
    numbers = {reason: reasons.count(reason) for reason in reasons}
    return "; ".join(f"{number} x {reason}" if number > 1 else reason for reason, number in numbers.items())


def _images(reading: ProgramReading) -> int:
    """Images in the call, as a hook on the model itself sees them: the first axis of the first input."""
    given = reading.module_calls[0].inputs
    return given[0][0] if given and given[0] else 1


def _pieces(convention: Convention, way: str, reading: ProgramReading) -> Iterator[_Piece]:
    calls: Sequence[ModuleCall | FunctionCall]
    calls = reading.module_calls if way in (MODULES, ONE_IMAGE) else reading.function_calls
    fast = (
        ("TransformerEncoderLayer",)
        if way in (MODULES, ONE_IMAGE)
        else ("TransformerEncoderLayer", "MultiheadAttention")
    )
    last = max(len(reading.operations) - 1, 0)
    for call in calls:
        for name, handler in handler_of(convention.name, way, call):
            value: int | str
            try:
                value = handler(_of_one_image(call, _images(reading)) if way == ONE_IMAGE else call)
            except UNUSUAL:
                value = NO_FORM
            if value == 0:
                continue
            if _stands_in(fast, call, reading):
                value = FAST_PATH
            ways, note = _times(convention, way, call, reading), None
            if ways > 1 and not isinstance(value, str):
                value, note = value * ways, f"counted {ways} times, for several modules hold it"
            place = min(call.first if call.last > call.first else max(call.last - 1, 0), last)
            yield _Piece(place, value, name, way == MODULES and bool(convention.image_weights), note)


def _times(convention: Convention, way: str, call: Any, reading: ProgramReading) -> int:
    """How often the tool adds a call up, where more than one way leads to its module."""
    module = call
    if way == BY_MODULE:
        module = None if call.inside is None else reading.module_calls[call.inside]
    elif way not in (MODULES, ONE_IMAGE):
        return 1
    result: int = 1 if module is None else module.ways**convention.shared
    return result


def _stands_in(kinds: Sequence[str], call: Any, reading: ProgramReading) -> bool:
    """Whether a call is made inside a module of one of these kinds of torch.nn."""
    place = call.inside
    while place is not None:
        module = reading.module_calls[place]
        if any(kind in module.bases for kind in kinds):
            return True
        place = module.inside
    return False


def _of_one_image(call: Any, images: int) -> Any:
    """A module call as it would be for the first image alone."""
    shapes = (*call.inputs, *(() if call.output is None else (call.output,)))
    if any(shape and shape[0] % images for shape in shapes):
        raise ValueError(f"{call.path} does not have the images on its first axis")
    first, *others = (
        ((shape[0] // images, *shape[1:]) if shape else shape) for shape in (call.output or (), *call.inputs)
    )
    return call.replace(inputs=tuple(others), output=None if call.output is None else first)


def _why_nothing(convention: Convention, operation: Operation) -> str:
    """Why an operation counts 0: it is nothing to the tool, or is written so that the tool does not see it."""
    row = row_of(operation)
    if row is None or isinstance(row.layer, Uncounted):
        return NOT_COUNTED
    usual = count(convention, row)
    if usual.value:
        return f"written so that {convention.name} does not see it"
    return usual.note or NOT_COUNTED


# By what operations are


def _by_layers(convention: Convention, reading: ProgramReading) -> Seen:
    """Count the operations by their kinds; those without a formula are left out, and unknown kinds leave no total."""
    counts = []
    before: Row | None = None
    for operation in reading.operations:
        row = row_of(operation)
        counts.append(Count(0) if row is None else _of_layer(convention, row, before))
        before = row
    unknown: dict[str, int] = {}
    for operation, one in zip(reading.operations, counts, strict=True):
        if one.value is None and operation.counted:
            unknown[operation.layer.kind] = unknown.get(operation.layer.kind, 0) + 1
    if unknown:
        kinds = ", ".join(f"{number} {kind}" for kind, number in unknown.items())
        return Seen(tuple(counts), None, f"what it counts of {kinds} is not known")
    return Seen(tuple(counts), sum(one.value or 0 for one in counts))


def _of_layer(convention: Convention, row: Row, before: Row | None) -> Count:
    """What the convention counts of one operation; None where its tool's count of such an operation is unknown."""
    if isinstance(row.layer, Uncounted):
        return Count(None, "no formula")
    if not row.layer.counts_known and not counts_macs_alone(convention):
        return Count(None, f"what {convention.name} counts is not known")
    return count(convention, row, before)


def counts_macs_alone(convention: Convention) -> bool:
    """Whether the convention weighs multiply-accumulates alone, so that all else is known to be 0."""
    return bool(convention.weights) and set(convention.weights) <= set(MACS) and not convention.rules


def row_of(operation: Operation) -> Row | None:
    """An operation as a row of the table, whose shapes have their batch; None for what is never called."""
    shape, output, layer = operation.input, operation.output, operation.layer
    if shape is None or output is None:
        return None
    if layer.spatial:
        if len(shape) == 3:
            shape, output = (1, *shape), (1, *output)
        if len(output) == 2:
            output = (*output, 1, 1)  # a global pool that drops the two axes that it has made one
    return Row(layer, shape, output, operation.params, operation.macs, operation.ledger)
