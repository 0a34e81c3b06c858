"""Forecasts from one measurement on this machine's CPU, held against what it then takes.

Run by hand:

    python benchmarks/predict/cpu.py                 # twenty rounds, about two minutes
    python benchmarks/predict/cpu.py --rounds 5 --write

Nine cases take turns, one forward each a round, in one thread; times are that thread's own CPU time, so what else runs
on the machine takes none of it, though it takes caches and bandwidth. Every case is then forecast from A at batch 1, by
the code behind `vggcost predict --from`. --write replaces cpu_layers.csv, on which pairs.py rests intervals.
"""

from __future__ import annotations

import argparse
import csv
import gc
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import cpu_pairs
import torch
from thread_clock import ThreadClock

from vggcost.bench.environment import cpu_name
from vggcost.bench.protocol import ForwardTimes, forward
from vggcost.bench.subjects import Subject, build, layer_rows, network_subjects, probe, random_input
from vggcost.costs import variants
from vggcost.frameworks.pytorch.flat_forward import flat_operations
from vggcost.network import catalogue

CASES: tuple[cpu_pairs.Key, ...] = (
    ("A", 1.0, 1),
    ("B", 1.0, 1),
    ("D", 1.0, 1),
    ("E", 1.0, 1),
    ("D", 0.5, 1),
    ("A", 0.5, 1),
    ("A", 1.0, 4),
    ("D", 1.0, 4),
    ("D", 0.5, 4),
)
ON = CASES[0]
WARM_UP = 2
"""Rounds whose times are thrown away."""


def main() -> None:
    """Measure, forecast, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="replace cpu_layers.csv")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    load = os.getloadavg()[0]
    print(f"torch {torch.__version__}, {cpu_name()}, 1 thread of {os.cpu_count()} cores, load average {load:.2f}")
    times = measured(args.rounds)
    with tempfile.TemporaryDirectory() as folder:
        path = cpu_pairs.LAYERS if args.write else Path(folder) / "layers.csv"
        write(times, path)
        given = cpu_pairs.cases(path)
    print(f"{args.rounds} rounds; load average then {os.getloadavg()[0]:.2f}")
    show(times, given)


def measured(rounds: int) -> dict[cpu_pairs.Key, list[dict[str, int]]]:
    """Return the times of each layer [ns] in each round, by case."""
    clock, modules, running = ThreadClock(), {}, []
    for config, width, batch in CASES:
        network = variants.unfolded(catalogue.find(config), {"width": width}, None)
        (one,) = network_subjects([network], [batch])
        if (config, width) not in modules:
            modules[config, width] = build(one, torch.device("cpu"), torch.float32, channels_last=False)
        running.append(((config, width, batch), *prepared(one, modules[config, width])))
    times: dict[cpu_pairs.Key, list[dict[str, int]]] = {key: [] for key in CASES}
    gc.disable()
    with torch.inference_mode():
        for number in range(WARM_UP + rounds):
            for key, operations, x, names in running:
                read: ForwardTimes = forward(clock, operations, x)
                if number >= WARM_UP:
                    times[key].append(dict(zip(names, read.layers_ns, strict=True)))
    return times


def prepared(one: Subject, module: Any) -> tuple[Any, Any, list[str]]:
    """Return a case's operations, its input and the names of its layers, once they have run."""
    x = random_input(one.input, torch.device("cpu"), torch.float32, channels_last=False)
    operations = flat_operations(module, one.counted.network)
    rows = layer_rows(one.counted, x.element_size())
    with torch.inference_mode():
        probe(operations, x, rows)
    return operations, x, [row["name"] for row in rows]


def write(times: dict[cpu_pairs.Key, list[dict[str, int]]], path: Path) -> None:
    """Write a row a layer and one for the whole of each case."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("config", "width", "batch", "layer", "median_ns", "min_ns", "max_ns"))
        for key, rounds in times.items():
            for name in (*rounds[0], "whole"):
                taken = [sum(each.values()) if name == "whole" else each[name] for each in rounds]
                out.writerow((*key, name, round(median(taken)), min(taken), max(taken)))


def show(times: dict[cpu_pairs.Key, list[dict[str, int]]], given: dict[cpu_pairs.Key, Any]) -> None:
    """Print each case: its time and spread, and what it is forecast with."""
    ours, flops = cpu_pairs.errors(given, ON), cpu_pairs.flop_errors(given, ON)
    print(f"\n{'case':24}{'median ms':>10}{'max/min':>9}{'forecast':>10}{'FLOP ratio':>12}")
    for key, rounds in times.items():
        wholes = [sum(each.values()) for each in rounds]
        name = f"{key[0]}, width {key[1]:g}, batch {key[2]}"
        told = [f"{100 * by[key]:+.1f}%" if key in by else "" for by in (ours, flops)]
        spread = max(wholes) / min(wholes)
        print(f"{name:24}{median(wholes) / 1e6:10.1f}{spread:9.2f}{told[0]:>10}{told[1]:>12}")
    for title, batch in (("the same batch", (1,)), ("another batch", (4,)), ("all", (1, 4))):
        told = [
            f"{100 * median(abs(error) for key, error in by.items() if key[2] in batch):.1f}%" for by in (ours, flops)
        ]
        print(f"median error, {title}: {told[0]} (FLOP ratio {told[1]})")


if __name__ == "__main__":
    main()
