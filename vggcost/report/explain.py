"""What a number may be: the document of ``vggcost explain``, sentences on the screen and rows in files."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.amounts import FLOP, MAC
from vggcost.conventions.explain import decomposition, part_words
from vggcost.conventions.figure_rows import QUOTES
from vggcost.conventions.searched import FLOAT32_BYTES
from vggcost.formulas.forward import flops
from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from vggcost.conventions.explain import Answer, Candidate, Explanation
    from vggcost.conventions.figures import Quote

SHOWN = 5
"""How many answers are shown where not all are asked for."""

_NAMED = 4
"""How many others of the same number are named in words."""

_COLUMNS = (
    Column("fit", "Fits"),
    Column("network", "Network"),
    Column("counted", "Counted as"),
    Column("value", "Number", "count"),
    Column("unit", "Unit"),
    Column("difference", "Less what was asked", "count"),
    Column("decomposition", "Consists of", fills=True),
)
_ALSO = Column("also", "The same number", fills=True)


def document(found: Explanation, *, every: bool) -> Document:
    """Return the answers, the first five or every one; where there is none, what comes nearest."""
    shown = found.answers if every else found.answers[:SHOWN]
    more = len(found.answers) - len(shown)
    rows = [_row(found, _fit_words(found, answer), answer.candidate, answer) for answer in shown]
    rows += [_row(found, "no fit, near", one) for one in found.nearest]
    rows = [_row(found, "in print, no fit", one) for _, one in found.quoted] + rows
    columns = (*_COLUMNS, _ALSO) if any(answer.also for answer in shown) else _COLUMNS
    blocks = []
    if found.typed:
        others = "".join(f", and so does {text}" for text in found.meant[1:])
        blocks.append(Text((f"Nothing that was searched gives {found.typed}; {found.amount.text} does{others}:",)))
    blocks += [Text(tuple(_quoted_line(found, *quoted) for quoted in found.quoted))] if found.quoted else []
    blocks += [Text(_answer_lines(found, *numbered), hang="   ", where=SCREEN) for numbered in enumerate(shown, 1)]
    if not shown and not found.quoted:
        blocks.append(Text((f"Nothing that was searched gives {found.amount.text}. The nearest:",)))
        blocks.append(Text(tuple(_near_lines(found)), hang="   ", where=SCREEN))
    after = [Text((_more(more),))] if more else []
    return Document(
        _data(found, shown, more), (*blocks, Grid(columns, rows, where=FILES), *after), Grid(_COLUMNS, rows)
    )


def _answer_lines(found: Explanation, number: int, answer: Answer) -> tuple[str, ...]:
    one = answer.candidate
    lines = [f"{number}. {_sentence(one)}; {_fit_words(found, answer)}{_unit_slip(found, one)}"]
    if decomposition(one) not in ("", f"{one.value:,} MACs"):
        lines.append(f"   = {decomposition(one)}")
    if one.figure and one.figure.why:
        lines.append(f"   {one.figure.why}")
    if answer.also:
        lines.append(f"   the same number: {_also_words(answer)}")
    return tuple(lines)


def _unit_slip(found: Explanation, one: Candidate) -> str:
    """What is said where a number is quoted in FLOPs and is one of MACs."""
    if found.amount.unit != FLOP or one.unit != MAC:
        return ""
    return f", in the wrong unit: these are MACs, {flops(one.value):,} FLOP"


def _quoted_line(found: Explanation, quote: Quote, rows: Candidate) -> str:
    """What is known of a number in print that no rule gives."""
    printed = " and ".join(one.text for one in QUOTES if one.figure == quote.figure)
    values = rows.value // FLOAT32_BYTES
    return (
        f"{found.amount.text}: {quote.said}. Those rows, of {rows.words}, sum to {values:,} values = {rows.value:,} B"
        f" = {units.human_bytes(rows.value)}; the printed {printed} are no sum of them, and no rule that gives them is"
        " known."
    )


def _near_lines(found: Explanation) -> Iterator[str]:
    for number, one in enumerate(found.nearest, 1):
        away = one.value - found.amount.nearest_int
        yield f"{number}. {_sentence(one)}; {abs(away):,} {'more' if away > 0 else 'less'}"


def _more(more: int) -> str:
    return f"{more} more fit{'s' if more == 1 else ''}; --all shows {'it' if more == 1 else 'them'}"


def _sentence(one: Candidate) -> str:
    return f"{one.searched.described.noun}{one.words}, {one.label}: {units.exact(one.value)} {_unit_words(one)}"


def _unit_words(one: Candidate) -> str:
    return "(MACs and single operations)" if one.unit == "mixed" else one.unit


def _fit_words(found: Explanation, answer: Answer) -> str:
    amount, value = found.amount, answer.candidate.value
    if answer.fit == "exact":
        return "exactly that"
    if answer.fit == "printed" and answer.candidate.figure and answer.candidate.figure.text:
        return f"which it prints as {answer.candidate.figure.text(value)}"
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
    return "; ".join(names[:_NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def _short(one: Candidate, beside: Candidate) -> str:
    """What another candidate of the same number differs in: its convention, its network, or both."""
    what = _counted(one)
    if one.only:
        return f"{what} of {part_words(one.only)} of {one.searched.described.title}"
    if one.searched is beside.searched:
        return f"less {one.less.name}" if one.less and one.convention is beside.convention else what
    title = one.searched.described.title + (f" less {one.less.name}" if one.less else "")
    same = one.convention is beside.convention and one.figure is beside.figure
    return title if same else f"{what} of {title}"


def _counted(one: Candidate) -> str:
    """What is counted, as one word."""
    if one.figure:
        return one.figure.name
    return one.convention.name if one.convention else one.quantity


def _row(found: Explanation, fit: str, one: Candidate, answer: Answer | None = None) -> dict[str, Any]:
    return {
        "fit": fit,
        "network": one.words,
        "counted": _counted(one),
        "value": one.value,
        "unit": one.unit,
        "difference": one.value - found.amount.nearest_int,
        "decomposition": decomposition(one),
        "also": _also_words(answer) if answer and answer.also else None,
    }


def _candidate_data(found: Explanation, one: Candidate, more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **more,
        "network": one.searched.described.identity,
        "input": _plain(one.searched.described.inputs),
        "quantity": one.quantity,
        "convention": one.convention.name if one.convention else None,
        "figure": one.figure.name if one.figure else None,
        "printed": one.figure.text(one.value) if one.figure and one.figure.text else None,
        "unit": one.unit,
        "value": one.value,
        "difference": one.value - found.amount.nearest_int,
        "less_layer": one.less.name if one.less else None,
        "only_layers": [row.name for row in one.only],
        "decomposition": decomposition(one),
    }


def _plain(inputs: tuple[tuple[int, ...], ...]) -> list[Any]:
    """One shape as a list, several as a list of them."""
    return list(inputs[0]) if len(inputs) == 1 else [list(shape) for shape in inputs]


def _data(found: Explanation, shown: Sequence[Answer], more: int) -> dict[str, Any]:
    return {
        "schema": "vggcost.explain/1",
        "given": found.typed or found.amount.text,
        "read_as": found.amount.text,
        "value": found.amount.nearest_int,
        "quantity": found.amount.quantity,
        "unit": found.amount.unit,
        "answers": [
            _candidate_data(
                found,
                answer.candidate,
                {"fit": answer.fit, "also": [_short(one, answer.candidate) for one in answer.also]},
            )
            for answer in shown
        ],
        "more": more,
        "nearest": [_candidate_data(found, one, {}) for one in found.nearest],
        "meant": list(found.meant),
        "quoted": [_candidate_data(found, rows, {"text": quote.text}) for quote, rows in found.quoted],
    }
