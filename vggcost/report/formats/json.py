"""A document's data as JSON; every int exact."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.report.document import Document


def render(document: Document) -> str:
    """Return the data, set in by two."""
    data = dict(document.data)
    return document.write_data(data) if document.write_data is not None else json.dumps(data, indent=2) + "\n"
