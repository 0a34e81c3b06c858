"""Hold vggcost bench against torch.utils.benchmark, its layers against its whole, and its cost against its limits.

Run by hand, on a machine that does nothing else:

    python benchmarks/bench_agreement.py            # all three tables
    python benchmarks/bench_agreement.py torch layers --rounds 30 --batches 1 --threads 1
    python benchmarks/bench_agreement.py layers --budget 60
    python benchmarks/bench_agreement.py sweep
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch.utils.benchmark import Timer

from vggcost import api
from vggcost.bench.host_clock import HostClock
from vggcost.bench.protocol import forward
from vggcost.bench.result import load, ratio_to_whole
from vggcost.bench.statistics import summary
from vggcost.bench.subjects import Subject, build, random_input
from vggcost.costs.table import table
from vggcost.network.plan import Variant

NETWORKS = ("A", "B", "D", "E")
MODEL_MARGIN_BYTES = 400 << 20
SWEEP_LIMIT_S = 180
LEAST_RATIO, MOST_RATIO = 0.98, 1.02


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="torch, layers, sweep (all)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--budget", type=float, default=30.0)
    parser.add_argument("--batches", default="1,4")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    batches = [int(batch) for batch in args.batches.split(",")]
    torch.set_num_threads(args.threads)
    chosen = args.tables or ["torch", "layers", "sweep"]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, load average {os.getloadavg()[0]:.2f}\n")
    if "torch" in chosen:
        against_torch(args.rounds, batches)
    if "layers" in chosen:
        layers_against_whole(args.budget, batches, args.threads)
    if "sweep" in chosen:
        sweep()


def against_torch(rounds: int, batches: list[int]) -> None:
    """One forward by each in turn, the first of them in turn as well, so that both see the same machine.

    The ratio is the median of the rounds' own: a minute that is slow for both changes no pair.
    """
    print("| network | batch | ours, median ms | torch.utils.benchmark, ms | its IQR ms | ratio of pairs | within |")
    print("|---|---|---|---|---|---|---|")
    clock, cpu = HostClock(), torch.device("cpu")
    for name in NETWORKS:
        for batch in batches:
            shape = (batch, 3, 224, 224)
            network = api.build(name, Variant())
            module = build(Subject(name, shape, table(network, shape)), cpu, torch.float32, channels_last=False)
            x = random_input(shape, cpu, torch.float32, channels_last=False)
            timer = Timer("module(x)", globals={"module": module, "x": x}, num_threads=torch.get_num_threads())
            ours, theirs = [], []
            with torch.inference_mode():
                for number in range(rounds + 3):
                    its = round(timer.timeit(1).times[0] * 1e9) if number % 2 else 0
                    mine = forward(clock, (module,), x).whole_ns
                    its = its or round(timer.timeit(1).times[0] * 1e9)
                    if number >= 3:  # the first three warm up
                        ours.append(mine)
                        theirs.append(its)
            one, other = summary(ours), summary(theirs)
            ratio = median(mine / its for mine, its in zip(ours, theirs, strict=True))
            print(
                f"| {name} | {batch} | {one.median_ns / 1e6:.1f} | {other.median_ns / 1e6:.1f}"
                f" | {(other.q3_ns - other.q1_ns) / 1e6:.1f} | {ratio:.4f}"
                f" | {'yes' if LEAST_RATIO <= ratio <= MOST_RATIO else 'NO'} |",
                flush=True,
            )
            del module, x, timer
            gc.collect()
    print()


def layers_against_whole(budget: float, batches: list[int], threads: int) -> None:
    """Each network's layers over its whole, as vggcost bench itself reports it."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "result.json")
        words = ["bench", ",".join(NETWORKS), "--batch", ",".join(map(str, batches)), "--budget", str(budget)]
        words += ["--threads", str(threads)]
        subprocess.run([sys.executable, "-m", "vggcost", *words, "--format", "json", "-o", path], check=True)
        document = load(path)
    print("| network | batch | forwards | whole, median ms | layers/whole | sums exact | verdict |")
    print("|---|---|---|---|---|---|---|")
    ratios = []
    for case in document["cases"]:
        chain = case["passes"]["layers"]["samples_ns"]
        exact = all(
            sum(layer["samples_ns"][number] for layer in case["layers"]) == whole for number, whole in enumerate(chain)
        )
        ratio = ratio_to_whole(case, "layers")
        ratios.append(ratio)
        title = f"{case['network']['title']} at batch {case['input'][0]}"
        tripped = ", ".join(line["gate"] for line in document["verdict"] if line["case"] == title) or "none"
        print(
            f"| {case['network']['name']} | {case['input'][0]} | {case['rounds']}"
            f" | {case['passes']['whole']['median_ns'] / 1e6:.1f} | {100 * ratio:.2f} % | {'yes' if exact else 'NO'}"
            f" | {tripped} |"
        )
    print(f"\nmedian of layers/whole: {100 * median(ratios):.2f} % (must lie within 3 %)\n")


def sweep() -> None:
    """The default sweep as a process of its own: its time and its peak resident memory."""
    before = time.perf_counter()
    words = ["bench", ",".join(NETWORKS), "--format", "json", "-o", os.devnull]
    subprocess.run([sys.executable, "-m", "vggcost", *words], check=True)
    took = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    largest = max(api.cost(name).totals.weight_bytes for name in NETWORKS)
    print(
        json.dumps(
            {
                "seconds": round(took, 1),
                "limit_s": SWEEP_LIMIT_S,
                "peak_mib": round(peak / 2**20, 1),
                "limit_mib": round((largest + MODEL_MARGIN_BYTES) / 2**20, 1),
                "kept": took < SWEEP_LIMIT_S and peak < largest + MODEL_MARGIN_BYTES,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
