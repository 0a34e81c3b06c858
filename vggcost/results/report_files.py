"""The files of a report: a CSV and a Markdown table a network, and one summary of all in both."""

from __future__ import annotations

from vggcost.network.catalogue import TABLE_1
from vggcost.report.comparison import comparison, summary_markdown
from vggcost.results.cost import common_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.results.cost import Cost

VARIANTS = tuple(f"{letter}{ending}" for letter in TABLE_1 for ending in ("", "-bn"))
"""The twelve names that a report holds where none is asked for."""

SUMMARY = "summary"
"""The file of all networks, which no network can be called."""


def report_files(costs: Iterable[Cost]) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each file, the summary last."""
    counted = []
    for cost in costs:
        name = cost.network.short_name
        yield f"{name}.csv", cost.to_csv()
        yield f"{name}.md", f"# {name}\n\n{cost.to_markdown()}"
        counted.append(cost)
    summaries = [cost.summary() for cost in counted]
    yield f"{SUMMARY}.csv", comparison(summaries, "", "csv")
    yield f"{SUMMARY}.md", f"# Summary\n\n{summary_markdown(summaries, common_header(counted))}"
