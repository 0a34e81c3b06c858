"""Random command lines: a command with what it needs, changed in some places as hands and shells change it."""

from __future__ import annotations

import argparse
import json
import shutil
from contextlib import chdir, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from bench_documents import case, document

from vggcost.cli import COMMANDS, main

NETWORK = 'features = [8, "M", 16, "conv1-16", "M"]\nclasses = 10\nsize = 32\n'
PROGRAM = """
from torch import nn

class Small(nn.Sequential):
    def __init__(self, classes=10):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(classes))
"""
OLD = "what stood there\n"

NEEDED = {
    "stack": ("3x3", "3x3"),
    "fit": ("--memory", "8GiB"),
    "audit": ("D",),
    "explain": ("15.61G",),
    "bench": ("A", "--plan"),
    "bench-compare": ("result.json", "result.json"),
    "bench-curve": ("curve.json",),
    "plot": ("layers", "A", "-o", "layers.svg"),
    "completion": ("bash",),
    "bench-collect": ("cells",),
    "roofline": ("result.json", "-o", "roof.svg"),
    "predict": ("--device", "3090"),
    "fleet": ("--link", "25Gbit/s", "--measured", "1=130.9"),
    "report": ("A", "-o", "set"),
    "explorer": ("net.toml", "-o", "page.html"),
    "sweep": ("space.toml",),
    "lock": ("A",),
    "check": (),
}
"""What a command is tried with, where it is not a name alone."""

SLOW = ("verify", "bench")
"""They build and run networks, so that they are drawn with one word that is refused before."""

NAMES = ("A", "D", "E", "vgg16", "vgg11_bn", "residual-vgg16", "net.toml", "a-lrn", "A,D")
STRANGE = (
    "", " ", "-", "--", "---", "=", "--=", "-1", "0", "00", "1e9", "9" * 30, "9" * 5000, "x" * 300, "nan", "inf",
    "true", "None", "%s", "{}", "$HOME", "*", "'", '"', "\\", "\n", "a\tb", "a\nb", "\x1b[31m", "\u202e", "\u2028", "é",
    "→", "🙂", "\udcff", "..", ".", "/", "//", "~", "missing/x", "folder", "/dev/null", "net.toml", "bad.toml", "empty",
    "D ", " D", "d", "DD", "@x", "1,2", ",", "1,", "224x", "x224", "1x2x3", "3x3", "224,224", "24GB", "24", "1..4",
    "4..1",
    "0x10", "program.py", "program.py:", ":", "a:b:c", "program.py:Small", "program.py:Big", "http://x/y", "D.csv",
    "text.json", "new.csv", "old.csv", "x" * 251 + ".csv", "x" * 256, "\udcff.csv",
)  # fmt: skip
OUTPUTS = (
    "new.csv",
    "old.csv",
    "new.json",
    "old.md",
    "missing/x.csv",
    "folder",
    "-",
    "é.csv",
    "\udcff.md",
    "/dev/null",
)


class Promise(NamedTuple):
    """A promise that was broken by a command line."""

    words: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.what}: vggcost {' '.join(map(ascii, self.words))}"[:500]


def prepare(folder: Path) -> None:
    """Make what command lines name."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "folder").mkdir(parents=True)
    (folder / "net.toml").write_text(NETWORK)
    (folder / "space.toml").write_text('[axes]\nconfig = ["A"]\nwidth = [0.5, 1]\nsize = 32\n')
    (folder / "bad.toml").write_text("features = [8,\n")
    (folder / "empty").write_text("")
    (folder / "text.json").write_text("{}")
    (folder / "program.py").write_text(PROGRAM)
    (folder / "result.json").write_text(json.dumps(document()))
    (folder / "curve.json").write_text(json.dumps(document(case(), case(batch=8, scale=8.0))))
    cell = {"tag": "t4", "network": "D", "layout": "contiguous", "repeat": 0, "batch": 1, "dtype": "float32"}
    (folder / "cells").mkdir()
    (folder / "cells" / "one.json").write_text(json.dumps({**document(), "cell": cell, "host": "here"}))
    with chdir(folder), redirect_stdout(StringIO()):
        main(["lock", "A"])
    for name in ("old.csv", "old.md"):
        (folder / name).write_text(OLD)


def actions(command: str) -> list[argparse.Action]:
    """The options of a command, as its own parser has them."""
    parser = import_module(f"vggcost.cli.{command.replace('-', '_')}").parser()
    return [action for action in parser._actions if action.option_strings]


def needed(command: str) -> tuple[str, ...]:
    """A command line that is answered: the command with the words that it needs, else with a name."""
    return command, *NEEDED.get(command, ("A",))


def drawn(chance) -> tuple[str, ...]:
    """Draw a command line."""
    if chance.random() < 0.05:
        return tuple(
            chance.choice((*COMMANDS, *STRANGE, "--help", "--version", "help")) for _ in range(chance.randint(0, 2))
        )
    command = chance.choice(list(COMMANDS))
    words = list(NEEDED.get(command) or (chance.choice(NAMES),))
    options = actions(command)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        words[len(words) :] = option(chance, chance.choice(options))
    if chance.random() < 0.3 and any("--output" in action.option_strings for action in options):
        words += ["-o", chance.choice(OUTPUTS)]
    for _ in range(chance.choice((0, 0, 0, 1))):
        words.insert(chance.randint(0, len(words)), chance.choice(STRANGE))
    if command in SLOW and "--plan" not in words:
        words.append("--no-such-option")
    return (command, *words)


def option(chance, action: argparse.Action) -> list[str]:
    """An option with a value that it may take, or that nobody meant."""
    name = chance.choice(action.option_strings)
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        return [name] if chance.random() < 0.97 else [f"{name}={chance.choice(STRANGE)}"]
    likely = {
        "size": ("32", "224", "64x96"), "batch": ("1", "8", "64"), "dtype": ("float16", "int8"),
        "format": ("json", "csv"),
        "classes": ("10", "1000"), "width": ("0.5", "2"), "head": ("none", "64,64"), "convention": ("fvcore", "thop"),
        "of": ("fvcore", "torchinfo"), "memory": ("24GiB", "1GB"), "file": ("net.toml",), "config": NAMES,
        "like": NAMES,
        "layer": ("conv1_1", "fc8"), "output": OUTPUTS, "folder": ("set", "new/set", "folder"), "names": NAMES,
    }.get(action.dest, ("1",))  # fmt: skip
    value = chance.choice(likely if chance.random() < 0.6 else STRANGE)
    if value == "--":
        return [f"{name}=--"]
    return [name, value] if chance.random() < 0.8 else [f"{name}={value}"]


def wrong_text(path: Path) -> str | None:
    """What is wrong with a file that a command wrote; None where it is whole."""
    text = path.read_bytes().decode("utf-8")
    if not text.endswith("\n"):
        return "no end of the last line"
    if text.startswith("{"):
        try:
            json.loads(text)
        except ValueError as error:
            return str(error)
    return None


def left_over(folder: Path) -> list[str]:
    """What no command line named, and no command should leave."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]
