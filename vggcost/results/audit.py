"""What `vggcost.audit(...)` returns: the cost of a real model as it was read, and what it is."""

from __future__ import annotations

import os
from functools import cached_property

from vggcost import units
from vggcost.conventions.convention import Convention
from vggcost.conventions.rows import TEXTBOOK
from vggcost.conventions.rows import convention as convention_named
from vggcost.conventions.seen import Seen, seen
from vggcost.costs.arguments import view as view_of
from vggcost.costs.arguments import word
from vggcost.formulas import forward
from vggcost.lock.standard import held as held_to
from vggcost.lock.standard import standard
from vggcost.programs.identify import among_the_papers, compare, packaged_twin
from vggcost.record import Frozen, Record
from vggcost.report import audit as audit_report
from vggcost.report import formats
from vggcost.report import verdict as audit_verdict
from vggcost.report.audit import WEIGHTS_ALONE, AuditView
from vggcost.report.document import SCREEN
from vggcost.report.layers import convention_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from vggcost.conventions.rows import ConventionName
    from vggcost.conventions.special_rules import Count
    from vggcost.frameworks.target import Given
    from vggcost.lock.comparison import Comparison
    from vggcost.programs.likeness import Likeness
    from vggcost.programs.reading import Operation, ProgramReading
    from vggcost.programs.state import State
    from vggcost.report.document import Document
    from vggcost.report.plots.of_program import ProgramPlots


class OperationCost(Record):
    """One operation: shapes as the program has them, parameters, the textbook's MACs and FLOPs, the convention's.

    A shape is None where the program does not get there, a count where nothing says what it is; note says why. params
    are params_trainable and params_frozen [elements], in weight_bytes [B]; buffers are no parameters [elements, B].
    """

    name: str
    kind: str
    path: str | None
    source: str | None
    input: tuple[int, ...] | None
    output: tuple[int, ...] | None
    params: int
    macs: int | None
    flops: int | None
    count: int | None
    note: str | None
    params_trainable: int
    params_frozen: int
    weight_bytes: int
    buffers: int
    buffer_bytes: int


class AuditTotals(Record):
    """The sums over all operations with a number, and what is missing (note); its fields are those of the rows."""

    params: int
    macs: int | None
    flops: int | None
    count: int | None
    weight_bytes: int
    note: str | None
    params_trainable: int
    params_frozen: int
    buffers: int
    buffer_bytes: int


