"""The command: finds the word that was typed, loads that command's file alone, and turns refusals into one line."""

from __future__ import annotations

import os
import sys

from vggcost.cli.output import emit, note, settle_streams
from vggcost.errors import VggcostError, in_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

COMMANDS = {
    "table": "what a network costs, layer by layer",
    "compare": "configurations side by side, one a column",
    "formula": "the closed forms: parameters and MACs as polynomials",
    "stack": "a stack of small kernels against one large one",
    "memory": "what a forward call or a training step holds, part by part",
    "fit": "the largest batch, image or width within a budget",
    "audit": "read a real model: what it costs, and which VGG it is",
    "conventions": "one network as every tool counts it, and why they differ",
    "explain": "where a number from a paper or a README comes from",
    "verify": "hold the numbers against the real module, fvcore and torch",
    "configs": "every network that has a name; network files to start from",
    "lock": "write down what networks and programs are and cost",
    "check": "hold them to what was written down; exit status 1 names the layer",
    "plot": "a figure: layers, configs, conventions, scaling, memory, network",
    "explorer": "a page in which the formulas run: every setting, at once",
    "report": "write or check the tables of all twelve variants",
    "bench": "time the real forward pass, layer by layer",
    "bench-compare": "two bench results: faster, slower, or undecided",
    "bench-curve": "latency and images/s of a bench result over the batch",
    "bench-collect": "the cells of bench --space in one table or picture",
    "fleet": "training on many GPUs: what the gradients cost, what binds",
    "predict": "milliseconds on a device that is not at hand, as an interval",
    "roofline": "a bench result as a picture under this machine's ceilings",
    "sweep": "every network of a space: which pass, and the best of them",
    "completion": "let a shell complete vggcost's words when Tab is pressed",
}
"""Every command and what it is for. Each is a module of this package, with _ for -."""

GROUPS = {
    "what a network costs": ("table", "compare", "formula", "memory", "fit", "stack", "configs"),
    "which number is right": ("conventions", "explain", "verify"),
    "a model of your own": ("audit", "lock", "check"),
    "to show it": ("plot", "report", "explorer"),
    "milliseconds": ("bench", "bench-compare", "bench-curve", "bench-collect", "roofline", "predict"),
    "many networks, many machines": ("sweep", "fleet"),
    "the command itself": ("completion",),
}
"""The commands by what people want to do, in the order of --help."""

EXIT_FINE, EXIT_DIFFERS, EXIT_REFUSED, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status; without words it is the command of this process."""
    if argv is None:
        settle_streams()
        argv = sys.argv[1:]
        if "_ARGCOMPLETE" in os.environ:  # a shell asks what may stand where the cursor is
            from vggcost.cli.completion import answer

            answer(os.environ.get("COMP_LINE", ""))
    try:
        return _run(argv)
    except VggcostError as error:
        from vggcost.cli import hints

        return _refuse(hints.with_what_is_meant(error, argv), argv)
    except BrokenPipeError:
        return EXIT_FINE
    except OSError as error:  # what is read and written by name is refused where that is done
        where = f" at {os.fsdecode(error.filename)!r}" if error.filename else ""
        return _refuse(f"the system refuses{where}: {error.strerror or error}", argv)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(argv: list[str]) -> int:
    word = argv[0] if argv else "--help"
    if word == "help" and argv[1:2] and argv[1] in COMMANDS:
        argv = [argv[1], "--help"]  # as git and pip take it
        word = argv[0]
    if word in ("-h", "--help", "help"):
        emit(_help(), None)
        return EXIT_FINE
    if word in ("--version", "-V"):
        from vggcost import __version__

        emit(f"vggcost {__version__}\n", None)
        return EXIT_FINE
    if word not in COMMANDS:
        from vggcost.cli import hints

        raise hints.of_command(argv, tuple(COMMANDS))
    from importlib import import_module

    command = import_module(f"vggcost.cli.{word.replace('-', '_')}")
    parser = command.parser()
    args = parser.parse(argv[1:])
    if _apart(args):
        from vggcost.cli.isolation import run_apart

        return run_apart(argv, args.time_limit)
    status: int = command.run(args)
    return status


JOURNAL = "VGGCOST_JOURNAL"
"""The environment variable by which a process knows that it reads programs for another one, and where to say which."""


def _apart(args: Namespace) -> bool:
    """Whether a command is to run in a process of its own; where this is that process, it says what it comes to."""
    given = vars(args)
    place = os.environ.pop(JOURNAL, None)  # a process that a program starts is no such process
    if place is None:
        return bool(given.get("isolate") or given.get("time_limit") is not None)
    from vggcost.cli.isolation import keep_journal

    keep_journal(place)
    return False


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = []
    grouped = {name for names in GROUPS.values() for name in names}
    for what, names in (*GROUPS.items(), ("more", [name for name in COMMANDS if name not in grouped])):
        known = [name for name in names if name in COMMANDS]
        lines += ["", f"{what}:", *(f"  {name.ljust(width)}  {COMMANDS[name]}" for name in known)] if known else []
    return "\n".join(
        (
            "vggcost: what a VGG costs, layer by layer, to the last digit",
            "",
            "usage: vggcost COMMAND [options]",
            *lines,
            "",
            "  vggcost table --config D         the first thing to type",
            "  vggcost COMMAND --help           a command's options, with an example",
            "  vggcost --version",
            "",
        )
    )


def _refuse(message: str, argv: list[str]) -> int:
    """Say why in one line, which quotes no word of the command line longer than a person reads it."""
    for word in argv:
        for part in (word, word.partition("=")[2]):
            message = message.replace(repr(part)[1:-1], in_part(repr(part)[1:-1]))
    note(f"error: {message}")
    return EXIT_REFUSED
