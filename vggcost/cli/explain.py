"""``vggcost explain``: where a number from a paper or a README comes from."""

from __future__ import annotations

from vggcost.amounts import read_amount
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_output, format_from
from vggcost.cli.output import check_writable, emit
from vggcost.explain import explain
from vggcost.report.explanation import explanation_text

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
        "pixels, every convention, the parameters and their bytes, and each network less one layer.",
        "vggcost explain 15.61G",
    )
    result.add_argument(
        "number",
        nargs="+",
        metavar="NUMBER",
        help="15.61G, 138M params, 528MB, 30.94 GFLOPs, 15,470,264,320: k, M, G, T, B; MAC, FLOPs, params, MB, MiB",
    )
    result.add_argument("--all", action="store_true", help="every answer, not the first five")
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Search and print what fits."""
    fmt = format_from(args)
    check_writable(args.output)
    found = explain(read_amount(" ".join(args.number)))
    emit(explanation_text(found, fmt, every=args.all), args.output)
    return EXIT_FINE
