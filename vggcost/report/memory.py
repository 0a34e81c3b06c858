"""A network's memory, part by part and layer by layer: the document of ``vggcost memory``."""

from __future__ import annotations

from vggcost import units
from vggcost.costs.training import LOW_PRECISIONS, STATES, master_weight_bytes, state_bytes
from vggcost.record import Record
from vggcost.report import training_cost
from vggcost.report.costless import folded, folded_words, per_image
from vggcost.report.document import SCREEN, Column, Document, Grid, Listing, Text, total_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Protocol

    from vggcost.costs.course import Peak
    from vggcost.costs.table import Table
    from vggcost.costs.training import Training
    from vggcost.costs.training_cost import TrainingCost

    class Found(Protocol):
        """Memory that was found, by formula or by following a program."""

        @property
        def dtype(self) -> str:
            """The name of what is stored."""

        @property
        def training(self) -> Training | None:
            """How a step is done; None for a forward call alone."""

        @property
        def mixed(self) -> str | None:
            """The low precision of torch.autocast; None where it is off."""

        @property
        def peak(self) -> Peak:
            """The worst moment, part by part."""

        @property
        def layers(self) -> Sequence[Any]:
            """A row a layer, whose fields are the keys of the JSON."""

        @property
        def totals(self) -> Any:
            """The whole, under the same keys."""

        @property
        def cost(self) -> TrainingCost | None:
            """What training multiplies."""

        def alive_at_peak(self) -> list[tuple[str | None, int]]:
            """Who wrote what is alive at the worst moment of a forward call, and its bytes."""

    class Needed(Found, Protocol):
        """What is shown; `vggcost.results.memory.Memory` is one."""

        table: Table
        in_place: bool


class MemoryPart(Record):
    """A line of the breakdown: its key in JSON, and its name for people."""

    key: str
    name: str


PARTS = (
    MemoryPart("weight_bytes", "weights"),
    MemoryPart("buffer_bytes", "buffers"),
    MemoryPart("input_bytes", "input"),
    MemoryPart("optimizer_bytes", "optimizer state"),
    MemoryPart("master_weight_bytes", "float32 copies of the weights"),
    MemoryPart("live_gradient_bytes", "gradients of weights"),
    MemoryPart("live_cast_bytes", "casts of the weights"),
    MemoryPart("live_saved_bytes", "kept for the backward pass"),
    MemoryPart("working_bytes", "outputs and gradients on their way"),
)
"""What the worst moment is made of, in the order of the screen."""

PART_COLUMNS = (
    Column("part", "At the worst moment"),
    Column("bytes", "Bytes", "bytes"),
    Column("about", "about", "number"),
)

COLUMNS = (
    Column("name", "Layer"),
    Column("kind", "Kind", leaves=4),
    Column("output", "Output", "shape", leaves=1),
    Column("output_bytes", "Output [B]", "bytes"),
    Column("weight_bytes", "Weights [B]", "bytes"),
    Column("buffer_bytes", "Buffers [B]", "bytes", leaves=5),
    Column("live_bytes", "Alive [B]", "bytes", leaves=2, sums=False),
)
TRAINING_COLUMNS = (
    Column("saved_bytes", "Kept [B]", "bytes"),
    Column("gradient_bytes", "Gradients [B]", "bytes", leaves=3),
    Column("optimizer_bytes", "Optimizer [B]", "bytes", leaves=6),
    *training_cost.COLUMNS,
)

MASTER_COLUMN = Column("master_weight_bytes", "Copies [B]", "bytes", leaves=6)

NOT_IN_IT = (
    "Not in it: the libraries' workspaces and blocked copies, the device's context, what the allocator rounds up and"
    " breaks in pieces, gradients in flight between machines."
)


def document(needed: Needed, *, human: bool) -> Document:
    """Return the document of a network's memory."""
    data = memory_data(needed)
    training = needed.training
    columns = (*COLUMNS, *(TRAINING_COLUMNS if training else ()))
    columns += (MASTER_COLUMN,) if training and training.master_weights else ()
    record = Grid(columns, [*data["layers"], total_row(sums(data))])
    return Document(
        training_cost.grouped(data),
        lambda: _blocks(needed, data, columns),
        record,
        human,
        listing=lambda: layer_listing(data, columns),
    )


