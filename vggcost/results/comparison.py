"""Several costs side by side, as ``vggcost compare`` and a report's summary show them."""

from __future__ import annotations

from vggcost.report import compare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.report.document import Document
    from vggcost.results.cost import Cost


def side_by_side(costs: Sequence[Cost], *, human: bool) -> Document:
    """A column a network."""
    return compare.document([cost.summary() for cost in costs], _header(costs), human=human)


def summary(costs: Sequence[Cost]) -> Document:
    """A row a network."""
    return compare.summary_document([cost.summary() for cost in costs], _header(costs))


def _header(costs: Sequence[Cost]) -> str:
    return compare.header_line([cost.table for cost in costs], costs[0].dtype, costs[0].convention_words)
