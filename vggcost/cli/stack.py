"""``vggcost stack``: the paper's argument for small kernels (section 2.3), for any stack."""

from __future__ import annotations

from vggcost.cli import EXIT_FINE
from vggcost.cli.options import Parser, Read, add_output, read_count, read_size
from vggcost.cli.output import emit
from vggcost.cli.request import output_from
from vggcost.costs.stacks import stack
from vggcost.errors import Needs, VggcostError
from vggcost.report import stack as stack_report
from vggcost.report.formats import rendered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.network.layer import Pair, Size


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "stack",
        "Receptive field, weights and MACs of a stack of convolutions beside the single kernel that sees as much.",
        "vggcost stack 1x1 3x3 1x1 --channels 256:64:64:256 --size 56",
    )
    result.add_argument("kernels", nargs="*", metavar="KxK", help="the kernels in order: 3x3 3x3 3x3")
    result.add_argument("--channels", metavar="N", help="one width for all, or one more than kernels: 256:64:64:256")
    result.add_argument(
        "--size", action=Read, read=read_size, metavar="HxW", help="the feature map's size: 56 or 56x64"
    )
    add_output(result, human=False)
    return result


def run(args: Namespace) -> int:
    """Print or write the comparison."""
    fmt, place = output_from(args)
    if not args.kernels:
        raise VggcostError("no kernels are given; name them in order, as vggcost stack 3x3 3x3 3x3")
    kernels = [_kernel_from(word) for word in args.kernels]
    widths = _widths_from(args.channels, len(kernels))
    image = args.size or _symbols("H", "W")
    small = stack(kernels, widths, image)
    emit(rendered(stack_report.document(small, small.single(image), image), fmt), place)
    return EXIT_FINE


def _kernel_from(word: str) -> Pair:
    sides = word.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdecimal() for side in sides):
        raise VggcostError(f"a kernel is {word!r}; give its sides, as 3x3 or 3")
    return read_count(sides[0], f"kernel {word}"), read_count(sides[-1], f"kernel {word}")


def _widths_from(text: str | None, kernels: int) -> list[Size]:
    if text is None:
        return [_symbols("C")[0]] * (kernels + 1)
    widths = [read_count(width, "--channels") for width in text.split(":")]
    if len(widths) == 1:
        return widths * (kernels + 1)
    if len(widths) != kernels + 1:
        raise VggcostError(
            f"--channels is {text!r}, {len(widths)} widths for {kernels} kernels;"
            f" give one width, or {kernels + 1}: what enters, and what leaves each kernel"
        )
    return list(widths)


def _symbols(*names: str) -> tuple[Size, ...]:
    with Needs("vggcost stack with symbols", "sympy", "formula"):
        import sympy

    symbols: tuple[Size, ...] = tuple(sympy.Symbol(name, integer=True, positive=True) for name in names)
    return symbols
