"""``vggcost plot``: a network, a program, a bench result or the front of a sweep as a picture."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.memory import add_mixed, add_step, training_from
from vggcost.cli.options import NO_INPLACE, Parser, Read, add_input, add_network
from vggcost.cli.program_options import add_program
from vggcost.cli.request import names_from, output_from, request
from vggcost.errors import VggcostError, unknown
from vggcost.report.plots.kinds import KINDS
from vggcost.results.cost import Cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.report.plots.picture import Drawing

OF_NETWORKS = ("scaling", "memory", "network")
"""Those that a program has no numbers for."""

NARROWEST, WIDEST = 2.0, 40.0
"""What a picture may be across [inches]."""


def parser() -> Parser:
    """The command's options."""
    kinds = "\n".join(f"  {name.ljust(12)}{what}" for name, what in KINDS.items())
    result = Parser(
        "plot",
        f"A picture for a paper or a slide, as SVG, PNG or PDF:\n\n{kinds}\n\n"
        "  Text is 6 or 7 points high at the printed size; colours differ for every eye, and in grey.",
        "vggcost plot layers D -o layers.pdf",
    )
    result.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    add_network(result, several=True)
    add_program(result)
    add_input(result)
    result.set_defaults(training=True)
    group = result.add_argument_group("the step that memory shows")
    add_step(group)
    add_mixed(group)
    group.add_argument("--no-inplace", action="store_true", help=NO_INPLACE)
    group = result.add_argument_group("picture")
    group.add_argument(
        "--width-in",
        action=Read,
        read=read_inches,
        metavar="INCHES",
        help="how wide it is printed: 3.3 is a column of a two-column paper, 7 its page (layers, network: 7; else 3.3)",
    )
    group.add_argument("--dark", action="store_true", help="light on dark, for a slide")
    group.add_argument("-o", "--output", metavar="FILE", required=True, help="a name that ends in .svg, .png or .pdf")
    return result


def read_inches(text: str, option: str) -> float:
    """Return a width.

    Raises:
        VggcostError: it is no number from 2 to 40.
    """
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not NARROWEST <= width <= WIDEST:
        raise VggcostError(f"{option} is {text!r}; give inches from {NARROWEST:g} to {WIDEST:g}, as 3.3 or 7")
    return width


def run(args: Namespace) -> int:
    """Draw and write the picture."""
    from vggcost.report.plots.picture import check_matplotlib, drawn, file_format

    if args.kind not in KINDS:
        raise unknown("kind of picture", args.kind, tuple(KINDS))
    _, place = output_from(args)
    fmt = file_format(place or "")
    check_matplotlib("plot")
    picture = drawn(drawing(args), fmt, args.width_in, dark=args.dark)
    from vggcost.results import whole_file

    whole_file.write_bytes(place or "", picture)
    return EXIT_FINE


def drawing(args: Namespace) -> Drawing:
    """Return what is asked for.

    Raises:
        VggcostError: an unknown target, several for a kind that takes one, an option that the kind has no use for.
    """
    _check_step(args)
    if args.kind in ("curve", "front"):
        return _of_a_result(args)
    from vggcost.network.catalogue import TABLE_1

    asked = request(args, default=tuple(TABLE_1) if args.kind == "configs" else ("D",))
    if args.kind != "configs" and len(asked.subjects) > 1:
        raise VggcostError(f"{args.kind} shows one network, and {len(asked.subjects)} are given; give one")
    if args.kind in OF_NETWORKS and asked.programs:
        raise VggcostError(
            f"{args.kind} is drawn of a configuration or a network file, and {asked.programs[0]!r} is none; vggcost"
            " audit TARGET --as-toml writes the file of a program that is one"
        )
    counted = list(asked.counted())
    if args.kind == "configs":
        from vggcost.report.plots.configs import configs

        return configs([each.plot.disc() for each in counted])
    (one,) = counted
    if args.kind == "memory" and isinstance(one, Cost):
        from vggcost.results.memory import Memory

        step = training_from(args, one.table)
        return Memory(one.table, one.dtype, step, in_place=not args.no_inplace, mixed=args.mixed).drawing()
    found: Drawing = getattr(one.plot, f"{args.kind}_drawing")()
    return found


def _check_step(args: Namespace) -> None:
    """Refuse options of a training step for another kind, which would be ignored in silence.

    Raises:
        VggcostError: there is one.
    """
    if args.kind == "memory":
        return
    for name in STEP_OPTIONS:
        if vars(args)[name]:
            raise VggcostError(f"--{name.replace('_', '-')} is for plot memory, and this is {args.kind}; leave it away")


STEP_OPTIONS = (
    "optimizer",
    "optimizer_implementation",
    "accumulate",
    "freeze",
    "checkpoint",
    "master_weights",
    "mixed",
    "no_inplace",
)


def _of_a_result(args: Namespace) -> Drawing:
    """The picture of a file that another command wrote.

    Raises:
        VggcostError: none is given, several are, or it does not hold what the picture shows.
    """
    names = names_from(args)
    if len(names) != 1:
        what, writes = RESULTS[args.kind]
        raise VggcostError(f"{args.kind} takes one {what}; give the file that {writes} wrote")
    if args.kind == "curve":
        from vggcost.bench.result import load
        from vggcost.report.plots.curve import curve

        return curve(load(names[0]))
    from vggcost.report.plots.front import front
    from vggcost.sweep.front_file import read_front

    return front(read_front(names[0]))


RESULTS = {
    "curve": ("bench result", "vggcost bench --format json"),
    "front": ("result of a sweep", "vggcost sweep SPACE.toml -o FILE"),
}
"""The kinds that show what another command wrote: what that is called, and the command."""