def memory_data(needed: Needed) -> dict[str, Any]:
    """The JSON document: schema vggcost.memory/1."""
    return {
        "schema": "vggcost.memory/1",
        "network": needed.table.network.identity(),
        "input": list(needed.table.input),
        "dtype": needed.dtype,
        "mixed": needed.mixed,
        "in_place": needed.in_place,
        **found_data(needed),
    }


def found_data(needed: Found) -> dict[str, Any]:
    """The part of the JSON document that does not depend on where its numbers come from."""
    peak = needed.peak
    return {
        "training": training_data(needed.training),
        "peak": {name: getattr(peak, name) for name in peak._fields} | {"bytes": peak.bytes},
        "layers": [{name: _plain(getattr(row, name)) for name in row._fields} for row in needed.layers],
        "totals": {name: getattr(needed.totals, name) for name in needed.totals._fields}
        | ({} if needed.cost is None else needed.cost.numbers()),
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def sums(data: dict[str, Any]) -> dict[str, Any]:
    """The last row; what is alive at one moment adds up to nothing, so its cell has the worst."""
    return {**data["totals"], "live_bytes": data["totals"]["peak_bytes"]}


def _blocks(needed: Needed, data: dict[str, Any], columns: tuple[Column, ...]) -> tuple[Text | Grid, ...]:
    return (
        Text((_header(needed, data),), style="head"),
        Grid(PART_COLUMNS, part_rows(data), notes=(Text(tuple(notes(needed, data))),)),
        layer_grid(data, columns),
    )


def layer_listing(data: dict[str, Any], columns: tuple[Column, ...]) -> Listing:
    """What a reader may shape: the layers with all that is known of them."""
    from vggcost.report.shaping import block_names

    columns = tuple(column.replace(kind="image") if column.key == "output" else column for column in columns)
    rows = folded(data["layers"], _says_much, every_row=False)
    # Their inputs are the outputs before them, of which a pool's is what says that it shrinks the image.
    inputs = [data["input"], *(row["output"] for row in rows)]
    names = block_names([{**row, "input": before} for row, before in zip(rows, inputs, strict=False)])
    kept = ("saved_bytes", "share") if data["training"] else ()
    paper = ("name", "output", "output_bytes", "share", "weight_bytes", "share", *kept)
    keys = tuple(data["layers"][0])
    return Listing(
        columns,
        [*rows, total_row(sums(data))],
        paper=paper,
        blocks=names,
        json_row=lambda row: training_cost.grouped_row({key: row.get(key) for key in keys}),
    )


def _says_much(row: Mapping[str, Any]) -> bool:
    return bool(row["weight_bytes"] or row["saved_bytes"]) or "Pool" in row["kind"]


def layer_grid(data: dict[str, Any], columns: tuple[Column, ...]) -> Grid:
    """The layers, of which the screen leaves out those that hold nothing, and their sums."""
    rows = folded(data["layers"], _says_much, every_row=False)
    for row in rows:
        row["output"] = per_image(row)
    number, kinds = folded_words(rows)
    legend = f"Not shown: {kinds}; another --format has them." if number else ""
    return Grid(
        columns, [*rows, total_row(sums(data))], notes=(Text((legend,), where=SCREEN),) if legend else (), shapes=True
    )


def _header(needed: Needed, data: dict[str, Any]) -> str:
    what = what_runs(needed.training, needed.mixed)
    return f"VGG {data['network']['title']}; input {units.shape_text(data['input'])} {needed.dtype}; memory of {what}"


def what_runs(training: Training | None, mixed: str | None = None) -> str:
    """A forward call or a training step, in words."""
    what = "one forward call without gradients"
    if training is not None:
        what = f"one training step with {training.optimizer}"
        if training.accumulate > 1:
            what += f", gradients of {training.accumulate} passes added up"
        if training.checkpoint:
            what += ", with activation checkpointing"
        if training.master_weights:
            what += ", with float32 copies of the weights"
    return f"{what} under autocast to {mixed}" if mixed else what


def training_data(training: Training | None) -> dict[str, Any] | None:
    """How a training step is done, as plain values for JSON."""
    if training is None:
        return None
    return {name: getattr(training, name) for name in training._fields} | {"frozen": sorted(training.frozen)}


def part_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the worst moment that take anything, and their sum."""
    peak = data["peak"]
    shown = [part for part in PARTS if peak[part.key]]
    rows = [{"part": part.name, "bytes": peak[part.key], "key": part.key} for part in shown]
    if data["training"] is None:
        rows[-1]["part"] = "outputs of layers"
    rows.append({"part": "total", "bytes": peak["bytes"], "key": "bytes"})
    return [{**row, "about": units.human_bytes(row["bytes"])} for row in rows]


def notes(needed: Found, data: dict[str, Any]) -> list[str]:
    """When the worst moment is, what is alive then, what a step computes, and what is not in it."""
    peak, totals, training = data["peak"], data["totals"], needed.training
    when = {
        "forward": f"in the forward call, while {peak['layer']} runs",
        "backward": f"in the backward pass, at {peak['layer'] or 'the loss'}",
        "recompute": f"while {peak['layer']} runs a second time for the backward pass",
        "step": "in the optimizer's step",
    }[peak["phase"]]
    lines = [f"The worst moment is {when}."]
    if training is None:
        alive = ", ".join(f"{units.exact(size)} B of {writer}" for writer, size in needed.alive_at_peak())
        casts = "; and the casts of the weights so far" if peak["live_cast_bytes"] else ""
        lines.append(f"Alive then: {alive}{casts}.")
    else:
        lines.append(
            f"Autograd keeps {units.exact(totals['saved_bytes'])} B ({units.human_bytes(totals['saved_bytes'])}), the"
            " input among them."
        )
        lines += () if needed.cost is None else training_cost.cost_lines(totals, training)
        lines += _of_precision(needed.dtype, training)
    if needed.mixed:
        lines += _of_autocast(needed)
    return [*lines, NOT_IN_IT]


def _of_precision(dtype: str, training: Training) -> Iterator[str]:
    """What weights in a low precision lose, or what their float32 copies are counted by."""
    if training.master_weights:
        yield (
            f"The copies and the optimizer's state are float32, by formula: {_bytes_of_one(dtype, training)}."
            " torch.optim has no such optimizer, so no comparison with torch ran for these lines."
        )
    elif dtype in LOW_PRECISIONS and STATES[training.optimizer] > 1:
        yield (
            f"Warning: {training.optimizer} in pure {dtype} loses updates smaller than a weight's last digit; --mixed"
            f" {dtype} (without --dtype) keeps the weights in float32, --master-weights float32 copies of them."
        )


def _bytes_of_one(dtype: str, training: Training) -> str:
    """The bytes of one trained parameter, and what they are."""
    own = units.dtype_bytes(dtype)
    parts = {"weight": own, "gradient": own, "copy": master_weight_bytes(own, training)}
    state = state_bytes(own, training)
    parts |= {"state": state} if state else {}
    each = " + ".join(f"{size} {name}" for name, size in parts.items())
    return f"{sum(parts.values())} bytes a trained parameter ({each})"


def _of_autocast(needed: Found) -> Iterator[str]:
    """What autocast holds, which list of operators it follows, and what float16 needs beside."""
    yield (
        "Autocast casts each weight once and holds the cast until its region ends, behind the loss; with or without"
        " gradients."
    )
    kinds = {row.kind for row in needed.layers} & {"LocalResponseNorm", "Softmax"}
    if kinds:
        yield (
            "Operators run in the dtype of torch's list for a CPU, which can be checked without a GPU; a GPU's list"
            f" differs in {' and '.join(sorted(kinds))}."
        )
    if needed.mixed == "float16" and needed.training:
        yield "Gradients in float16 need a scaled loss (torch.amp.GradScaler), whose few numbers are not in it."
