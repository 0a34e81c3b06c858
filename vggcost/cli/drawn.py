"""Bench results that a command shows as a table in any format, or as a picture by the ending of its file."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import add_output
from vggcost.cli.output import emit
from vggcost.cli.request import output_from
from vggcost.errors import VggcostError
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from vggcost.cli.options import Parser
    from vggcost.report.document import Document
    from vggcost.report.plots.picture import Drawing

PICTURES = {"svg": "svg", "png": "png", "pdf": "pdf"}
"""What --format has beside the tables, each with its ending."""


def add_table_or_picture(parser: Parser) -> None:
    """Add the format and the place of a table or a picture."""
    add_output(parser, PICTURES, human=False)


def read_place(args: Namespace, stem: str) -> tuple[str, str | None]:
    """Return the format and the place; stem is what a refusal calls the file.

    Raises:
        VggcostError: the place cannot be written, or a picture has none.
    """
    fmt, place = output_from(args)
    if fmt in PICTURES and place in (None, "-"):
        raise VggcostError(f"a picture ({fmt}) needs a file; give --output {stem}.{fmt}")
    return fmt, place


def show(
    fmt: str, place: str | None, document: Callable[[], Document], picture: Callable[[], Drawing], command: str
) -> int:
    """Print or write the table, or draw the picture; only the one that is asked for is made."""
    if place is None or fmt not in PICTURES:
        emit(rendered(document(), fmt), place)
        return EXIT_FINE
    from vggcost.report.plots.picture import drawn
    from vggcost.results import whole_file

    whole_file.write_bytes(place, drawn(picture(), fmt, command=command))
    return EXIT_FINE
