"""``vggcost bench-collect``: the results of a bench over a space, as one table or a picture."""

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
        "bench-collect",
        "The results of vggcost bench --space in one table, a row a cell, failures and the repeats of the reference\n"
        "among them; or a picture of time against batch, a panel a device.",
        "vggcost bench-collect results/ -o cells.csv",
    )
    result.add_argument("folder", metavar="FOLDER", help="what vggcost bench --space SPACE.toml -o FOLDER wrote")
    add_output(result, PICTURES, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the table, or draw the picture."""
    fmt, place = output_from(args)
    if fmt in PICTURES and place in (None, "-"):
        raise VggcostError(f"a picture ({fmt}) needs a file; give --output cells.{fmt}")
    from vggcost.report.bench_collect import document
    from vggcost.sweep.collected import collected, drift

    rows = collected(args.folder)
    if place is None or fmt not in PICTURES:
        emit(rendered(document(rows, drift(rows)), fmt), place)
        return EXIT_FINE
    from vggcost.report.plots.cells import cells
    from vggcost.report.plots.picture import drawn
    from vggcost.results import whole_file

    whole_file.write_bytes(place, drawn(cells(rows), fmt, command="bench-collect"))
    return EXIT_FINE
