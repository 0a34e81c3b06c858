"""``vggcost explain``: where a number from a paper or a README comes from."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import output_from
from vggcost.conventions.amounts import read_amount
from vggcost.conventions.explain import explain
from vggcost.errors import VggcostError
from vggcost.report import explain as explain_report
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "explain",
        "Which configuration, variant and convention give a number: to the digit, as it was rounded, over 1024^n\n"
        "instead of 1000^n, or doubled or halved.\n"
        "Searched are all configurations, with and without batch normalization, 1000 and 10 classes, 224 and 32\n"
        "pixels, at 32 also with the heads none, 512 and 512,512; every convention, the parameters and their bytes;\n"
        "each network less one layer; and of the paper's networks the convolutions, the classifier and each layer\n"
        "alone.",
        "vggcost explain 15.61G",
    )
    result.add_argument(
        "number",
        metavar="NUMBER",
        help="15.61G, 138M params, 528MB, 30.94 GFLOPs, 15,470,264,320: k, M, G, T, B; MAC, FLOPs, params, MB, MiB",
    )
    result.add_argument(
        "unit", nargs="*", metavar="UNIT", help="the rest of it, where it is written apart: 138 M params"
    )
    result.add_argument("--all", action="store_true", help="every answer, not the first five")
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Search and print what fits."""
    fmt, place = output_from(args)
    words = " ".join((args.number, *args.unit))
    second = next((word for word in words.split()[1:] if word[0].isdigit()), None)
    if second:
        raise VggcostError(
            f"{words!r} has a second number, {second!r}; give one at a time, in one piece: 15,470,264,320"
        )
    found = explain(read_amount(words))
    emit(rendered(explain_report.document(found, every=args.all), fmt), place)
    return EXIT_FINE
