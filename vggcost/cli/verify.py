"""``vggcost verify``: our numbers against the real module, fvcore and torch, or against other counters."""

from __future__ import annotations

from vggcost import api
from vggcost.cli import EXIT_DIFFERS, EXIT_FINE
from vggcost.cli.memory import add_mixed, add_training
from vggcost.cli.options import NO_INPLACE, Parser, Renamed, add_input, add_network, add_output
from vggcost.cli.output import emit, prints_to_stderr
from vggcost.cli.program_options import add_program
from vggcost.cli.progress import ProgressLine
from vggcost.cli.request import request
from vggcost.costs import variants
from vggcost.costs.training import IMPLEMENTATIONS, Training, checked
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
    from vggcost.costs.table import Table
    from vggcost.frameworks.peers.matrix import MatrixCell
    from vggcost.frameworks.peers.registry import Peer
    from vggcost.results.memory import Memory

TOOL_NAMES = tuple(peer.name for peer in PEERS)

WAYS = (
    ("sgd", "foreach"),
    ("momentum", "foreach"),
    ("adam", "foreach"),
    ("adam", "for-loop"),
    ("adam", "fused"),
    ("adamw", "foreach"),
)
"""The optimizers, and how each updates, that --memory runs where none is given."""

_OF_MEMORY = {
    "dtype": "--dtype",
    "real": "--real",
    "no_inplace": "--no-inplace",
    "mixed": "--mixed",
    "training": "--training",
    "optimizer": "--optimizer",
    "optimizer_implementation": "--optimizer-implementation",
    "accumulate": "--accumulate",
    "freeze": "--freeze",
    "checkpoint": "--checkpoint",
    "master_weights": "--master-weights",
}
"""What has a meaning only with --memory."""


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
        "--memory holds what vggcost memory says against what torch itself keeps, holds and counts in a forward call\n"
        "and in training steps, of a program, too, to the byte and the FLOP; without --optimizer, with each of them.\n"
        "Exit status 1 where anything differs or a tool crashes.",
        "vggcost verify --config D --layers",
    )
    add_network(result, several=True)
    add_input(result)
    add_program(result)
    result.set_defaults(program_options=("dtype",))
    result.add_argument(
        "--every-network",
        action="store_true",
        help="all six configurations, plain and with batch normalization",
    )
    result.add_argument("--all", action=Renamed, now="--every-network", nargs=0, dest="every_network")
    result.add_argument("--against", metavar="TOOLS", help=f"a comma list of {', '.join(TOOL_NAMES)}, or all")
    result.add_argument("--layers", action="store_true", help="show every layer's checks, not only the totals")
    group = result.add_argument_group("memory")
    group.add_argument("--memory", action="store_true", help="memory and training in place of parameters and MACs")
    group.add_argument("--real", action="store_true", help="run a real training step on the CPU as well")
    group.add_argument("--no-inplace", action="store_true", help=NO_INPLACE)
    add_mixed(result)
    add_training(result)
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Run the checks and print both sides."""
    asked = request(args, default=(), instead="--every-network" if args.every_network else None)
    if args.memory:
        return _verify_memory(args, asked)
    for name, option in _OF_MEMORY.items():
        if getattr(args, name):
            raise VggcostError(f"{option} is given without --memory; add --memory, or leave it away")
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


def _verify_memory(args: Namespace, asked: Request) -> int:
    """Hold memory against torch itself."""
    for name, option in (("against", "--against"), ("layers", "--layers")):
        if getattr(args, name):
            raise VggcostError(f"{option} and --memory are both given; memory is held against torch, as a whole")
    if args.master_weights:
        raise VggcostError("--master-weights are by formula: torch.optim has none to hold them against; leave it away")
    if asked.programs:
        return _verify_program_memory(args, asked)
    from vggcost.frameworks.memory_verifier import compared_with, verify_memory
    from vggcost.report import verify_memory as report

    words = asked.dtype if args.mixed is None else f"{asked.dtype} under autocast to {args.mixed}"
    claims = []
    for cell in _cells(args, asked):
        counted = api.count(variants.unfolded(cell.plan, cell.options, cell.size), cell.size, cell.batch).table
        claims += _claims(args, asked, counted)
    with ProgressLine() as progress:
        checks = verify_memory(claims, progress, real=args.real, free=_free_bytes() if args.real else None)
    emit(rendered(report.document(checks, words, compared_with(args.mixed)), asked.fmt), asked.place)
    return EXIT_DIFFERS if any(one.differs for one in checks) else EXIT_FINE


def _verify_program_memory(args: Namespace, asked: Request) -> int:
    """Hold what following one program has shown against torch's own tools.

    Raises:
        VggcostError: several targets; an option that a program decides; it is none that can be followed.
    """
    from vggcost.frameworks.memory_outcome import HeldProgram
    from vggcost.frameworks.memory_verifier import compared_with
    from vggcost.frameworks.program_memory_verifier import verify_program_memory
    from vggcost.frameworks.target import Given
    from vggcost.report import verify_memory as report
    from vggcost.results.program_memory import ProgramMemory, asked_of, followed_again, memory_of

    target = asked.programs[0]
    if len(asked.subjects) > 1:
        raise VggcostError(f"verify takes one program at a time, and {len(asked.subjects)} targets are given")
    for option in ("checkpoint", "no_inplace"):
        if vars(args)[option]:
            what = f"--{option.replace('_', '-')}"
            raise VggcostError(f"{what} is for a configuration, and a program decides that itself; leave it away")
    if args.real:
        raise VggcostError("--real is for a configuration; a real step of a program is not run")
    frozen = frozenset(name for text in args.freeze or () for name in text.split(","))
    steps = [Training(*way, args.accumulate or 1, frozen) for way in _ways(args)]
    given = Given(asked.call, asked.arguments, asked.size, asked.batch)
    with ProgressLine() as progress, prints_to_stderr():
        progress(f"following {target}")
        memory = memory_of(target, given, asked.own_dtype, steps[0], args.mixed)
        if not isinstance(memory, ProgramMemory):
            raise VggcostError(f"{target} is no torch program, so that nothing of it runs; give the program or a name")
        claims = [followed_again(memory, training) for training in steps]
        subject = HeldProgram(target, memory.title, memory.reading.framework, memory.reading.inputs[0])
        how = asked_of(memory, asked.own_dtype)
        checks = verify_program_memory(claims, subject, given, how, progress)
    words = memory.dtype if args.mixed is None else f"{memory.dtype} under autocast to {args.mixed}"
    emit(rendered(report.document(checks, words, compared_with(args.mixed, how.device)), asked.fmt), asked.place)
    return EXIT_DIFFERS if any(one.differs for one in checks) else EXIT_FINE


def _ways(args: Namespace) -> Sequence[tuple[str, str]]:
    """The optimizers that are asked for, and how each updates; all of WAYS where none is."""
    if not (args.optimizer or args.optimizer_implementation):
        return WAYS
    optimizers = [args.optimizer] if args.optimizer else list(dict.fromkeys(name for name, _ in WAYS))
    return [(name, args.optimizer_implementation or IMPLEMENTATIONS[0]) for name in optimizers]


def _claims(args: Namespace, asked: Request, counted: Table) -> list[Memory]:
    """Our numbers of one network in each way of a step that is asked for.

    Raises:
        VggcostError: --freeze names no layer that learns.
    """
    from vggcost.results.memory import Memory

    in_place = not args.no_inplace
    if not any(row.layer.learns for row in counted.rows):
        return [Memory(counted, asked.dtype, in_place=in_place, mixed=args.mixed)]
    names = tuple(name for text in args.freeze or () for name in text.split(","))
    steps = [checked(counted, *way, args.accumulate or 1, names, checkpoint=args.checkpoint) for way in _ways(args)]
    return [Memory(counted, asked.dtype, step, in_place=in_place, mixed=args.mixed) for step in steps]


def _free_bytes() -> int | None:
    from vggcost.bench.devices import free_host_bytes

    return free_host_bytes()


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
