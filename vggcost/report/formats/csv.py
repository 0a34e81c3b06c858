"""A document's one record as CSV: plain exact values under their keys, for a program.

A spreadsheet runs a text that begins with = + - @ as a formula, so such a text has a ' before it, and so has one that
begins with ' itself: what is read back without its first ' is the text (https://owasp.org/www-community/attacks/
CSV_Injection). Numbers are as they are.
"""

from __future__ import annotations

import csv
import io

from vggcost.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.report.document import Document

_FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
"""What a spreadsheet may read as the head of a formula, in full width too, and the sign that keeps it from that."""


def render(document: Document) -> str:
    """Return a line of keys and a line a row; an empty cell where there is no value."""
    columns = document.record.columns
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_text(column.key) for column in columns])
    for row in document.record.rows:
        writer.writerow([_cell(column.plain(row.get(column.key))) for column in columns])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else _text(str(value))


def _text(text: str) -> str:
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
