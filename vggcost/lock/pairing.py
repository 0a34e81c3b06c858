"""The layers of two entries side by side: by what they are first, and by their names where those say something."""

from __future__ import annotations

import re
from functools import cache

from vggcost.programs.alignment import aligned
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vggcost.lock.entry import LayerFacts

    Pairs = list[tuple["LayerFacts | None", "LayerFacts | None"]]

LARGEST_TABLE = 1 << 17
"""Above so many pairs of layers names alone are compared, which is fast and good enough for another network."""

_FOLLOWING = frozenset(
    ("c_in", "in_features", "other_features", "channels", "normalized", "inner", "other", "pairs", "keys")
)
"""Settings that a layer has from what reaches it."""

# What partners cost that are unlike; all are sums of powers of two, which floats add exactly. A layer without partner
# costs 1, so that a pair above 2 is none.
_GAP = 1.0
_OTHER_SETTING, _FURTHER_SETTING, _MOST_SETTINGS = 1 / 2, 1 / 8, 1.25
_OTHER_INPUT, _OTHER_OUTPUT, _FROZEN = 1 / 16, 1 / 1024, 1 / 8
_RENUMBERED, _RENAMED, _ELSEWHERE = 1 / 1024, 1 / 8, 3 / 4
_OTHER_KIND, _BOTH_FREE, _NEVER = 1.5, 1.75, 4.0


class Change(Record):
    """One setting that is another now."""

    setting: str
    before: Any
    after: Any


def follows(kind: str, setting: str) -> bool:
    """Whether a layer of this kind has the setting from what reaches it, so that its change is no change of its own.

    >>> follows("Conv2d", "c_in"), follows("Conv2d", "c_out"), follows("Embedding", "width")
    (True, False, False)
    """
    if kind == "ScaledDotProductAttention":
        return setting in ("keys", "width", "value_width")
    return setting in _FOLLOWING


def changes(before: LayerFacts, after: LayerFacts) -> tuple[Change, ...]:
    """Return the settings that differ between two layers, in their order; one that only one of them has is None."""
    if before.settings == after.settings:
        return ()
    one, other = dict(before.settings), dict(after.settings)
    names = dict.fromkeys((*one, *other))
    return tuple(Change(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name))


class Numbering(Record):
    """Which names say where a layer stands, so that they change when one before it comes or goes.

    everywhere: all do, as those of vggcost's own networks. stems are the names that a framework numbers by itself, as
    Keras does: ``conv2d``, ``conv2d_1``. Numbers between dots (``features.12``) and behind colons always do. unnamed:
    names say nothing more than where a layer stands, as where a network file is held against a program.
    """

    everywhere: bool = False
    stems: frozenset[str] = frozenset()
    unnamed: bool = False

    def has(self, name: str) -> bool:
        """Whether a name is a number.

        >>> own = Numbering(stems=frozenset(("conv2d",)))
        >>> [own.has(each) for each in ("features.12", "relu:3", "conv2d_1", "fc_1")]
        [True, True, True, False]
        """
        if self.everywhere or self.unnamed or _numbered(name):
            return True
        return bool(self.stems) and any(re.sub(r"_\d+$", "", part) in self.stems for part in name.split("."))

    def same(self, one: str, other: str) -> bool:
        """Whether two names are those of one layer that has another number now."""
        return self.has(one) and self.has(other) and self.stem(one) == self.stem(other)

    def stem(self, name: str) -> str:
        """What a name says beside where the layer stands; an empty text where that is nothing.

        >>> Numbering(unnamed=True).stem("fc8"), Numbering(everywhere=True).stem("fc8"), Numbering().stem("fc8")
        ('', 'fc', 'fc8')
        """
        return "" if self.unnamed else stem(name) if self.has(name) else name


@cache
def _numbered(name: str) -> bool:
    return ":" in name or any(part.isdecimal() for part in name.split("."))


