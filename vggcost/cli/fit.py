"""``vggcost fit``: the largest batch, image or width within a budget of memory, MACs or parameters."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.memory import add_mixed, add_time, add_training, training_from
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

    from vggcost.results.budgets import Budget


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "fit",
        "The largest batch, image or width whose memory, MACs or parameters keep within a budget; all of several\n"
        "budgets are kept. Both the answer and the next value, which does not fit, are counted again after the\n"
        "search, and it says what other options would give. Memory alone is asked for the batch, MACs and parameters\n"
        "for the width. Sizes are squares, a pixel a step. Widths are all factors that give other channels (each\n"
        "width times the factor, floored, at least 1), written with the fewest decimals.",
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
    add_time(group, "give --memory, --macs or --params")
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
    add_output(result)
    return result


def run(args: Namespace) -> int:
    """Print or write the answer."""
    found = budgets({word: getattr(args, word) for word in ("memory", "macs", "params")})
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
    fit = Fit(setting, solve, found)
    emit(rendered(fit.document(human=asked.view.human), asked.fmt), asked.place)
    return EXIT_FINE


def _check_uses(args: Namespace, found: tuple[Budget, ...]) -> None:
    """Refuse options of memory where none is limited, which would be ignored in silence.

    Raises:
        VggcostError: there is such an option.
    """
    words = [budget.word for budget in found]
    for name in ("training", "dtype", "mixed", "no_inplace"):
        if getattr(args, name) and "memory" not in words:
            option, alone = f"--{name.replace('_', '-')}", " and --".join(words)
            raise VggcostError(
                f"{option} is for --memory, and --{alone} is given alone; leave it away, or add --memory"
            )
