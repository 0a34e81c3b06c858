"""``vggcost bench-curve``: a bench result of several batches, as a table or a picture over the batch."""

from __future__ import annotations

from vggcost.cli.drawn import add_table_or_picture, read_place, show
from vggcost.cli.options import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.report.document import Document
    from vggcost.report.plots.picture import Drawing


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "bench-curve",
        "Latency and images/s of a bench result over the batch: the knee, and the largest batch that fits.\n"
        "Measure it with vggcost bench D --batch 1..256 --whole --format json -o result.json.",
        "vggcost bench-curve result.json -o curve.svg",
    )
    result.add_argument("result", metavar="RESULT", help="what vggcost bench --format json wrote")
    add_table_or_picture(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the table, or draw the picture."""
    fmt, place = read_place(args, "curve")
    from vggcost.bench.result import load

    result = load(args.result)

    def document() -> Document:
        from vggcost.bench.curve import curve_document
        from vggcost.report.bench_curve import document

        return document(curve_document(result))

    def picture() -> Drawing:
        from vggcost.report.plots.curve import curve

        return curve(result)

    return show(fmt, place, document, picture, "bench-curve")