@cache
def stem(name: str) -> str:
    """Return a name without its numbers.

    >>> stem("features.12"), stem("conv3_2"), stem("relu:3")
    ('features.', 'conv', 'relu')
    """
    return re.sub(r"[:_]?\d+", "", name)


def paired(before: Sequence[LayerFacts], after: Sequence[LayerFacts], *, numbering: Numbering) -> Pairs:
    """Return the layers of two networks as pairs in their order; None where one has no partner for the other.

    numbering says which names are numbers.
    """
    # What both begin and end with in common needs no search, and is nearly all of two versions of one network.
    common = _common(before, after)
    ends = _common(before[common:][::-1], after[common:][::-1])
    if (len(before) - common - ends) * (len(after) - common - ends) > LARGEST_TABLE:
        ends = _common(before[common:][::-1], after[common:][::-1], numbering)
    head = list(zip(before[:common], after[:common], strict=True))
    tail = list(zip(before[len(before) - ends :], after[len(after) - ends :], strict=True))
    one, other = before[common : len(before) - ends], after[common : len(after) - ends]
    if len(one) * len(other) > LARGEST_TABLE:
        middle = _by_name(one, other)
    else:
        mismatch = _mismatch(frozenset(each.name for each in before), frozenset(each.name for each in after), numbering)
        middle = aligned(one, other, lambda _: _GAP, mismatch)[1]
    return [*head, *middle, *tail]


def _common(before: Sequence[LayerFacts], after: Sequence[LayerFacts], numbering: Numbering | None = None) -> int:
    """How many layers two lists begin with in common, names included; numbering: or under another number."""
    number = 0
    for one, other in zip(before, after, strict=False):
        if one != other and not (
            numbering is not None
            and numbering.same(one.name, other.name)
            and one.replace(name="") == other.replace(name="")
        ):
            break
        number += 1
    return number


def _mismatch(
    names_before: frozenset[str], names_after: frozenset[str], numbering: Numbering
) -> Callable[[LayerFacts, LayerFacts], float]:
    """Return what two layers cost as partners."""

    def name_cost(one: str, other: str) -> float:
        if one == other:
            return 0.0
        if numbering.same(one, other):
            return _RENUMBERED
        if numbering.has(one) and numbering.has(other):
            return _RENAMED
        return _ELSEWHERE if one in names_after or other in names_before else _RENAMED

    def cost(one: LayerFacts, other: LayerFacts) -> float:
        if one.kind != other.kind:
            return _OTHER_KIND if one.name == other.name else _BOTH_FREE if one.free and other.free else _NEVER
        return name_cost(one.name, other.name) + _unlike(one, other)

    return cost


def _unlike(one: LayerFacts, other: LayerFacts) -> float:
    """What two layers of one kind cost as partners, names aside."""
    cost = 0.0
    if one.settings != other.settings:
        unlike = [follows(one.kind, change.setting) for change in changes(one, other)]
        own = len(unlike) - sum(unlike)
        cost += _OTHER_INPUT if any(unlike) else 0
        cost += min(_MOST_SETTINGS, _OTHER_SETTING + _FURTHER_SETTING * (own - 1)) if own else 0
    if one.output != other.output:
        cost += _OTHER_OUTPUT
    if (one.params == one.params_trainable) != (other.params == other.params_trainable):
        cost += _FROZEN
    return cost


def _by_name(before: Sequence[LayerFacts], after: Sequence[LayerFacts]) -> Pairs:
    """The pairs of two long lists that have little in common: by kind and name alone."""
    from difflib import SequenceMatcher

    one, other = ([(each.kind, each.name) for each in side] for side in (before, after))
    pairs: Pairs = []
    for word, first, last, start, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if word == "equal":
            pairs += zip(before[first:last], after[start:stop], strict=True)
        else:
            pairs += [(each, None) for each in before[first:last]]
            pairs += [(None, each) for each in after[start:stop]]
    return pairs
