"""`vggcost audit` of VGG-16 as a whole process, against a script that builds it and counts it with fvcore.

Run by hand on a quiet machine: `python benchmarks/audit.py [ROUNDS]`. The two take turns, so that a machine whose speed
drifts slows both alike; medians of the wall times, the peaks that the processes report themselves, and the ratios are
printed, and so is the time of a second model in a process that has audited one, of a small model, and of deep ones.
Nothing is asserted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = """
import torch
from torch import nn


class VGG16(nn.Module):
    def __init__(self, num_classes=1000):
        super().__init__()
        layers, channels = [], 3
        for widths in ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)):
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))
"""
FVCORE = """
import logging
logging.disable()
import torch
from fvcore.nn import FlopCountAnalysis
from vgg import VGG16
with torch.no_grad():
    print(FlopCountAnalysis(VGG16().eval(), torch.zeros(1, 3, 224, 224)).total())
"""
AUDIT = "from vggcost.cli import main; main(['audit', 'vgg.py:VGG16'])"
OWN_PEAK = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        import sys
        sys.stderr.write(line.split()[1])
"""
SECOND = """
import io, time
from contextlib import redirect_stdout
from vggcost.cli import main
with redirect_stdout(io.StringIO()):
    main(['audit', 'vgg.py:VGG16'])
    start = time.perf_counter()
    main(['audit', 'other.py:VGG16', '--size', '256'])
    taken = time.perf_counter() - start
print(taken)
"""


SMALL_AND_DEEP = """
import time
from torch import nn
import vggcost


def seconds(model, shape):
    start = time.perf_counter()
    vggcost.audit(model, shape).to_text()
    return time.perf_counter() - start


def deep(layers):
    parts = ((nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()) for _ in range(layers // 3))
    return nn.Sequential(*(part for each in parts for part in each))


small = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
seconds(small, (1, 3, 8, 8))
print(min(seconds(small, (1, 3, 8, 8)) for _ in range(5)))
print(*(seconds(deep(layers), (1, 8, 32, 32)) for layers in (1000, 2500, 5000)))
"""


def measured(code: str, folder: str) -> tuple[float, int]:
    """The wall time [s] and the peak memory [KiB] of a process that runs this code."""
    command = [sys.executable, "-W", "ignore", "-c", code + OWN_PEAK]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, int(done.stderr.split()[-1])


def main() -> None:
    """Take turns, then print medians and ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        for name in ("vgg.py", "other.py"):
            (Path(folder) / name).write_text(MODEL)
        runs: dict[str, list[tuple[float, int]]] = {"vggcost audit": [], "a script with fvcore": []}
        for code in (AUDIT, FVCORE):
            measured(code, folder)  # fills the caches of files, which both need
        for _ in range(rounds):
            for name, code in (("vggcost audit", AUDIT), ("a script with fvcore", FVCORE)):
                runs[name].append(measured(code, folder))
        done = subprocess.run([sys.executable, "-c", SECOND], cwd=folder, capture_output=True, text=True, check=True)
        deep = subprocess.run([sys.executable, "-c", SMALL_AND_DEEP], capture_output=True, text=True, check=True)
    medians = {name: [statistics.median(each) for each in zip(*took, strict=True)] for name, took in runs.items()}
    for name, (seconds, peak) in medians.items():
        print(f"{name:22} {seconds:7.3f} s  {peak / 1024:8.1f} MiB   (median of {rounds})")
    ours, theirs = medians.values()
    print(f"{'ratio':22} {ours[0] / theirs[0]:7.3f}    {ours[1] / theirs[1]:8.3f}")
    print(f"a second model in the same process: {float(done.stdout) * 1000:.1f} ms")
    small, *deeps = map(float, deep.stdout.split())
    print(f"a live model of three layers at 8x8: {small * 1000:.1f} ms")
    print(f"live models of 1,000, 2,500 and 5,000 layers: {', '.join(f'{each:.2f}' for each in deeps)} s")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
