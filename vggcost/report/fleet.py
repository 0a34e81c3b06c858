"""Training on many GPUs: what ``vggcost fleet`` shows."""

from __future__ import annotations

from vggcost import units
from vggcost.fleet.plan import BAND, HOUR_S
from vggcost.report.document import Column, Document, Grid, Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vggcost.fleet.model import Link
    from vggcost.fleet.plan import Fleet, Scale, Split

DAY_S = 24 * HOUR_S
"""Seconds in a day."""


def document(fleet: Fleet) -> Document:
    """Return the document of a fleet; its CSV has a row for each number of GPUs, weak scaling."""
    rows = [scale_data(each) for each in fleet.weak]
    record = Grid(tuple(Column(key, key, _kind(key)) for key in rows[0]), rows)
    return Document(fleet_data(fleet), lambda: tuple(_blocks(fleet)), record)


def _kind(key: str) -> str:
    return "bytes" if key.endswith("_bytes") else "text" if key in ("transport", "binds") else "number"


def fleet_data(fleet: Fleet) -> dict[str, Any]:
    """The JSON document: schema vggcost.fleet/1; times in s, bytes, images/s."""
    work, cluster, known = fleet.work, fleet.cluster, fleet.calibrated
    return {
        "schema": "vggcost.fleet/1",
        "network": dict(fleet.network),
        "input": list(fleet.input),
        "dtype": fleet.dtype,
        "optimizer": fleet.optimizer,
        "link": None if cluster.link is None else _link_data(cluster.link),
        "local_link": _link_data(cluster.local),
        "per_node": cluster.per_node,
        "one_gpu": {"step_s": known.alone_s, "source": fleet.source, "notes": list(fleet.notes)},
        "constants": {
            "local_share": known.constants.local,
            "tcp_share": known.constants.tcp,
            "rdma_share": known.constants.rdma,
            "latency_s": known.constants.latency_s,
            "straggling": known.constants.straggling,
        },
        "memory": {"peak_bytes": work.peak_bytes},
        "gradient_bytes": work.gradient_bytes,
        "gradients": [{"layer": each.layer, "bytes": each.bytes, "ready": each.ready} for each in work.gradients],
        "run": {"images": fleet.wanted.images, "epochs": fleet.wanted.epochs, "price_per_gpu_hour": fleet.wanted.price},
        "weak": [scale_data(each) for each in fleet.weak],
        "strong": {
            "total_batch": fleet.wanted.total_batch,
            "rows": [{"gpus": gpus, **({} if each is None else scale_data(each))} for gpus, each in fleet.strong],
        },
        "split_linear_layers": [split_data(each) for each in fleet.split],
    }


def _link_data(link: Link) -> dict[str, Any]:
    return {"bytes_per_s": link.bytes_per_s, "transport": link.transport}


def scale_data(each: Scale) -> dict[str, Any]:
    """One number of GPUs, as JSON and CSV have it."""
    return {
        "gpus": each.gpus,
        "batch": each.batch,
        "images_per_step": each.images,
        "step_s": each.step.seconds,
        "work_s": each.step.work_s,
        "waiting_s": each.step.waiting_s,
        "transfer_s": each.step.transfer_s,
        "latency_s": each.step.latency_s,
        "binds": each.step.binds,
        "sent_bytes": each.sent_bytes,
        "transport": each.transport,
        "effective_bytes_per_s": each.effective_bytes_per_s,
        "images_per_s": each.images_per_s,
        "efficiency": each.efficiency,
        "efficiency_low": each.low,
        "efficiency_high": each.high,
        "epoch_s": each.epoch_s,
        "run_s": each.run_s,
        "epoch_price": each.epoch_price,
        "run_price": each.run_price,
    }


