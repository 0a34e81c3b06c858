"""The words that all commands share: which network, which input, which format, where to."""

from __future__ import annotations

import argparse
import os

from vggcost import api, units
from vggcost.conventions.rows import TEXTBOOK, convention
from vggcost.errors import VggcostError, unknown
from vggcost.network import catalogue
from vggcost.network.catalogue import TABLE_1
from vggcost.report import formats as report_formats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn

    from vggcost.conventions.rows import Convention
    from vggcost.network.catalogue import Configuration, Network


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

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Return the parsed options.

        Raises:
            VggcostError: an option that is unknown, or lacks its value.
        """
        args, left = self.parse_known_args(argv)
        if left and not left[0].startswith("-"):
            # argparse takes names that stand on both sides of an option only when it is asked to.
            args, left = self.parse_known_intermixed_args(argv)
        if left:
            word = left[0].partition("=")[0]
            if not word.startswith("-"):
                raise VggcostError(f"unexpected word {word!r}; {self.prog} --help shows what it takes")
            raise unknown("option", word, tuple(self._option_string_actions), f" ({self.prog} --help lists all)")
        return args


def add_network(parser: Parser, *, several: bool = False) -> None:
    """Add the network's name and variant."""
    many = " (a comma list for several)" if several else ""
    names = ", ".join(TABLE_1)
    group = parser.add_argument_group("network")
    known = f"{names}, or vgg11 ... vgg19_bn, or another that vggcost configs lists"
    if several:
        group.add_argument("names", nargs="*", metavar="NAME", help=known)
    else:
        group.add_argument("names", nargs="?", metavar="NAME", help=f"{known} (default D)")
    group.add_argument("--config", metavar="NAME", action="append", help=f"the same{many}")
    group.add_argument(
        "--file",
        metavar="NET.toml",
        action="append",
        help="a network of your own, which options given here beat" + ("; may be repeated" if several else ""),
    )
    switch = argparse.BooleanOptionalAction
    group.add_argument("--batch-norm", action=switch, help="batch normalization behind every convolution")
    group.add_argument("--classes", metavar="N", help="outputs of the last layer (1000)")
    group.add_argument("--in-channels", metavar="N", help="channels of the image (3)")
    group.add_argument("--bias", action=switch, help="convolutions with or without bias")
    group.add_argument(
        "--adaptive-pool",
        action=switch,
        help="without it, the paper's head: fc6 takes 7x7 positions, and images must yield them",
    )
    group.add_argument(
        "--head",
        metavar="N,N",
        help="hidden widths of the classifier (4096,4096); none: one linear layer on the features;"
        " with --no-adaptive-pool the first takes what the features yield at --size",
    )
    group.add_argument(
        "--width",
        metavar="F",
        help="every convolution's width times F, floored, at least 1 channel; the head stays (1)",
    )


def add_input(parser: Parser, *, dtype: bool = True, batches: bool = False) -> None:
    """Add the input's size, batch and dtype."""
    group = parser.add_argument_group("input")
    group.add_argument("--size", metavar="HxW", help="image size in pixels: 224 or 224x320 (224)")
    group.add_argument(
        "--batch",
        metavar="N",
        help="images in one forward call (1)" + ("; a comma list for several" if batches else ""),
    )
    if dtype:
        group.add_argument("--dtype", metavar="NAME", default="float32", help=", ".join(units.DTYPE_BYTES))


def add_convention(parser: Parser) -> None:
    """Add the convention by which costs are counted."""
    group = parser.add_argument_group("what is counted")
    group.add_argument(
        "--convention",
        metavar="NAME",
        default=TEXTBOOK.name,
        help="as which tool: fvcore, thop, ... (vggcost conventions; mac)",
    )


def add_output(parser: Parser, more: Mapping[str, str] = report_formats.NO_MORE, *, human: bool = True) -> None:
    """Add the format and the place of the result; more are formats that one command has beside all others'."""
    group = parser.add_argument_group("output")
    names = (*report_formats.NAMES, *more)
    what = f"{', '.join(names)} (by the ending of --output, else {names[0]})"
    group.add_argument("--format", metavar="FORMAT", help=what)
    if human:
        group.add_argument("--human", action="store_true", help="138.4 M for 138,357,544")
    group.add_argument("-o", "--output", metavar="FILE", help="write there, whole or not at all")


def names_from(args: argparse.Namespace) -> list[str]:
    """Return the configurations that were named, in their order; none is an empty list.

    Raises:
        VggcostError: the network is named both ways.
    """
    given = args.names if isinstance(args.names, list) else [args.names] if args.names else []
    if args.config is not None:
        if given:
            raise VggcostError(f"the network is given twice, as {given[0]!r} and --config {args.config[0]!r}; give one")
        given = args.config
    names = [name.strip() for entry in given for name in entry.split(",")]
    if "" in names:
        raise VggcostError(f"an empty configuration name in {','.join(given)!r}; give names such as A,D")
    return names


def configurations_from(args: argparse.Namespace, default: Sequence[str] = ("D",)) -> list[Configuration]:
    """Return the configurations that were named and then those of the files; the default ones where there are none.

    Raises:
        VggcostError: an unknown name, or a file that is no network.
    """
    plans = [catalogue.find(name) for name in names_from(args)]
    if args.file:
        from vggcost.network import network_file

        plans += [network_file.read(path) for path in args.file]
    return plans or [catalogue.find(name) for name in default]


