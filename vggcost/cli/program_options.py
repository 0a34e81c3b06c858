"""The words that commands which run programs share: what a program is made and run with, and in which process."""

from __future__ import annotations

from vggcost.cli.options import Parser, Read
from vggcost.errors import VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from vggcost.frameworks.call_text import CallText

LONGEST_WAIT_S = 1e6
"""A longer --time-limit is refused [s]."""


def add_program(parser: Parser) -> None:
    """Add what a program's callable and its model's forward call get."""
    group = parser.add_argument_group("a program")
    add_call(group)
    group.add_argument(
        "--input",
        metavar="[NAME=]INPUT",
        action="append",
        help="one argument of the forward call; once for each. 3x224x224: a shape without the batch;"
        " 'int64[1x20]': a dtype and a shape with its batch; left=3x224x224: by name; '[A, B]', '{name: A}', '(A, B)':"
        " a list, a dictionary, a tuple; True, None, 'text', 0.5, +3: themselves",
    )
    add_isolation(parser)


def add_isolation(parser: Parser) -> None:
    """Add the process of its own that programs can be read in."""
    group = parser.add_argument_group("programs that end or hold up their process")
    group.add_argument(
        "--isolate", action="store_true", help="read programs in a process of its own; one that ends it is a line"
    )
    group.add_argument(
        "--time-limit",
        action=Read,
        read=read_seconds,
        metavar="SECONDS",
        help="the same, and stop it when it takes longer; exit status 1",
    )


def add_call(group: argparse._ArgumentGroup | Parser) -> None:
    """Add the arguments of a program's callable."""
    group.add_argument(
        "--call",
        action=Read,
        read=read_arguments,
        metavar="ARGS",
        help="arguments for the callable, as Python writes them, in the names of the program's own file:"
        " \"num_classes=4, block=nn.ReLU, backbone=VGG(cfgs['D'])\"; this evaluates them",
    )


def read_seconds(text: str, option: str) -> float:
    """Return a number of seconds.

    Raises:
        VggcostError: it is no number above 0 and up to 10^6.
    """
    digits = text.strip().removesuffix("s").strip()
    whole, _, part = digits.partition(".")
    if not (digits.isascii() and (whole + part).isdigit() and 0 < float(digits) <= LONGEST_WAIT_S):
        raise VggcostError(f"{option} is {text[:80]!r}; give seconds above 0 and up to 1000000, as 60 or 0.5")
    return float(digits)


def read_arguments(text: str, option: str) -> CallText:
    """Return the arguments of --call; they are evaluated where the program is.

    Raises:
        VggcostError: they are written otherwise.
    """
    from vggcost.frameworks.call_text import read_call

    return read_call(text, option)
