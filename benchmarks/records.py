"""What small values cost: as `vggcost.record.Record`, as frozen dataclass, as msgspec.Struct.

Run by hand on a quiet machine: `python benchmarks/records.py [ROUNDS]`. The first table is the time of making a row of
ten fields by position; the second that of whole processes beside `python -c pass`, which take turns. Fastest of all
rounds; nothing is asserted.
"""

from __future__ import annotations

import subprocess
import sys
import timeit
from time import perf_counter

TEN = "abcdefghij"
HEADS = {
    "msgspec.Struct": ("import msgspec", "class {name}(msgspec.Struct, frozen=True):"),
    "Record": ("from vggcost.record import Record", "class {name}(Record):"),
    "frozen dataclass": ("from dataclasses import dataclass", "@dataclass(frozen=True)\nclass {name}:"),
}
CALLS = 50_000
CLASSES = 30


def source(kind: str, classes: int) -> str:
    """Return the text of a module with some classes of ten ints."""
    fields = "".join(f"\n    {name}: int" for name in TEN)
    start, head = HEADS[kind]
    return "\n".join((start, *(head.format(name=f"Row{number}") + fields for number in range(classes))))


def row_ns(kind: str, rounds: int) -> float:
    """Return the time of making one row by position [ns]."""
    made = timeit.repeat("Row0(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", source(kind, 1), number=CALLS, repeat=rounds)
    return min(made) / CALLS * 1e9


def wall_s(code: str) -> float:
    """Return the wall time of a process that runs this code [s]."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return perf_counter() - start


def main() -> None:
    """Print both tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    for kind in HEADS:
        print(f"{row_ns(kind, rounds):8.0f} ns  a row of ten by position, {kind}")
    codes = {"pass": "pass"}
    for kind in HEADS:
        codes |= {f"import, {kind}": HEADS[kind][0], f"{CLASSES} classes, {kind}": source(kind, CLASSES)}
    times: dict[str, list[float]] = {what: [] for what in codes}
    for _ in range(rounds):
        for what, code in codes.items():
            times[what].append(wall_s(code))
    bare = min(times["pass"])
    print(f"{bare * 1e3:8.1f} ms  a bare interpreter; beside it, in its units:")
    for what, taken in times.items():
        print(f"{min(taken) / bare - 1:8.1f}     {what}")


if __name__ == "__main__":
    main()
