"""What to type instead of a command line that is refused; loaded only then."""

from __future__ import annotations

import re
import shlex

from vggcost.cli import other_words
from vggcost.errors import VggcostError, unknown
from vggcost.network import catalogue
from vggcost.report import formats
from vggcost.units import BYTE_UNITS, DTYPE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Sequence

_PROGRAMS = (".py", ".pt", ".pth", ".safetensors", ".keras", ".h5", ".onnx")
_WHAT = {"name": "a network", "names": "networks", "file": "a network file", "program": "a program"}
_COMMANDS_OF = {"name": "table", "names": "compare", "file": "table", "program": "audit"}
_SIZE = re.compile(r"[0-9]+(x[0-9]+)?")
_BYTES = re.compile(rf"[0-9.]+({'|'.join(BYTE_UNITS)})")
_SHAPE = re.compile(r"[0-9]+(x[0-9]+){2,}")
_MEANT: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("--memory", lambda word: _BYTES.fullmatch(word) is not None),
    ("--size", lambda word: _SIZE.fullmatch(word) is not None),
    ("--input", lambda word: _SHAPE.fullmatch(word) is not None),
    ("--format", lambda word: word in formats.NAMES),
    ("--dtype", lambda word: word in DTYPE_BYTES),
)
"""Options, and whether a bare word is what they take."""


def typed(words: Sequence[str]) -> str:
    """Return a command line to type, in a shell's quotes where it needs them."""
    return f"type: vggcost {shlex.join(words)}"


def of_command(argv: Sequence[str], commands: Sequence[str]) -> VggcostError:
    """Return the refusal of a first word that is no command.

    Raises:
        VggcostError: the same, where what it says is found by reading a name.
    """
    word, *rest = argv
    plain = word.lower().replace("_", "-")
    kind = _target(word)
    own = plain if plain in commands else other_words.COMMANDS.get(plain, "")
    meant: tuple[str, ...]
    if plain in ("version", "-v", "-version"):
        why, meant = f"unknown {'option' if word.startswith('-') else 'command'} {word!r}", ("--version",)
    elif word.partition("=")[0] in ("--config", "--file"):
        why, meant = f"the command is missing before {word!r}", ("table", *argv)
    elif word.startswith("-"):
        return unknown("option", word, ("--help", "--version"), " (vggcost --help lists all)")
    elif kind is not None:
        why, meant = f"{word!r} is no command but {_WHAT[kind]}", (_COMMANDS_OF[kind], *argv)
    elif own in commands:
        why, meant = f"unknown command {word!r}", (own, *rest)
    elif other_words.foreign(word):
        return _foreign(word)
    else:
        return unknown("command", word, tuple(commands), " (vggcost --help lists all)")
    return VggcostError(f"{why}; {typed(meant)}")


def of_word(command: str, parser: ArgumentParser, word: str, argv: Sequence[str]) -> VggcostError:
    """Return the refusal of a word that a command has no place for; argv is what follows the command."""
    options = parser._option_string_actions  # noqa: SLF001  # argparse has no other list of them
    rest = [*argv]
    rest.remove(word)
    if command == "table" and all(_target(each) is not None for each in argv if not each.startswith("-")):
        return VggcostError(f"unexpected word {word!r}, for a table is of one network; {typed(('compare', *argv))}")
    for option, fits in _MEANT:
        if option in options and option not in argv and fits(word):
            return VggcostError(f"unexpected word {word!r}; {typed((command, *rest, option, word))}")
    return VggcostError(f"unexpected word {word!r}; {parser.prog} --help shows what it takes")


