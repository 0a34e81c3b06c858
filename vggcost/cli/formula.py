"""``vggcost formula``: the closed forms of a network or of one layer."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_input,
    add_network,
    add_output,
    configuration_from,
    count_from,
    format_from,
    size_from,
    variant_options,
)
from vggcost.cli.output import check_writable, emit
from vggcost.report import formula
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.costs.closed_forms import ClosedForm
    from vggcost.network.catalogue import Configuration


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
    fmt = format_from(args, formula.PYTHON)
    check_writable(args.output)
    plan = configuration_from(args)
    form = api.symbolic(
        plan,
        variant_options(args),
        None if args.size is None else size_from(args.size),
        None if args.batch is None else count_from(args.batch, "--batch", 1),
    )
    emit(_text(form, plan, fmt, args), args.output)
    return EXIT_FINE


def _text(whole: ClosedForm, plan: Configuration, fmt: str, args: Namespace) -> str:
    form = whole.layer(args.layer) if args.layer else whole
    if fmt in formula.PYTHON:
        return formula.python_text(form)
    if args.layer:
        return rendered(formula.layer_document(form, args.layer), fmt)
    given = args.size is not None or args.batch is not None or args.classes is not None
    return rendered(formula.document(form, None if given else _usual(form, plan)), fmt)


def _usual(form: ClosedForm, plan: Configuration) -> dict[str, int] | None:
    """The input that people mean when they name none; None where the closed forms have no value for its size."""
    height, width = plan.size if form.symbolic_image else form.image
    if height % form.unit or width % form.unit:
        return None
    return {"batch": 1, "classes": plan.variant.classes, "height": height, "width": width}
