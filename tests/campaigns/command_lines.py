"""Random command lines in this process: a documented status, a whole result or one line, and files old or new."""

from __future__ import annotations

import io
import random
import re
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from campaigns._words import OLD, Promise, drawn, left_over, prepare, wrong_text

from vggcost.cli import main

WHAT = "random command lines in one process"
FULL, SHORT = 10_000, 300
AT_ONCE = 100
"""Command lines in one folder."""


def broken(number, seed, folder):
    """Yield each promise that a command line broke."""
    chance = random.Random(seed)  # noqa: S311  # words, not secrets
    for turn in range(number):
        here = folder / str(turn // AT_ONCE)
        if turn % AT_ONCE == 0:
            prepare(here)
        words = drawn(chance)
        with chdir(here):
            yield from (Promise(words, what) for what in tried(words))


def tried(words):
    """Run one command line here; yield what was wrong."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict", newline="") for _ in range(2))
    err.reconfigure(errors="backslashreplace")
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = main(list(words))
    except SystemExit as ended:
        status = ended.code or 0
        # "-h=old.csv" is -h, and behind it "-o" with its value, as argparse reads short options.
        if not any(word in ("--help", "help") or word.startswith("-h") for word in words):
            yield f"SystemExit {status}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        yield f"{type(error).__name__}: {error}"
        return
    out.flush()
    err.flush()
    yield from wrong(status, *(stream.buffer.getvalue().decode(errors="replace") for stream in (out, err)))
    after = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    for path in before.keys() | after.keys():
        if before.get(path) == after.get(path):
            continue
        if status == 2:
            yield f"refused, and {path} is another"
        elif path.suffix in (".csv", ".json", ".md") and (why := wrong_text(path)):
            yield f"{path} is not whole: {why}"
        if path.name.startswith("old"):
            path.write_text(OLD)
    yield from (f"{name} is left" for name in left_over(Path()))


RENAMED = re.compile(r"^vggcost: --[a-z-]+ is called .* now; the old word goes with the next release .*\n")
"""What is said of a word of the last release, which is no refusal."""


def wrong(status, out, err):
    """Yield what is wrong with a status and two streams."""
    err = RENAMED.sub("", err, count=1)
    if status not in (0, 1, 2):
        yield f"status {status}"
    if "Traceback" in err:
        yield f"a traceback: {err[-200:]!r}"
    if status == 2 and (out or err.count("\n") != 1 or not err.startswith("vggcost: error: ") or len(err) > 2000):
        yield f"refused with {len(out)} characters of a result and {err[:300]!r}"
    if status != 2 and out and not out.endswith("\n"):
        yield "a result without its end"
    if not err.replace("\n", "").isprintable():
        yield f"signs that are not printable: {err[:200]!r}"
