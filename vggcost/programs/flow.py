"""What flows where in a program: which operations enlarge their input, run again, or come right behind which."""

from __future__ import annotations

from vggcost.formulas.forward import elements
from vggcost.network.layers import AdaptiveAvgPool2d, Conv2d

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vggcost.programs.reading import Operation, ProgramReading

    Places = tuple[int, ...]

KEEPERS = (Conv2d, AdaptiveAvgPool2d)
"""What makes no finer picture of its input where its output is larger: a convolution with a wide frame of zeros, and a
pool to a grid that a small image does not fill."""

NEAREST = 8
"""How many weight layers right before an operation are kept; joints of more, as in a DenseNet, keep the last."""


def takes(reading: ProgramReading) -> tuple[Places, ...]:
    """Return for each operation the places of those whose outputs it takes."""
    return tuple(
        operation.after if operation.after is not None else ((place - 1,) if place else ())
        for place, operation in enumerate(reading.operations)
    )


def levels(reading: ProgramReading, taken: Sequence[Places]) -> tuple[int, ...]:
    """Return for each operation how often feature maps were enlarged on the way to its output.

    An encoder is at level 0, each step of a decoder one level above the step before it.
    """
    found: list[int] = []
    for operation, before in zip(reading.operations, taken, strict=True):
        level = max((found[place] for place in before), default=0)
        given = max((_area(reading.operations[place].output) for place in before), default=0)
        own, output = _area(operation.input), _area(operation.output)
        enlarged = 0 < given < own or (
            0 < own < output and not isinstance(operation.layer, KEEPERS) and _scales(operation)
        )
        found.append(level + enlarged)
    return tuple(found)


def _area(shape: Places | None) -> int:
    """Height times width of feature maps; 0 for everything else."""
    return elements(shape[2:]) if shape is not None and len(shape) == 4 else 0


def _scales(operation: Operation) -> bool:
    """Whether an operation whose output is larger than its input has twice its height: padding has not."""
    shape, output = operation.input, operation.output
    return shape is not None and output is not None and 2 * output[2] > 3 * shape[2]


def runs_again(operation: Operation) -> bool:
    """Whether all parameters of an operation are those of operations before it."""
    return operation.shares is not None and not operation.params


def repeated(reading: ProgramReading, taken: Sequence[Places]) -> tuple[frozenset[int], int]:
    """Return the operations that only run again what has run before, and how often the program runs it in all.

    These are the operations on parameters that others have used, and those without parameters that work on nothing but
    what such operations give: the second of two images through one set of features.
    """
    again: set[int] = set()
    times: dict[int, int] = {}
    for place, operation in enumerate(reading.operations):
        if runs_again(operation):
            again.add(place)
            first = operation.shares or 0
            times[first] = times.get(first, 1) + 1
        elif not (operation.params or operation.layer.weighted) and taken[place] and again.issuperset(taken[place]):
            again.add(place)
    return frozenset(again), max(times.values(), default=1)


def weighted_before(
    reading: ProgramReading, taken: Sequence[Places], passed: Callable[[int], bool]
) -> tuple[frozenset[int], ...]:
    """Return for each operation the weight layers right before it; those that are `passed` are looked through."""
    gives: list[frozenset[int]] = []
    found: list[frozenset[int]] = []
    for place, operation in enumerate(reading.operations):
        before: frozenset[int] = frozenset().union(*(gives[each] for each in taken[place]))
        if len(before) > NEAREST:
            before = frozenset(sorted(before)[-NEAREST:])
        found.append(before)
        gives.append(frozenset((place,)) if operation.layer.weighted and not passed(place) else before)
    return tuple(found)


def on_the_way(taken: Sequence[Places], first: int, last: int) -> frozenset[int]:
    """Return the operations that the output of one goes through on its way to another, both left out."""
    reached = {last}
    for place in range(last, first, -1):
        if place in reached:
            reached.update(taken[place])
    fed = {first}
    for place in range(first + 1, last):
        if not fed.isdisjoint(taken[place]):
            fed.add(place)
    return frozenset((reached & fed) - {first, last})
