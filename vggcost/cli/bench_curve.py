"""``vggcost bench-curve``: a bench result of several batches, as a table or a picture over the batch."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import output_from
from vggcost.errors import VggcostError
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

PICTURES = {"svg": "svg", "png": "png", "pdf": "pdf"}
"""What --format has beside the tables, each with its ending."""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "bench-curve",
        "Latency and images/s of a bench result over the batch: the knee, and the largest batch that fits.\n"
        "Measure it with vggcost bench D --batch 1..256 --whole --format json -o result.json.",
        "vggcost bench-curve result.json -o curve.svg",
    )
    result.add_argument("result", metavar="RESULT", help="what vggcost bench --format json wrote")
    add_output(result, PICTURES, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the table, or draw the picture."""
    fmt, place = output_from(args)
    if fmt in PICTURES and place in (None, "-"):
        raise VggcostError(f"a picture ({fmt}) needs a file; give --output curve.{fmt}")
    from vggcost.bench.curve import curve_document
    from vggcost.bench.result import load
    from vggcost.report.bench_curve import document

    result = load(args.result)
    if place is None or fmt not in PICTURES:
        emit(rendered(document(curve_document(result)), fmt), place)
        return EXIT_FINE
    from vggcost.report.plots.curve import curve
    from vggcost.report.plots.picture import drawn
    from vggcost.results import whole_file

    whole_file.write_bytes(place, drawn(curve(result), fmt, command="bench-curve"))
    return EXIT_FINE