def split_data(each: Split) -> dict[str, Any]:
    """The linear layers split over a number of GPUs, as JSON has it."""
    return {
        "gpus": each.gpus,
        "exchanged_bytes": each.exchanged_bytes,
        "sent_bytes": each.sent_bytes,
        "sent_bytes_unsplit": each.whole_bytes,
        "saved_bytes": each.saved_bytes,
        "step_s": each.seconds,
        "times_faster": each.times_faster,
    }


def duration(seconds: float) -> str:
    """A time as people say it, with three digits.

    >>> duration(42), duration(600), duration(9780), duration(724000)
    ('42.0 s', '10.0 min', '2.72 h', '8.38 days')
    """
    for size, word in ((DAY_S, "days"), (HOUR_S, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{units.three(seconds / size)} {word}"
    return f"{units.three(seconds)} s"


def ms(seconds: float) -> str:
    """A time in ms with its thousands.

    >>> ms(0.48892), ms(12.5), ms(0.0042)
    ('489', '12,500', '4.20')
    """
    return f"{seconds * 1e3:,.0f}" if seconds >= 0.1 else f"{units.three(seconds * 1e3)}"


def _price(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def _speed(bytes_per_s: float) -> str:
    return f"{bytes_per_s / 1e9:.3g} GB/s"


def _blocks(fleet: Fleet) -> Iterator[Text | Grid]:
    work, known = fleet.work, fleet.calibrated
    title = f"VGG {fleet.network['title']}" if fleet.network.get("options") is not None else fleet.network["title"]
    yield Text(
        (f"{title}; input {units.shape_text(fleet.input)} {fleet.dtype} on each GPU; {_machines(fleet)}",), "head"
    )
    yield Text(
        (
            (
                f"One GPU alone: {ms(known.alone_s)} ms a step, {fleet.input[0] / known.alone_s:,.1f} images/s"
                f" ({fleet.source}); {units.human_bytes(work.peak_bytes)} of memory with {fleet.optimizer}."
            ),
            f"Gradients: {units.exact(work.gradient_bytes)} B a step.",
            *(f"{note}." for note in fleet.notes),
        )
    )
    yield _weak(fleet)
    yield _strong(fleet)
    yield _gradients(fleet)
    if fleet.split:
        yield _split(fleet)
    yield Text(tuple(_notes(fleet)))


def _machines(fleet: Fleet) -> str:
    cluster = fleet.cluster
    most = max(each.gpus for each in fleet.weak)
    within = f"{units.counted(cluster.per_node, 'GPU')} a machine"
    if cluster.per_node > 1:
        within += f" over {_speed(cluster.local.bytes_per_s)}"
    if cluster.link is None or most <= cluster.per_node:
        return within
    return f"{within}, machines over {_speed(cluster.link.bytes_per_s)} {cluster.link.transport.upper()}"


def _weak(fleet: Fleet) -> Grid:
    columns = [
        Column("gpus", "GPUs", "number"),
        Column("step", "Step ms", "number"),
        Column("speed", "images/s", "number"),
        Column("efficiency", "Efficiency", "number"),
        Column("band", "Band", "number"),
        Column("binds", "Binds"),
        Column("sent", "Sent a GPU", "number", leaves=2),
        Column("line", "Ring gets", "number", leaves=3),
        Column("epoch", "Epoch", "number"),
        Column("run", "Run", "number"),
    ]
    if fleet.wanted.price is not None:
        columns += [
            Column("epoch_price", "Epoch price", "number", leaves=1),
            Column("run_price", "Price", "number"),
        ]
    return Grid(
        tuple(columns),
        [_weak_row(each) for each in fleet.weak],
        title=f"Weak scaling: {units.counted(fleet.input[0], 'image')} a GPU",
    )


def _weak_row(each: Scale) -> dict[str, Any]:
    return {
        "gpus": units.exact(each.gpus),
        "step": ms(each.step.seconds),
        "speed": f"{each.images_per_s:,.1f}" if each.images_per_s < 1e4 else f"{each.images_per_s:,.0f}",
        "efficiency": f"{each.efficiency:.3f}",
        "band": "" if each.low == each.high else f"{each.low:.2f} to {each.high:.2f}",
        "binds": each.step.binds,
        "sent": units.human_bytes(each.sent_bytes) if each.sent_bytes else "",
        "line": "" if each.effective_bytes_per_s is None else _speed(each.effective_bytes_per_s),
        "epoch": duration(each.epoch_s),
        "run": duration(each.run_s),
        "epoch_price": _price(each.epoch_price),
        "run_price": _price(each.run_price),
    }


def _strong(fleet: Fleet) -> Grid:
    columns = (
        Column("gpus", "GPUs", "number"),
        Column("batch", "Images a GPU", "number"),
        Column("step", "Step ms", "number"),
        Column("speed", "images/s", "number"),
        Column("efficiency", "Efficiency", "number"),
        Column("binds", "Binds"),
        Column("run", "Run", "number"),
    )
    rows: list[dict[str, Any]] = []
    for gpus, each in fleet.strong:
        if each is None:
            rows.append({"gpus": units.exact(gpus), "batch": "no equal part"})
        else:
            rows.append({**_weak_row(each), "batch": units.exact(each.batch)})
    return Grid(
        columns, rows, title=f"Strong scaling: {units.counted(fleet.wanted.total_batch, 'image')} a step for all"
    )


def _gradients(fleet: Fleet) -> Grid:
    columns = (
        Column("layer", "Layer"),
        Column("bytes", "Gradients [B]", "bytes"),
        Column("share", "%", "share"),
        Column("ready", "There after % of the step", "number"),
    )
    rows = [
        {
            "layer": each.layer,
            "bytes": each.bytes,
            "share": (each.bytes, fleet.work.gradient_bytes),
            "ready": f"{100 * each.ready:.1f}",
        }
        for each in reversed(fleet.work.gradients)
    ]
    return Grid(columns, rows, title="Gradients, in the order in which they leave")


def _split(fleet: Fleet) -> Grid:
    names = [each.layer for each in fleet.work.linear]
    which = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    columns = (
        Column("gpus", "GPUs", "number"),
        Column("unsplit", "All-reduce, unsplit", "number"),
        Column("sent", "All-reduce, the rest", "number"),
        Column("exchanged", "Activations", "number"),
        Column("saved", "Memory saved", "number"),
        Column("step", "Step ms", "number"),
        Column("faster", "Times faster", "number"),
    )
    rows = [
        {
            "gpus": units.exact(each.gpus),
            "unsplit": units.human_bytes(each.whole_bytes),
            "sent": units.human_bytes(each.sent_bytes),
            "exchanged": units.human_bytes(each.exchanged_bytes),
            "saved": units.human_bytes(each.saved_bytes),
            "step": ms(each.seconds),
            "faster": f"{each.times_faster:.2f}",
        }
        for each in fleet.split
    ]
    return Grid(columns, rows, title=f"{which} split over the GPUs, sent by each GPU in a step")


def _notes(fleet: Fleet) -> Iterator[str]:
    yield (
        f"Band: {BAND:.0%} either way of the efficiency: 12 of the 14 published runs keep within it where the model is"
        " fitted without their laboratory (vggcost fleet --evaluate). The time of one GPU is taken as given."
    )
    constants = fleet.calibrated.constants
    yield (
        f"Assumed: a ring gets {constants.local:.0%} of a line within a machine, {constants.tcp:.0%} over TCP,"
        f" {constants.rdma:.0%} over RDMA; {constants.latency_s * 1e6:.0f} us before a message; each doubling of the"
        f" GPUs makes the slowest of them {constants.straggling:.1%} slower."
    )
    run = fleet.wanted
    yield f"A run is {units.counted(run.epochs, 'epoch')} of {units.counted_exact(run.images, 'image')}."
    yield (
        "Not in it: parameter servers, reading and preparing images, a GPU that is less busy with a smaller batch,"
        " and what a larger batch does to accuracy."
    )
