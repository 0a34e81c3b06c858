"""Kills at random moments of what writes: each file is old or new, the next run completes and sweeps."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path

from bench_documents import document

WHAT = "kills of report, table -o, bench -o and lock"
FULL, SHORT = 200, 16
MET = ("old or between", "new", "with something left beside")
"""What kills leave; those that leave nothing beside came before or behind the moments that matter."""

VGGCOST = Path(sys.executable).with_name("vggcost")
REPORT = "report"
WRITERS = {
    REPORT: ("report -o set A B C D --size 64 --no-figures", "report -o set A B C D --size 32 --no-figures"),
    "table": ("table D --format json --all -o set/d.json", "table E --format json --all -o set/d.json"),
    "bench": ("bench --load one.json --format json -o set/b.json", "bench --load two.json --format json -o set/b.json"),
    "lock": ("lock A B C -o set/lock.json", "lock A-bn B-bn C-bn -o set/lock.json"),
}
"""What wrote the old files, and what is killed when it writes the new ones."""
ANOTHER = "E --size 32 --no-figures"
"""What the report behind a killed one is of."""
READER = "check --lock set/lock.json"
"""It sweeps what a killed lock left, as the next lock does."""


def broken(number, seed, folder):
    """Yield each promise that a kill broke; return what the kills left behind."""
    for name, size in (("one.json", 32), ("two.json", 64)):
        (folder / name).write_text(json.dumps(document()).replace("224", str(size)))
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    known = {writer: states(folder, writer) for writer in WRITERS}
    kinds = list(WRITERS)
    met: Counter[str] = Counter()
    for turn in range(number):
        writer = REPORT if turn % 2 else kinds[turn // 2 % len(kinds)]
        for what in killed(folder, writer, known[writer], chance, met):
            yield f"kill {turn} of {writer}: {what}"
    return ", ".join(f"{met[what]} {what}" for what in MET)


def states(folder, writer):
    """The old files, the new ones, and how long these take to be written."""
    found = []
    for words in WRITERS[writer]:
        shutil.rmtree(folder / "set", ignore_errors=True)
        (folder / "set").mkdir()
        start = time.perf_counter()
        run(folder, words)
        found.append(files(folder))
    return *found, time.perf_counter() - start


def killed(folder, writer, known, chance, met):
    """Kill once and count what was met; yield what was wrong then, and after the next run."""
    old, new, whole_s = known
    shutil.rmtree(folder / "set")
    (folder / "set").mkdir()
    for name, content in old.items():
        (folder / "set" / name).write_bytes(content)
    child = subprocess.Popen(
        [VGGCOST, *WRITERS[writer][1].split()], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0, 1.1 * whole_s))
    else:  # at the moments that matter: something stands beside
        while child.poll() is None and not beside(folder):
            pass
        time.sleep(chance.choice((0, chance.uniform(0, 0.001), chance.uniform(0, 0.01))))
    child.kill()
    child.wait()
    left = files(folder)
    met.update([MET[left == new], *MET[2:][: bool(beside(folder))]])
    for name in old.keys() | new.keys():
        if left.get(name) not in (old.get(name), new.get(name)):
            yield f"{name} is neither old nor new"
    if writer == REPORT:
        yield from after_a_report(folder, old, new, left)
    else:
        yield from after_a_file(folder, writer, new, checked=writer == "lock" and chance.random() < 0.5)
    if beside(folder):
        yield f"{beside(folder)} is left"


def after_a_file(folder, writer, new, *, checked):
    """Write the file again, behind a check of it or not."""
    if checked:
        run(folder, READER)
        if beside(folder):
            yield f"{beside(folder)} is left by a check"
    run(folder, WRITERS[writer][1])
    if files(folder) != new:
        yield "the next run did not write the new file"


def after_a_report(folder, old, new, left):
    """Ask ``report --check``, and write another report, which completes this one before its own."""
    waiting = {path.name for path in (folder / "set").glob(".vggcost-set.*.whole/*")}
    named = run(folder, f"{WRITERS[REPORT][1]} --check", status=1 if left != new or waiting else 0)
    if left not in (old, new) and not waiting:
        yield "the set is neither old nor new, and nothing completes it"
    if any(f"{name}: left as it was by a report" not in named for name in waiting):
        yield "report --check does not name what was cut short"
    run(folder, f"report -o set {ANOTHER}")
    whole = new if waiting or left == new else old
    found = files(folder)
    if any(found.get(name) != text for name, text in whole.items() if name not in written_by_another(folder)):
        yield "the next report left a set that is neither old nor new"


@cache
def written_by_another(folder):
    """The files that the next report writes itself, such as the summary."""
    run(folder, f"report -o another {ANOTHER}")
    return {path.name for path in (folder / "another").iterdir()}


def run(folder, words, status=0):
    """Run the command to its end and return what it prints."""
    done = subprocess.run([VGGCOST, *words.split()], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == status, (words, done.returncode, done.stdout[-500:], done.stderr)
    return done.stdout


def files(folder):
    """What the files of the set hold."""
    return {path.name: path.read_bytes() for path in (folder / "set").iterdir() if path.name[0] != "."}


def beside(folder):
    """What stands beside the files of the set."""
    return [path.name for path in (folder / "set").iterdir() if path.name[0] == "."]
