"""The commands on the project's pages and what stands below them.

`python tests/pages/refresh.py` writes the real output under every command of a console block; the tests hold it there.
A block ```sh is run and its output ignored, ```console holds `$ command` lines with their output, ```pycon a session.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vggcost.cli import main

CHECKOUT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r"^<!-- \$ (.*?) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
"""A command in a comment, and what it prints as Markdown, set as a table by whatever shows the page."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("sh", "console", "pycon", "text", "toml", "python", "yaml", "json")
"""What a block may be; text is never run, and the last four are read by the tests of what they show."""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """Every page with blocks."""
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    text = path.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(path.name, line, found[1], found[2])


def ran(command: str) -> str:
    """What a vggcost command prints in the checkout, both streams in their order."""
    program, *words = shlex.split(command)
    if program != "vggcost":
        raise ValueError(f"a console block runs {program}, and only vggcost is known here")
    out = io.StringIO()
    with contextlib.chdir(CHECKOUT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(words)
    return out.getvalue()


def commands(block: str) -> list[str]:
    """The lines of a console block that begin with `$ `."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def filled(block: str) -> str:
    """A console block with the real output under each of its commands."""
    return "\n".join(f"$ {command}\n{ran(command)}" for command in commands(block))


def refreshed(text: str) -> str:
    """A page with every console block filled."""

    def fill(found: re.Match[str]) -> str:
        return f"```console\n{filled(found[2])}```" if found[1] == "console" else found[0]

    return TABLE.sub(lambda found: table(found[1]), FENCE.sub(fill, text))


def table(command: str) -> str:
    """A command's Markdown between the comments that say where it comes from."""
    return f"<!-- $ {command} -->\n\n{ran(command)}\n<!-- end -->"


if __name__ == "__main__":
    for page in pages():
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("pages refreshed\n")
