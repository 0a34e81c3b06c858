"""``vggcost table``: what a network costs, layer by layer."""

from __future__ import annotations

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, add_convention, add_input, add_network, add_output
from vggcost.cli.program_options import add_program
from vggcost.cli.request import request
from vggcost.cli.shaping import add_shape

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
    add_program(result)
    add_input(result)
    add_convention(result)
    group = result.add_argument_group("more columns and rows")
    group.add_argument("--formulas", action="store_true", help="each layer's formula, in letters and with its numbers")
    group.add_argument("--activations", action="store_true", help="each layer's output: elements, bytes, MiB, share")
    group.add_argument("--receptive-field", action="store_true", help="receptive field, stride and padding offset")
    group.add_argument("--all", action="store_true", help="also the rows that cost nothing (ReLU, dropout, ...)")
    add_shape(result)
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the table; that of a program is its audit."""
    asked = request(args)
    asked.check_shape_of_each()
    (counted,) = asked.counted()
    asked.write(asked.document(counted))
    return EXIT_FINE if counted.runs else EXIT_DIFFERS
