"""Closed forms: the document of ``vggcost formula``, and the same as one line of Python."""

from __future__ import annotations

from vggcost import units
from vggcost.report.document import Column, Document, Grid, Text
from vggcost.report.formats import rendered
from vggcost.report.memory import training_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.costs.closed_forms import ClosedForm, MemoryForm
    from vggcost.costs.storages import Moment
    from vggcost.network.plan import Configuration

PYTHON = {"python": "py"}
"""The format that closed forms have beside all others, and the ending that implies it."""

NAMES = {
    "params": "parameters",
    "macs": "MACs",
    "bias_adds": "bias additions",
    "weight_layer_output_elements": "outputs of weight layers",
    "output_elements": "outputs of all layers",
}
MEMORY_NAMES = {
    "weight_bytes": "weights [B]",
    "buffer_bytes": "buffers [B]",
    "input_bytes": "input [B]",
    "output_bytes": "outputs of all layers [B]",
    "weight_layer_output_bytes": "outputs of weight layers [B]",
    "saved_bytes": "kept for the backward pass [B]",
    "gradient_bytes": "gradients of weights [B]",
    "optimizer_bytes": "optimizer state [B]",
    "master_weight_bytes": "float32 copies of weights [B]",
    "forward_flops": "forward [FLOP]",
    "backward_flops": "backward [FLOP]",
    "step_flops": "step [FLOP]",
}
PEAK_TITLES = {
    "peak_bytes": "The peak of a forward call (peak_bytes) is the largest of these moments [B]:",
    "training_peak_bytes": "The peak of a training step (training_peak_bytes) is the largest of these moments [B]:",
}
PEAK_WORDS = {
    "saved_bytes": "kept for the backward pass",
    "peak_bytes": "at the peak of a forward call",
    "training_peak_bytes": "at the peak of a training step",
}
_MEANINGS = "outputs: elements; weight layers are convolutions and linear layers"


def text(
    whole: ClosedForm,
    plan: Configuration,
    fmt: str,
    layer: str | None,
    memory: MemoryForm | None = None,
    *,
    with_value: bool,
) -> str:
    """Return the closed forms of a network, or of its one layer of that name, in one of the formats or as Python.

    memory adds those of the network's memory. with_value adds what they give for the input that plan is meant for.

    Raises:
        VggcostError: the network has no such layer.
    """
    form = whole.layer(layer) if layer else whole
    if fmt in PYTHON:
        return python_text(form, memory)
    if layer:
        return rendered(layer_document(form, layer), fmt)
    return rendered(document(form, _usual(form, plan) if with_value else None, memory), fmt)


def _usual(form: ClosedForm, plan: Configuration) -> dict[str, int] | None:
    """The input that people mean when they name none; None where the closed forms have no value for its size."""
    height, width = plan.size if form.symbolic_image else form.image
    if height % form.unit or width % form.unit:
        return None
    return {"batch": 1, "classes": plan.variant.classes, "height": height, "width": width}


def _header_line(form: ClosedForm, of: str | None = None) -> str:
    """One line that says what the symbols stand for."""
    classes = form.network.variant.classes if form.network.variant.classifier else None
    height, width = form.image
    symbols = sorted({str(symbol) for expression in form.quantities().values() for symbol in _free(expression)})
    what = f"layer {of} of VGG {form.network.title}" if of else f"VGG {form.network.title}"
    image = f"{form.network.variant.in_channels} x {height} x {width}".replace("*", "")
    return (
        f"{what}: batch {form.batch}, image {image}"
        + (f", {classes} classes" if classes is not None else "")
        + (f"; closed forms in {', '.join(symbols)}" if symbols else "")
        + "; 1 MAC = 2 FLOP"
    )


def document(form: ClosedForm, usual: Mapping[str, int] | None, memory: MemoryForm | None = None) -> Document:
    """Return a network's closed forms, and what the convolutions and the classifier each bring.

    usual holds batch, classes, height and width of the input that people mean when they name none; None where they have
    named it, or the forms have no value for it.
    """
    parts = form.parts()
    split = [
        {"what": NAMES[name], **{part: getattr(half, name) for part, half in parts.items()}}
        for name in ("params", "macs", "bias_adds", "weight_layer_output_elements")
    ]
    meanings = (_MEANINGS, *(() if usual is None else (_value_line(form, memory, **usual),)))
    blocks = (
        Text((_header_line(form),)),
        Grid((Column("what", "Quantity"), Column("form", "Closed form", "formula")), _rows(form), equations=True),
        Grid((Column("what", "Of which"), *(Column(part, part, "formula") for part in parts)), split),
        *(() if memory is None else _memory_blocks(memory)),
        Text(meanings),
    )
    return Document(_data(form, None, memory), blocks, _record(form, memory))


