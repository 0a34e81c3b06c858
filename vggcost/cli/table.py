"""``vggcost table``: what a network costs, layer by layer."""

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
    network_from,
)
from vggcost.cli.output import check_writable, emit
from vggcost.report.layers import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "table",
        "Every layer's output shape, parameters, MACs and FLOPs, and the totals.",
        "vggcost table --config D --formulas",
    )
    add_network(result)
    add_input(result)
    add_convention(result)
    group = result.add_argument_group("more columns and rows")
    group.add_argument("--formulas", action="store_true", help="each layer's formula, in letters and with its numbers")
    group.add_argument("--activations", action="store_true", help="output elements and their bytes")
    group.add_argument("--receptive-field", action="store_true", help="receptive field, stride and padding offset")
    group.add_argument("--all", action="store_true", help="also the rows that cost nothing (ReLU, dropout, ...)")
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the table."""
    fmt = format_from(args)
    check_writable(args.output)
    view = View(args.formulas, args.activations, args.receptive_field, args.all, args.human)
    network = network_from(args)
    counted = api.count(
        network,
        network.image,
        count_from(args.batch, "--batch", 1),
        dtype_from(args),
        convention_from(args),
    )
    emit(counted.rendered(fmt, view), args.output)
    return EXIT_FINE
