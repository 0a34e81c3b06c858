"""``vggcost fit``: the largest batch, image or width within a budget of memory, MACs or parameters."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.memory import add_mixed, add_training, training_from
from vggcost.cli.options import NO_INPLACE, Parser, Read, add_input, add_network, add_output, read_choice
from vggcost.cli.output import emit
from vggcost.cli.request import request
from vggcost.costs import variants
from vggcost.errors import VggcostError
from vggcost.report.formats import rendered
from vggcost.results.budgets import SOLVED, budgets, solved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.predict.timer import Timer
    from vggcost.results.budgets import Budget


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "fit",
        "The largest batch, image or width whose memory, time, MACs or parameters keep within a budget; all of\n"
        "several budgets are kept. Both the answer and the next value, which does not fit, are counted again after\n"
        "the search, and it says what other options would give. Memory or time is asked for the batch, MACs and\n"
        "parameters for the width. Sizes are squares, a pixel a step. Widths are all factors that give other channels\n"
        "(each width times the factor, floored, at least 1), written with the fewest decimals.",
        "vggcost fit D --memory 24GiB --training --optimizer adam",
    )
    group = result.add_argument_group("budgets")
    group.add_argument(
        "--memory",
        metavar="SIZE",
        help="at the worst moment of a forward call, or of a training step: 24GiB (1024^3 each) or 24GB (1000^3)",
    )
    group.add_argument("--macs", metavar="N", help="multiply-accumulates of one forward call: 5G (of the whole batch)")
    group.add_argument("--params", metavar="N", help="parameters: 20M")
    group.add_argument("--time", metavar="T", help="of one call on --device, as vggcost predict has it: 5ms, 300us, 2s")
    group.add_argument(
        "--solve",
        action=Read,
        read=lambda text, option: read_choice(text, option, SOLVED),
        metavar="WHAT",
        help=f"{', '.join(SOLVED)} (batch with --memory alone, else width)",
    )
    add_network(result, programs=False)
    add_input(result)
    result.add_argument("--no-inplace", action="store_true", help=NO_INPLACE)
    add_mixed(result)
    add_training(result)
    group = result.add_argument_group("time")
    group.add_argument("--device", metavar="NAME", help="4090, a100, ... (vggcost predict --devices lists them)")
    group.add_argument("--channels-last", action="store_true", help="NHWC weights and input")
    group.add_argument("--compile", action="store_true", help="through torch.compile or XLA")
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the answer."""
    found = budgets({word: getattr(args, word) for word in ("memory", "time", "macs", "params")})
    solve = solved(args.solve, found, {word: getattr(args, word) for word in SOLVED})
    _check_uses(args, found)
    asked = request(args)
    from vggcost.results.fit import Fit
    from vggcost.results.settings import Setting

    (plan,) = asked.plans
    image = asked.size or plan.size
    setting = Setting(
        plan, variants.varied(plan, asked.options), image, asked.batch, asked.dtype, None, not args.no_inplace
    )
    setting = setting.replace(training=training_from(args, setting.counted()), mixed=args.mixed)
    if args.time is not None:
        setting = setting.replace(timer=_timer(args, asked.dtype))
    fit = Fit(setting, solve, found)
    emit(rendered(fit.document(human=asked.view.human), asked.fmt), asked.place)
    return EXIT_FINE


def _timer(args: Namespace, dtype: str) -> Timer:
    """Return what says the time.

    Raises:
        VggcostError: the device is not known, or there is no forecast for it.
    """
    from vggcost.predict import devices, parameters
    from vggcost.predict.classes import Choice, machine_of
    from vggcost.predict.model import COMPILED, EAGER
    from vggcost.predict.timer import Timer

    mode = COMPILED if args.compile else EAGER
    choice = Choice(dtype, mode, channels_last=args.channels_last, backward=bool(args.training))
    found, shipped = devices.shipped().find(args.device), parameters.shipped()
    machine_of(found.device, choice, shipped.values)
    return Timer(found, choice, shipped)


def _check_uses(args: Namespace, found: tuple[Budget, ...]) -> None:
    """Refuse options of memory or of time where none is limited, which would be ignored in silence.

    Raises:
        VggcostError: there is such an option, or a time without its device.
    """
    words = [budget.word for budget in found]
    if "time" in words and args.device is None:
        raise VggcostError("--time is that of a device, and none is given; give --device NAME")
    if "time" in words and args.mixed is not None:
        raise VggcostError("--time has no forecast of --mixed; give --dtype float16, or leave --time away")
    for name in ("device", "channels_last", "compile"):
        if getattr(args, name) and "time" not in words:
            raise VggcostError(f"--{name.replace('_', '-')} is for --time, which is not given; add it, as --time 5ms")
    of_memory = ("no_inplace",) if "time" in words else ("training", "dtype", "mixed", "no_inplace")
    for name in of_memory:
        if getattr(args, name) and "memory" not in words:
            option, alone = f"--{name.replace('_', '-')}", " and --".join(words)
            raise VggcostError(
                f"{option} is for --memory, and --{alone} is given alone; leave it away, or add --memory"
            )
