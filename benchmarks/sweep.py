"""How many networks a CPU second a sweep counts: five columns, a front, every row in Parquet, widths by block.

python benchmarks/sweep.py prints the rates; a busy machine halves them.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import time
from itertools import islice

import numpy as np

from vggcost.conventions.rows import convention
from vggcost.engines.here import HereEngine
from vggcost.sweep import space as spaces
from vggcost.sweep.columns import Columns
from vggcost.sweep.driver import answer
from vggcost.sweep.files import Writer
from vggcost.sweep.layout import Layout, slices
from vggcost.sweep.question import question
from vggcost.sweep.task import Task, run

GRID = {
    "width": {"from": 0.25, "to": 2, "step": 0.05},
    "batch_norm": [False, True],
    "size": {"from": 32, "to": 544, "step": 32},
    "batch": {"from": 1, "to": 64, "step": 1},
    "classes": {"from": 10, "to": 160, "step": 10},
}
SPACE = {"convention": "fvcore", "axes": GRID, "blocks": {"depth": [[1, 2], [1, 2], [1, 2, 3], [1, 2, 3], [1, 2, 3]]}}
ROWS = {"axes": {**GRID, "classes": [10, 100, 200, 300, 400, 1000], "config": ["A", "D"]}}
BY_BLOCK = {
    "axes": {"size": [224], "batch": [1, 8]},
    "blocks": {"depth": [[2], [2], [3], [3], [3]], "width": [{"from": 16, "to": 512, "step": 62}] * 5},
}
FIVE = ("params", "macs", "count", "inference_bytes", "training_bytes")


def five_columns() -> tuple[int, float]:
    """Five columns of numbers, made in full."""
    space = spaces.read(SPACE)
    layout, row = Layout(space, keeps_rows=False), convention("fvcore")
    begun, done = time.process_time(), 0
    for number in range(0, layout.blocks, max(1, layout.blocks // 12)):
        block = layout.block(number)
        columns = Columns(space, block, row)
        for part in slices(tuple(map(len, block.places))):
            shape = tuple(each.stop - each.start for each in part)
            for name in FIVE:
                np.broadcast_to(columns[name].at(part, columns.axes["batch"][..., part[4]]), shape)
        done += block.rows
    return done, time.process_time() - begun


def front(space: object, tasks: int = 4, where: tuple[str, ...] = ()) -> tuple[int, float]:
    """The front of some tasks of a space."""
    asked = question(spaces.read(space), where)  # type: ignore[arg-type]
    blob = pickle.dumps(asked.query)
    begun, done = time.process_time(), 0
    for task in islice(asked.tasks(), 0, None, max(1, asked.layout.tasks // tasks)):
        done += run(Task(blob, task.first, task.last, None)).examined
    return done, time.process_time() - begun


def parquet() -> tuple[int, float]:
    """Every row, evaluated and written."""
    space = spaces.read(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        Writer(os.path.join(folder, "rows.parquet"), space)  # loads pyarrow
        begun = time.process_time()
        writer = Writer(os.path.join(folder, "rows.parquet"), space)
        answer(question(space, every=True), HereEngine(), None, writer.add)
        writer.close()
    return writer.rows, time.process_time() - begun


def main() -> None:
    """Print the rates."""
    for what, target, measured in (
        ("five exact columns", 20, five_columns),
        ("a front of two", 10, lambda: front(SPACE)),
        ("a filter and a front of two", 10, lambda: front(SPACE, where=("params < 20e6 and training_bytes < 8GiB",))),
        ("every row to Parquet, nine columns", 3, parquet),
        ("widths free by block, a front", 1, lambda: front(BY_BLOCK)),
    ):
        done, seconds = measured()
        print(f"{what:38} {done / seconds / 1e6:8.2f} M networks/s and core (to reach: {target})")


if __name__ == "__main__":
    main()
