"""What a live model costs beside what a test expects, in the words of the failure."""

from __future__ import annotations

import operator
import os

from vggcost import units
from vggcost.errors import VggcostError
from vggcost.frameworks import door
from vggcost.lock.comparison import compared
from vggcost.lock.facts import entry_of
from vggcost.lock.findings import signed
from vggcost.lock.standard import standard
from vggcost.network import catalogue
from vggcost.network.plan import Variant
from vggcost.printable import printable, shown
from vggcost.programs.identify import compare
from vggcost.report import verdict
from vggcost.results.audit import Audit
from vggcost.testing import IMAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vggcost.programs.likeness import Likeness

LAYERS_SHOWN = 40
"""How many layers are listed where there is nothing to hold them against."""

EVERY_KEY = frozenset(Variant._fields)


def complaint(model: Any, given: Any, *, params: Any, macs: Any, like: Any) -> str | None:
    """Return what is wrong with a model, in lines; None where it is as it should be.

    Raises:
        VggcostError: it cannot be read, or what it is held to is no such thing.
    """
    if params is None and macs is None and like is None:
        raise VggcostError("assert_cost has nothing to hold the model to; give params=, macs= or like=")
    expected = {"parameters": _whole("params", params), "MACs": _whole("macs", macs)}
    named = like if like is None or isinstance(like, str) else os.fspath(like) if hasattr(like, "__fspath__") else None
    program = type(model).__name__
    if given is IMAGE and named is not None:
        given = _image_of(named)
    audit = Audit(door.read(model, given, program), named)
    heads = list(_other_sums(audit, expected))
    other = [] if like is None or named is not None else _other_layers(audit, like, given)
    if audit.runs and not heads and not other and (named is None or audit.as_like):
        return None
    lines = [f"{program} is not what it should be", *heads]
    if other:
        lines += other
    else:
        said = verdict.sentences(audit)
        lines += said if audit.paper.like else said[1:]  # that it is like no VGG is no news here
        lines += [] if named is not None or not audit.runs else _what_it_has(audit, expected)
    return "\n".join(map(printable, lines))


def _image_of(like: str) -> tuple[int, ...]:
    """What a model is given where only a standard is: an image of the size and the channels that this insists on."""
    wanted = standard(like)
    channels = wanted.configuration.variant.in_channels if "in_channels" in wanted.bound else IMAGE[1]
    return (IMAGE[0], channels, *(wanted.size or IMAGE[2:]))


def _whole(name: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or number < 0:
        raise VggcostError(f"assert_cost: {name} is {shown(value)}; give a whole number, such as {name}=138_357_544")
    return number


def _other_sums(audit: Audit, expected: dict[str, int | None]) -> Iterator[str]:
    found = {"parameters": audit.params, "MACs": audit.macs}
    for word, number in expected.items():
        own = found[word]
        if number is None or own == number:
            continue
        if own is None:
            yield f"MACs are not known, and should be {units.exact(number)}"
        else:
            yield f"{units.exact(own)} {word}, and not {units.exact(number)} ({signed(own - number)})"


def _other_layers(audit: Audit, like: Any, given: Any) -> list[str]:
    """The layers that are others than those of another live model."""
    program = audit.reading.program
    before = entry_of(program, door.read(like, given, type(like).__name__))
    found = compared(before, entry_of(program, audit.reading)).findings
    lines = [line for finding in found for line in verdict.finding_lines(finding)]
    return [f"Compared with {type(like).__name__}:", *lines] if lines else []


def _what_it_has(audit: Audit, expected: dict[str, int | None]) -> Iterator[str]:
    """What is other than in the configuration that has the expected sums; where there is none, the layers."""
    meant = _meant(audit, expected)
    if meant is not None:
        number = units.counted(len(meant.differences), "difference")
        yield f"{meant.title} has what is expected, and here {'is' if number.startswith('1 ') else 'are'} {number}:"
        yield from (f"  {difference.text}" for difference in meant.differences)
        return
    if audit.paper.like and not audit.paper.same:
        return  # the differences are told
    rows = [row for row in audit.layers if row.params or row.macs]
    yield "What its layers cost:"
    for row in rows[:LAYERS_SHOWN]:
        yield f"  {row.path or row.name} {row.kind}: {_costs(row)}"
    if len(rows) > LAYERS_SHOWN:
        yield f"  and {len(rows) - LAYERS_SHOWN} more"


def _costs(row: Any) -> str:
    parts = [f"{units.exact(row.params)} parameters"] if row.params else []
    return ", ".join((*parts, f"{units.exact(row.macs)} MACs") if row.macs else parts)


def _meant(audit: Audit, expected: dict[str, int | None]) -> Likeness | None:
    """The paper's own form of what a model is like, beside it, where that has the sums that are expected."""
    shape, paper = audit.reading.inputs[0], audit.paper
    if not paper.like or audit.reading.image is None:
        return None
    from vggcost.costs.table import table

    plan = catalogue.find(paper.letter)
    for batch_norm in (False, True):
        variant = plan.variant.replace(batch_norm=batch_norm)
        network = catalogue.unfolded(plan, variant, audit.reading.image)
        try:
            rows = table(network, (shape[0], variant.in_channels, *audit.reading.image)).rows
        except VggcostError:
            return None
        sums = {"parameters": sum(row.params for row in rows), "MACs": sum(row.macs for row in rows)}
        if all(number in (None, sums[word]) for word, number in expected.items()):
            # An adaptive pool that hands on what it gets costs nothing, so that no sum speaks for it.
            bound = EVERY_KEY - {"adaptive_pool", "softmax"}
            likeness = compare(audit.reading, plan.replace(variant=variant), bound=bound)
            return likeness if likeness.differences else None
    return None
