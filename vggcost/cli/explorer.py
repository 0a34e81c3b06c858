"""``vggcost explorer``: a page in which the formulas run, in one file."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser
from vggcost.cli.output import check_writable
from vggcost.cli.progress import ProgressLine
from vggcost.errors import Needs, VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

PLACE = "explorer.html"

OPENS = "D"
"""The configuration that the page shows first, as every command takes it where none is named."""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "explorer",
        "A page for a browser, in one file that needs no other and no network: configuration, size, batch, width,"
        " head, convention and optimizer are fields; layers, totals, memory and closed forms follow at once. It has the"
        " paper's six configurations, and the networks that are named beside them.",
        "vggcost explorer mynet.toml -o explorer.html",
    )
    result.add_argument(
        "names", nargs="*", metavar="NETWORK", help="more networks: a name that vggcost configs lists, or NET.toml"
    )
    result.add_argument("-o", "--output", metavar="FILE", default=PLACE, help=f"the page ({PLACE})")
    return result


def run(args: Namespace) -> int:
    """Write the page."""
    check_writable(args.output)
    from vggcost.network.catalogue import TABLE_1, find, named

    plans = [find(name) for name in TABLE_1]
    for text in args.names:
        plan = named(text)
        if any(plan.name == other.name for other in plans):
            raise VggcostError(f"{text!r} has the name {plan.name!r}, which the page has already; give it another one")
        plans.append(plan)
    with Needs("the explorer", "sympy", "formula"):
        from vggcost.explorer.page import page
    from vggcost.results import whole_file

    with ProgressLine() as progress:
        # Who names a network wants to see it.
        opens = len(TABLE_1) if args.names else list(TABLE_1).index(OPENS)
        text = page(plans, progress, opens=opens)
    whole_file.write(args.output, text)
    return EXIT_FINE
