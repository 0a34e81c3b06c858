"""``vggcost check`` as a whole process against `python -c pass`, and of a torch program against `import torch`.

Run by hand on a quiet machine: `python benchmarks/lock.py [ROUNDS]`. The commands take turns, so that a machine whose
speed drifts slows all of them alike; medians and the ratios of medians are printed, and nothing is asserted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vggcost.results.report_files import VARIANTS

SCRIPT = str(Path(sys.executable).with_name("vggcost"))
PASS, TORCH, DYNAMO = "python -c pass", "python -c 'import torch'", "... and torch._dynamo"
CHECK, PROGRAM = "vggcost check, the twelve variants", "vggcost check, a VGG-16 of torch"
OTHER = "vggcost check, a program like no VGG"
COMMANDS = {
    PASS: [sys.executable, "-c", "pass"],
    CHECK: [SCRIPT, "check", "--lock", "names.json"],
    TORCH: [sys.executable, "-c", "import torch"],
    DYNAMO: [sys.executable, "-W", "ignore", "-c", "import torch._dynamo"],  # as torch.FakeTensorMode does
    PROGRAM: [SCRIPT, "check", "--lock", "program.json"],
    OTHER: [SCRIPT, "check", "--lock", "other.json"],  # followed under FakeTensorMode
}
SLOW = (TORCH, DYNAMO, PROGRAM, OTHER)
SLOW_ROUNDS = 5

VGG = """
from torch import nn


def vgg16():
    layers, channels = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(True)]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(512 * 49, 4096), nn.ReLU(True), nn.Linear(4096, 4096), nn.ReLU(True), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.Flatten(), *head)


class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return (x + self.conv(x)).mean()
"""


def taken(command: list[str]) -> tuple[float, float]:
    """The wall time and the CPU time of a whole process [s]."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, 1, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table of medians and ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("vgg.py").write_text(VGG)
        other = ["vgg.py:Other", "--input", "3x224x224", "-o", "other.json"]
        for words in ([*VARIANTS, "-o", "names.json"], ["vgg.py:vgg16", "-o", "program.json"], other):
            subprocess.run([SCRIPT, "lock", *words], check=True, capture_output=True)
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for turn in range(rounds + 1):
            for name, command in COMMANDS.items():
                if name not in SLOW or turn <= SLOW_ROUNDS:
                    pair = taken(command)
                    if turn:  # the first of each warms the file cache
                        samples[name].append(pair)
    wall, cpu = (
        {name: statistics.median(pair[side] for pair in pairs) for name, pairs in samples.items()} for side in (0, 1)
    )
    for name, base in ((PASS, PASS), (CHECK, PASS), (TORCH, TORCH), (DYNAMO, TORCH), (PROGRAM, TORCH), (OTHER, TORCH)):
        print(
            f"{name:36} {wall[name] * 1e3:8.1f} ms {wall[name] / wall[base]:6.2f} x   CPU {cpu[name] * 1e3:8.1f} ms"
            f" {cpu[name] / cpu[base]:6.2f} x"
        )


if __name__ == "__main__":
    main()
