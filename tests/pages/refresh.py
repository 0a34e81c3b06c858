"""The commands on the project's pages and what stands below them.

`python tests/pages/refresh.py` writes the real output under every command of a console block; the tests hold it there.
A block ```sh is run and its output ignored, ```console holds `$ command` lines with their output, ```pycon a session.
On a page with the mark `IN_ORDER` the blocks belong together: one that begins with the name of a file is written to a
folder, which is empty at first, and the commands are those of a shell there.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vggcost.cli import main

CHECKOUT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r"^<!-- \$ (.*?) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)
"""A command in a comment, and what it prints as Markdown, set as a table by whatever shows the page."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("", "sh", "console", "pycon", "text", "toml", "python", "yaml", "json")
"""What a block may be: without a language it is a directive of the site; text is never run, the last four are read."""

NOT_RUN = re.compile(r"^<!-- not run: (.+) -->\n```(?:text|python|yaml|sh)\n", re.MULTILINE)
"""Why a block is not run, on the line above it."""

IN_ORDER = "<!-- the blocks of this page are run in order, in a folder of their own -->\n"
NAMED = re.compile(r"# ([\w./-]+\.(?:py|toml|yaml|yml))\n")
"""The first line of a block that is a file."""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """Every page with blocks."""
    docs = CHECKOUT / "docs"
    made = docs / "generated"
    return [CHECKOUT / "README.md", *(path for path in sorted(docs.rglob("*.md")) if made not in path.parents)]


def blocks(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    text = path.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(path.name, line, found[1], found[2])


def ran(line: str) -> str:
    """What a vggcost command prints in the checkout, both streams in order; ``| head -N`` leaves its first lines."""
    command, _, lines = line.replace("\\\n> ", "").partition(" | head -")
    program, *words = shlex.split(command)
    if program != "vggcost":
        raise ValueError(f"a console block runs {program}, and only vggcost is known here")
    out = io.StringIO()
    with contextlib.chdir(CHECKOUT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(words)
    return "".join(out.getvalue().splitlines(keepends=True)[: int(lines) if lines else None])


def commands(block: str) -> list[str]:
    """What stands behind `$ ` in a console block; a line that ends in a backslash goes on behind the `> ` below it."""
    return [found[1] for found in re.finditer(r"^\$ ((?:.*\\\n> )*.*)$", block, re.MULTILINE)]


def filled(block: str) -> str:
    """A console block with the real output under each of its commands."""
    return "\n".join(f"$ {command}\n{ran(command)}" for command in commands(block))


def refreshed(text: str) -> str:
    """A page with every console block filled."""
    if IN_ORDER in text:
        return played(text)

    def fill(found: re.Match[str]) -> str:
        return f"```console\n{filled(found[2])}```" if found[1] == "console" else found[0]

    return TABLE.sub(lambda found: table(found[1]), FENCE.sub(fill, text))


def played(text: str) -> str:
    """A page whose blocks are run in order, with every console block filled."""
    with tempfile.TemporaryDirectory() as folder:

        def play(found: re.Match[str]) -> str:
            named = NAMED.match(found[2])
            if named:
                path = Path(folder, named[1])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(found[2], encoding="utf-8")
            if found[1] != "console":
                return found[0]
            return "```console\n" + "".join(f"$ {line}\n{shell(line, folder)}" for line in commands(found[2])) + "```"

        return FENCE.sub(play, text)


def shell(command: str, folder: str) -> str:
    """What a line of a shell prints in a folder, both streams in their order."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}
    own["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{own['PATH']}"
    own["PYTEST_ADDOPTS"] = "-p no:randomly -p no:cacheprovider"  # the order of what is shown
    words = ("bash", "-c", command)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(words, cwd=folder, env=own, text=True, check=False, **streams).stdout


def table(command: str) -> str:
    """A command's Markdown between the comments that say where it comes from."""
    return f"<!-- $ {command} -->\n\n{ran(command)}\n<!-- end -->"


if __name__ == "__main__":
    for page in pages():
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write("pages refreshed\n")
