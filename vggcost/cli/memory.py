"""``vggcost memory``: will it fit, in a forward call or in a training step."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import NO_INPLACE, Parser, Read, add_input, add_network, add_output, read_choice, read_count
from vggcost.cli.output import prints_to_stderr
from vggcost.cli.program_options import add_program
from vggcost.cli.request import request
from vggcost.cli.shaping import add_shape
from vggcost.costs.training import IMPLEMENTATIONS, LOW_PRECISIONS, STATES, Training, checked, with_run
from vggcost.errors import VggcostError
from vggcost.report.memory import COLUMNS, TRAINING_COLUMNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace, _ArgumentGroup

    from vggcost.cli.request import Request
    from vggcost.costs.table import Table
    from vggcost.results.memory import Memory
    from vggcost.results.program_memory import ProgramMemory


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "memory",
        "What a network holds at its worst moment, part by part: one forward call without gradients, or with\n"
        "--training one step. Which tensor lives when is followed from layer to layer, as torch runs them.\n"
        "A program is followed as it is written, storage by storage, through one real forward call and one step, on\n"
        "tensors without memory; what takes memory that nobody sees is named, and the total is a lower bound then.",
        "vggcost memory D --batch 64 --training --optimizer adam",
    )
    add_network(result)
    add_input(result)
    add_program(result)
    result.set_defaults(program_options=("dtype",))
    result.add_argument("--no-inplace", action="store_true", help=NO_INPLACE)
    result.add_argument("--time", action=Read, read=_refuse_time, nargs="?", metavar="T", help="see vggcost predict")
    add_mixed(result)
    add_training(result)
    _add_run(result)
    add_shape(result)
    add_output(result)
    return result


def _refuse_time(_: str, option: str) -> None:
    """Refuse what other commands say.

    Raises:
        VggcostError: always.
    """
    raise VggcostError(
        f"{option} is no part of memory; vggcost predict --device NAME says the time, and vggcost fit --time 5ms what"
        " runs within one"
    )


def add_mixed(parser: Parser | _ArgumentGroup) -> None:
    """Add the low precision of the forward call."""
    parser.add_argument(
        "--mixed",
        action=Read,
        read=lambda text, option: read_choice(text, option, LOW_PRECISIONS),
        metavar="NAME",
        help=f"the forward call under torch.autocast to {' or '.join(LOW_PRECISIONS)}; weights stay float32",
    )


def add_training(parser: Parser) -> None:
    """Add how a training step is done."""
    group = parser.add_argument_group("training")
    group.add_argument("--training", action="store_true", help="one training step in place of one forward call")
    add_step(group)


def add_optimizer(group: _ArgumentGroup, what: str = "") -> None:
    """Add the optimizer; what is said before its names."""
    group.add_argument(
        "--optimizer",
        action=Read,
        read=lambda text, option: read_choice(text, option, tuple(STATES)),
        metavar="NAME",
        help=f"{what}{', '.join(STATES)} (sgd)",
    )


def add_step(group: _ArgumentGroup) -> None:
    """Add how a training step is done, for a command that asks for one in another way than by --training."""
    add_optimizer(group)
    group.add_argument(
        "--optimizer-implementation",
        action=Read,
        read=lambda text, option: read_choice(text, option, IMPLEMENTATIONS),
        metavar="NAME",
        help=f"{', '.join(IMPLEMENTATIONS)}, as torch.optim has them (foreach)",
    )
    group.add_argument(
        "--accumulate", action=Read, read=read_count, metavar="N", help="add up the gradients of N passes (1)"
    )
    group.add_argument(
        "--freeze",
        action="append",
        metavar="LAYER",
        help="no gradients for this layer, or for features or classifier; of a program a parameter or a module's path",
    )
    group.add_argument(
        "--checkpoint",
        action="store_true",
        help="each stage of convolutions with its pool keeps its input alone and runs again in the backward pass",
    )
    group.add_argument(
        "--master-weights",
        action="store_true",
        help=f"float32 copies of weights and float32 state beside --dtype {' or '.join(LOW_PRECISIONS)} (by formula)",
    )


def _add_run(parser: Parser) -> None:
    group = parser.add_argument_group("a whole training run")
    for name, text in (
        ("images", "of an epoch: also what an epoch multiplies (1281167 are ImageNet's)"),
        ("epochs", "how many of them (1; the paper's are 74)"),
    ):
        group.add_argument(f"--{name}", action=Read, read=read_count, metavar="N", help=text)


def training_from(args: Namespace, counted: Table | None) -> Training | None:
    """Return how a step is done, of a program where there is no table; None where a forward call alone is asked for.

    Raises:
        VggcostError: an option of training without --training; --freeze names no layer that learns.
    """
    given = {
        "--optimizer": args.optimizer,
        "--optimizer-implementation": args.optimizer_implementation,
        "--accumulate": args.accumulate,
        "--freeze": args.freeze,
        "--checkpoint": args.checkpoint or None,
        "--master-weights": args.master_weights or None,
    }
    if not args.training:
        for option, value in given.items():
            if value is not None:
                raise VggcostError(f"{option} is given without --training; add --training, or leave it away")
        return None
    names = tuple(name for text in args.freeze or () for name in text.split(","))
    if counted is None:
        implementation = args.optimizer_implementation or IMPLEMENTATIONS[0]
        return Training(args.optimizer or "sgd", implementation, args.accumulate or 1, frozenset(names))
    return checked(
        counted,
        args.optimizer or "sgd",
        args.optimizer_implementation,
        args.accumulate or 1,
        names,
        checkpoint=args.checkpoint,
        master_weights=args.master_weights,
    )


def of_program(args: Namespace, asked: Request) -> Memory | ProgramMemory:
    """Return the memory of the program or the stored model that is asked for.

    Raises:
        VggcostError: an option that would change how it is written; see `memory_of`.
    """
    from vggcost.frameworks.target import Given
    from vggcost.results.program_memory import memory_of

    for option in ("checkpoint", "no_inplace", "master_weights", "images", "epochs"):
        if vars(args)[option]:
            what = f"--{option.replace('_', '-')}"
            raise VggcostError(f"{what} is for a configuration, and a program decides that itself; leave it away")
    given = Given(asked.call, asked.arguments, asked.size, asked.batch)
    with prints_to_stderr():
        return memory_of(asked.programs[0], given, asked.own_dtype, training_from(args, None), args.mixed)


def run(args: Namespace) -> int:
    """Print or write the memory."""
    asked = request(args)
    if asked.programs:
        asked.check_shape((*COLUMNS, *(TRAINING_COLUMNS if args.training else ())))
        asked.write(of_program(args, asked).document(human=asked.view.human))
        return EXIT_FINE
    from vggcost.costs.table import table
    from vggcost.results.memory import Memory

    (network,) = asked.networks
    counted = table(network, (asked.batch, network.variant.in_channels, *network.image))
    training = with_run(training_from(args, counted), args.images, args.epochs)
    memory = Memory(counted, asked.dtype, training, in_place=not args.no_inplace, mixed=args.mixed)
    asked.write(memory.document(human=asked.view.human))
    return EXIT_FINE
