"""``vggcost explain``: where a number from a paper or a README comes from."""

from __future__ import annotations

from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import TARGETS, Parser, add_input, add_output
from vggcost.cli.output import emit
from vggcost.cli.program_options import add_program
from vggcost.cli.request import request
from vggcost.conventions.amounts import read_amount
from vggcost.conventions.explain import explain
from vggcost.errors import VggcostError
from vggcost.report import explain as explain_report
from vggcost.report.formats import rendered
from vggcost.results.searched import searched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "explain",
        "Which configuration, variant and convention give a number: to the digit, as it was rounded, over 1024^n\n"
        "instead of 1000^n, or doubled or halved. A question in MACs is answered in MACs.\n"
        "Searched are all configurations, with and without batch normalization and biases of the convolutions, with\n"
        "1000, 10 and 100 classes and the features alone, at 224 and 32 pixels, at 32 also with the heads none, 512,\n"
        "512,512 and 4096,4096; every convention, the parameters and their bytes; each network less one layer; of the\n"
        "paper's networks the classifier and each layer alone; what tools print of memory and of a training step, and\n"
        "the numbers of vggcost memory, where the number is called bytes or FLOP, or has five digits.",
        "vggcost explain 15.61G",
    )
    result.add_argument(
        "number",
        metavar="NUMBER",
        help="15.61G, 138 million params, 528MB, 30.94 Bn FLOPs, 1.5e10, 15,470,264,320: k, M, G, T, B or in words;"
        " MAC, FLOPs, params, MB, MiB",
    )
    result.add_argument(
        "unit", nargs="*", metavar="UNIT", help="the rest of it, where it is written apart: 138 M params"
    )
    result.add_argument("--all", action="store_true", help="every answer, not the first five")
    result.add_argument(
        "--among",
        dest="names",
        action="append",
        default=[],
        metavar="TARGET,TARGET",
        help=f"search these and nothing else: names that vggcost configs lists; {TARGETS}",
    )
    add_program(result)
    add_input(result, dtype=False)
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Search and print what fits."""
    asked = request(args, default=())
    amount = read_amount(" ".join((args.number, *args.unit)))
    if not asked.subjects and (asked.size or asked.batches):
        raise VggcostError("--size and --batch are for what --among names; give --among, or leave them away")
    among = tuple(each for counted in asked.counted() for each in searched(counted))
    found = explain(amount, among)
    emit(rendered(explain_report.document(found, every=asked.view.every_row), asked.fmt), asked.place)
    return EXIT_FINE if found.answers or found.quoted else EXIT_DIFFERS
