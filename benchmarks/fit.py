"""What an answer of `fit` costs: in one process, and as a whole process beside `python -c pass`.

Run by hand on a quiet machine: `python benchmarks/fit.py [ROUNDS]`. Each call asks for another budget, so that nothing
kept from one serves the next; the fastest of all rounds, the levers counted apart. Nothing is asserted.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter

import vggcost

SCRIPT = str(Path(sys.executable).with_name("vggcost"))
QUESTIONS = {
    "batch, inference": {"memory": 24 * 2**30},
    "batch, training with adam": {"memory": 24 * 2**30, "training": True, "optimizer": "adam"},
    "batch, training with checkpoints": {"memory": 24 * 2**30, "training": True, "checkpoint": True},
    "size, inference": {"memory": 24 * 2**30, "solve": "size"},
    "size, training with adam": {"memory": 24 * 2**30, "solve": "size", "training": True, "optimizer": "adam"},
    "width, inference": {"memory": 24 * 2**30, "solve": "width"},
    "width, MACs": {"macs": 5 * 10**9},
    "width, three budgets": {"macs": 5 * 10**9, "params": 60 * 10**6, "memory": 2**30},
}


def in_process_ms(options: dict[str, int | str | bool], rounds: int) -> tuple[float, float]:
    """The fastest answer for VGG-16, and the fastest of its levers [ms]."""
    answers, levers = [], []
    for turn in range(rounds):
        asked = {key: value + turn * 1000 if type(value) is int else value for key, value in options.items()}
        start = perf_counter()
        fit = vggcost.fit("D", **asked)
        answers.append(perf_counter() - start)
        start = perf_counter()
        len(fit.levers)
        levers.append(perf_counter() - start)
    return min(answers) * 1e3, min(levers) * 1e3


def process_ms(command: list[str], rounds: int) -> float:
    """The fastest of several processes [ms]."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - start)
    return min(times) * 1e3


def main() -> None:
    """Print both tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for what, options in QUESTIONS.items():
        answer, levers = in_process_ms(options, rounds)
        print(f"{what:34}{answer:8.1f} ms, levers {levers:8.1f} ms")
    command = [SCRIPT, "fit", "D", "--memory", "24GiB", "--training", "--optimizer", "adam"]
    for what, words in {"python -c pass": [sys.executable, "-c", "pass"], "vggcost fit, training": command}.items():
        print(f"{what:34}{process_ms(words, rounds):8.1f} ms")


if __name__ == "__main__":
    main()
