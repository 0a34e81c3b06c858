"""Settings of the explorer's fields, drawn at random, and what Python says of each."""

from __future__ import annotations

import random

import vggcost
from vggcost.conventions.rows import NAMES
from vggcost.costs.training import INTEGERS, STATES
from vggcost.network.catalogue import TABLE_1
from vggcost.units import DTYPE_BYTES

MEMORY_OF_LAYERS = ("output_bytes", "saved_bytes")
TOTALS = ("weight_bytes", "output_bytes", "peak_bytes", "buffer_bytes", "input_bytes")
OF_TRAINING = ("saved_bytes", "gradient_bytes", "optimizer_bytes", "training_peak_bytes")


def drawn(number: int, seed: int, names: list[str]) -> list[dict[str, str]]:
    """So many settings, each convention, configuration, dtype and optimizer among them."""
    draw = random.Random(seed)  # noqa: S311  # a seeded draw of examples
    found = []
    for place in range(number):
        name = names[place % len(names)]
        pool = draw.random() < 0.9
        some = [str(draw.choice((1, 2, 10, 100, 777, 4096, 10**6))) for _ in range(2)]
        heads = (
            ["paper", "none", "off", some[0], ",".join(some)]
            if pool
            else ["off", *(["paper"] if name in TABLE_1 else [])]
        )
        head = draw.choice(heads)
        free = pool or head == "off"
        sides = [
            str(draw.choice((draw.randint(32, 600), 32 * draw.randint(1, 20), 224))) if free else "224" for _ in "hw"
        ]
        found.append(
            {
                "config": name,
                "bn": draw.choice("01"),
                "height": sides[0],
                "width": sides[1],
                "batch": str(draw.choice((1, 2, 3, 8, 64, draw.randint(1, 10**4), 10**12))),
                "classes": str(draw.choice((1, 10, 1000, draw.randint(1, 10**5)))),
                "factor": draw.choice(("1", "0.5", "0.25", "2", "0.7", "1.375", "0.001", "3.14159")),
                "head": head,
                "pool": str(int(pool)),
                "dtype": draw.choice(tuple(DTYPE_BYTES)),
                "convention": NAMES[place % len(NAMES)],
                "optimizer": draw.choice(tuple(STATES)),
            }
        )
    return found


def by_python(setting: dict[str, str], files: dict[str, str]) -> dict[str, object]:
    """The totals and the layers of a setting, every number as the text of an int; files are those of own networks."""
    head = setting["head"]
    options = {
        "batch_norm": setting["bn"] == "1",
        "classes": int(setting["classes"]),
        "width": float(setting["factor"]),
        "classifier": head != "off",
        "adaptive_pool": setting["pool"] == "1",
        "size": (int(setting["height"]), int(setting["width"])),
        "batch": int(setting["batch"]),
        "dtype": setting["dtype"],
    }
    name = setting["config"]
    if head == "paper" and name in files:
        head = "4096,4096"  # what its file says is another one
    if head not in ("paper", "off"):
        options["head"] = () if head == "none" else tuple(int(width) for width in head.split(","))
    target = {"file": files[name]} if name in files else {"network": name}
    cost = vggcost.cost(**target, **options, convention=setting["convention"])
    trains = setting["dtype"] not in INTEGERS
    step = {"training": True, "optimizer": setting["optimizer"]} if trains else {}
    memory = vggcost.memory(**target, **options, **step)
    rows = [
        {
            "name": row.name,
            "kind": row.kind,
            "output": list(map(str, row.output)),
            "params": str(row.params),
            "macs": str(row.macs),
            "flops": str(row.flops),
            "count": None if count.value is None else str(count.value),
            **{key: str(getattr(kept, key)) for key in MEMORY_OF_LAYERS if key != "saved_bytes" or trains},
        }
        for row, count, kept in zip(cost.table.rows, cost.tally.counts, memory.layers, strict=True)
    ]
    totals = {name: str(getattr(memory.totals, name)) for name in (*TOTALS, *(OF_TRAINING if trains else ()))}
    totals |= {name: str(getattr(cost.table, name)) for name in ("params", "macs", "flops")}
    totals["count"] = None if cost.tally.total is None else str(cost.tally.total)
    found: dict[str, object] = {"rows": rows, "totals": totals, "why": cost.tally.reason or ""}
    if trains:
        peak = memory.peak
        found["peak"] = {
            "phase": peak.phase,
            "layer": peak.layer,
            **{key: str(getattr(peak, key)) for key in ("live_gradient_bytes", "live_saved_bytes", "working_bytes")},
        }
    return found
