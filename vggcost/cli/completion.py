"""``vggcost completion``: the lines that let a shell complete vggcost's words, and the answers it then asks for."""

from __future__ import annotations

import argparse
from importlib import import_module

from vggcost.cli import COMMANDS, EXIT_FINE
from vggcost.cli.options import Parser, read_choice
from vggcost.cli.output import emit
from vggcost.conventions.rows import NAMES as CONVENTIONS
from vggcost.errors import Needs
from vggcost.network import catalogue
from vggcost.report import formats
from vggcost.units import DTYPE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

SHELLS = ("bash", "zsh", "fish")


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "completion",
        "What a shell needs to complete commands, options, networks, formats, dtypes and conventions\n"
        "when Tab is pressed. In the shell's start-up file:\n"
        '  bash, zsh:  eval "$(vggcost completion bash)"\n'
        "  fish:       vggcost completion fish | source",
        "vggcost completion bash",
    )
    result.add_argument("shell", metavar="SHELL", help=", ".join(SHELLS))
    return result


def run(args: Namespace) -> int:
    """Print the shell's lines."""
    shell = read_choice(args.shell, "SHELL", SHELLS)
    with Needs("vggcost completion", "argcomplete", "completion"):
        from argcomplete.shell_integration import shellcode
    emit(shellcode(["vggcost"], shell=shell), None)
    return EXIT_FINE


def answer(line: str) -> None:
    """Answer a shell that asks, by the environment, what may stand where the cursor is in this line; ends the process.

    Only the parser of the command that is typed is built.
    """
    with Needs("completion", "argcomplete", "completion"):
        import argcomplete
    words = line.split()
    typed = words[1] if len(words) > 1 and words[1] in COMMANDS else None
    whole = argparse.ArgumentParser(prog="vggcost")
    whole.add_argument("--version", action="store_true")
    commands = whole.add_subparsers()
    for name, what in COMMANDS.items():
        parents = (
            [_with_values(import_module(f"vggcost.cli.{name.replace('-', '_')}").parser())] if name == typed else []
        )
        commands.add_parser(name, help=what, parents=parents, add_help=not parents)
    argcomplete.autocomplete(whole)


def _with_values(parser: Parser) -> Parser:
    """A command's options, with the values that each may have."""
    for action in parser._actions:  # noqa: SLF001  # argparse has no other list of them
        known = _VALUES.get(action.option_strings[-1] if action.option_strings else action.dest)
        if known:
            _complete_with(action, known)
    return parser


def _complete_with(action: Any, known: tuple[str, ...]) -> None:
    from argcomplete.completers import FilesCompleter

    files = FilesCompleter(("toml", "py", "pt", "pth", "safetensors", "keras", "h5", "onnx"))
    if action.dest != "names" or action.option_strings:
        action.completer = lambda **_: known
    else:
        action.completer = lambda **asked: [*known, *files(**asked)]


_VALUES = {
    "names": (*catalogue.TABLE_1, *(f"{alias}{bn}" for alias in catalogue.ALIASES for bn in ("", "_bn"))),
    "--config": tuple(catalogue.TABLE_1),
    "--format": formats.NAMES,
    "--dtype": tuple(DTYPE_BYTES),
    "--convention": CONVENTIONS,
    "shell": SHELLS,
}
"""What options and positions take, by the option or the name of the position."""
