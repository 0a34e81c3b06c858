"""``vggcost roofline``: a bench result as a picture."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, Read, read_count
from vggcost.cli.output import check_writable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "roofline",
        "Draw a bench result: this machine's measured ceilings, and one named point a layer, its area its\n"
        "share of the time.",
        "vggcost roofline result.json -o roofline.svg",
    )
    result.add_argument("result", metavar="RESULT", help="what vggcost bench --format json wrote")
    result.add_argument("--config", metavar="NAME", help="the network, where the result has several")
    result.add_argument(
        "--batch", action=Read, read=read_count, metavar="N", help="the batch, where the result has several"
    )
    result.add_argument("-o", "--output", metavar="FILE", required=True, help="a name that ends in .svg, .png or .pdf")
    return result


def run(args: Namespace) -> int:
    """Draw and write the picture."""
    check_writable(args.output)
    from vggcost.bench.result import load
    from vggcost.bench.roofline import case_of
    from vggcost.report.plots.picture import file_format
    from vggcost.report.plots.roofline import roofline
    from vggcost.results import whole_file

    fmt = file_format(args.output)
    document = load(args.result)
    picture = roofline(document, case_of(document, args.config, args.batch), fmt)
    whole_file.write_bytes(args.output, picture)
    return EXIT_FINE
