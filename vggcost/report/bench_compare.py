"""Two bench results side by side: the document of ``vggcost bench-compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.bench.between_processes import LEAST_PROCESSES
from vggcost.bench.statistics import CONFIDENCE, FASTER, SLOWER, UNDECIDED
from vggcost.report.document import Column, Document, Grid, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COLUMNS = (
    Column("what", "What"),
    Column("old", "Old", "number"),
    Column("new", "New", "number"),
    Column("ratio", "New/old", "number"),
    Column("interval", f"{CONFIDENCE:.0%} interval", "number"),
    Column("word", "Verdict"),
)
RECORD_COLUMNS = tuple(
    Column(key, key, kind)
    for key, kind in (
        ("network", "text"),
        ("input", "shape"),
        ("what", "text"),
        ("old_ns", "number"),
        ("new_ns", "number"),
        ("ratio", "number"),
        ("low", "number"),
        ("high", "number"),
        ("word", "text"),
    )
)

_UNKNOWN = {False: "too few forwards", True: "too few processes"}
"""Why there is no interval, by whether it would be one between processes."""


def document(compared: Mapping[str, Any]) -> Document:
    """Return the document of what `vggcost.bench.compare.comparison` found."""
    rows = [
        {**row, "network": case["network"]["title"], "input": case["input"]}
        for case in compared["cases"]
        for row in (*case["passes"], *case["layers"])
    ]
    return Document(compared, tuple(_blocks(compared)), Grid(RECORD_COLUMNS, rows))


def _blocks(compared: Mapping[str, Any]) -> Iterator[Text | Grid]:
    for change in compared["environment_changes"]:
        yield Text((f"Differs: {change}",))
    for word, titles in (("old", compared["only_old"]), ("new", compared["only_new"])):
        if titles:
            yield Text((f"Only in the {word} result, not compared: {', '.join(titles)}",))
    for case in compared["cases"]:
        title = f"{case['network']['title']} at {units.shape_text(tuple(case['input']))}: {case['word']}"
        yield Grid(COLUMNS, [_cells(row) for row in (*case["passes"], *case["layers"])], title=title)
    words = (
        f"{FASTER} or {SLOWER}: the whole interval lies more than {100 * compared['threshold']:.3g} % beyond a ratio"
        f" of 1; {UNDECIDED}: it does not."
    )
    yield Text((words, *_what_it_knows(compared)))


def _what_it_knows(compared: Mapping[str, Any]) -> Iterator[str]:
    """Say of what the intervals speak: of processes, of forwards, or of some rows the one and of some the other."""
    rows = [row for case in compared["cases"] for row in (*case["passes"], *case["layers"])]
    between = {tuple(row["processes"]) for row in rows if min(row["processes"]) >= LEAST_PROCESSES}
    for old, new in sorted(between):
        yield (
            f"The interval knows the spread between processes ({old} old, {new} new), each as one observation; the"
            f" intervals of all layers hold together with {compared['confidence']:.0%}, those of all passes as well."
        )
    if any(min(row["processes"]) < LEAST_PROCESSES for row in rows):
        yield "The interval knows the forwards of these two runs; it cannot know what a third run would have shown" + (
            " where a side has one process." if between else "; bench --repeat 5 measures both in several processes."
        )


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high = row["low"], row["high"]
    return {
        "what": row["what"],
        "old": None if row["old_ns"] is None else units.milliseconds(row["old_ns"]),
        "new": None if row["new_ns"] is None else units.milliseconds(row["new_ns"]),
        "ratio": None if row["ratio"] is None else f"{row['ratio']:.3f}",
        "interval": _UNKNOWN[min(row["processes"]) >= LEAST_PROCESSES]
        if low is None
        else f"{low:.3f} to {_upper(high)}",
        "word": row["word"],
    }


def _upper(high: float) -> str:
    """The interval's upper end; beyond a hundred times it says only that too few processes were run."""
    return f"{high:.3f}" if high < 100 else "100 and more"
