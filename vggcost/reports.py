"""The files of a report: a CSV and a Markdown table a network, and one summary of all in both."""

from __future__ import annotations

from vggcost import units
from vggcost.configs import TABLE_1
from vggcost.report.comparison import comparison, summary_markdown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vggcost.costed import Cost

VARIANTS = tuple(f"{letter}{ending}" for letter in TABLE_1 for ending in ("", "-bn"))
"""The twelve names that a report holds where none is asked for."""


def report_files(costs: Iterable[Cost]) -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each file, the summary last."""
    summaries = []
    header = ""
    for cost in costs:
        name = cost.network.short_name
        yield f"{name}.csv", cost.to_csv()
        yield f"{name}.md", f"# {name}\n\n{cost.to_markdown()}"
        summaries.append(cost.summary())
        header = f"input {units.shape_text(cost.input)} {cost.dtype}; {cost.convention_words}"
    yield "summary.csv", comparison(summaries, "", "csv")
    yield "summary.md", f"# Summary\n\n{summary_markdown(summaries, header)}"
