"""The golden totals and layers: run `python tests/golden/regenerate.py` to write them and to read what changed.

A changed number belongs into CHANGELOG.md with its reason.
"""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from vggcost import cost

CONFIGS = ("A", "A-LRN", "B", "C", "D", "E")
CLASSES = (1000, 10, 24, 4)
SIZES = {"32": (32, 32), "224": (224, 224), "256x320": (256, 320)}
KEYS = ("config", "batch_norm", "classes", "size", "layer")
COUNTS = ("params", "macs")
FOLDER = Path(__file__).parent
TOTALS, LAYERS = FOLDER / "totals.csv", FOLDER / "layers.csv"

Counts = Mapping[tuple[str, ...], tuple[int, ...]]


def counted() -> dict[tuple[str, ...], tuple[int, ...]]:
    """Parameters and MACs of every layer that has any and of every total, as they are counted now."""
    counts = {}
    for config, batch_norm, classes, size in itertools.product(CONFIGS, (False, True), CLASSES, SIZES):
        result = cost(config, batch_norm=batch_norm, classes=classes, size=SIZES[size])
        network = (config, "yes" if batch_norm else "no", str(classes), size)
        for layer in result.layers:
            if layer.params or layer.macs:
                counts[*network, layer.name] = (layer.params, layer.macs)
        counts[*network, "total"] = (result.totals.params, result.totals.macs)
    return counts


def recorded() -> dict[tuple[str, ...], tuple[int, ...]]:
    """The same, as the golden files have it; a file that is not there holds nothing."""
    counts = {}
    for path in (TOTALS, LAYERS):
        if not path.exists():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name = tuple(row.get(key) or "total" for key in KEYS)
                counts[name] = tuple(int(row[count]) for count in COUNTS)
    return counts


def drift(old: Counts, new: Counts) -> Iterator[str]:
    """Yield a line for each number that changed: config, layer, both values and their difference."""
    for name in dict.fromkeys((*old, *new)):
        config, batch_norm, classes, size, layer = name
        where = f"{config} (batch_norm {batch_norm}, {classes} classes, size {size}) {layer}"
        if name not in new:
            yield f"{where}: is gone"
        elif name not in old:
            yield f"{where}: is new"
        else:
            for count, before, after in zip(COUNTS, old[name], new[name], strict=True):
                if before != after:
                    yield f"{where}: {count} {before:,} -> {after:,} ({after - before:+,})"


def write(path: Path, keys: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Write one golden file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*keys, *COUNTS))
        writer.writerows(rows)


def main() -> int:
    """Say what changed, and write it."""
    new = counted()
    changes = list(drift(recorded(), new))
    sys.stdout.write("".join(f"{change}\n" for change in changes) or "nothing changed\n")
    write(TOTALS, KEYS[:-1], ((*name[:-1], *counts) for name, counts in new.items() if name[-1] == "total"))
    write(LAYERS, KEYS, ((*name, *counts) for name, counts in new.items() if name[-1] != "total"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