def of_option(command: str, parser: ArgumentParser, word: str, argv: Sequence[str]) -> VggcostError:
    """Return the refusal of an option that a command lacks; argv is what follows the command."""
    options = parser._option_string_actions  # noqa: SLF001  # argparse has no other list of them
    place = next(number for number, each in enumerate(argv) if each.partition("=")[0] == word)
    before, after = [*argv[:place]], [*argv[place + 1 :]]
    _, sign, value = argv[place].partition("=")
    # What stands behind an option without a value may be a name, or the value that was meant for it.
    switch = other_words.SWITCHES.get(word)
    if switch is not None and switch[0] in options and not sign:
        return VggcostError(f"unknown option {word!r}; {typed((command, *before, *switch, *after))}")
    plain = word.lower().replace("_", "-")
    own = plain if plain in options else other_words.OPTIONS.get(plain, "")
    if own in options:
        if options[own].nargs == 0:
            return VggcostError(f"unknown option {word!r}; {typed((command, *before, own, *after))}")
        if sign or (after and not after[0].startswith("-")):
            given, behind = (value, after) if sign else (after[0], after[1:])
            return VggcostError(f"unknown option {word!r}; {typed((command, *before, own, given, *behind))}")
        return VggcostError(f"unknown option {word!r}; here it is {own} {options[own].metavar}", nearest=(own,))
    if plain in other_words.WITHOUT_USE:
        left = [*before, *after]
        if after and not after[0].startswith("-") and _target(after[0]) is None and not sign:
            left = [*before, *after[1:]]  # the value that the option was given
        return VggcostError(f"unknown option {word!r}: {other_words.WITHOUT_USE[plain]}; {typed((command, *left))}")
    return unknown("option", word, tuple(options), f" ({parser.prog} --help lists all)")


def with_what_is_meant(error: VggcostError, argv: Sequence[str]) -> str:
    """Return a refusal's line, with the command line to type where it is known which word was meant."""
    said, instead = str(error), error.instead
    if error.unknown is not None:
        what, word, known = error.unknown
        if what == "configuration" and other_words.foreign(word):
            return str(_foreign(word))
        own = other_words.own_word(what, word, known)
        if own is not None:
            said, instead = f"unknown {what} {word!r}; it is called {own} here", (word, own)
    line = _retyped(argv, *instead) if instead else None
    return f"{said}; {line}" if line else said


def _retyped(argv: Sequence[str], given: str, own: str) -> str | None:
    """The command line with one word exchanged for another; None where it does not stand there."""
    words = []
    for word in argv:
        name, sign, value = word.partition("=")
        changed = f"{own}={value}" if name == given else f"{name}={own}" if value == given else word
        words.append(own if word == given else changed if sign else word)
    return None if words == [*argv] else typed(words)


def _foreign(name: str) -> VggcostError:
    program = f"torchvision.models:{name.strip().lower().replace('-', '_')}"
    return VggcostError(
        f"{name!r} is no VGG, and only VGGs have names here; others are read from their code;"
        f" {typed(('audit', program))}"
    )


def size_meant(text: str) -> tuple[str, str] | None:
    """Return a text with the size that it means, of sides between other signs, or of a whole shape; None if none.

    >>> size_meant("224,224"), size_meant("[1, 3, 224, 320]"), size_meant("224px"), size_meant("big")
    (('224,224', '224x224'), ('[1, 3, 224, 320]', '224x320'), ('224px', '224'), None)
    """
    if not re.fullmatch("[0-9 ,;*xX\u00d7()\\[\\]]*(px|pixels?)?", text.strip()):
        return None
    sides = re.findall("[0-9]+", text)
    # Python makes no int of more than 4300 digits, and nobody means an image of ten.
    fine = 1 <= len(sides) <= 4 and all(len(side) < 10 and int(side) for side in sides)
    return (text, "x".join(sides[-2:])) if fine else None


def _target(word: str) -> str | None:
    """Which kind of target a word is, a key of _WHAT; None where it is none."""
    if word.startswith("-"):
        return None
    if catalogue.may_be_name(word):
        known = all(map(catalogue.is_name, word.split(",")))
        return None if not known else "names" if "," in word else "name"
    if word.lower().endswith(catalogue.NETWORK_FILE_ENDING):
        return "file"
    return "program" if ":" in word or word.lower().endswith(_PROGRAMS) else None
