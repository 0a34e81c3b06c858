"""``vggcost compare``: configurations side by side."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_convention, add_input, add_network, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import request
from vggcost.network.catalogue import TABLE_1
from vggcost.report.formats import rendered
from vggcost.results.comparison import side_by_side

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
    emit(rendered(side_by_side(costs, human=asked.view.human), asked.fmt), asked.place)
    return EXIT_FINE
