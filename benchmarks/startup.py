"""Whole processes against `python -c pass` and against a script that counts D with fvcore: ratios from one run.

Run by hand on a quiet machine: `python benchmarks/startup.py [ROUNDS]`. The commands take turns, so that a machine
whose speed drifts slows all of them alike; medians and the ratios of medians are printed, and nothing is asserted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FVCORE = """
import logging
logging.disable()
import torch
from fvcore.nn import FlopCountAnalysis
from vggcost.api import build
from vggcost.network.catalogue import Variant
from vggcost.frameworks.pytorch.build import build_module
module = build_module(build("D", Variant())).to_empty(device="cpu")
with torch.no_grad():
    print(FlopCountAnalysis(module, torch.empty(1, 3, 224, 224)).total())
"""
SCRIPT = Path(sys.executable).with_name("vggcost")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "vggcost table --config D": [str(SCRIPT), "table", "--config", "D"],
    "... --format json": [str(SCRIPT), "table", "--config", "D", "--format", "json"],
    "a script with fvcore": [sys.executable, "-W", "ignore", "-c", FVCORE],
}
SLOW = "a script with fvcore"
SLOW_ROUNDS = 3


PEAKS = {
    "python -c pass": "pass",
    "vggcost table --config D": "from vggcost.cli import main; main(['table', '--config', 'D'])",
    "... --format json": "from vggcost.cli import main; main(['table', '--config', 'D', '--format', 'json'])",
    "a script with fvcore": FVCORE,
}
"""The same work as code, for a process that reports its own peak: what a parent is told starts at the parent's size."""
OWN_PEAK = """
import sys
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        sys.stderr.write(line.split()[1])
"""


def wall_s(command: list[str]) -> float:
    """The wall time of a whole process [s]."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
    _, status = os.waitpid(pid, 0)
    taken = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)[:60]} ended with {status}")
    return taken


def peak_kib(code: str) -> int:
    """The peak memory of a process that runs this code [KiB], as Linux tells the process itself."""
    command = [sys.executable, "-W", "ignore", "-c", f"{code}\n{OWN_PEAK}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stderr)


def in_process_ratio() -> float:
    """How many times longer fvcore takes to count D than cost("D"), in one process, building left out for fvcore.

    Each call of ours counts another number of classes, so that nothing kept from one serves the next.
    """
    import logging
    import warnings

    logging.disable()
    warnings.simplefilter("ignore")
    import torch
    from fvcore.nn import FlopCountAnalysis

    from vggcost import cost
    from vggcost.api import build
    from vggcost.frameworks.pytorch.build import build_module
    from vggcost.network.catalogue import Variant

    module = build_module(build("D", Variant())).to_empty(device="cpu")
    image = torch.empty(1, 3, 224, 224)

    def median(call: Callable[[int], object], rounds: int) -> float:
        times = []
        for turn in range(1, rounds + 1):
            start = time.perf_counter()
            call(turn)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    with torch.no_grad():
        theirs = median(lambda _: FlopCountAnalysis(module, image).total(), 5)
    ours = median(lambda classes: cost("D", classes=classes), 200)
    print(f"in process: a cost of D {ours * 1e6:.0f} us, fvcore's count {theirs * 1e3:.0f} ms: {theirs / ours:.0f} x")
    return theirs / ours


def main() -> None:
    """Print the table of medians and ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    os.chdir(tempfile.gettempdir())  # so that no checkout stands on the path
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(rounds + 1):
        for name, command in COMMANDS.items():
            if name != SLOW or turn <= SLOW_ROUNDS:
                taken = wall_s(command)
                if turn:  # the first of each warms the file cache
                    samples[name].append(taken)
    wall = {name: statistics.median(taken) for name, taken in samples.items()}
    peak = {name: peak_kib(code) for name, code in PEAKS.items()}
    base = "python -c pass"
    for name in COMMANDS:
        print(
            f"{name:26} {wall[name] * 1e3:8.1f} ms {wall[name] / wall[base]:6.1f} x"
            f" {peak[name] / 1024:8.1f} MiB {peak[name] / peak[base]:5.1f} x"
        )
    print(f"fvcore's script / vggcost table: {wall[SLOW] / wall['vggcost table --config D']:.1f} x")
    in_process_ratio()


if __name__ == "__main__":
    main()
