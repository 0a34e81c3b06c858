"""``vggcost formula``: the closed forms of a network or of one layer."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.memory import add_mixed, add_training, training_from
from vggcost.cli.options import NO_INPLACE, Parser, add_input, add_network, add_output
from vggcost.cli.output import emit
from vggcost.cli.program_options import add_program
from vggcost.cli.request import request
from vggcost.errors import Needs, VggcostError
from vggcost.network import catalogue
from vggcost.programs.identify import compare
from vggcost.report import formula

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from vggcost.network.plan import Configuration
    from vggcost.results.audit import Audit


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "formula",
        "Parameters, MACs, bias additions and elements of the outputs as polynomials in N (batch), K (classes)\n"
        "and a, b for an image of 32a x 32b pixels. A number given for --batch, --classes or --size takes its\n"
        "symbol's place. A program has the closed forms of the configuration that it is.\n"
        "With --memory, the memory's as well: what is kept, and each moment that can be the peak.",
        "vggcost formula --config D --layer conv3_1",
    )
    add_network(result)
    add_program(result)
    add_input(result)
    result.add_argument("--layer", metavar="NAME", help="one layer's: conv1_1 ... fc8")
    result.add_argument(
        "--memory",
        action="store_true",
        help="the memory's too, at --dtype: a forward call's, and with --training a step's; a peak is the largest of"
        " several moments, each with its form",
    )
    result.add_argument("--no-inplace", action="store_true", help=NO_INPLACE)
    add_mixed(result)
    add_training(result)
    add_output(result, formula.PYTHON, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the closed forms."""
    asked = request(args)
    with_memory = args.memory or args.training
    others = {"--dtype": asked.dtype != "float32", "--no-inplace": args.no_inplace, "--mixed": args.mixed}
    for option, given in others.items():
        if given and not with_memory:
            raise VggcostError(f"{option} is given without --memory; add --memory, or leave it away")
    if args.layer and with_memory:
        raise VggcostError("--layer and --memory do not go together: a moment is the whole network's; leave one away")
    (subject,) = asked.subjects
    plan, options = _of_program(asked.audited(subject)) if isinstance(subject, str) else (subject, asked.options)
    with Needs("vggcost formula", "sympy", "formula"):
        from vggcost.costs.closed_forms import memory_of

    form = api.symbolic(plan, options, asked.size, asked.batch if asked.batches else None)
    counted = form.counted()
    training = training_from(args, counted)
    memory = (
        memory_of(form, counted, asked.dtype, training, in_place=not args.no_inplace, mixed=args.mixed)
        if with_memory
        else None
    )
    all_symbols = not asked.batches and asked.size is None and "classes" not in options
    emit(formula.text(form, plan, asked.fmt, args.layer, memory, with_value=all_symbols), asked.place)
    return EXIT_FINE


def _of_program(audit: Audit) -> tuple[Configuration, dict[str, Any]]:
    """The configuration that a program is, and its variant; the classes stay a symbol.

    Raises:
        VggcostError: it is none.
    """
    name = audit.paper.letter if audit.paper.same else audit.same_as
    if name is None:
        program = audit.reading.program
        raise VggcostError(
            f"closed forms are a configuration's, and {program} is none ({audit.verdict}); vggcost table has numbers"
        )
    plan = catalogue.find(name)
    variant = (audit.paper if audit.paper.same else compare(audit.reading, plan)).network.variant
    return plan, {key: value for key, value in variant.options().items() if key != "classes" and value is not None}
