"""``vggcost bench-compare``: two bench results, as an interval test."""

from __future__ import annotations

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, Read, add_output
from vggcost.cli.output import emit
from vggcost.cli.request import output_from
from vggcost.errors import VggcostError
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "bench-compare",
        "Hold a bench result against an older one: faster, slower, or undecided, by an interval for the\n"
        "ratio of the medians.",
        "vggcost bench-compare old.json new.json --fail-on-slower",
    )
    result.add_argument("old", metavar="OLD", help="what vggcost bench --format json wrote")
    result.add_argument("new", metavar="NEW", help="the same, later")
    result.add_argument(
        "--threshold",
        action=Read,
        read=read_percent,
        metavar="PERCENT",
        default=0.01,
        help="call nothing faster or slower that differs by less (1)",
    )
    result.add_argument("--fail-on-slower", action="store_true", help="exit with 1 where a whole network is slower")
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the comparison."""
    fmt, place = output_from(args)
    from vggcost.bench.compare import comparison
    from vggcost.bench.result import load
    from vggcost.bench.statistics import SLOWER
    from vggcost.report.bench_compare import document

    compared = comparison(load(args.old), load(args.new), args.threshold)
    emit(rendered(document(compared), fmt), place)
    slower = any(case["word"] == SLOWER for case in compared["cases"])
    return EXIT_DIFFERS if slower and args.fail_on_slower else EXIT_FINE


def read_percent(text: str, option: str) -> float:
    """Return the fraction that a number of percent is.

    Raises:
        VggcostError: it is no number from 0 to below 100.
    """
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent < 100:
        raise VggcostError(f"{option} is {text!r}; give percent from 0 to below 100")
    return percent / 100
