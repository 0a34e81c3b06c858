"""A program's memory as it was followed: the document of ``vggcost memory`` for a program."""

from __future__ import annotations

from vggcost import units
from vggcost.report import memory as parts
from vggcost.report.document import Column, Document, Grid, Text, total_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    from vggcost.programs.followed import Followed
    from vggcost.programs.reading import ProgramReading

    class NeededByProgram(parts.Found, Protocol):
        """What is shown; `vggcost.results.program_memory.ProgramMemory` is one."""

        @property
        def reading(self) -> ProgramReading:
            """What an audit reads."""

        @property
        def followed(self) -> Followed:
            """What following it has shown."""

        @property
        def title(self) -> str:
            """What the program is, in a few words."""

        @property
        def lower_bound(self) -> bool:
            """Whether something takes memory that is not seen."""

        @property
        def by_formula(self) -> dict[str, Any] | None:
            """What the formulas of the network that it is say; None where it is none that there are formulas for."""

        @property
        def flops(self) -> dict[str, int] | None:
            """What forward, backward and step compute; None without training."""

        @property
        def found_by(self) -> dict[str, str]:
            """The way in which each part of the peak was found."""


FOUND = Column("found", "found by")

ALWAYS_BY_FORMULA = ("weight_bytes", "buffer_bytes", "input_bytes", "optimizer_bytes")
"""What is a sum over tensors that are there before a forward call, or a multiple of it."""


def document(needed: NeededByProgram, *, human: bool) -> Document:
    """Return the document of a program's memory."""
    data = memory_data(needed)
    columns = (*parts.COLUMNS, *(parts.TRAINING_COLUMNS if needed.training else ()))
    record = Grid(columns, [*data["layers"], total_row(parts.sums(data))])
    return Document(
        data, lambda: _blocks(needed, data, columns), record, human, listing=lambda: parts.layer_listing(data, columns)
    )


def memory_data(needed: NeededByProgram) -> dict[str, Any]:
    """The JSON document: schema vggcost.memory/1, and how its numbers were found."""
    reading = needed.reading
    return {
        "schema": "vggcost.memory/1",
        "network": {
            "name": reading.program,
            "title": needed.title,
            "options": None,
            "framework": reading.framework,
        },
        "input": list(reading.inputs[0]),
        "inputs": [list(shape) for shape in reading.inputs],
        "dtype": needed.dtype,
        "mixed": needed.mixed,
        "in_place": None,
        **parts.found_data(needed),
        "found": needed.found_by,
        "lower_bound": needed.lower_bound,
        "unseen": list(needed.followed.unseen),
        "by_formula": needed.by_formula,
        "notes": list(needed.followed.notes),
    }


def _blocks(needed: NeededByProgram, data: dict[str, Any], columns: tuple[Column, ...]) -> tuple[Text | Grid, ...]:
    rows = parts.part_rows(data)
    for row in rows:
        row["found"] = data["found"].get(row["key"])
    return (
        Text(tuple(_head(needed, data)), style="head"),
        Grid((*parts.PART_COLUMNS, FOUND), rows, notes=(Text((*parts.notes(needed, data), *_how(needed, data))),)),
        parts.layer_grid(data, columns),
    )


def _head(needed: NeededByProgram, data: dict[str, Any]) -> Iterator[str]:
    shapes = ", ".join(units.shape_text(shape) for shape in data["inputs"])
    yield (
        f"{data['network']['name']} ({needed.title}); input {shapes} {needed.dtype}; memory of"
        f" {parts.what_runs(needed.training, needed.mixed)}"
    )
    unseen = needed.followed.unseen
    if unseen:
        takes = "takes" if len(unseen) == 1 else "take"
        yield f"A lower bound: {', '.join(unseen)} {takes} memory that is not seen."


def _how(needed: NeededByProgram, data: dict[str, Any]) -> Iterator[str]:
    followed, flops, training = needed.followed, needed.flops, needed.training
    if flops is not None and training is not None:
        yield (
            f"A step is {units.exact(flops['step_flops'])} FLOP, forward {units.exact(flops['forward_flops'])} and"
            f" backward {units.exact(flops['backward_flops'])}{' a pass' if training.accumulate > 1 else ''}."
        )
    yield from (f"{note[0].upper()}{note[1:]}." for note in followed.notes)
    if followed.without_gradient:
        yield f"{units.exact(followed.without_gradient)} trainable parameters get no gradient in a step."
    formula = data["by_formula"]
    if formula is None:
        return
    if formula["agrees"]:
        yield f"The formulas of {formula['network']} give the same to the byte."
        return
    unlike = ", ".join(
        f"{name} {units.exact(formula[name])}"
        for name in ("peak_bytes", "saved_bytes", "training_peak_bytes")
        if formula[name] is not None and formula[name] != data["totals"][name]
    )
    yield f"The program is written otherwise than vggcost's {formula['network']}, whose formulas give {unlike}."
