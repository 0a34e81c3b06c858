"""``vggcost formula``: the closed forms of a network or of one layer."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_input,
    add_network,
    add_output,
    count_from,
    format_from,
    one_name_from,
    size_from,
    variant_from,
)
from vggcost.cli.output import check_writable, emit
from vggcost.report import formula_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.closed_forms import ClosedForm

USUAL = {"batch": 1, "classes": 1000, "height": 224, "width": 224}
"""The input that people mean when they name none."""


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
    variant = variant_from(args)
    form = api.closed_form(
        one_name_from(args),
        batch_norm=variant.batch_norm,
        classes=None if args.classes is None else variant.classes,
        in_channels=variant.in_channels,
        bias=variant.bias,
        adaptive_pool=variant.adaptive_pool,
        size=None if args.size is None else size_from(args.size),
        batch=None if args.batch is None else count_from(args.batch, "--batch", 1),
    )
    emit(_text(form, fmt, args), args.output)
    return EXIT_FINE


def _text(whole: ClosedForm, fmt: str, args: Namespace) -> str:
    form = whole.layer(args.layer) if args.layer else whole
    if fmt == "json":
        return formula_text.json_text(form, args.layer)
    if fmt == "latex":
        return formula_text.latex_text(form)
    if fmt == "python":
        return formula_text.python_text(form)
    if args.layer:
        return formula_text.layer_text(form, args.layer)
    text = formula_text.table_text(form, form.parts())
    if args.size is None and args.batch is None and args.classes is None:
        text += formula_text.value_line(form.at(**USUAL), **USUAL)
    return text
