"""The words that all commands share, each read and checked once, where argparse meets it."""

from __future__ import annotations

import argparse
import os

from vggcost import units
from vggcost.cli import JOURNAL
from vggcost.cli.output import emit, note
from vggcost.conventions.rows import TEXTBOOK, convention
from vggcost.errors import VggcostError, unknown
from vggcost.network.catalogue import TABLE_1
from vggcost.network.unfold import MOST_HIDDEN, width_factor
from vggcost.report import formats as report_formats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

    from _typeshed import SupportsWrite

    from vggcost.conventions.convention import Convention
    from vggcost.network.layer import Pair

    Reader = Callable[[str, str], Any]


NO_INPLACE = "ReLU writes beside its input (vggcost's modules write over it, as torchvision's do)"
"""What --no-inplace does."""


class _Help(argparse.HelpFormatter):
    """Help that fits the terminal; an example and what is set in by hand stay as they are, to be copied."""

    def __init__(self, prog: str) -> None:
        # argparse makes one for every argument that is added, and would import shutil to ask the same.
        super().__init__(prog, width=_terminal_columns() - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example:") or "\n  " in text:
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


def _terminal_columns() -> int:
    try:
        return max(40, int(os.environ["COLUMNS"]))
    except (KeyError, ValueError):
        pass
    try:
        return max(40, os.get_terminal_size().columns)
    except OSError:
        return 80


class Parser(argparse.ArgumentParser):
    """argparse with refusals of one line that name the nearest option."""

    def __init__(self, command: str, what: str, example: str) -> None:
        super().__init__(
            prog=f"vggcost {command}",
            description=what,
            epilog=f"example: {example}",
            allow_abbrev=False,
            formatter_class=_Help,
        )

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise VggcostError(f"{message}; {self.prog} --help lists the options")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help as a result is printed, whole or with a refusal; argparse would say nothing of a full disk."""
        if file is None:
            emit(self.format_help(), None)
        else:
            super().print_help(file)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """The value of an option or a name: for an option the word as it is, for a name one that is not empty.

        argparse takes ``--`` away where it is an option's value, and then has none. A word is empty where a shell's
        variable is not set, and what stood for nothing would mean the default.
        """
        if action.option_strings and action.nargs is None:
            (text,) = arg_strings
            if not text and not isinstance(action, Read):
                raise VggcostError(f"{action.option_strings[-1]} is empty; give it a value, or leave it away")
            return text
        if "" in arg_strings:
            raise VggcostError(f"{action.metavar} is empty, as where a variable is not set; give it or leave it away")
        return super()._get_values(action, arg_strings)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return the parsed options, and as `words` the command with the words that they were read from.

        Raises:
            VggcostError: an option that is unknown, or lacks its value.
        """
        args, left = self.parse_known_args(argv)
        if left and not left[0].startswith("-"):
            # argparse takes names that stand on both sides of an option only when it is asked to.
            args, left = self.parse_known_intermixed_args(argv)
        if left:
            from vggcost.cli import hints

            command = self.prog.split()[-1]
            if not left[0].startswith("-"):
                raise hints.of_word(command, self, left[0], argv)
            raise hints.of_option(command, self, left[0].partition("=")[0], argv)
        args.words = (self.prog.split()[-1], *argv)
        return args


class Renamed(argparse.Action):
    """An option by the word it had before: it does what it did, and says on standard error how it is called now."""

    def __init__(self, option_strings: Sequence[str], dest: str, now: str, **words: Any) -> None:
        super().__init__(option_strings, dest, help=argparse.SUPPRESS, **words)
        self.now = now
        self._said = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Put the value into the namespace."""
        # argparse reads a line twice where names stand on both sides of an option, and so does a process of its own.
        if not self._said and JOURNAL not in os.environ:
            now = f"{option_string} is called {self.now} now"
            note(f"{now}; the old word goes with the next release ({parser.prog} --help)")
        self._said = True
        setattr(namespace, self.dest, True if self.nargs == 0 else values)


class Read(argparse.Action):
    """An option whose text is read where it is parsed: ``read(text, "--size")`` returns its value or refuses.

    What argparse's own ``type=`` refuses becomes ``argument --size: invalid read_size value``; here the reader's
    sentence stands, and it has the option's name.
    """

    def __init__(self, option_strings: Sequence[str], dest: str, read: Reader, **words: Any) -> None:
        super().__init__(option_strings, dest, **words)
        self.read = read

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  # what argparse hands to every action
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002  # the same
    ) -> None:
        """Put the value into the namespace."""
        setattr(namespace, self.dest, self.read(values, self.option_strings[-1]))


TARGETS = "NET.toml; path/to/file.py:callable or package.module:callable, which this runs; a stored model"
"""What may stand in a name's place, for --help."""


def add_network(parser: Parser, *, several: bool = False, programs: bool = True, widths: Reader | None = None) -> None:
    """Add the network's name, or another target, and the variant; without programs, the name or a network file.

    widths: what reads --width in place of one factor.
    """
    many = " (a comma list for several)" if several else ""
    names = ", ".join(TABLE_1)
    group = parser.add_argument_group("network")
    targets = TARGETS if programs else "NET.toml"
    known = f"{names}, vgg11 ... vgg19_bn or another name that vggcost configs lists; {targets}"
    if several:
        group.add_argument("names", nargs="*", metavar="TARGET", help=known)
    else:
        group.add_argument("names", nargs="?", metavar="TARGET", help=f"{known} (default D)")
    group.add_argument("--config", metavar="NAME", action="append", help=f"the same{many}")
    group.add_argument(
        "--file",
        metavar="NET.toml",
        action="append",
        help="a network of your own, which options given here beat" + ("; may be repeated" if several else ""),
    )
    switch = argparse.BooleanOptionalAction
    group.add_argument("--batch-norm", action=switch, help="batch normalization behind every convolution")
    group.add_argument("--classes", action=Read, read=read_count, metavar="N", help="outputs of the last layer (1000)")
    group.add_argument("--in-channels", action=Read, read=read_count, metavar="N", help="channels of the image (3)")
    group.add_argument("--bias", action=switch, help="convolutions with or without bias")
    group.add_argument(
        "--adaptive-pool",
        action=switch,
        help="without it, the paper's head: fc6 takes 7x7 positions, and images must yield them",
    )
    group.add_argument(
        "--head",
        action=Read,
        read=read_head,
        metavar="N,N",
        help="hidden widths of the classifier (4096,4096); none: one linear layer on the features;"
        " with --no-adaptive-pool the first takes what the features yield at --size",
    )
    group.add_argument(
        "--width",
        action=Read,
        read=widths or read_width,
        metavar="F",
        help="every convolution's width times F, floored, at least 1 channel; the head stays (1)"
        + (SEVERAL if widths else ""),
    )


SEVERAL = "; several: a comma list"


def add_input(parser: Parser, *, dtype: bool = True, batches: bool = False, sizes: Reader | None = None) -> None:
    """Add the size, batch and dtype; batches: several may be given; sizes: what reads --size in place of one."""
    group = parser.add_argument_group("input")
    group.add_argument(
        "--size",
        action=Read,
        read=sizes or read_size,
        metavar="HxW",
        help=f"image size in pixels: 224 or 224x320 (224){SEVERAL if sizes else ''}",
    )
    group.add_argument(
        "--batch",
        action=Read,
        read=read_batches if batches else read_batch,
        metavar="N",
        help="images in one forward call (1)"
        + ("; several: a comma list, or 1..256 with the powers of two between" if batches else ""),
    )
    if dtype:
        group.add_argument(
            "--dtype",
            action=Read,
            read=read_dtype,
            metavar="NAME",
            help=f"{', '.join(units.DTYPE_BYTES)} (float32)",
        )


def add_convention(parser: Parser) -> None:
    """Add the convention by which costs are counted."""
    group = parser.add_argument_group("what is counted")
    group.add_argument(
        "--convention",
        action=Read,
        read=read_convention,
        metavar="NAME",
        default=TEXTBOOK,
        help="as which tool: fvcore, thop, ... (vggcost conventions; mac)",
    )


def add_output(parser: Parser, more: Mapping[str, str] = report_formats.NO_MORE, *, human: bool = True) -> None:
    """Add the format and the place of the result; more are formats that one command has beside all others'."""
    group = parser.add_argument_group("output")
    names = (*report_formats.NAMES, *more)
    what = f"{', '.join(names)} (by the ending of --output, else {names[0]})"
    group.add_argument(
        "--format", action=Read, read=lambda word, _: report_formats.checked(word, more), metavar="FORMAT", help=what
    )
    parser.set_defaults(more_formats=more)
    if human:
        group.add_argument("--human", action="store_true", help="138.4 M for 138,357,544")
    group.add_argument("-o", "--output", metavar="FILE", help="write there, whole or not at all")


def read_count(text: str, option: str) -> int:
    """Return a count.

    Raises:
        VggcostError: it is no whole number from 1 to 10^18.
    """
    digits = text.strip()
    # int() would also take "1_000", "+5" and digits of other scripts, which nobody means here.
    if not (digits.isascii() and digits.removeprefix("-").isdigit()):
        raise VggcostError(f"{option} is {text!r}; give a whole number of at least 1")
    if len(digits.lstrip("-0")) > len(str(units.COUNT_LIMIT)) or int(digits) > units.COUNT_LIMIT:
        raise VggcostError(f"{option} is {digits[:40]}, above the limit of 10^18; give a smaller count")
    if int(digits) < 1:
        raise VggcostError(f"{option} is {digits}; give a whole number of at least 1")
    return int(digits)


def read_batch(text: str, option: str) -> tuple[int]:
    """Return the one batch of a command that takes one.

    Raises:
        VggcostError: it is no whole number from 1 to 10^18.
    """
    return (read_count(text, option),)


def read_batches(text: str, option: str) -> tuple[int, ...]:
    """Return the batches of a comma list; 1..256 in it are both ends and the powers of two between.

    Raises:
        VggcostError: one is no whole number from 1 to 10^18, or is given twice; a range that does not rise.
    """
    batches = tuple(batch for part in text.split(",") for batch in _batch_range(part, option))
    if len(set(batches)) < len(batches):
        raise VggcostError(f"{option} is {text!r}; give each batch once")
    return batches


def _batch_range(text: str, option: str) -> list[int]:
    first, dots, last = text.partition("..")
    least = read_count(first, option)
    if not dots:
        return [least]
    most = read_count(last, option)
    if most <= least:
        raise VggcostError(f"{option} is {text!r}; give a range that rises, as 1..256")
    powers = (2**power for power in range(most.bit_length()))
    return [least, *(batch for batch in powers if least < batch < most), most]


def read_size(text: str, option: str) -> Pair:
    """Return (height, width) [pixels] of a size written 224 or 224x320.

    Raises:
        VggcostError: it is written otherwise, or a side is no whole number from 1 to 10^18.
    """
    try:
        return _sides(text, option)
    except VggcostError as error:
        from vggcost.cli.hints import size_meant

        raise VggcostError(str(error), instead=size_meant(text)) from None


def _sides(text: str, option: str) -> Pair:
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.strip() for side in sides):
        raise VggcostError(f"{option} is {text!r}; give one number or HEIGHTxWIDTH, as 224 or 224x320")
    return read_count(sides[0], option), read_count(sides[-1], option)


