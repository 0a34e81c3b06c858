"""What other tools call memory, and count of a training step: the document of ``vggcost conventions --memory``."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.convention import DEFINITION, LIVE, RECORDED
from vggcost.conventions.definitions import DEFINITIONS
from vggcost.conventions.figure_rows import FIGURES
from vggcost.conventions.figures import Sizes
from vggcost.report.document import FILES, SCREEN, Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.conventions.figures import Figure
    from vggcost.costs.table import Table

PROOFS = {
    LIVE: "held to the tool's own text by tests that run it",
    RECORDED: "held to texts recorded from its release",
    DEFINITION: "a sum of rows that stand in print",
}
"""What holds a figure, in words."""

_COLUMNS = (
    Column("name", "Figure", where=FILES),
    Column("tool", "Tool"),
    Column("release", "Release", where=FILES),
    Column("words", "What it says", where=FILES),
    Column("label", "What it says", where=SCREEN),
    Column("printed", "It prints", "number"),
    Column("value", "Exactly", "count", where=FILES),
    Column("unit", "Unit", where=FILES),
    Column("exact", "Exactly", "number", where=SCREEN),
    Column("definition", "In place of", where=FILES),
    Column("difference", "Difference", "count", where=FILES),
    Column("beside", "Beside vggcost's", where=SCREEN, fills=True),
    Column("consists", "Consists of", where=FILES, fills=True),
    Column("proof", "Proof", where=FILES),
)
_RECORD_COLUMNS = tuple(column for column in _COLUMNS if column.where != SCREEN)


def document(counted: Table, dtype: str, *, human: bool) -> Document:
    """Return what each tool prints of a network, and vggcost's own numbers beside it."""
    sizes = Sizes(counted, dtype)
    own = {one.name: one.value(sizes) for one in DEFINITIONS}
    rows = [_row(one, sizes, own) for one in FIGURES]
    rows_in_words = [{**row, "consists": one.consists(sizes)} for one, row in zip(FIGURES, rows, strict=True)]
    shown = [
        {**row, "label": _label(row), "exact": _exact(row, human), "beside": _beside(row)} for row in rows_in_words
    ]
    data = {
        "schema": "vggcost.figures/1",
        "network": counted.network.identity(),
        "input": list(counted.input),
        "dtype": dtype,
        "figures": rows,
        "definitions": own,
    }
    header = (
        f"VGG {counted.network.title}, {counted.network.variant.classes} classes; input"
        f" {units.shape_text(counted.input)} {dtype}; what tools call memory, and count of a training step"
    )
    blocks = (Text((header,), style="head"), Grid(_COLUMNS, shown, notes=(Text(_notes(rows, own), style="list"),)))
    return Document(data, blocks, Grid(_RECORD_COLUMNS, rows_in_words), human)


def _row(one: Figure, sizes: Sizes, own: Mapping[str, int | None]) -> dict[str, Any]:
    value = one.value(sizes)
    beside = own[one.definition] if one.definition else None
    parts = () if value is None or one.of_count or one.of_totals else one.parts(sizes)
    return {
        "name": one.name,
        "tool": one.tool,
        "release": one.release,
        "words": one.words,
        "printed": None if value is None or one.text is None else one.text(value),
        "value": value,
        "unit": one.unit,
        "definition": one.definition,
        "difference": None if value is None or beside is None else value - beside,
        "parts": [{"weight": weight, "words": words, "amount": amount} for weight, words, amount in parts],
        "of_count": one.of_count,
        "times": one.times if one.of_count else None,
        "why": one.refusal(sizes.dtype) or one.why,
        "proof": one.proof,
        "source": one.source,
    }


def _label(row: Mapping[str, Any]) -> str:
    """The tool's words without the unit, which stands behind the number."""
    return str(row["words"]).removesuffix(" (MB)")


def _exact(row: Mapping[str, Any], human: bool) -> str:
    value, unit = row["value"], row["unit"]
    if value is None:
        return ""
    if human:
        return units.human_bytes(value) if unit == "B" else f"{units.human(value)}{unit}"
    return f"{value:,} B" if unit == "B" else f"{value:,}\n{unit}"


def _beside(row: Mapping[str, Any]) -> str:
    if row["definition"] is None or row["difference"] is None:
        return ""
    away = row["difference"]
    return f"{row['definition']}\n{away:+,}" if away else f"{row['definition']}, same"


def _notes(rows: Sequence[Mapping[str, Any]], own: Mapping[str, int | None]) -> tuple[str, ...]:
    lines = [f"{row['tool']}, {row['words']}: {row['why']}" for row in rows]
    known = [f"{name} {value:,}" for name, value in own.items() if value is not None]
    lines.append(f"vggcost's own, with plain SGD but for the optimizer_bytes of adam: {', '.join(known)}")
    for proof, words in PROOFS.items():
        tools = dict.fromkeys(row["tool"] for row in rows if row["proof"] == proof)
        lines.append(f"{words}: {', '.join(tools)}")
    return tuple(lines)
