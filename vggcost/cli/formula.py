"""``vggcost formula``: the closed forms of a network or of one layer."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_input, add_network, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import request
from vggcost.report import formula

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "formula",
        "Parameters, MACs, bias additions and activations as polynomials in N (batch), K (classes) and a, b for an\n"
        "image of 32a x 32b pixels. A number given for --batch, --classes or --size takes its symbol's place.",
        "vggcost formula --config D --layer conv3_1",
    )
    add_network(result)
    add_input(result, dtype=False)
    result.add_argument("--layer", metavar="NAME", help="one layer's: conv1_1 ... fc8")
    add_output(result, formula.PYTHON, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the closed forms."""
    asked = request(args)
    (plan,) = asked.plans
    form = api.symbolic(plan, asked.options, asked.size, asked.batch if asked.batches else None)
    all_symbols = not asked.batches and asked.size is None and "classes" not in asked.options
    emit(formula.text(form, plan, asked.fmt, args.layer, with_value=all_symbols), asked.place)
    return EXIT_FINE