def read_head(text: str, option: str) -> tuple[int, ...]:
    """Return the hidden widths of a classifier written 512,512 or none.

    Raises:
        VggcostError: it is written otherwise, has too many widths, or one is no whole number from 1 to 10^18.
    """
    if text.strip().lower() == "none":
        return ()
    if not text.strip():
        raise VggcostError(f"{option} is empty; give hidden widths such as 512,512, or none")
    if not all(width.strip().isdecimal() for width in text.split(",")):
        raise VggcostError(f"{option} is {text!r}; give hidden widths such as 512,512, or none")
    widths = text.split(",")
    if len(widths) > MOST_HIDDEN:
        raise VggcostError(f"{option} has {len(widths)} widths; give at most {MOST_HIDDEN}")
    return tuple(read_count(width, option) for width in widths)


def read_width(text: str, _: str) -> float:
    """Return the factor of every convolution's width.

    Raises:
        VggcostError: it is no decimal number above 0 and up to 10^18.
    """
    return width_factor(text)


def read_dtype(text: str, _: str) -> str:
    """Return the dtype's name.

    Raises:
        VggcostError: it is not known.
    """
    units.dtype_bytes(text)
    return text


def read_choice(text: str, option: str, choices: Sequence[str]) -> str:
    """Return one of these words.

    Raises:
        VggcostError: it is none of them.
    """
    word = text.strip().lower()
    if word not in choices:
        raise unknown(f"value of {option}", text, tuple(choices))
    return word


def read_convention(text: str, _: str) -> Convention:
    """Return the convention of this name.

    Raises:
        VggcostError: it is not known.
    """
    return convention(text)
