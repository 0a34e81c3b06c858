"""One difference between an entry and what is there now: what changed, at which layers, and what it costs."""

from __future__ import annotations

from vggcost import units
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from vggcost.lock.pairing import Change

ADDED, DROPPED, CHANGED, MOVED, RENAMED = "added", "dropped", "changed", "moved", "renamed"
FROZEN, UNFROZEN = "frozen", "unfrozen"
INPUT, TOTAL = "input", "total"

_WORDS = {
    "c_in": "input channels",
    "c_out": "width",
    "in_features": "input features",
    "out_features": "width",
    "kernel": "kernel",
}
"""What settings are called in a sentence, where their own name says too little."""


class Finding(Record):
    """One difference, which may be that of many layers.

    change is one of the words of this module. layers are the layers that changed, as the new network calls them, and a
    dropped one as the old did. params [elements] and macs [MAC] are what these layers cost now less what they did; None
    where it is not known. changes are the settings that are others. beside are layers that came or went with them and
    cost nothing. behind are the layers that are others because of these, with what that costs in params_behind and
    macs_behind; words_behind says what became of the first of them. place is where the first layer stands in the new
    network, for a dropped one where it would; None where it stands nowhere. detail is the rest of the sentence, where
    there is no layer to speak of.
    """

    change: str
    layers: tuple[str, ...]
    params: int | None = 0
    macs: int | None = 0
    kind: str = ""
    changes: tuple[Change, ...] = ()
    beside: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    params_behind: int | None = 0
    macs_behind: int | None = 0
    words_behind: str = ""
    place: int | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        """The line: ``conv4_3 added: + 2,359,808 parameters, + 1,849,688,064 MACs``."""
        if not self.layers:
            return self.detail
        costs = amounts(self.params, self.macs)
        beside = f" (with {span(self.beside)})" if self.beside else ""
        return f"{self._named()} {self._happened()}{f': {costs}' if costs else ''}{beside}"

    @property
    def text_behind(self) -> str | None:
        """What became of the layers behind: ``conv3_2 (input channels 256 -> 257): + 2,304 parameters``."""
        if not self.behind:
            return None
        named = span(self.behind)
        if len(self.behind) > 1:
            named += f", {units.counted(len(self.behind), 'layer')}"
        words = f" ({self.words_behind})" if self.words_behind else ""
        costs = amounts(self.params_behind, self.macs_behind)
        return f"{named}{words}{f': {costs}' if costs else ''}"

    def _named(self) -> str:
        named = span(self.layers)
        if len(self.layers) > 2:
            named += f" ({len(self.layers)} x {self.kind})" if self.kind else f" ({len(self.layers)} layers)"
        return named

    def _happened(self) -> str:
        words = self.change
        if self.changes:
            words = ", ".join(change_words(each) for each in self.changes)
            if self.change in (FROZEN, UNFROZEN):
                words = f"{self.change}, {words}"
        if self.detail:
            words += f" {self.detail}"
        return words


def change_words(change: Change) -> str:
    """Return a changed setting in words: ``kernel 3x3 -> 5x5``, ``bias removed``."""
    if change.setting == "bias" and isinstance(change.after, bool) and isinstance(change.before, bool):
        return "bias added" if change.after else "bias removed"
    word = _WORDS.get(change.setting, change.setting.replace("_", " "))
    return f"{word} {shown(change.before)} -> {shown(change.after)}"


def shown(value: Any) -> str:
    """Return the value of a setting as people write it.

    >>> shown((3, 3)), shown(4096), shown(True), shown(())
    ('3x3', '4,096', 'true', 'none')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return units.exact(value) if isinstance(value, int) else str(value)


def amounts(params: int | None, macs: int | None) -> str:
    """Return what a difference costs: ``+ 2,359,808 parameters, + 1,849,688,064 MACs``; empty where it costs nothing.

    >>> amounts(-64, 0), amounts(1, None)
    ('- 64 parameters', '+ 1 parameter')
    """
    parts = [f"{signed(params)} parameter{'' if abs(params) == 1 else 's'}"] if params else []
    if macs:
        parts.append(f"{signed(macs)} MAC{'' if abs(macs) == 1 else 's'}")
    return ", ".join(parts)


def signed(number: int) -> str:
    """Return a difference with its sign apart.

    >>> signed(1234), signed(-5)
    ('+ 1,234', '- 5')
    """
    return f"{'-' if number < 0 else '+'} {units.exact(abs(number))}"


def span(names: Sequence[str]) -> str:
    """Return names in few words.

    >>> span(("a",)), span(("a", "b")), span(("a", "b", "c")), span("abcdef")
    ('a', 'a and b', 'a, b and c', 'a .. f')
    """
    if len(names) > 4:
        return f"{names[0]} .. {names[-1]}"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def summed(numbers: Iterable[int | None]) -> int | None:
    """Return a sum, None where a part of it is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total
