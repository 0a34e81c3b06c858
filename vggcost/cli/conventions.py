"""``vggcost conventions``: one network as every tool counts it, and why they differ."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_input,
    add_network,
    add_output,
    count_from,
    dtype_from,
    format_from,
    names_from,
    network_from,
)
from vggcost.cli.output import check_writable, emit
from vggcost.conventions.rows import CONVENTIONS, NAMES, TEXTBOOK, convention
from vggcost.errors import VggcostError
from vggcost.report import conventions
from vggcost.report.formats import rendered
from vggcost.report.layers import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "conventions",
        "One network under every convention: total, unit, the difference to the textbook's MACs, and what is in it.\n"
        "--of NAME shows one convention: its rule for each layer kind, its source, and its layer table.",
        "vggcost conventions D",
    )
    add_network(result)
    add_input(result)
    result.add_argument("--of", metavar="CONVENTION", help=", ".join(NAMES))
    result.add_argument("--all", action="store_true", help="with --of, also the rows that cost nothing")
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the conventions, or the one that is asked for."""
    fmt = format_from(args)
    check_writable(args.output)
    one = None if args.of is None else convention(args.of)
    for name in names_from(args):
        if name.lower() in NAMES:
            raise VggcostError(f"{name!r} is a convention, not a network; --of {name} shows it")
    network = network_from(args)
    counted = api.count(
        network,
        network.image,
        count_from(args.batch, "--batch", 1),
        dtype_from(args),
        one or TEXTBOOK,
    )
    if one is None:
        document = conventions.document(CONVENTIONS, counted.table, human=args.human)
    else:
        layers = counted.document(View(every_row=args.all, human=args.human))
        document = conventions.one_document(one, counted.table, layers)
    emit(rendered(document, fmt), args.output)
    return EXIT_FINE
