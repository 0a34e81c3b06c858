"""``vggcost verify``: our numbers against the real module, fvcore and torch."""

from __future__ import annotations

import sys

from vggcost import api, configs
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import (
    Parser,
    add_input,
    add_network,
    add_output,
    count_from,
    format_from,
    names_from,
    networks_from,
    size_from,
    variant_options,
)
from vggcost.cli.output import check_writable, emit
from vggcost.errors import VggcostError
from vggcost.frameworks.torch_checks import verify
from vggcost.report.verification import summary_line, verification_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.api import Cost
    from vggcost.frameworks.torch_checks import Verification


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "verify",
        "Builds the real torch module and checks, per layer and in total, its parameters, the output shapes of a real\n"
        "forward, fvcore's MACs and torch's FLOPs. Needs vggcost[torch]. Exit status 1 where anything differs.",
        "vggcost verify --config D --layers",
    )
    add_network(result, several=True)
    add_input(result, dtype=False)
    result.add_argument("--all", action="store_true", help="all six configurations, plain and with batch normalization")
    result.add_argument("--layers", action="store_true", help="show every layer's checks, not only the totals")
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Run the checks and print both sides."""
    fmt = format_from(args)
    check_writable(args.output)
    results = [_verified(cost) for cost in _costs(args)]
    text = verification_text(results, fmt, every_layer=args.layers or fmt != "table")
    emit(text + (f"\n{summary_line(results)}" if fmt == "table" else ""), args.output)
    return EXIT_DIFFERS if any(result.differing for result in results) else EXIT_FINE


def _costs(args: Namespace) -> list[Cost]:
    given = [*names_from(args), *(args.file or ())]
    if args.all and given:
        raise VggcostError(f"--all takes every configuration, and {given[0]!r} is named beside it; give one of the two")
    if args.all:
        options, image = variant_options(args), size_from(args.size)
        networks = [
            api.unfolded(configs.find(letter), {**options, "batch_norm": batch_norm}, image)
            for letter in configs.TABLE_1
            for batch_norm in (False, True)
        ]
    else:
        networks = networks_from(args)
    batch = count_from(args.batch, "--batch", 1)
    return [api.count(network, network.image, batch) for network in networks]


def _verified(cost: Cost) -> Verification:
    on_terminal = sys.stderr.isatty()
    if on_terminal:
        sys.stderr.write(f"\r\x1b[Kchecking {cost.network.title}")
        sys.stderr.flush()
    result = verify(cost.table)
    if on_terminal:
        sys.stderr.write("\r\x1b[K")
    return result
