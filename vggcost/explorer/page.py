"""The page: controls, a table, bars and formulas around the program, in one file that asks nothing of anybody.

Its policy forbids every load, and knows its one script and its one style sheet by their hashes. Texts come into the
page through `escape`, and into the script through `printer.data`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from vggcost import units
from vggcost.conventions.rows import CONVENTIONS
from vggcost.costs.closed_forms import K, of_configuration
from vggcost.costs.memory import widths_of
from vggcost.costs.table import table
from vggcost.costs.training import INTEGERS, STATES, Training, lived
from vggcost.errors import VggcostError
from vggcost.explorer.printer import RUNTIME, data
from vggcost.explorer.program import PageProgram
from vggcost.explorer.structures import PARTS, Head, scaled_channels, structure
from vggcost.network import catalogue
from vggcost.printable import printable
from vggcost.record import Record
from vggcost.report.formats import html
from vggcost.report.memory import PARTS as PART_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from vggcost.conventions.convention import Convention
    from vggcost.network.plan import Configuration

HEADS = {
    "0": Head(0),
    "1": Head(1),
    "2": Head(2),
    "paper": Head(2, adaptive_pool=False, own=False),
    "off": Head(None),
}
"""The kinds of head that the page has, by the key of their structures."""

LARGEST = 10**15
"""The largest number that a field takes: one tool divides sizes in floats, which hold these exactly."""

FORMS = {
    "params": "parameters",
    "macs": "multiply-accumulates",
    "output_elements": "elements of every layer's output",
    "weight_layer_output_elements": "of these, of weight layers",
    "saved_bytes": "bytes kept for the backward pass, in float32",
}
"""The closed forms that are typeset, and what each is."""


class Explored(Record):
    """A configuration of the page: its key, its name as people see it, and its plan."""

    key: str
    name: str
    plan: Configuration


def page(plans: Sequence[Configuration], progress: Callable[[str], None] = lambda _: None, *, opens: int = 0) -> str:
    """Return the page of these configurations, in ASCII; the same for the same configurations.

    opens: the place of the one that is shown first.

    Raises:
        VggcostError: a configuration's own head is none that the page takes, or no image is large enough for it.
    """
    for plan in plans:
        _own(plan), _smallest(plan)
    every = [Explored(str(place), _name(plan), plan) for place, plan in enumerate(plans)]
    program = PageProgram()
    for each in every:
        program.add_channels(each.key, scaled_channels(each.plan))
        for batch_norm in (False, True):
            for key, head in HEADS.items():
                progress(f"{each.name}: {'with' if batch_norm else 'without'} batch normalization, head {key}")
                name = f"{each.key}|{int(batch_norm)}|{key}"
                program.add(name, structure(each.plan, head, batch_norm=batch_norm))
    script = "\n".join(
        (
            '"use strict";',
            RUNTIME.strip(),
            program.source(),
            f"const PAGE={data({'opens': str(opens), **_constants(every)})};",
            _packaged("explorer.js"),
        )
    )
    sheet = (files("vggcost.report") / "page.css").read_text(encoding="utf-8") + _packaged("explorer.css")
    text = Template(_packaged("explorer.html")).substitute(
        script=script,
        sheet=sheet,
        script_hash=_hash(script),
        sheet_hash=_hash(sheet),
        configurations=_options([(each.key, each.name) for each in every], str(opens)),
        dtypes=_options([(name, name) for name in units.DTYPE_BYTES], "float32"),
        conventions=_options([(row.name, _convention(row)) for row in CONVENTIONS]),
        optimizers=_options([(name, name) for name in STATES]),
        forms="".join(_forms(each, batch_norm=batch_norm) for each in every for batch_norm in (False, True)),
    )
    return html.in_ascii(text)


def _packaged(name: str) -> str:
    return (files("vggcost.explorer") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")


def _name(plan: Configuration) -> str:
    common = catalogue.aliases(plan.name) if catalogue.TABLE_1.get(plan.name) == plan.features else ()
    return printable(f"{plan.name} (VGG-{common[0][3:]})" if common else plan.name)


def _convention(row: Convention) -> str:
    """A convention's name with its tool: ``ptflops 0.7.5``, ``ptflops-modules (ptflops 0.7.5)``."""
    return row.title if row.title.startswith(f"{row.name} ") else f"{row.name} ({row.title})"


