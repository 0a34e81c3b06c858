"""A document's one record as CSV: plain exact values under their keys, for a program."""

from __future__ import annotations

import csv
import io

from vggcost import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.report.document import Column, Document


def render(document: Document) -> str:
    """Return a line of keys and a line a row; an empty cell where there is no value."""
    columns = document.record.columns
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in document.record.rows:
        writer.writerow([_plain(column, row.get(column.key)) for column in columns])
    return buffer.getvalue()


def _plain(column: Column, value: Any) -> Any:
    return units.shape_text(value) if column.kind in ("shape", "pair") and value is not None else value
