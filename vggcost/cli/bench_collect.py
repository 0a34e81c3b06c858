"""``vggcost bench-collect``: the results of a bench over a space, as one table or a picture."""

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
        "bench-collect",
        "The results of vggcost bench --space in one table, a row a cell, failures and the repeats of the reference\n"
        "among them; or a picture of time against batch, a panel a device.",
        "vggcost bench-collect results/ -o cells.csv",
    )
    result.add_argument("folder", metavar="FOLDER", help="what vggcost bench --space SPACE.toml -o FOLDER wrote")
    add_table_or_picture(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the table, or draw the picture."""
    fmt, place = read_place(args, "cells")
    from vggcost.sweep.collected import collected, drift

    rows = collected(args.folder)

    def document() -> Document:
        from vggcost.report.bench_collect import document

        return document(rows, drift(rows))

    def picture() -> Drawing:
        from vggcost.report.plots.cells import cells

        return cells(rows)

    return show(fmt, place, document, picture, "bench-collect")
