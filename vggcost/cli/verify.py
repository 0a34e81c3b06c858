"""``vggcost verify``: our numbers against the real module, fvcore and torch, or against other counters."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, add_input, add_network, add_output, add_program
from vggcost.cli.output import emit
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import request
from vggcost.costs import variants
from vggcost.errors import VggcostError
from vggcost.frameworks.peers.matrix import matrix_cells
from vggcost.frameworks.peers.registry import PEERS, peers_named
from vggcost.frameworks.verifier import verify, verify_program_target
from vggcost.report import verify as verify_report
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from vggcost.cli.request import Request
    from vggcost.frameworks.peers.matrix import MatrixCell
    from vggcost.frameworks.peers.registry import Peer

TOOL_NAMES = tuple(peer.name for peer in PEERS)


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "verify",
        "Builds the real torch module and checks, per layer and in total, its parameters, the output shapes of a\n"
        "forward call, and what fvcore and torch's own counter say of it. Needs vggcost[torch].\n"
        "--against runs other counters instead, each in a process of its own. A counter's totals and layers are held\n"
        "against its convention, to the last digit. --against without --size and --batch runs a matrix:\n"
        "sizes 32, 224 and 256 at batch 1 and 2, and without a name all twelve networks. It needs vggcost[peers].\n"
        "A program (package.module:callable or path/to/file.py:callable) is made anew by each tool, with its weights,\n"
        "and run on the CPU; what the tool prints is held against --convention TOOL of audit, with the reason of what\n"
        "differs. Without --against it is held against its own parameters and output, fvcore and torch.\n"
        "Exit status 1 where anything differs or a tool crashes.",
        "vggcost verify --config D --layers",
    )
    add_network(result, several=True)
    add_input(result, dtype=False)
    add_program(result)
    result.add_argument(
        "--all",
        action="store_true",
        dest="every_network",
        help="all six configurations, plain and with batch normalization",
    )
    result.add_argument("--against", metavar="TOOLS", help=f"a comma list of {', '.join(TOOL_NAMES)}, or all")
    result.add_argument("--layers", action="store_true", help="show every layer's checks, not only the totals")
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Run the checks and print both sides."""
    asked = request(args, default=(), instead="--all" if args.every_network else None)
    tools = None if args.against is None else peers_named(args.against.split(","))
    if asked.programs:
        return _verify_program(asked, tools)
    tables = [
        api.count(variants.unfolded(cell.plan, cell.options, cell.size), cell.size, cell.batch).table
        for cell in _cells(args, asked)
    ]
    with ProgressLine() as progress:
        outcomes = verify(tables, tools, progress)
    emit(rendered(verify_report.document(outcomes, every_layer=args.layers), asked.fmt), asked.place)
    return EXIT_DIFFERS if any(outcome.differing or outcome.crash for outcome in outcomes) else EXIT_FINE


def _verify_program(asked: Request, tools: Sequence[Peer] | None) -> int:
    """Hold one program against these tools; without any against itself, fvcore and torch."""
    from vggcost.frameworks.target import Given
    from vggcost.report import verify_program

    if len(asked.subjects) > 1:
        raise VggcostError(f"verify takes one program at a time, and {len(asked.subjects)} targets are given")
    audit = asked.audited(asked.programs[0])
    given = Given(asked.call, asked.arguments, asked.size, asked.batch)
    with ProgressLine() as progress:
        outcomes = verify_program_target(audit.reading, asked.programs[0], given, tools, progress)
    emit(rendered(verify_program.document(outcomes, audit.reading), asked.fmt), asked.place)
    return EXIT_DIFFERS if any(outcome.differing or outcome.crash for outcome in outcomes) else EXIT_FINE


def _cells(args: Namespace, asked: Request) -> list[MatrixCell]:
    return matrix_cells(
        asked.plans,
        asked.options,
        asked.size,
        asked.batch if asked.batches else None,
        every=args.every_network,
        counters=args.against is not None,
        own_size=any(plan.source == text for plan in asked.plans for text in asked.texts),
    )
