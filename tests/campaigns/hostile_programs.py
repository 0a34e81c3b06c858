"""Programs that do what no model should: one answer or one refusal each, and a process that is what it was."""

from __future__ import annotations

from hostile_programs import broken_promises, drawn

WHAT = "hostile programs"
FULL, SHORT = 600, 60
APART = 10
"""One of so many is read by a process of its own, isolated or not."""


def broken(number, seed, folder):
    """Yield each promise that a program broke."""
    apart = number // APART
    for each in drawn(seed, number - apart, apart):
        yield from (f"{each.title}: {what}" for what in broken_promises(each, str(folder)))
