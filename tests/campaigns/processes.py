"""Random command lines as processes, with streams that are closed, full, gone, short, or of another encoding."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys

from campaigns._words import Promise, drawn, left_over, prepare
from campaigns.command_lines import wrong

WHAT = "random command lines as processes"
FULL, SHORT = 300, 20
DOCUMENTED = (0, 1, 2, 130, 143)

STREAMS = ("", "", ">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">out", "| true")
"""What a shell does with the streams; ``out`` is a file that may be too short, ``| true`` a reader that goes."""

ENVIRONMENTS = (
    {},
    {},
    {"PYTHONUNBUFFERED": "1"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONUNBUFFERED": "1"},
)
FREE = re.compile(rb"[0-9.]+ [KMGT]iB are free|\"(?:free|available)_bytes\": [0-9]+")
"""What a plan of a bench says of the machine, which is another each time."""

LIMITS = (None, None, 0, 1024, 4096)
"""How far a file may grow [bytes], as on a full disk."""


def broken(number, seed, folder):
    """Yield each promise that a process broke."""
    chance = random.Random(seed)  # noqa: S311  # words, not secrets
    for turn in range(number):
        here = folder / str(turn)
        prepare(here)
        words = drawn(chance)
        streams, limit = chance.choice(STREAMS), chance.choice(LIMITS)
        environment = chance.choice(ENVIRONMENTS)
        for what in tried(here, words, streams, limit, environment):
            yield str(Promise(words, f"{what} ({streams}, at most {limit} bytes, {environment})"))


def ran(here, words, streams, limit, environment):
    """The status, and what came out of both streams and into ``out``."""

    def limited():
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    out = here.parent / f"{here.name}.out"
    command = f'"$PYTHON" -B -m vggcost "$@" {streams.replace(">out", f">{out}").replace("| true", "")}'
    script = f"( {command}; echo $? >&3 ) | true" if streams == "| true" else f"{command}; echo $? >&3"
    read, write = os.pipe()
    with open(read) as status:
        done = subprocess.run(
            ["/bin/sh", "-c", f"exec 3>&{write}; {script}", "sh", *words],
            cwd=here,
            capture_output=True,
            check=False,
            pass_fds=(write,),
            preexec_fn=limited,
            env={**os.environ, "PYTHON": sys.executable, **environment},
        )
        os.close(write)
        text = status.read()
    text_out = out.read_bytes() if out.exists() else done.stdout
    return int(text or -1), text_out, done.stderr.decode("utf-8", "replace")


def tried(here, words, streams, limit, environment):
    """Run one process; yield what was wrong."""
    old = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
    status, out, err = ran(here, words, streams, limit, environment)
    if status not in DOCUMENTED:
        yield f"status {status} with {err[-300:]!r}"
        return
    if status == 2 and "2>" not in streams:
        yield from wrong(status, "", err)
    if "Traceback" in err:
        yield f"a traceback: {err[-300:]!r}"
    changed = [path.name for path in here.iterdir() if path.is_file() and old.get(path) != path.read_bytes()]
    refused_late = "standard output" in err or "2>" in streams  # the files were written, the line about it was not
    if status == 2 and changed and not refused_late:
        yield f"refused, and {changed} are others"
    yield from (f"{name} is left" for name in left_over(here))
    if "--dry-run" in words:  # it tries how fast this machine is, which is another each time
        return
    if status in (0, 1) and streams in ("", ">out", "2>&-", "<&-") and not changed:
        again, whole, _ = ran(here, words, "", None, environment)
        if (again, FREE.sub(b"", whole)) != (status, FREE.sub(b"", out)):
            yield f"{len(out)} bytes of {len(whole)} with status {status}"
