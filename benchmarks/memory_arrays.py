"""Networks a CPU second through the array door, and through the int door: a ratio from one run.

Run by hand: `python benchmarks/memory_arrays.py [ROUNDS]`. Rates are per second of process time, so that others on the
machine do not change them; medians of the rounds are printed, and nothing is asserted. grid: 1,000 batches by 1,000
sizes. pairs: as many points of which each has its own batch, height, width and classes, so that nothing is shared.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

import vggcost

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = {
    "inference": {},
    "training, sgd": {"training": True},
    "training, adam": {"training": True, "optimizer": "adam"},
}
NAMES = ("A", "A-LRN", "C", "D", "E", "residual-vgg16")
POINTS = 10**6
INTS = 20


def rate(networks: int, call: Callable[[], object], rounds: int) -> float:
    """Networks a second of process time, the median of the rounds."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return networks / statistics.median(seconds)


def main(rounds: int) -> None:
    """Print a line for each network and way of running it."""
    draw = np.random.default_rng(0)
    side = np.arange(32, 1032)
    grid = {"batch": np.arange(1, 1001)[:, None], "size": side}
    pairs = {
        "batch": draw.integers(1, 257, POINTS),
        "size": (draw.integers(32, 600, POINTS), draw.integers(32, 600, POINTS)),
        "classes": draw.integers(1, 2000, POINTS),
    }
    print(f"{'network':16} {'how':16} {'grid /s':>12} {'pairs /s':>12} {'ints /s':>9} {'grid : ints':>12}")
    for name in NAMES:
        for words, way in WAYS.items():
            on_grid, apart = (
                rate(POINTS, lambda name=name, way=way, axes=axes: vggcost.memory_totals(name, **way, **axes), rounds)
                for axes in (grid, pairs)
            )

            def one_by_one(name: str = name, way: dict[str, object] = way) -> None:
                for batch in range(1, INTS + 1):
                    _ = vggcost.memory(name, **way, batch=batch, size=batch + 223).totals

            ints = rate(INTS, one_by_one, rounds)
            print(f"{name:16} {words:16} {on_grid:12,.0f} {apart:12,.0f} {ints:9,.0f} {on_grid / ints:12,.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
