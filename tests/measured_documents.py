"""Bench results of networks of ours, with times that a test chooses for each layer."""

from __future__ import annotations

import bench_documents

from vggcost.bench.protocol import LAYERS, WHOLE, Samples
from vggcost.bench.result import case_document
from vggcost.bench.subjects import layer_rows
from vggcost.costs import variants
from vggcost.costs.table import table
from vggcost.network import catalogue
from vggcost.predict import subject

ROUNDS = 30


def counted(name, batch=1, size=None, **options):
    network = variants.unfolded(catalogue.find(name), options, size)
    return table(network, (batch, network.variant.in_channels, *network.image))


def forecast_of(name, batch=1, size=None, **options):
    return subject.of_table(counted(name, batch, size, **options))


def case(name, time_of, batch=1, *, size=None, element_bytes=4, whole_over_layers=1.0, layers=True, **options):
    """A case whose layers take time_of(row) nanoseconds; the whole takes so many times their sum."""
    made = counted(name, batch, size, **options)
    rows = layer_rows(made, element_bytes)
    for row in rows:
        row["runs"] = row["kind"] not in ("Dropout", "Flatten")
    times = [round(time_of(row)) for row in rows]
    samples = Samples()
    samples.warm_up_ns = [sum(times)] * 3
    samples.readings = {WHOLE: bench_documents.readings([round(sum(times) * whole_over_layers)], ROUNDS)}
    if layers:
        samples.readings[LAYERS] = bench_documents.readings(times, ROUNDS)
    samples.stopped_by, samples.deviation = "deviation", 0.0
    identity = {**made.network.identity(), "heading": "a VGG"}
    return case_document(identity, made.input, rows if layers else [], samples, made.flops)


def document(*cases, device="cpu", **changes):
    """A result whose ceilings no layer beats."""
    high = {"ceilings__flops_per_s": 1e16, "ceilings__bytes_per_s": 1e14}
    return bench_documents.document(*cases, device=device, **(high | changes))
