"""Closed forms as text: for a person, for a paper, for a program."""

from __future__ import annotations

from vggcost import units
from vggcost.report.grid import Column, grid, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vggcost.costs.closed_forms import ClosedForm
    from vggcost.network.plan import Configuration

FORMATS = ("table", "json", "latex", "python")
"""What --format takes here."""

NAMES = {
    "params": "parameters",
    "macs": "MACs",
    "bias_adds": "bias additions",
    "activations": "activations",
    "outputs": "all outputs",
}
_MEANINGS = "activations: output elements of convolutions and linear layers; all outputs: those of every layer"


def text(whole: ClosedForm, plan: Configuration, fmt: str, layer: str | None, *, with_value: bool) -> str:
    """The closed forms of a network, or of its one layer of that name, in one of FORMATS.

    with_value adds, on the screen, what they give for the input that plan is meant for.

    Raises:
        VggcostError: the network has no such layer.
    """
    form = whole.layer(layer) if layer else whole
    if fmt == "json":
        return json_text(form, layer)
    if fmt == "latex":
        return latex_text(form, layer)
    if fmt == "python":
        return python_text(form)
    if layer:
        return layer_text(form, layer)
    table = table_text(form, form.parts())
    return table + _usual_value(form, plan) if with_value else table


def header_line(form: ClosedForm, of: str | None = None) -> str:
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


def table_text(form: ClosedForm, parts: dict[str, ClosedForm]) -> str:
    """The closed forms, and what the convolutions and the classifier each bring."""
    whole = [{"what": NAMES[name], "form": expression} for name, expression in form.quantities().items()]
    split = [
        {"what": NAMES[name], **{part: getattr(half, name) for part, half in parts.items()}}
        for name in ("params", "macs", "bias_adds", "activations")
    ]
    blocks = [
        wrapped(header_line(form)) + "\n",
        grid((Column("what", "Quantity"), Column("form", "Closed form")), whole, "table"),
        grid((Column("what", "Of which"), *(Column(part, part) for part in parts)), split, "table"),
        f"{_MEANINGS}\n",
    ]
    return "\n".join(blocks)


def layer_text(form: ClosedForm, name: str) -> str:
    """One layer's closed forms, with its formula in letters and with its numbers."""
    (step,) = (step for step in form.steps() if step.layer.name == name)
    written = step.layer.written(step.output)
    rows = [
        {
            "what": NAMES[quantity],
            "letters": written.get(f"{quantity}_formula"),
            "numbers": written.get(f"{quantity}_numbers"),
            "form": expression,
        }
        for quantity, expression in form.quantities().items()
        if quantity != "outputs"
    ]
    columns = (
        Column("what", "Quantity"),
        Column("letters", "in letters"),
        Column("numbers", "with its numbers"),
        Column("form", "closed form"),
    )
    return f"{wrapped(header_line(form, name))}\n\n{grid(columns, rows, 'table')}"


def json_text(form: ClosedForm, layer: str | None = None) -> str:
    """The closed forms as Python expressions under the names of their quantities."""
    import json

    document: dict[str, Any] = {
        "schema": "vggcost.formula/1",
        "network": {"name": form.network.name, "title": form.network.title},
        "layer": layer,
        "image": [str(side) for side in form.image],
        **{name: str(expression) for name, expression in form.quantities().items()},
    }
    return json.dumps(document, indent=2) + "\n"


def python_text(form: ClosedForm) -> str:
    """One lambda in N, K, a, b that gives all quantities by name; it runs as it stands, without sympy."""
    entries = ", ".join(f'"{name}": {expression}' for name, expression in form.quantities().items())
    return f"lambda N=1, K=1000, a=7, b=7: {{{entries}}}\n"


def latex_text(form: ClosedForm, layer: str | None = None) -> str:
    """An align* environment with a line a quantity."""
    import sympy

    lines = [rf"  \text{{{NAMES[name]}}} &= {sympy.latex(form_)}" for name, form_ in form.quantities().items()]
    body = " \\\\\n".join(lines)
    return f"% {header_line(form, layer)}\n\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def _usual_value(form: ClosedForm, plan: Configuration) -> str:
    """The value line of one image of the plan's own size and classes; empty where the forms do not take that size."""
    height, width = plan.size if form.symbolic_image else form.image
    if height % form.unit or width % form.unit:
        return ""
    usual = {"batch": 1, "classes": plan.variant.classes, "height": height, "width": width}
    return value_line(form.at(**usual), **usual)


def value_line(values: dict[str, int], batch: int, classes: int, height: int, width: int) -> str:
    """What the closed forms give for the input that people mean when they name none."""
    return (
        f"At N = {batch}, K = {classes}, {height}x{width} pixels:"
        f" {units.exact(values['params'])} parameters, {units.exact(values['macs'])} MACs\n"
    )


def _free(size: Any) -> set[Any]:
    return getattr(size, "free_symbols", set())
