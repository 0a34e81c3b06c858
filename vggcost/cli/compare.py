"""``vggcost compare``: configurations side by side."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_convention,
    add_input,
    add_network,
    add_output,
    convention_from,
    count_from,
    dtype_from,
    format_from,
    networks_from,
)
from vggcost.cli.output import check_writable, emit
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
    fmt = format_from(args)
    check_writable(args.output)
    batch, dtype = count_from(args.batch, "--batch", 1), dtype_from(args)
    convention = convention_from(args)
    networks = networks_from(args, tuple(TABLE_1))
    costs = [api.count(network, network.image, batch, dtype, convention) for network in networks]
    emit(rendered(side_by_side(costs, human=args.human), fmt), args.output)
    return EXIT_FINE