class Audit(Frozen):
    """A program's cost, row by row in execution order, and what the program is.

    `reading` is what was read, `layers` has a row an operation, `paper` is the configuration that comes nearest,
    `compared` what `like` names (the same as `paper` where nothing is named), `held` the differences from a network
    file as `vggcost check` has them (None where `like` is none), `same_as` the packaged network that the program is, if
    it is one. `counted_by` is the convention, `convention` its name and `unit` that of its counts.
    """

    reading: ProgramReading
    counted_by: Convention
    convention: str
    unit: str
    like: str | None
    paper: Likeness
    compared: Likeness
    held: Comparison | None
    same_as: str | None

    def __init__(self, reading: ProgramReading, like: str | None = None, convention: Convention = TEXTBOOK) -> None:
        paper = among_the_papers(reading)
        wanted = None if like is None else standard(like)
        compared = paper if wanted is None else compare(reading, wanted.configuration, bound=wanted.bound)
        held = None if wanted is None else held_to(reading, compared.network, wanted)
        self._set(
            reading=reading,
            counted_by=convention,
            convention=convention.name,
            unit=convention.unit,
            like=like,
            paper=paper,
            compared=compared,
            held=held,
            same_as=None if paper.same else packaged_twin(reading),
        )

    @property
    def params(self) -> int:
        """Learned parameters, frozen or not, each counted once [elements]."""
        return self.reading.params

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of one forward call [MAC]; None where the program cannot run, or is weights alone."""
        return None if self.reading.failures or self.reading.weights_alone else self.reading.macs

    @property
    def runs(self) -> bool:
        """Whether one forward call gets through."""
        return not self.reading.failures

    @property
    def convention_words(self) -> str:
        """The convention, and what one of its counts is."""
        return convention_words({"convention": self.convention, "unit": self.unit, "per": self.counted_by.per})

    def under(self, convention: Convention | ConventionName) -> Audit:
        """The same audit, counted by another convention.

        Raises:
            VggcostError: there is no such convention.
        """
        if not isinstance(convention, Convention):
            convention = convention_named(word(convention, "convention"))
        other = object.__new__(Audit)
        other._set(
            reading=self.reading,
            counted_by=convention,
            convention=convention.name,
            unit=convention.unit,
            like=self.like,
            paper=self.paper,
            compared=self.compared,
            held=self.held,
            same_as=self.same_as,
        )
        return other

    @property
    def as_like(self) -> bool:
        """Whether nothing differs from what `like` names."""
        return self.compared.same if self.held is None else self.held.same

    @property
    def short_name(self) -> str:
        """The program's name as columns bear it: ``vgg.py:VGG16``."""
        return os.path.basename(self.reading.program)

    @property
    def uncounted(self) -> tuple[Operation, ...]:
        """The operations that there is no formula for."""
        return tuple(operation for operation in self.reading.operations if not operation.counted)

    def __repr__(self) -> str:
        macs = "cannot run" if self.macs is None else f"{self.macs:,} MACs"
        if self.reading.weights_alone:
            macs = WEIGHTS_ALONE
        if self.uncounted:
            macs += f" without {units.counted(len(self.uncounted), 'operation')}"
        return f"<vggcost audit of {self.reading.program}: {self.verdict}; {self.params:,} parameters, {macs}>"

    @property
    def verdict(self) -> str:
        """What the program is, in a few words: ``D (VGG-16) with batch normalization, 4 classes``."""
        return audit_verdict.verdict(self.paper)

    @cached_property
    def layers(self) -> tuple[OperationCost, ...]:
        """A row an operation, in execution order."""
        counted = zip(self.reading.operations, self.seen.counts, strict=True)
        return tuple(self._layer(place, *pair) for place, pair in enumerate(counted))

    @cached_property
    def seen(self) -> Seen:
        """What the convention's tool counts of each operation and in sum, or why it is not known."""
        return seen(self.counted_by, self.reading)

    @cached_property
    def totals(self) -> AuditTotals:
        """The sums of the rows."""
        macs = self.macs
        return AuditTotals(
            macs=macs,
            flops=None if macs is None else forward.flops(macs),
            count=None if macs is None else self.seen.total,
            note=self._missing,
            **_held(self.reading.state),
        )

    @property
    def _missing(self) -> str | None:
        """What the totals do not have in them."""
        if self.reading.weights_alone:
            return WEIGHTS_ALONE
        return f"without {units.counted(len(self.uncounted), 'operation')}" if self.uncounted else None

    def shown(self, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """A shape in the program's own layout."""
        if shape is not None and self.reading.channels_last and len(shape) == 4:
            return shape[0], shape[2], shape[3], shape[1]
        return shape

    @property
    def plot(self) -> ProgramPlots:
        """Its pictures, in matplotlib's axes; a program has layers, conventions and configs."""
        from vggcost.report.plots.of_program import ProgramPlots

        return ProgramPlots(self.reading, self.short_name, tuple(layer.name for layer in self.layers))

    def document(self, view: AuditView | None = None) -> Document:
        """What `vggcost audit` shows, for the formats."""
        return audit_report.document(self, view_of(view, AuditView))

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.table/1, and what the program is."""
        return audit_report.audit_data(self)

    def to_toml(self) -> str:
        """The network file of the program, whose network has the same parameters and MACs.

        Raises:
            VggcostError: it has something that a network file has no word for.
        """
        from vggcost.network import network_file
        from vggcost.programs.configuration import configuration_of

        return network_file.toml_text(configuration_of(self.reading))

    def to_json(self, view: AuditView | None = None) -> str:
        """The document of `to_dict` as JSON; every int exact."""
        return self.rendered("json", view)

    def to_csv(self, view: AuditView | None = None) -> str:
        """A line a row and a last line with the totals."""
        return self.rendered("csv", view)

    def to_markdown(self, view: AuditView | None = None) -> str:
        """A Markdown table, and what the program is."""
        return self.rendered("markdown", view)

    def to_latex(self, view: AuditView | None = None) -> str:
        """A booktabs table, and what the program is."""
        return self.rendered("latex", view)

    def to_html(self, view: AuditView | None = None) -> str:
        """An HTML table, and what the program is; names are escaped."""
        return self.rendered("html", view)

    def to_text(self, view: AuditView | None = None) -> str:
        """What `vggcost audit` shows on a terminal."""
        return self.rendered("table", view)

    def rendered(self, fmt: str, view: AuditView | None = None) -> str:
        """The audit in one of the formats that --format names.

        Raises:
            VggcostError: there is no such format.
        """
        return formats.rendered(self.document(view), formats.checked(fmt))

    def to_frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A pandas DataFrame with a row an operation and no row of totals; see `vggcost.results.cost.Cost.to_frame`.

        None: the fields of an `OperationCost`.

        Raises:
            VggcostError: there is no such column.
        """
        from vggcost.results.frame import to_frame

        return to_frame(self.document(), columns, OperationCost._fields)

    def _repr_html_(self) -> str:
        from vggcost.report.formats import html

        return html.render(self.document(), SCREEN)

    def lines(self) -> list[str]:
        """What the program is and what stands in its way, a sentence a line."""
        return audit_report.lines(self)

    def _layer(self, place: int, operation: Operation, counts: Count) -> OperationCost:
        failures = self.reading.failures
        stop = failures[0].position if failures else len(self.reading.operations)
        idle = operation.input is None and operation.output is None
        reached = place < stop
        macs = operation.macs if (reached and operation.counted) or idle else None
        if self.reading.weights_alone:
            macs = None
        note = operation.note
        if not reached and not idle:
            note = "fails" if place == stop else "not reached"
        elif not operation.counted:
            note = note or "no formula"
        elif counts.value is None:
            note = counts.note
        elif not self.counted_by.is_textbook:
            note = note or counts.note
        name = self.compared.names.get(place) if self.as_like else None
        return OperationCost(
            name=name or operation.layer.name,
            kind=operation.layer.kind,
            path=operation.layer.path,
            source=operation.source,
            input=self.shown(operation.input) if reached or place == stop else None,
            output=self.shown(operation.output) if reached else None,
            macs=macs,
            flops=None if macs is None else forward.flops(macs),
            count=counts.value if macs is not None or (reached and not self.reading.weights_alone) else None,
            note=note,
            **_held(operation.state),
        )


def _held(state: State) -> dict[str, int]:
    """The fields of a row, and of the totals, that say what is kept between calls."""
    names = ("params", "params_trainable", "params_frozen", "weight_bytes", "buffers", "buffer_bytes")
    return {name: getattr(state, name) for name in names}


def audit(
    model: Any,
    input: Any,  # noqa: A002  # what it is
    *,
    like: str | None = None,
    convention: ConventionName = "mac",
) -> Audit:
    """Return the cost of a live model for one forward call, and what the model is; the model is left as it was.

    model is a torch.nn.Module or a Keras model. input is a shape, batch first, as ``(1, 3, 224, 224)``, a tensor,
    of which shape and dtype are looked at, or a text with both, as ``int64[1x20]``; a list where the model takes
    several, a dictionary where it takes them by name, ``[[a, b]]`` where it takes one list of them. like names a
    configuration to compare with, in the model's own batch normalization, biases, classes, input channels, adaptive
    pool or none, and soft-max or none; widths, head and activations are those of the configuration. Or it is a network
    file, to which the model is held in every key that stands there, but name, about and source; all else is the
    model's own. convention is a row of `vggcost.conventions`, by which `count` counts. Hooks that you registered
    run, as in any call of the model.

    Raises:
        VggcostError: the model is of another kind, takes another number of inputs, or like or convention name nothing.
    """
    from vggcost.frameworks import door

    counted_by = convention_named(convention)
    return Audit(door.read(model, input, type(model).__name__), like, counted_by)


def audit_target(target: str, given: Given, like: str | None = None, counted_by: Convention = TEXTBOOK) -> Audit:
    """Return the audit of a target of any kind; see `vggcost.frameworks.door.read_target`.

    Raises:
        VggcostError: the target is not there, is no model, or raises before it is one; like names nothing.
    """
    from vggcost.frameworks import door

    if like is not None:
        size = standard(like).size  # refused before anything is run
        if size is not None and given.size is None and given.arguments is None:
            given = given.replace(size=size)
    return Audit(door.read_target(target, given), like, counted_by)
