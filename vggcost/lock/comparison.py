"""Two entries held against each other: every difference once, with what follows from it."""

from __future__ import annotations

from vggcost import units
from vggcost.lock import findings as words
from vggcost.lock.entry import OURS
from vggcost.lock.findings import Finding, summed
from vggcost.lock.pairing import Change, Numbering, changes, follows, paired
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from typing import Any

    from vggcost.lock.entry import Entry, LayerFacts


class Comparison(Record):
    """What is other than it was written down: the findings in the order of the network, and the sums that changed.

    totals has each sum and each convention's count that is another, as it was and as it is; None where not known.
    """

    name: str
    findings: tuple[Finding, ...]
    totals: tuple[Change, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.findings


def compared(before: Entry, after: Entry, *, names: bool = True) -> Comparison:
    """Return the differences of two entries: before is as it was written down, after as it is.

    names: what layers are called is of what they are; otherwise those that are there still go by the name of before.

    What came, went, moved or changed is a finding, named by its layers; layers that are others only because of what
    reaches them stand behind the finding that they follow from. Where no layer is another, each sum that is another is
    a finding of its own.
    """
    totals = tuple(_other_totals(before, after))
    found = tuple(_findings(before, after, names=names))
    if not found:
        found = tuple(Finding(words.TOTAL, (), detail=words.change_words(each), changes=(each,)) for each in totals)
    return Comparison(after.name, found, totals)


def _other_totals(before: Entry, after: Entry) -> Iterator[Change]:
    for one, other in ((before.totals, after.totals), (before.counts, after.counts)):
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                yield Change(name, one.get(name), other.get(name))


class _Event:
    """What became of one layer, or of several alike, and what follows from it."""

    def __init__(
        self,
        change: str,
        before: LayerFacts | None,
        after: LayerFacts | None,
        place: int,
        changed: tuple[Change, ...] = (),
        detail: str = "",
    ) -> None:
        self.change = change
        self.before = before
        self.after = after
        self.place = place
        self.changed = changed
        self.detail = detail
        self.beside: list[str] = []
        self.behind: list[tuple[LayerFacts, LayerFacts]] = []

    @property
    def facts(self) -> LayerFacts:
        """The layer as it is, or as it was where it is gone."""
        facts = self.before if self.after is None else self.after
        if facts is None:
            raise AssertionError("an event is that of a layer")
        return facts

    @property
    def group(self) -> Hashable:
        """What events have in common that are one finding; a weight layer that came or went is one alone."""
        if self.change in (words.ADDED, words.DROPPED) and (self.facts.weighted or self.beside):
            return id(self)
        if self.change == words.RENAMED:
            return self.change
        return self.change, self.facts.kind, self.changed, self.detail


def _findings(before: Entry, after: Entry, *, names: bool) -> Iterator[Finding]:
    numbering = Numbering(before.framework in OURS and after.framework in OURS, after.stems, unnamed=not names)
    pairs = paired(before.layers, after.layers, numbering=numbering)
    if not names:
        pairs = [(one, other.replace(name=one.name) if one and other else other) for one, other in pairs]
    events, first = _events(pairs, after, numbering)
    if before.inputs != after.inputs or before.framework != after.framework:
        yield from _given(before, after, first)
    elif first:
        events = [*(_unexplained(one, other, place) for one, other, place in first), *events]
    groups: dict[Hashable, list[_Event]] = {}
    for event in _without_companions(_with_moves(events, after, numbering)):
        groups.setdefault(event.group, []).append(event)
    for group in groups.values():
        yield _finding(group)


def _given(before: Entry, after: Entry, first: Sequence[tuple[LayerFacts, LayerFacts, int]]) -> Iterator[Finding]:
    """What the network is given, and what follows from that alone."""
    if before.inputs != after.inputs:
        one, other = (", ".join(map(units.shape_text, entry.inputs)) for entry in (before, after))
        change = Change("input", one, other)
    else:
        change = Change("framework", before.framework, after.framework)
    behind = [(one, other) for one, other, _ in first]
    yield Finding(
        words.INPUT, (), detail=words.change_words(change), changes=(change,), place=0, **_consequences(behind)
    )


def _events(
    pairs: Iterable[tuple[LayerFacts | None, LayerFacts | None]], after: Entry, numbering: Numbering
) -> tuple[list[_Event], list[tuple[LayerFacts, LayerFacts, int]]]:
    """What became of each layer, in the order of the pairs; and the layers that changed before anything else did."""
    events: list[_Event] = []
    first: list[tuple[LayerFacts, LayerFacts, int]] = []
    last = max((place for place, facts in enumerate(after.layers) if facts.weighted), default=None)
    place = 0
    for one, other in pairs:
        if one is not None and other is not None:
            event = _changed(one, other, place, numbering, is_last=place == last)
            if event is not None:
                events.append(event)
            elif _is_other(one, other):
                if events:
                    events[-1].behind.append((one, other))
                else:
                    first.append((one, other, place))
        elif other is not None or not (after.cut_short and place == len(after.layers)):
            events.append(_Event(words.DROPPED if other is None else words.ADDED, one, other, place))
        place += other is not None
    return events, first


def _changed(one: LayerFacts, other: LayerFacts, place: int, numbering: Numbering, *, is_last: bool) -> _Event | None:
    """What became of a layer that is there still; None where nothing did of its own."""
    own = [each for each in changes(one, other) if not follows(other.kind, each.setting)]
    if one.kind != other.kind:
        shared = dict(one.settings).keys() & dict(other.settings).keys()
        own = [Change("kind", one.kind, other.kind), *(each for each in own if each.setting in shared)]
    change, detail = _trained(one, other)
    if is_last and any(each.setting in ("c_out", "out_features") for each in own):
        detail = "(classes)"
    if own or change is not None:
        return _Event(change or words.CHANGED, one, other, place, tuple(own), detail)
    if one.name != other.name and not numbering.same(one.name, other.name):
        return _Event(words.RENAMED, one, other, place)
    return None


def _trained(one: LayerFacts, other: LayerFacts) -> tuple[str | None, str]:
    """Whether a layer was frozen or set free, and the words for it."""
    was, held = one.params - one.params_trainable, other.params - other.params_trainable
    fewer, more = bool(was) and was == one.params, bool(held) and held == other.params
    if bool(was) == bool(held) and fewer == more:
        return None, ""
    if not other.params or not one.params:
        return None, ""
    if held and (not was or more):
        part = "" if more else "in part "
        return words.FROZEN, f"{part}({units.counted_exact(held, 'parameter')} no longer trained)"
    return words.UNFROZEN, f"({units.counted_exact(other.params_trainable, 'parameter')} trained now)"


def _is_other(one: LayerFacts, other: LayerFacts) -> bool:
    """Whether a layer differs in more than its name; what is not known of one of the two is no difference."""
    known = one.output is not None and other.output is not None
    return (
        one.settings != other.settings
        or one.params != other.params
        or (known and (one.output != other.output or one.macs != other.macs))
    )


def _unexplained(one: LayerFacts, other: LayerFacts, place: int) -> _Event:
    """The event of a layer that is another, with nothing before it that explains it."""
    changed = list(changes(one, other))
    if one.output != other.output:
        changed.append(Change("output", one.output, other.output))
    return _Event(words.CHANGED, one, other, place, tuple(changed))


def _with_moves(events: Sequence[_Event], after: Entry, numbering: Numbering) -> list[_Event]:
    """The events with a layer that is gone in one place and new in another as one that moved."""
    gone: dict[Hashable, list[_Event]] = {}
    for event in events:
        if event.change == words.DROPPED:
            gone.setdefault(_known_by(event.facts, numbering), []).append(event)
    moved: dict[int, _Event] = {}
    for event in events:
        same = gone.get(_known_by(event.facts, numbering)) if event.change == words.ADDED else None
        if not same:
            continue
        partner = min(same, key=lambda each: abs(each.place - event.place))
        same.remove(partner)
        facts = event.after
        if numbering.unnamed and facts is not None:
            facts = facts.replace(name=partner.facts.name)
        one = _Event(words.MOVED, partner.before, facts, event.place, detail=_new_place(event, partner, after))
        one.behind = [*partner.behind, *event.behind]
        moved[id(partner)] = moved[id(event)] = one
    return list(dict.fromkeys(moved.get(id(event), event) for event in events))


def _known_by(facts: LayerFacts, numbering: Numbering) -> Hashable:
    """What a layer has wherever it stands: its kind, its own settings, and its name, or what is no number of that."""
    own = tuple(each for each in facts.settings if not follows(facts.kind, each[0]))
    return facts.kind, own, numbering.stem(facts.name)


def _new_place(event: _Event, partner: _Event, after: Entry) -> str:
    """Behind what a layer stands now: ``behind ReLU``."""
    place = event.place
    if place == 0:
        return "to the front"
    earlier = partner.place > place
    beside = after.layers[place + 1] if earlier and place + 1 < len(after.layers) else after.layers[place - 1]
    return f"{'before' if earlier and place + 1 < len(after.layers) else 'behind'} {beside.kind}"


def _without_companions(events: Sequence[_Event]) -> Iterator[_Event]:
    """The events with those layers folded into a weight layer's that came or went with it and cost nothing."""
    run: list[_Event] = []
    for event in (*events, None):
        if run and (event is None or event.change != run[-1].change or not _adjacent(run[-1], event)):
            yield from _folded(run)
            run = []
        if event is not None:
            run.append(event)


def _adjacent(one: _Event, other: _Event) -> bool:
    """Whether nothing stands between two layers that both came or both went."""
    if one.change not in (words.ADDED, words.DROPPED):
        return False
    step = 1 if one.change == words.ADDED else 0
    return other.place - one.place == step


def _folded(run: Sequence[_Event]) -> Iterator[_Event]:
    lead = next((event for event in run if event.facts.weighted), None)
    kept: list[_Event] = []
    for event in run:
        if event.facts.weighted:
            lead = event
        if lead is None or event is lead or not event.facts.free or event.facts.output != lead.facts.output:
            kept.append(event)
            continue
        lead.beside.append(event.facts.name)
        lead.behind += event.behind
    yield from kept


def _finding(group: Sequence[_Event]) -> Finding:
    first = group[0]
    if first.change == words.RENAMED:
        pairs = [(event.before.name if event.before else "", event.facts.name) for event in group]
        more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
        detail = f"({', '.join(f'was {one}' for one, _ in pairs[:3])}{more})"
    else:
        detail = first.detail
    behind = [pair for event in group for pair in event.behind]
    return Finding(
        first.change,
        tuple(event.facts.name for event in group),
        summed(_params(event.before, event.after) for event in group),
        summed(_macs(event.before, event.after) for event in group),
        first.facts.kind,
        first.changed,
        tuple(name for event in group for name in event.beside),
        place=first.place,
        detail=detail,
        **_consequences(behind),
    )


def _consequences(behind: Sequence[tuple[LayerFacts, LayerFacts]]) -> dict[str, Any]:
    """What follows, as fields of a finding; layers that cost nothing, before and now, are not worth a word."""
    told = [pair for pair in behind if not (pair[0].free and pair[1].free)]
    reached: tuple[Change, ...] = changes(*told[0]) if len(told) == 1 else ()
    return {
        "behind": tuple(other.name for _, other in told),
        "params_behind": summed(_params(*pair) for pair in told),
        "macs_behind": summed(_macs(*pair) for pair in told),
        "words_behind": ", ".join(words.change_words(each) for each in reached),
    }


def _params(one: LayerFacts | None, other: LayerFacts | None) -> int:
    return (other.params if other else 0) - (one.params if one else 0)


def _macs(one: LayerFacts | None, other: LayerFacts | None) -> int | None:
    """MACs more than before; None where they are not known of one of the two."""
    if (one is not None and one.macs is None) or (other is not None and other.macs is None):
        return None
    return ((other.macs or 0) if other else 0) - ((one.macs or 0) if one else 0)
