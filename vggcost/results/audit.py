"""What `vggcost.audit(...)` returns: the cost of a real model as it was read, and what it is."""

from __future__ import annotations

from vggcost import units
from vggcost.conventions.counting import count
from vggcost.conventions.rows import TEXTBOOK
from vggcost.conventions.rows import convention as convention_named
from vggcost.conventions.special_rules import Count
from vggcost.costs.table import Row
from vggcost.errors import VggcostError
from vggcost.formulas import forward, memory
from vggcost.network import catalogue
from vggcost.network.foreign_layers import AvgPool2d, Free, MatMul, Uncounted
from vggcost.network.layers import Conv2d, Linear
from vggcost.programs.identify import among_the_papers, compare, packaged_twin
from vggcost.report.audit_text import AuditView, audit_csv, audit_markup, audit_screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from vggcost.network.plan import Configuration
    from vggcost.programs.identify import Likeness
    from vggcost.programs.reading import Failure, Operation, ProgramReading


class Audit:
    """A program's cost, row by row in execution order, and what the program is.

    `reading` is what was read, `paper` the paper's configuration that comes nearest, `compared` what `like` names (the
    same as `paper` where nothing is named), `same_as` the packaged network that the program is, if it is one.
    """

    def __init__(self, reading: ProgramReading, like: str | None = None, convention: str = "mac") -> None:
        self.reading = reading
        self._convention = convention_named(convention)
        self.convention = self._convention.name
        self.unit = self._convention.unit
        self.like = like
        self.paper: Likeness = among_the_papers(reading)
        self.compared: Likeness = self.paper if like is None else self._compared(*named(like))
        self.same_as: str | None = None if self.paper.same else packaged_twin(reading)

    def _compared(self, configuration: Configuration, batch_norm: bool) -> Likeness:
        return compare(self.reading, configuration, batch_norm=batch_norm, strict=True)

    @property
    def params(self) -> int:
        """Learned parameters, each counted once [elements]."""
        return self.reading.params

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of one forward call [MAC]; None where the program cannot run."""
        return None if self.reading.failures else self.reading.macs

    @property
    def runs(self) -> bool:
        """Whether one forward call gets through."""
        return not self.reading.failures

    @property
    def uncounted(self) -> tuple[Operation, ...]:
        """The operations that there is no formula for."""
        return tuple(operation for operation in self.reading.operations if not operation.counted)

    def __repr__(self) -> str:
        macs = "cannot run" if self.macs is None else f"{self.macs:,} MACs"
        if self.uncounted:
            macs += f" without {units.counted(len(self.uncounted), 'operation')}"
        return f"<vggcost audit of {self.reading.program}: {self.verdict}; {self.params:,} parameters, {macs}>"

    @property
    def verdict(self) -> str:
        """What the program is, in a few words: ``D (VGG-16) with batch normalization, 4 classes``."""
        if self.paper.same:
            return self.paper.title
        number = len(self.paper.differences)
        return (
            f"no VGG of the paper, nearest is {self.paper.title} with {number} difference{'' if number == 1 else 's'}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as a dictionary: schema vggcost.table/1, and what the program is."""
        reading, paper = self.reading, self.paper
        rows = self._layers()
        return {
            "schema": "vggcost.table/1",
            "network": {
                "name": reading.program,
                "title": self.verdict,
                "options": paper.network.variant.options() if paper.same else None,
                "framework": reading.framework,
            },
            "input": self._shown(reading.inputs[0]),
            "inputs": [self._shown(shape) for shape in reading.inputs],
            "layout": "channels_last" if reading.channels_last else "channels_first",
            "dtype": reading.dtype,
            "convention": self.convention,
            "unit": self.unit,
            "per": self._convention.per,
            "layers": rows,
            "totals": self._totals(rows),
            "is": (
                {
                    "letter": paper.letter,
                    "variant": paper.words,
                    "options": paper.network.variant.options(),
                    "departures": list(paper.departures),
                }
                if paper.same
                else None
            ),
            "same_as": self.same_as,
            "nearest": paper.letter,
            "like": None if self.like is None else {"name": self.like, "same": self.compared.same},
            "differences": [
                {**difference.__dict__, "text": difference.text} for difference in self.compared.differences
            ],
            "cannot_run": self._cannot_run(),
            "uncounted": self._uncounted(),
            "notes": list(reading.notes),
        }

    def to_json(self, view: AuditView | None = None) -> str:  # noqa: ARG002  # the formats share a signature
        """The document of `to_dict` as JSON; every int exact."""
        import json

        return json.dumps(self.to_dict(), indent=2) + "\n"

    def to_csv(self, view: AuditView | None = None) -> str:  # noqa: ARG002  # the formats share a signature
        """A line a row and a last line with the totals."""
        return audit_csv(self.to_dict())

    def to_markdown(self, view: AuditView | None = None) -> str:
        """A Markdown table, and what the program is."""
        return audit_markup(self.to_dict(), view or AuditView(), "markdown", self.lines())

    def to_latex(self, view: AuditView | None = None) -> str:
        """A booktabs table; what the program is stands in comments."""
        return audit_markup(self.to_dict(), view or AuditView(), "latex", self.lines())

    def to_text(self, view: AuditView | None = None) -> str:
        """What `vggcost audit` shows on a terminal."""
        return audit_screen(self.to_dict(), view or AuditView(), self.lines())

    def rendered(self, fmt: str, view: AuditView | None = None) -> str:
        """The audit in one of the formats that --format names."""
        return _FORMATS[fmt](self, view)

    def _repr_html_(self) -> str:
        return audit_markup(self.to_dict(), AuditView(), "html", self.lines())

    def lines(self) -> list[str]:
        """What the program is and what stands in its way, a sentence a line."""
        return [*self._failure_lines(), *self._identity_lines(), *self._uncounted_lines(), *self.reading.notes]

    def _failure_lines(self) -> list[str]:
        if not self.reading.failures:
            return []
        first, *others = self.reading.failures
        lines = [f"It cannot run: {self._spoken(first)}"]
        lines += [f"  behind it, {self._spoken(failure)}" for failure in others[:FURTHER]]
        return lines

    def _spoken(self, failure: Failure) -> str:
        """The failure as a sentence: ``fc6 (classifier.0, vgg.py:31) takes 25,088 features and gets 32,768``."""
        path = failure.path
        named = self.paper.names.get(failure.position) if isinstance(failure.subject, Conv2d | Linear) else None
        if named and self.paper.same:
            subject, inside = named, [path] if path and path != named else []
        elif isinstance(failure.subject, Conv2d | Linear) and path:
            subject, inside = path, []
        else:
            article = "" if failure.operation == "forward" else "the "
            subject, inside = f"{article}{failure.operation}", [path] if path else []
        if failure.source:
            inside.append(failure.source)
        where = f" ({', '.join(inside)})" if inside else ""
        return f"{subject}{where} {failure.problem}"

    def _identity_lines(self) -> list[str]:
        paper, compared = self.paper, self.compared
        convs = sum(isinstance(operation.layer, Conv2d) for operation in self.reading.operations)
        linears = sum(isinstance(operation.layer, Linear) for operation in self.reading.operations)
        lines = [f"{units.counted(convs, 'convolution')} and {units.counted(linears, 'linear layer')}"]
        if paper.same:
            lines.append(f"It is {paper.title}")
            if paper.departures:
                lines.append(f"  beside that: {'; '.join(paper.departures)}")
        else:
            twin = f" (it is the packaged network {self.same_as})" if self.same_as else ""
            lines.append(f"It is no VGG of the paper{twin}")
        if self.like is not None:
            words = (
                "the same"
                if compared.same
                else f"not the same, {units.counted(len(compared.differences), 'difference')}"
            )
            lines.append(f"Compared with {compared.title}: {words}")
        elif not paper.same:
            number = units.counted(len(paper.differences), "difference")
            if not paper.close:
                lines[-1] = f"It is not like any VGG of the paper{twin}"
                return lines
            lines.append(f"The nearest is {paper.title}, with {number}:")
        shown = compared.differences[:SHOWN_DIFFERENCES]
        lines += [f"  {difference.text}" for difference in shown]
        if len(shown) < len(compared.differences):
            lines.append(f"  and {len(compared.differences) - len(shown)} more; --format json has all")
        return lines

    def _uncounted_lines(self) -> list[str]:
        lines = []
        unknown: dict[str, int] = {}
        for row in self._layers():
            if row["count"] is None and row["macs"] is not None:
                unknown[row["kind"]] = unknown.get(row["kind"], 0) + 1
        if unknown:
            what = ", ".join(f"{number} {kind}" for kind, number in unknown.items())
            lines.append(f"{self.convention} has no total here: what it counts of {what} is not known")
        return lines + [
            f"Not counted, for there is no formula: {entry['count']} x {entry['operation']}"
            f" on {', '.join(units.shape_text(shape) for shape in entry['shapes'])}"
            for entry in self._uncounted()
        ]

    def _shown(self, shape: Sequence[int] | None) -> list[int] | None:
        """A shape in the program's own layout."""
        if shape is None:
            return None
        if self.reading.channels_last and len(shape) == 4:
            return [shape[0], shape[2], shape[3], shape[1]]
        return list(shape)

    def _layers(self) -> list[dict[str, Any]]:
        failures = self.reading.failures
        stop = failures[0].position if failures else len(self.reading.operations)
        rows = []
        before: Row | None = None
        for place, operation in enumerate(self.reading.operations):
            counted = _row(operation)
            counts = Count(0) if counted is None else self._count(counted, before)
            rows.append(self._layer(place, operation, stop, counts))
            before = counted
        return rows

    def _count(self, row: Row, before: Row | None) -> Count:
        """What the convention counts of one operation; None where its tool's count of such an operation is unknown."""
        if isinstance(row.layer, Uncounted):
            return Count(None, "no formula")
        if isinstance(row.layer, Free | MatMul | AvgPool2d) and not self._counts_macs_alone:
            return Count(None, f"what {self.convention} counts is not known")
        return count(self._convention, row, before)

    @property
    def _counts_macs_alone(self) -> bool:
        """Whether the convention is a multiple of multiply-accumulates, so that all else is known to be 0."""
        weights = self._convention.weights
        return bool(weights) and not self._convention.rules and set(weights) <= set(TEXTBOOK.weights)

    def _layer(self, place: int, operation: Operation, stop: int, counts: Count) -> dict[str, Any]:
        idle = operation.input is None and operation.output is None
        reached = place < stop
        macs = operation.macs if (reached and operation.counted) or idle else None
        note = operation.note
        if not reached and not idle:
            note = "fails" if place == stop else "not reached"
        elif not operation.counted or counts.value is None:
            note = counts.note
        elif self._convention is not TEXTBOOK and counts.value == 0:
            note = note or counts.note
        name = self.compared.names.get(place) if self.compared.same else None
        return {
            "name": name or operation.layer.name,
            "kind": operation.layer.kind,
            "path": operation.layer.path,
            "source": operation.source,
            "input": self._shown(operation.input) if reached or place == stop else None,
            "output": self._shown(operation.output) if reached else None,
            "params": operation.params,
            "macs": macs,
            "flops": None if macs is None else forward.flops(macs),
            "count": None if macs is None else counts.value,
            "note": note,
        }

    def _totals(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        macs = self.macs
        unknown = [row for row in rows if row["count"] is None and row["kind"] not in _kinds(self.uncounted)]
        return {
            "params": self.params,
            "macs": macs,
            "flops": None if macs is None else forward.flops(macs),
            "count": None if macs is None or unknown else sum(row["count"] or 0 for row in rows),
            "weight_bytes": memory.tensor_bytes(self.params, units.dtype_bytes(self.reading.dtype)),
            "note": f"without {units.counted(len(self.uncounted), 'operation')}" if self.uncounted else None,
        }

    def _cannot_run(self) -> dict[str, Any] | None:
        if not self.reading.failures:
            return None
        first, *others = self.reading.failures
        return {**self._failure(first), "next": [self._failure(failure) for failure in others]}

    def _failure(self, failure: Failure) -> dict[str, Any]:
        return {
            "operation": failure.operation,
            "path": failure.path,
            "source": failure.source,
            "problem": failure.problem,
            "shapes": [self._shown(shape) for shape in failure.shapes],
            "text": self._spoken(failure),
        }

    def _uncounted(self) -> list[dict[str, Any]]:
        groups: dict[str, dict[str, Any]] = {}
        for operation in self.uncounted:
            group = groups.setdefault(
                operation.layer.kind, {"operation": operation.layer.kind, "count": 0, "shapes": []}
            )
            group["count"] += 1
            shape = self._shown(operation.input)
            if shape not in group["shapes"]:
                group["shapes"].append(shape)
        return list(groups.values())


SHOWN_DIFFERENCES, FURTHER = 20, 5
"""How many differences, and how many failures behind the first, are shown in words."""

_FORMATS = {
    "table": Audit.to_text,
    "markdown": Audit.to_markdown,
    "csv": Audit.to_csv,
    "json": Audit.to_json,
    "latex": Audit.to_latex,
}


def _kinds(operations: Sequence[Operation]) -> set[str]:
    return {operation.layer.kind for operation in operations}


def _row(operation: Operation) -> Row | None:
    """An operation as a row of the table, whose shapes have their batch; None for what is never called."""
    shape, output, layer = operation.input, operation.output, operation.layer
    if shape is None or output is None:
        return None
    if layer.spatial:
        if len(shape) == 3:
            shape, output = (1, *shape), (1, *output)
        if len(output) == 2:
            output = (*output, 1, 1)  # a global pool that drops the two axes that it has made one
    return Row(layer, shape, output, operation.params, operation.macs, operation.ledger)


def named(like: str) -> tuple[Configuration, bool]:
    """Return the configuration of a name or a network file, and whether the name asks for batch normalization.

    Raises:
        VggcostError: there is none.
    """
    if like.endswith(".toml"):
        from vggcost.network import network_file

        return network_file.read(like), False
    return catalogue.find(like), catalogue.resolve(like)[1]


def audit(model: Any, input: Any, *, like: str | None = None, convention: str = "mac") -> Audit:  # noqa: A002  # what it is
    """Return the cost of a live model for one forward call, and what the model is; the model is left as it was.

    model is a torch.nn.Module or a Keras model. input is a shape, batch first, as ``(1, 3, 224, 224)``, or a tensor, of
    which shape and dtype are looked at; a list where the model takes several. like names a configuration, or a network
    file, to compare with, in the model's own batch normalization, biases, classes, input channels, adaptive pool or
    none, and soft-max or none; widths, head and activations are those of the configuration. convention is a row of
    `vggcost.conventions`, by which `count` counts. Hooks that you registered run, as in any call of the model.

    Raises:
        VggcostError: the model is of another kind, takes another number of inputs, or like or convention name nothing.
    """
    return Audit(read(model, _inputs(input), type(model).__name__), like, convention)


def _inputs(given: Any) -> list[Any]:
    """The inputs as a list: one shape is a sequence of ints, one tensor has a shape."""
    if hasattr(given, "shape"):
        return [given]
    several = list(given) if isinstance(given, tuple | list) else []
    if several and all(isinstance(side, int) for side in several):
        return [_checked_shape(several)]
    if not several:
        raise VggcostError(f"input is {given!r}; give a shape such as (1, 3, 224, 224), a tensor, or a list of these")
    return [each if hasattr(each, "shape") else _checked_shape(each) for each in several]


def _checked_shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple | list) or not all(isinstance(side, int) and side >= 1 for side in shape):
        raise VggcostError(f"input has the shape {shape!r}; give whole numbers of at least 1, batch first")
    return tuple(shape)


def read(model: Any, inputs: list[Any], program: str, rebuild: Any = None) -> ProgramReading:
    """Read a live model of either framework.

    Raises:
        VggcostError: it is a model of neither.
    """
    import sys

    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    # A model's own framework is loaded already; on the torch backend a Keras model is a torch module, too.
    if keras is not None and hasattr(keras, "Layer") and isinstance(model, keras.Layer):
        from vggcost.frameworks.keras.graph import read_model

        return read_model(model, inputs, program, fresh=rebuild is not None)
    if torch is not None and isinstance(model, torch.nn.Module):
        from vggcost.frameworks.pytorch.program import read_module

        return read_module(model, inputs, program, rebuild)
    raise VggcostError(
        f"{program} is {model!r:.60}, of type {type(model).__name__}; give a torch.nn.Module or a Keras model, or what"
        " makes one"
    )
