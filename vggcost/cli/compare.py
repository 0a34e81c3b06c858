"""``vggcost compare``: configurations side by side."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_convention, add_input, add_network, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import request
from vggcost.network.catalogue import TABLE_1
from vggcost.report.comparison import comparison
from vggcost.results.cost import common_header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "compare",
        "Configurations side by side, one a column; all six without a name. The paper's Table 2 stands beside ours.",
        "vggcost compare A B D E",
    )
    add_network(result, several=True)
    add_input(result)
    add_convention(result)
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the comparison."""
    asked = request(args, default=tuple(TABLE_1))
    costs = [asked.count(network) for network in asked.networks]
    summaries = [cost.summary() for cost in costs]
    emit(comparison(summaries, common_header(costs), asked.fmt, human=asked.view.human), asked.place)
    return EXIT_FINE
