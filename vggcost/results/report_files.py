"""The files of a report: a CSV and a Markdown table a network, and one summary of all in both."""

from __future__ import annotations

from vggcost.network.catalogue import TABLE_1
from vggcost.report.formats import FORMATS, rendered
from vggcost.results.comparison import summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.report.document import Document
    from vggcost.results.cost import Cost

VARIANTS = tuple(f"{letter}{ending}" for letter in TABLE_1 for ending in ("", "-bn"))
"""The twelve names that a report holds where none is asked for."""

SUMMARY = "summary"
"""The file of all networks, which no network can be called."""

FILE_FORMATS = ("csv", "markdown")
"""The formats that a report keeps."""


def report_files(costs: Iterable[Cost]) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each file, the summary last."""
    counted = []
    for cost in costs:
        name = cost.network.short_name
        yield from _files(name, name, cost.document())
        counted.append(cost)
    yield from _files(SUMMARY, "Summary", summary(counted))


def _files(name: str, title: str, document: Document) -> Iterator[tuple[str, str]]:
    for fmt in FILE_FORMATS:
        _, ending = FORMATS[fmt]
        heading = f"# {title}\n\n" if fmt == "markdown" else ""
        yield f"{name}.{ending}", heading + rendered(document, fmt)