def _memory_blocks(memory: MemoryForm) -> tuple[Text | Grid, ...]:
    """The memory's closed forms, and each peak as the moments that can be the largest."""
    what = "a forward call"
    if memory.training is not None:
        what = f"a forward call, and of a training step with {memory.training.optimizer}"
    values = memory.quantities()
    rows = [{"what": name, "form": values[key]} for key, name in MEMORY_NAMES.items() if key in values]
    peaks = (
        Grid(
            (Column("what", "Moment"), Column("form", "Closed form", "formula")),
            [{"what": moment_words(moment), "form": moment.bytes} for moment in moments],
            title=PEAK_TITLES[name],
            equations=True,
        )
        for name, moments in memory.moments.items()
    )
    under = f", under autocast to {memory.mixed}" if memory.mixed else ""
    head = Text((f"Memory of {what}, {memory.dtype}{under}:",))
    return (
        head,
        Grid((Column("what", "Memory"), Column("form", "Closed form", "formula")), rows, equations=True),
        *peaks,
    )


def moment_words(moment: Moment) -> str:
    """When a moment is: ``conv1_2, forward``."""
    if moment.phase == "step":
        return "the optimizer's step"
    return f"{moment.layer or 'the loss'}, {moment.phase}"


def layer_document(form: ClosedForm, name: str) -> Document:
    """Return one layer's closed forms, with its formula in letters and with its numbers."""
    (step,) = (step for step in form.steps() if step.layer.name == name)
    written = step.layer.written(step.output)
    rows = [
        {
            **row,
            "letters": written.get(f"{row['quantity']}_formula"),
            "numbers": written.get(f"{row['quantity']}_numbers"),
        }
        for row in _rows(form)
        if row["quantity"] != "output_elements"
    ]
    columns = (
        Column("what", "Quantity"),
        Column("letters", "in letters", "code"),
        Column("numbers", "with its numbers", "code"),
        Column("form", "closed form", "formula"),
    )
    return Document(_data(form, name), (Text((_header_line(form, name),)), Grid(columns, rows)), _record(form))


def _rows(form: ClosedForm) -> list[dict[str, Any]]:
    return [
        {"quantity": name, "what": NAMES[name], "form": expression} for name, expression in form.quantities().items()
    ]


def _record(form: ClosedForm, memory: MemoryForm | None = None) -> Grid:
    more = [{"quantity": name, "form": expression} for name, expression in _memory_texts(memory).items()]
    return Grid((Column("quantity", "Quantity"), Column("form", "Closed form")), [*_rows(form), *more])


def _memory_texts(memory: MemoryForm | None) -> dict[str, str]:
    """The memory's closed forms as Python expressions; a peak is Python's max over its moments."""
    if memory is None:
        return {}
    return {
        name: _largest(memory.moments[name]) if name in memory.moments else str(expression)
        for name, expression in memory.quantities().items()
    }


def _largest(moments: Sequence[Moment]) -> str:
    each = [str(moment.bytes) for moment in moments]
    return f"max({', '.join(each)})" if len(each) > 1 else each[0]


def _data(form: ClosedForm, layer: str | None, memory: MemoryForm | None = None) -> dict[str, Any]:
    """The closed forms as Python expressions under the names of their quantities."""
    data = {
        "schema": "vggcost.formula/1",
        "network": {"name": form.network.name, "title": form.network.title},
        "layer": layer,
        "image": [str(side) for side in form.image],
        **{name: str(expression) for name, expression in form.quantities().items()},
        **_memory_texts(memory),
    }
    if memory is None:
        return data
    moments = {
        name: [{"phase": each.phase, "layer": each.layer, "bytes": str(each.bytes)} for each in found]
        for name, found in memory.moments.items()
    }
    return {
        **data,
        "moments": moments,
        "dtype": memory.dtype,
        "mixed": memory.mixed,
        "in_place": memory.in_place,
        "training": training_data(memory.training),
    }


def python_text(form: ClosedForm, memory: MemoryForm | None = None) -> str:
    """One lambda in N, K, a, b that gives all quantities by name; it runs as it stands, without sympy."""
    expressions = {**form.quantities(), **_memory_texts(memory)}
    entries = ", ".join(f'"{name}": {expression}' for name, expression in expressions.items())
    return f"lambda N=1, K=1000, a=7, b=7: {{{entries}}}\n"


def _value_line(
    form: ClosedForm, memory: MemoryForm | None, *, batch: int, classes: int, height: int, width: int
) -> str:
    values = form.at(batch=batch, classes=classes, height=height, width=width)
    more = ""
    if memory is not None:
        found = memory.at(batch, classes, height, width)
        more = "".join(f", {units.exact(found[name])} B {what}" for name, what in PEAK_WORDS.items() if name in found)
    return (
        f"At N = {batch}, K = {classes}, {height}x{width} pixels:"
        f" {units.exact(values['params'])} parameters, {units.exact(values['macs'])} MACs{more}"
    )


def _free(size: Any) -> set[Any]:
    return getattr(size, "free_symbols", set())