def _options(pairs: Sequence[tuple[str, str]], chosen: str = "") -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(text)}</option>\n'
        for value, text in pairs
    )


def _constants(every: Sequence[Explored]) -> dict[str, Any]:
    """What the script needs to know beside the program."""
    return {
        "most": str(LARGEST),
        "names": {each.key: each.name for each in every},
        "own": {each.key: _own(each.plan) for each in every},
        "channels": {each.key: each.plan.variant.in_channels for each in every},
        "least": {each.key: _smallest(each.plan) for each in every},
        "dtypes": {
            name: [str(size), str(widths_of(size, 0).statistic), name not in INTEGERS]
            for name, size in units.DTYPE_BYTES.items()
        },
        "conventions": {row.name: [row.title, row.unit, row.per] for row in CONVENTIONS},
        "optimizers": list(STATES),
        "paperHead": list(catalogue.HEAD),
        "heads": list(HEADS),
        "parts": list(PARTS),
        "words": {part.key: part.name for part in PART_WORDS},
    }


def _own(plan: Configuration) -> dict[str, str]:
    """The values of the fields that say nothing else, as a configuration has them.

    Raises:
        VggcostError: its head has more hidden layers than the page takes, or takes what the features yield.
    """
    variant = plan.variant
    hidden = "paper" if variant.head is None else ",".join(map(str, variant.head)) or "none"
    most = max(head.hidden or 0 for head in HEADS.values())
    if variant.head is not None and len(variant.head) > most:
        raise VggcostError(
            f"{plan.name} has a head of {len(variant.head)} hidden layers, and the explorer takes up to {most};"
            " vggcost table takes any"
        )
    if variant.head is not None and variant.classifier and not variant.adaptive_pool:
        raise VggcostError(
            f"{plan.name} has a head of its own on whatever the features yield; give the adaptive pool, by"
            " adaptive_pool = true, or use vggcost table, which takes it so"
        )
    return {
        "bn": str(int(variant.batch_norm)),
        "height": str(plan.size[0]),
        "width": str(plan.size[1]),
        "classes": str(variant.classes),
        "factor": str(variant.width),
        "head": hidden if variant.classifier else "off",
        "pool": str(int(variant.adaptive_pool)),
    }


def _smallest(plan: Configuration) -> tuple[int, int]:
    """The smallest image that every window of the features fits into, which depends on nothing else [pixels].

    Raises:
        VggcostError: there is none.
    """
    bare = catalogue.unfolded(plan, plan.variant.replace(classifier=False))
    try:
        table(bare, (1, plan.variant.in_channels, 1, 1))
    except VggcostError as error:
        if error.smallest is None:
            raise
        return error.smallest
    return 1, 1


def _forms(each: Explored, *, batch_norm: bool) -> str:
    """The closed forms of a configuration under its own widths and head, typeset."""
    from sympy import factor
    from sympy.printing.mathml import mathml

    form = of_configuration(each.plan, each.plan.variant.replace(batch_norm=batch_norm, classes=K))
    lives = lived(form.counted(), units.dtype_bytes("float32"), Training(), in_place=True)
    expressions = {**form.quantities(), "saved_bytes": factor(lives.saved_bytes)}
    rows = "".join(
        f"<dt>{escape(what)}</dt>\n<dd><math>{_grouped(mathml(expressions[name], printer='presentation'))}</math>"
        "</dd>\n"
        for name, what in FORMS.items()
    )
    unit = "" if not form.symbolic_image else f' data-unit="{form.unit}"'
    return f'<dl class="forms" data-of="{each.key}|{int(batch_norm)}"{unit} hidden>\n{rows}</dl>\n'


def _grouped(formula: str) -> str:
    """MathML with commas in its large numbers, as the numbers of the page have them."""
    return re.sub(r"(?<=<mn>)\d{5,}(?=</mn>)", lambda number: units.exact(int(number[0])), formula)
