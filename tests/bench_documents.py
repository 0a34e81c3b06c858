"""Bench documents as a run would make them, with times that the test chooses."""

from __future__ import annotations

import copy

from vggcost.bench import gates
from vggcost.bench.protocol import GRAPH, LAYERS, WHOLE, ForwardTimes, Samples, StopRule
from vggcost.bench.result import SCHEMA, case_document

MS = 1_000_000
ROWS = (
    # name, kind, macs, bytes moved at least, milliseconds
    ("conv1_1", "Conv2d", 86_704_128, 13_450_000, 2),
    ("relu1_1", "ReLU", 0, 25_690_112, 1),
    ("conv1_2", "Conv2d", 1_849_688_064, 25_837_824, 30),
    ("drop6", "Dropout", 0, 0, 0),
    ("fc8", "Linear", 4_096_000, 16_404_384, 1),
)


def rows():
    return [
        {
            "name": name,
            "kind": kind,
            "path": f"features.{number}",
            "input": [1, 8, 4, 4],
            "output": [1, 8, 4, 4],
            "params": 10,
            "macs": macs,
            "flops": 2 * macs,
            "min_bytes": moved,
            "winograd": kind == "Conv2d",
            "runs": kind != "Dropout",
        }
        for number, (name, kind, macs, moved, _) in enumerate(ROWS)
    ]


def readings(layers_ns, count, queued_ahead=None, host_ns=None):
    elapsed = [0]
    for time in layers_ns:
        elapsed.append(elapsed[-1] + time)
    queued = [0]
    for time in host_ns or layers_ns:
        queued.append(queued[-1] + time)
    return [ForwardTimes(tuple(elapsed), tuple(queued), queued_ahead) for _ in range(count)]


def case(
    name="D",
    batch=1,
    *,
    scale=1.0,
    count=30,
    whole=None,
    graph=None,
    batch_norm=False,
    stopped_by="deviation",
    clocks=None,
    queued_ahead=None,
    host_ns=None,
    times=None,
):
    """One case; every forward alike but for what is asked otherwise. whole and graph are times in ns."""
    times = times or [round(row[4] * scale * MS) for row in ROWS]
    samples = Samples()
    samples.warm_up_ns = [sum(times)] * 3
    samples.readings = {
        LAYERS: readings(times, count, queued_ahead, host_ns),
        WHOLE: [reading for time in (whole or [sum(times)] * count) for reading in readings([time], 1, queued_ahead)],
    }
    if graph is not None:
        samples.readings[GRAPH] = readings([graph], count, queued_ahead)
    samples.sm_clock_mhz = clocks or [None] * count
    samples.stopped_by = stopped_by
    samples.deviation = 0.0
    options = {"batch_norm": batch_norm, "classes": 1000}
    title = f"{name} with batch normalization" if batch_norm else name
    identity = {"name": name, "title": title, "heading": f"VGG {title}, 1000 classes", "options": options}
    flops = 2 * sum(row[2] for row in ROWS)
    return case_document(identity, (batch, 3, 224, 224), rows(), samples, flops)


def document(*cases, device="cpu", **changes):
    """A complete document of these cases, judged."""
    made = {
        "schema": SCHEMA,
        "complete": True,
        "vggcost": "0.1.0",
        "created": "2026-01-01T00:00:00+00:00",
        "environment": {
            "device": device,
            "device_name": "Simulated 9000",
            "cache_bytes": 8 << 20,
            "cpu": "Simulated 9000",
            "cpu_cores": 8,
            "cpu_capability": "AVX512",
            "threads": 8,
            "load_average": 0.1,
            "python": "3.11.7",
            "platform": "Linux",
            "torch": "2.13.0",
            "onednn": True,
            "cuda": "12.8" if device.startswith("cuda") else None,
            "cudnn": 91000 if device.startswith("cuda") else None,
            "cudnn_benchmark": True,
            "cudnn_allow_tf32": False,
            "matmul_allow_tf32": False,
            "nvml": None,
            "nvml_absent": None,
        },
        "settings": {
            "device": device,
            "dtype": "float32",
            "channels_last": False,
            "compile": False,
            "backward": False,
            "per_layer": True,
            "threads": None,
            "budget_s": 30.0,
            "cudnn_benchmark": True,
            "mode": "eval, inference mode",
            "rule": {name: getattr(StopRule(), name) for name in StopRule._fields},
            "protocol": {
                "clock": "host clock",
                "spin": None,
                "spin_ns": None,
                "cache": "caches as the forward before left them",
                "flush_bytes": None,
                "synchronised_marks": False,
            },
        },
        "ceilings": {
            "flops_per_s": 200e9,
            "bytes_per_s": 40e9,
            "matmul_side": 2048,
            "copy_bytes": 128 << 20,
            "matmul_ns": [85_899_345],
            "copy_ns": [6_710_886],
        },
        "cases": copy.deepcopy(list(cases)) or [case()],
        "verdict": [],
    }
    for path, value in changes.items():
        place = made
        *folders, key = path.split("__")
        for folder in folders:
            place = place[folder]
        place[key] = value
    made["verdict"] = gates.verdict(made)
    return made
