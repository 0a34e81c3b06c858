"""Real training steps on the CPU beside the prediction: what a step holds that is neither weight nor gradient.

Run by hand: `python benchmarks/training_memory.py`. Of each network the second step runs under torch's profiler, and
the largest sum of what torch's allocator handed out is compared with what vggcost predicts. The ratio is expected
between 1 and 1.10 at this batch: above 1 are the copies that oneDNN makes in its own layout while it computes the
gradients of one convolution; those of weights do not grow with the batch. The last column has the most of them.
"""

from __future__ import annotations

import sys

from vggcost import cost
from vggcost.costs.beside_gradients import beside_gradients
from vggcost.costs.training import Training
from vggcost.frameworks.pytorch.real_steps import real_step_bytes
from vggcost.results.memory import Memory

CASES = (
    ("A", {}),
    ("A", {"batch_norm": True}),
    ("A-LRN", {}),
    ("residual-vgg16", {}),
    ("keras-residual-vgg", {}),
)
BATCH = 4
LARGEST_RATIO = 1.10


def main() -> int:
    """Print the table; 1 where a ratio is not between 1 and LARGEST_RATIO."""
    print(f"{'network, batch 4':24}{'predicted [B]':>16}{'profiler [B]':>16}{'ratio':>9}{'at most [B]':>16}")
    outside = 0
    for name, options in CASES:
        counted = cost(name, batch=BATCH, **options).table
        bounds = beside_gradients(counted, 4, Training(), in_place=True)
        real = real_step_bytes(Memory(counted, "float32", Training()))
        ratio = real / bounds.least_bytes
        outside += not 1 <= ratio <= LARGEST_RATIO
        title = f"{name}{' with BN' if options else ''}"
        print(f"{title:24}{bounds.least_bytes:16,}{real:16,}{ratio:9.4f}{bounds.most_bytes:16,}", flush=True)
    return int(outside > 0)


if __name__ == "__main__":
    sys.exit(main())
