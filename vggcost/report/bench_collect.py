"""The cells of a bench over a space: what ``vggcost bench-collect`` shows."""

from __future__ import annotations

from vggcost import units
from vggcost.report.document import Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    Rows = Sequence[Mapping[str, Any]]


def document(rows: Rows, drift: Mapping[str, Mapping[str, Any]]) -> Document:
    """Return the document of all cells, a row each."""
    data = {"schema": "vggcost.bench-collect/1", "cells": [dict(row) for row in rows], "drift": dict(drift)}
    record = Grid(tuple(Column(key, key) for key in rows[0]), rows)
    return Document(data, lambda: tuple(_blocks(rows, drift)), record)


def _blocks(rows: Rows, drift: Mapping[str, Mapping[str, Any]]) -> Iterator[Text | Grid]:
    cells = [row for row in rows if not row["repeat"]]
    failed = sum(row["status"] != "measured" for row in cells)
    yield Text((f"{units.counted(len(cells), 'cell')}, {failed} of them without times",), style="head")
    fixed = {"tag", "network", "size", "batch", "dtype", "layout", "status", "median", "speed"}
    columns = [
        Column("tag", "Device"),
        Column("network", "Network"),
        *(Column(name, name) for name in rows[0] if name not in NAMED),
        Column("size", "Size", "pair"),
        Column("batch", "Batch", "number"),
        Column("dtype", "Dtype"),
        *([Column("layout", "Layout")] if len({row["layout"] for row in rows}) > 1 else []),
        Column("status", "Status"),
        Column("median", "Median ms", "number"),
        Column("speed", "images/s", "number"),
    ]
    shown = [
        {
            **{name: row[name] for name in row if name not in fixed},
            **{name: row[name] for name in ("tag", "network", "batch", "dtype", "layout", "status")},
            "size": (row["height"], row["width_px"]),
            "median": None if row["median_ms"] is None else f"{row['median_ms']:,.2f}",
            "speed": None if row["images_per_s"] is None else f"{row['images_per_s']:,.1f}",
        }
        for row in cells
    ]
    yield Grid(tuple(columns), shown)
    lines = [
        f"{tag}: the reference was measured {own['n']} times, {own['least_ms']:,.2f} to {own['most_ms']:,.2f} ms,"
        f" a drift of {own['spread']:.1%}"
        for tag, own in drift.items()
    ]
    lines += [
        f"{row['network']} at batch {row['batch']} on {row['tag']}: {row['message']}" for row in cells if row["message"]
    ]
    if lines:
        yield Text(tuple(lines))


NAMED = frozenset(
    (
        *("tag", "device_name", "host", "network", "height", "width_px", "batch", "dtype", "layout", "repeat"),
        *("status", "median_ms", "q1_ms", "q3_ms", "forwards", "images_per_s", "driver", "uuid", "message", "file"),
    )
)
"""The columns of every folder; what a row has beside them are axes of its space."""
