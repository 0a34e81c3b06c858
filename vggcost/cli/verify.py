"""``vggcost verify``: our numbers against the real module, fvcore and torch, or against other counters."""

from __future__ import annotations

import sys

from vggcost import api, units
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_input,
    add_network,
    add_output,
    configurations_from,
    count_from,
    format_from,
    names_from,
    size_from,
    variant_options,
)
from vggcost.cli.output import check_writable, emit
from vggcost.errors import VggcostError
from vggcost.frameworks.peers.registry import PEERS, peers_named
from vggcost.frameworks.pytorch.checks import verify
from vggcost.network import catalogue
from vggcost.report import peer_outcomes, verification
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.costs.table import Table
    from vggcost.frameworks.pytorch.checks import Verification
    from vggcost.results.cost import Cost

TOOL_NAMES = tuple(peer.name for peer in PEERS)
MATRIX_BATCHES, MATRIX_SIZES = (1, 2), (32, 224, 256)
"""The inputs on which counters are run where none is given: one that the adaptive pool leaves alone, two that it must
stretch or shrink."""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "verify",
        "Builds the real torch module and checks, per layer and in total, its parameters, the output shapes of a real\n"
        "forward, fvcore's MACs and torch's FLOPs. Needs vggcost[torch].\n"
        "--against runs other counters instead, each in a process of its own, and holds their totals and layers\n"
        "against their conventions, to the last digit; without --size and --batch on a matrix: sizes 32, 224 and 256\n"
        "at batch 1 and 2, and without a name all twelve networks. Needs vggcost[peers].\n"
        "Exit status 1 where anything differs or a tool crashes.",
        "vggcost verify --config D --layers",
    )
    add_network(result, several=True)
    add_input(result, dtype=False)
    result.add_argument("--all", action="store_true", help="all six configurations, plain and with batch normalization")
    result.add_argument("--against", metavar="TOOLS", help=f"a comma list of {', '.join(TOOL_NAMES)}, or all")
    result.add_argument("--layers", action="store_true", help="show every layer's checks, not only the totals")
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Run the checks and print both sides."""
    fmt = format_from(args)
    check_writable(args.output)
    if args.against is not None:
        return _run_against(args, fmt)
    results = [_verified(cost) for cost in _costs(args)]
    emit(rendered(verification.document(results, every_layer=args.layers), fmt), args.output)
    return EXIT_DIFFERS if any(result.differing for result in results) else EXIT_FINE


def _costs(args: Namespace) -> list[Cost]:
    given = [*names_from(args), *(args.file or ())]
    whole_matrix = args.against is not None and not given and args.size is None and args.batch is None
    if args.all and given:
        raise VggcostError(f"--all takes every configuration, and {given[0]!r} is named beside it; give one of the two")
    plans = configurations_from(args)
    options = variant_options(args)
    variants = [options]
    if args.all or whole_matrix:
        plans = [catalogue.find(letter) for letter in catalogue.TABLE_1]
        variants = [{**options, "batch_norm": False}, {**options, "batch_norm": True}]
    return [
        api.count(api.unfolded(plan, one, size or plan.size), size or plan.size, batch)
        for size, batch in _inputs(args)
        for plan in plans
        for one in variants
    ]


def _inputs(args: Namespace) -> list[tuple[tuple[int, int] | None, int]]:
    """Size and batch, or for counters those of the matrix where neither is given; None is a network's own size.

    A network file is held at the size that it was written for: no other need fit it.
    """
    if args.against is not None and args.size is None and args.batch is None:
        sizes = [None] if args.file else [(size, size) for size in MATRIX_SIZES]
        return [(size, batch) for size in sizes for batch in MATRIX_BATCHES]
    size = None if args.size is None else size_from(args.size)
    return [(size, count_from(args.batch, "--batch", 1))]


def _verified(cost: Cost) -> Verification:
    on_terminal = sys.stderr.isatty()
    if on_terminal:
        sys.stderr.write(f"\r\x1b[Kchecking {cost.network.title}")
        sys.stderr.flush()
    result = verify(cost.table)
    if on_terminal:
        sys.stderr.write("\r\x1b[K")
    return result


def _run_against(args: Namespace, fmt: str) -> int:
    from vggcost.frameworks.peers.running import run_peers
    from vggcost.frameworks.pytorch.build import require_torch

    peers = peers_named(args.against.split(","))
    tables = [cost.table for cost in _costs(args)]
    require_torch("vggcost verify --against", "peers")
    outcomes = run_peers(peers, tables, _told if sys.stderr.isatty() else None)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if not any(outcome.installed for outcome in outcomes):
        names = ", ".join(outcome.name for outcome in outcomes)
        raise VggcostError(f"none of the tools is installed ({names}); run: pip install 'vggcost[peers]'")
    emit(rendered(peer_outcomes.document(outcomes, every_layer=args.layers), fmt), args.output)
    return EXIT_DIFFERS if any(outcome.differing or outcome.crash for outcome in outcomes) else EXIT_FINE


def _told(tool: str, table: Table) -> None:
    sys.stderr.write(f"\r\x1b[K{tool}: {table.network.short_name} at {units.shape_text(table.input)}")
    sys.stderr.flush()
