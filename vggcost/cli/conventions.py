"""``vggcost conventions``: one network as every tool counts it, and why they differ."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.options import Parser, Read, add_input, add_network, add_output, read_convention
from vggcost.cli.program_options import add_program
from vggcost.cli.request import names_from, request
from vggcost.cli.shaping import add_shape
from vggcost.conventions.rows import CONVENTIONS, NAMES
from vggcost.errors import VggcostError
from vggcost.report import conventions, figures
from vggcost.results.comparison import by_convention, convention_rows
from vggcost.results.cost import Cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.cli.request import Request
    from vggcost.conventions.convention import Convention


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "conventions",
        "One network under every convention: total, unit, the difference to the textbook's MACs, and what is in it.\n"
        "--of NAME shows one convention: its rule for each layer kind, its source, and its layer table; --of A,B\n"
        "shows these alone.\n"
        "--memory shows what each tool prints of memory and of a training step: its words, its text, the exact number\n"
        "behind, and what vggcost's own definition has in its place.",
        "vggcost conventions D",
    )
    add_network(result)
    add_program(result)
    add_input(result)
    result.add_argument(
        "--of",
        action=Read,
        read=_read_conventions,
        metavar="CONVENTION",
        help=f"one, or a comma list for these side by side: {', '.join(NAMES)}",
    )
    result.add_argument("--memory", action="store_true", help="in place of counts, what the tools call memory")
    result.add_argument("--all", action="store_true", help="with --of, also the rows that cost nothing")
    add_shape(result)
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the conventions, or the one that is asked for."""
    for name in names_from(args):
        if name.lower() in NAMES:
            raise VggcostError(f"{name!r} is a convention, not a network; --of {name} shows it")
    asked = request(args)
    if args.memory:
        return _memory(args, asked)
    chosen = args.of or CONVENTIONS
    if len(chosen) == 1:
        asked = asked.replace(convention=chosen[0])
        asked.check_shape_of_each()
    else:
        asked.check_shape(conventions.LISTED_COLUMNS, layers=False)
    (counted,) = asked.counted()
    if not isinstance(counted, Cost) and counted.reading.weights_alone:
        raise VggcostError(
            f"{counted.reading.program} is a file of weights and no configuration, so that nobody knows what a tool"
            " counts of its network; give the program"
        )
    if len(chosen) > 1:
        asked.write(by_convention(counted, chosen, human=asked.view.human))
    else:
        (row,) = convention_rows(counted, chosen)
        asked.write(conventions.one_document(chosen[0], row, asked.document(counted)))
    return EXIT_FINE if counted.runs else EXIT_DIFFERS


def _memory(args: Namespace, asked: Request) -> int:
    if args.of is not None:
        raise VggcostError(f"--of {args.of[0].name} is a count, and --memory is given; give one of the two")
    if asked.programs:
        raise VggcostError(
            f"--memory is for a configuration or a network file, and {asked.programs[0]!r} is none; give a name such as"
            " D, or NET.toml"
        )
    (network,) = asked.networks
    counted = api.count(network, network.image, asked.batch, asked.dtype).table
    asked.write(figures.document(counted, asked.dtype, human=asked.view.human))
    return EXIT_FINE


def _read_conventions(text: str, option: str) -> tuple[Convention, ...]:
    """The conventions of a comma list, each once.

    Raises:
        VggcostError: one is not known, or is there twice.
    """
    chosen = tuple(read_convention(name, option) for name in text.split(","))
    if len({row.name for row in chosen}) < len(chosen):
        raise VggcostError(f"{option} is {text!r}; give each convention once")
    return chosen
