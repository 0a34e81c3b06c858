"""Kills of ``vggcost lock`` at random moments: the file is the old one or the new one, and the next check sweeps.

By hand, for many of them: ``python tests/lock_kills.py [KILLS] [SEED]``.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VGGCOST = Path(sys.executable).with_name("vggcost")
OLD, NEW = ("A", "B", "C", "D", "E"), ("A-bn", "B-bn", "C-bn", "D-bn", "E-bn")


class Counts:
    """What became of the kills: the file was the old one or the new one, and how many left something beside it."""

    def __init__(self) -> None:
        self.old = self.new = self.left = 0

    def __str__(self) -> str:
        return f"{self.old} old, {self.new} new, {self.left} with something left beside, which the next run swept"


def run(folder: Path, *words: str) -> None:
    """Run the command to its end."""
    subprocess.run([VGGCOST, *words], cwd=folder, check=True, capture_output=True)


def written(folder: Path, names: tuple[str, ...]) -> bytes:
    """What a lock of these networks is."""
    run(folder, "lock", *names, "-o", "whole.json")
    text = (folder / "whole.json").read_bytes()
    (folder / "whole.json").unlink()
    return text


def kills(folder: Path, number: int, seed: int) -> Counts:
    """Kill so many; one in two as soon as something stands beside the file, which is the moment that matters."""
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    texts = {names: written(folder, names) for names in (OLD, NEW)}
    lock = folder / "vggcost.lock.json"
    lock.write_bytes(texts[OLD])
    start = time.perf_counter()
    run(folder, "lock", *NEW)
    whole_s = time.perf_counter() - start
    counts = Counts()
    for turn in range(number):
        lock.write_bytes(texts[OLD])
        child = subprocess.Popen(
            [VGGCOST, "lock", *NEW], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if turn % 2:
            while child.poll() is None and not beside(folder):
                pass
        else:
            time.sleep(chance.uniform(0, 1.1 * whole_s))
        child.kill()
        child.wait()
        found = lock.read_bytes()
        assert found in texts.values(), f"kill {turn}: neither the old file nor the new one"
        counts.old += found == texts[OLD]
        counts.new += found == texts[NEW]
        counts.left += bool(beside(folder))
        run(folder, *(("check",) if turn % 4 < 2 else ("lock", *OLD)))
        assert not beside(folder), f"kill {turn}: {beside(folder)} is left"
    return counts


def beside(folder: Path) -> list[str]:
    """What stands beside the lock."""
    return [path.name for path in folder.iterdir() if path.name != "vggcost.lock.json"]


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]] or [200]
    with tempfile.TemporaryDirectory() as place:
        print(kills(Path(place), asked[0], asked[1] if len(asked) > 1 else 1))