def configuration_from(args: argparse.Namespace) -> Configuration:
    """Return the one configuration that was named, or is in the file; D where there is none.

    Raises:
        VggcostError: several are given, the name is unknown, or the file is no network.
    """
    given = [*names_from(args), *(args.file or ())]
    if len(given) > 1:
        raise VggcostError(f"{len(given)} configurations are given, {', '.join(given)}; this command takes one")
    return configurations_from(args)[0]


def networks_from(args: argparse.Namespace, default: Sequence[str] = ("D",)) -> list[Network]:
    """Return the networks that were named and then those of the files, or the default ones, in the variant asked for.

    Each stands ready for its `image`: --size, or what its configuration is meant for.

    Raises:
        VggcostError: an unknown name, a file that is no network, or an option out of range.
    """
    return [_network(plan, args) for plan in configurations_from(args, default)]


def network_from(args: argparse.Namespace) -> Network:
    """Return the one network that was named, in the variant that the options describe, for its `image`.

    Raises:
        VggcostError: several are given, the name is unknown, the file is no network, or an option is out of range.
    """
    return _network(configuration_from(args), args)


def _network(plan: Configuration, args: argparse.Namespace) -> Network:
    return api.unfolded(plan, variant_options(args), size_from(args.size, plan.size))


def variant_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the variant that were given, by the API's keywords.

    Raises:
        VggcostError: a count that is none.
    """
    options = {
        "batch_norm": args.batch_norm,
        "classes": None if args.classes is None else count_from(args.classes, "--classes", 1000),
        "in_channels": None if args.in_channels is None else count_from(args.in_channels, "--in-channels", 3),
        "bias": args.bias,
        "adaptive_pool": args.adaptive_pool,
        "head": None if args.head is None else head_from(args.head),
        "width": args.width,
    }
    return {name: value for name, value in options.items() if value is not None}


def head_from(text: str) -> tuple[int, ...]:
    """Return the hidden widths of a classifier written 512,512 or none.

    Raises:
        VggcostError: it is written otherwise, or a width is no whole number from 1 to 10^18.
    """
    if text.strip().lower() == "none":
        return ()
    if not text.strip():
        raise VggcostError("--head is empty; give hidden widths such as 512,512, or none")
    if not all(width.strip().isdecimal() for width in text.split(",")):
        raise VggcostError(f"--head is {text!r}; give hidden widths such as 512,512, or none")
    return tuple(count_from(width, "--head", 0) for width in text.split(","))


def count_from(text: str | None, option: str, default: int) -> int:
    """Return an option's count, the default where it is not given.

    Raises:
        VggcostError: it is no whole number from 1 to 10^18.
    """
    if text is None:
        return default
    digits = text.strip()
    # int() would also take "1_000", "+5" and digits of other scripts, which nobody means here.
    if not (digits.isascii() and digits.removeprefix("-").isdigit()):
        raise VggcostError(f"{option} is {text!r}; give a whole number of at least 1")
    if len(digits.lstrip("-0")) > len(str(units.COUNT_LIMIT)) or int(digits) > units.COUNT_LIMIT:
        raise VggcostError(f"{option} is {digits[:40]}, above the limit of 10^18; give a smaller count")
    if int(digits) < 1:
        raise VggcostError(f"{option} is {digits}; give a whole number of at least 1")
    return int(digits)


def size_from(text: str | None, default: tuple[int, int] = (224, 224)) -> tuple[int, int]:
    """Return (height, width) of a size written 224 or 224x320.

    Raises:
        VggcostError: it is written otherwise, or a side is no whole number from 1 to 10^18.
    """
    if text is None:
        return default
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.strip() for side in sides):
        raise VggcostError(f"--size is {text!r}; give one number or HEIGHTxWIDTH, as 224 or 224x320")
    height, width = sides[0], sides[-1]
    return count_from(height, "--size", 0), count_from(width, "--size", 0)


def dtype_from(args: argparse.Namespace) -> str:
    """Return the dtype's name.

    Raises:
        VggcostError: it is not known.
    """
    units.dtype_bytes(args.dtype)
    return str(args.dtype)


def convention_from(args: argparse.Namespace) -> Convention:
    """Return the convention that was named.

    Raises:
        VggcostError: it is not known.
    """
    return convention(args.convention)


def format_from(args: argparse.Namespace, more: Mapping[str, str] = report_formats.NO_MORE) -> str:
    """Return the format's name: --format, or what the ending of --output means, or the screen's table.

    Raises:
        VggcostError: it is not known.
    """
    if args.format is None:
        return report_formats.implied(args.output, more) or report_formats.NAMES[0]
    return report_formats.checked(str(args.format), more)


def keywords_from(text: str | None) -> dict[str, Any]:
    """Return the keyword literals of --call; nothing in them is executed.

    Raises:
        VggcostError: it is written otherwise.
    """
    if text is None or not text.strip():
        return {}
    import ast

    try:
        call = ast.parse(f"f({text}\n)", mode="eval").body
        keywords = call.keywords if isinstance(call, ast.Call) and not call.args else []
        found = {keyword.arg: ast.literal_eval(keyword.value) for keyword in keywords if keyword.arg is not None}
        if found and len(found) == len(keywords):
            return found
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass  # the refusal below says what is expected
    raise VggcostError(
        f'--call is {text[:80]!r}; give keywords with literal values, as --call "num_classes=4, bias=False"'
    )
