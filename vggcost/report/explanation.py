"""What a number may be, as sentences or rows."""

from __future__ import annotations

import textwrap

from vggcost import units
from vggcost.conventions.explain import decomposition, part_words
from vggcost.report.grid import LINE_COLUMNS, Column, grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.conventions.explain import Answer, Candidate, Explanation

SHOWN = 5
"""How many answers are shown where not all are asked for."""

_NAMED = 4
"""How many others of the same number are named on the screen."""

_COLUMNS = (
    Column("fit", "Fits"),
    Column("network", "Network"),
    Column("counted", "Counted as"),
    Column("value", "Number", "count"),
    Column("unit", "Unit"),
    Column("difference", "Less what was asked", "count"),
    Column("decomposition", "Consists of"),
)


def explanation_text(found: Explanation, fmt: str, *, every: bool) -> str:
    """Return the answers in a format of `vggcost.report.grid`, or as JSON; the first five, or every one."""
    shown = found.answers if every else found.answers[:SHOWN]
    more = len(found.answers) - len(shown)
    if fmt == "json":
        return _json(found, shown, more)
    if fmt == "table":
        return _screen(found, shown, more)
    near = [("no fit, near", one) for one in found.nearest]
    rows = [_row(found, fit, one) for fit, one in (*((_fit_words(found, a), a.candidate) for a in shown), *near)]
    body = grid(_COLUMNS, rows, fmt)
    return body if fmt == "csv" or not more else f"{body}\n{'% ' if fmt == 'latex' else ''}{_more(more)}\n"


def _screen(found: Explanation, shown: Sequence[Answer], more: int) -> str:
    amount = found.amount
    blocks = []
    for number, answer in enumerate(shown, 1):
        one = answer.candidate
        blocks.append(f"{number}. {_wrapped(f'{_sentence(one)}; {_fit_words(found, answer)}')}")
        if decomposition(one) != f"{one.value:,} MACs":
            blocks.append(f"   {_wrapped(f'= {decomposition(one)}')}")
        if answer.also:
            blocks.append(f"   {_wrapped(_also_words(answer))}")
        blocks.append("")
    if more:
        blocks.append(_more(more))
    if not shown:
        blocks.append(f"Nothing that was searched gives {amount.text}. The nearest:\n")
        for number, one in enumerate(found.nearest, 1):
            away = one.value - amount.nearest_int
            side = "more" if away > 0 else "less"
            blocks.append(f"{number}. {_wrapped(f'{_sentence(one)}; {abs(away):,} {side}')}")
    if found.meant:
        blocks.append(f"\nDid you mean {' or '.join(found.meant)}?")
    return "\n".join(blocks).rstrip("\n") + "\n"


def _more(more: int) -> str:
    return f"{more} more fit{'s' if more == 1 else ''}; --all shows {'it' if more == 1 else 'them'}"


def _wrapped(text: str) -> str:
    return "\n".join(
        textwrap.wrap(text, LINE_COLUMNS - 3, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
    )


def _sentence(one: Candidate) -> str:
    return f"VGG {one.words}, {one.label}: {units.exact(one.value)} {_unit_words(one)}"


def _unit_words(one: Candidate) -> str:
    return "(MACs and single operations)" if one.unit == "mixed" else one.unit


def _fit_words(found: Explanation, answer: Answer) -> str:
    amount, value = found.amount, answer.candidate.value
    if answer.fit == "exact":
        return "exactly that"
    if answer.fit == "rounded":
        return f"rounds to {amount.text}"
    if answer.fit == "1024":
        base = 1024 if amount.scale % 1000 == 0 else 1000
        power = _power(amount.slip or 1, base)
        digits = f"{amount.digits / amount.tens:.{amount.decimals}f}"
        return f"divided by {base}^{power} it is {digits}" + (
            ", the old unit slip" if answer.candidate.unit != "B" else ""
        )
    return f"{amount.text} is twice this" if value < amount.nearest_int else f"{amount.text} is half of this"


def _power(number: int, base: int) -> int:
    power = 0
    while number > 1:
        number //= base
        power += 1
    return power


def _also_words(answer: Answer) -> str:
    names = list(dict.fromkeys(_short(one, answer.candidate) for one in answer.also))
    rest = len(names) - _NAMED
    return f"the same number: {'; '.join(names[:_NAMED])}" + (f"; and {rest} more" if rest > 0 else "")


def _short(one: Candidate, beside: Candidate) -> str:
    """What another candidate of the same number differs in: its convention, its network, or both."""
    what = one.convention.name if one.convention else one.quantity
    if one.only:
        return f"{what} of {part_words(one.only)} of {one.table.network.title}"
    if one.table is beside.table:
        return f"less {one.less.name}" if one.less and one.convention is beside.convention else what
    network = f"{one.table.network.title}, {one.table.network.variant.classes} classes, {one.table.input[2]} px"
    return network if one.convention is beside.convention else f"{what} of {network}"


def _row(found: Explanation, fit: str, one: Candidate) -> dict[str, Any]:
    return {
        "fit": fit,
        "network": one.words,
        "counted": one.convention.name if one.convention else one.quantity,
        "value": one.value,
        "unit": one.unit,
        "difference": one.value - found.amount.nearest_int,
        "decomposition": decomposition(one),
    }


def _document(found: Explanation, one: Candidate, more: Mapping[str, Any]) -> dict[str, Any]:
    network = one.table.network
    return {
        **more,
        "network": {"name": network.name, "title": network.title, "options": network.variant.options()},
        "input": list(one.table.input),
        "quantity": one.quantity,
        "convention": one.convention.name if one.convention else None,
        "unit": one.unit,
        "value": one.value,
        "difference": one.value - found.amount.nearest_int,
        "less_layer": one.less.name if one.less else None,
        "only_layers": [row.name for row in one.only],
        "decomposition": decomposition(one),
    }


def _json(found: Explanation, shown: Sequence[Answer], more: int) -> str:
    import json

    document = {
        "schema": "vggcost.explain/1",
        "given": found.amount.text,
        "value": found.amount.nearest_int,
        "quantity": found.amount.quantity,
        "answers": [
            _document(
                found,
                answer.candidate,
                {"fit": answer.fit, "also": [_short(one, answer.candidate) for one in answer.also]},
            )
            for answer in shown
        ],
        "more": more,
        "nearest": [_document(found, one, {}) for one in found.nearest],
        "meant": list(found.meant),
    }
    return json.dumps(document, indent=2) + "\n"
