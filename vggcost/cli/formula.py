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
from vggcost.report import formula_text

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
    add_output(result, formula_text.FORMATS, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the closed forms."""
    fmt = format_from(args, formula_text.FORMATS)
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
    if fmt == "json":
        return formula_text.json_text(form, args.layer)
    if fmt == "latex":
        return formula_text.latex_text(form, args.layer)
    if fmt == "python":
        return formula_text.python_text(form)
    if args.layer:
        return formula_text.layer_text(form, args.layer)
    text = formula_text.table_text(form, form.parts())
    if args.size is None and args.batch is None and args.classes is None:
        height, width = plan.size if form.symbolic_image else form.image
        usual = {"batch": 1, "classes": plan.variant.classes, "height": height, "width": width}
        if not (height % form.unit or width % form.unit):
            text += formula_text.value_line(form.at(**usual), **usual)
    return text
