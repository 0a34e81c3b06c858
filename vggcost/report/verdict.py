"""What a program is and what stands in its way, in sentences."""

from __future__ import annotations

from vggcost import units
from vggcost.network.layers import Conv2d, Linear

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vggcost.lock.findings import Finding
    from vggcost.programs.differences import Difference
    from vggcost.programs.likeness import Likeness
    from vggcost.programs.reading import Failure
    from vggcost.report.audited import Audited

SHOWN_DIFFERENCES, FURTHER = 20, 5
"""How many differences, and how many failures behind the first, are shown in words."""

NO_VGG, UNLIKE = "no VGG of the paper", "not like any VGG of the paper"
"""What a program is that is none of the paper's configurations, and one that is like none of them."""


def verdict(paper: Likeness) -> str:
    """What a program is, in a few words: ``D (VGG-16) with batch normalization, 4 classes``."""
    if paper.same:
        return paper.title
    if not paper.like:
        return UNLIKE
    if paper.inside:
        return paper.made_of
    number = units.counted(len(paper.differences), "difference")
    return f"{NO_VGG}, nearest is {paper.title} with {number}"


def sentences(audit: Audited) -> list[str]:
    """What the program is and what stands in its way, a sentence a line; those of a list are set in."""
    return [*_is_lines(audit), *_failure_lines(audit), *_nearest_lines(audit), *_unknown_lines(audit)]


def _is_lines(audit: Audited) -> list[str]:
    """What it is, and what is unlike beside that."""
    paper, reading = audit.paper, audit.reading
    twin = f" (it is the packaged network {audit.same_as})" if audit.same_as else ""
    name = reading.program.replace("\\", "/").rpartition("/")[2]
    it_is = f"{name}, {reading.file}, is" if reading.file else "It is"
    if paper.same:
        beside = [f"  beside that: {'; '.join(paper.departures)}"] if paper.departures else []
        return [f"{it_is} {paper.title}", *beside]
    if not paper.like:
        return [f"{it_is} {UNLIKE}{twin}"]
    if paper.inside:
        return [f"{it_is} {paper.made_of}{twin}"]
    larger = any(each.change in ("before", "inside", "behind") for each in paper.differences)
    return [f"{it_is} {NO_VGG}{': something larger that has most of one in it' if larger else ''}{twin}"]


def _nearest_lines(audit: Audited) -> list[str]:
    """What differs from the configuration that is asked for, or from the nearest one."""
    paper, compared = audit.paper, audit.compared
    found = compared.differences if audit.held is None else audit.held.findings
    number = units.counted(len(found), "difference")
    if audit.like is not None:
        words = "the same" if audit.as_like else f"not the same, {number}"
        lines = [f"Compared with {compared.title}: {words}"]
    elif paper.same or not paper.like:
        return []
    else:
        also = f" ({_joined(paper.also)} as near)" if paper.also else ""
        lines = [f"The nearest is {paper.title}, with {number}{also}:"]
    for each in found[:SHOWN_DIFFERENCES]:
        lines += finding_lines(each)
    if len(found) > SHOWN_DIFFERENCES:
        lines.append(f"  and {len(found) - SHOWN_DIFFERENCES} more; --format json has all")
    if audit.like is None and paper.departures:
        lines.append(f"  beside that: {'; '.join(paper.departures)}")
    return lines


def finding_lines(each: Difference | Finding) -> list[str]:
    """Return the lines of one difference, set in: what it is, and what follows from it."""
    behind = getattr(each, "text_behind", None)
    return [f"  {each.text}", *([f"    behind it: {behind}"] if behind else [])]


def _joined(letters: Sequence[str]) -> str:
    *most, last = letters
    return f"{', '.join(most)} and {last} are" if most else f"{last} is"


def _failure_lines(audit: Audited) -> list[str]:
    if not audit.reading.failures:
        return []
    first, *others = audit.reading.failures
    lines = [f"It cannot run: {spoken(audit, first)}"]
    lines += [f"  behind it, {spoken(audit, failure)}" for failure in others[:FURTHER]]
    return lines


def spoken(audit: Audited, failure: Failure) -> str:
    """The failure as a sentence: ``fc6 (classifier.0, vgg.py:31) takes 25,088 features and gets 32,768``."""
    path = failure.path
    named = audit.paper.names.get(failure.position) if isinstance(failure.subject, Conv2d | Linear) else None
    if named and audit.paper.same:
        subject, inside = named, [path] if path and path != named else []
    elif isinstance(failure.subject, Conv2d | Linear) and path:
        subject, inside = path, []
    else:
        article = "" if failure.operation == "forward" else "the "
        subject, inside = f"{article}{failure.operation}", [path] if path else []
    if failure.source:
        inside.append(failure.source)
    where = f" ({', '.join(inside)})" if inside else ""
    return f"{subject}{where} {failure.problem}"


def totals_line(audit: Audited) -> str:
    """How many convolutions and linear layers there are, and what they cost with all else.

    ``13 convolutions and 3 linear layers; 138,357,544 parameters, 15,470,264,320 MACs in all``
    """
    operations = [operation.layer for operation in audit.reading.operations]
    convs = units.counted(sum(isinstance(layer, Conv2d) for layer in operations), "convolution")
    linears = units.counted(sum(isinstance(layer, Linear) for layer in operations), "linear layer")
    totals = audit.totals
    parts = [f"{units.exact(totals.params)} parameters"]
    if totals.macs is not None:
        parts.append(f"{units.exact(totals.macs)} MACs")
    note = f", {totals.note}" if totals.note else ""
    return f"{convs} and {linears}; {', '.join(parts)} in all{note}"


def uncounted(audit: Audited) -> list[dict[str, Any]]:
    """The operations that there is no formula for, those of a kind together."""
    groups: dict[str, dict[str, Any]] = {}
    for operation in audit.uncounted:
        group = groups.setdefault(operation.layer.kind, {"operation": operation.layer.kind, "count": 0, "shapes": []})
        group["count"] += 1
        shape = audit.shown(operation.input)
        listed = None if shape is None else list(shape)
        if listed and listed not in group["shapes"]:
            group["shapes"].append(listed)
    return list(groups.values())


def _unknown_lines(audit: Audited) -> list[str]:
    lines = []
    if audit.seen.reason and audit.totals.macs is not None:
        lines.append(f"{audit.convention} has no total here: {audit.seen.reason}")
    return lines + [
        f"Not counted, for there is no formula: {entry['count']} x {entry['operation']}"
        f"{' on ' if entry['shapes'] else ''}{', '.join(units.shape_text(shape) for shape in entry['shapes'])}"
        for entry in uncounted(audit)
    ]
