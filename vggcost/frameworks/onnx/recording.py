"""The record of a walk over a graph: operations with their names, what each learns, and what does not fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.onnx.names import path_of
from vggcost.frameworks.onnx.rules import LEARNED, STATISTICS
from vggcost.network import blocks, foreign_convolutions, layers
from vggcost.network.ledger import Ledger
from vggcost.programs.reading import Failure, Operation
from vggcost.programs.state import State, total

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vggcost.frameworks.onnx.call import Call
    from vggcost.frameworks.onnx.patterns import Links
    from vggcost.frameworks.onnx.values import GraphValue, Initializers
    from vggcost.frameworks.pytorch.plans import Plan


_UNNAMED = re.compile(r"^(?:val_\d+|onnx::\w+|\d+)$")
"""How exporters call what has no name in the program."""


class GraphRecording:
    """Operations and failures in execution order."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.failures: list[Failure] = []
        self.elsewhere: set[str] = set()
        """The learned ones that are no layer's: nothing but their use says that they are learned."""
        self._statistics: set[str] = set()
        self._names: dict[str, int] = {}
        self._first: dict[str, int] = {}

    @property
    def claimed(self) -> tuple[str, ...]:
        """The stored tensors that operations learn."""
        return tuple(self._first)

    def add(self, node: Any, call: Call, plan: Plan, stored: Initializers | None, *, ending: str = "") -> int:
        """Record one operation; return its place."""
        place = len(self.operations)
        learned = () if stored is None else self._learned(call, stored)
        path = path_of(node, learned)
        # A path is a layer's own name where the layer has weights; what else stands in it is named beside it.
        label = path if path and learned else node.name or f"{path or ''}.{call.operator}".lstrip(".")
        layer = plan.kind(name=self._unique(label + ending), path=path, **plan.fields)
        state, shares = self._claim(learned, stored, place)
        state = total((state, self._kept(call, stored)))
        made = [value.born for value in call.inputs if value is not None and not value.constant]
        branch = place - min(made) if made and isinstance(layer, blocks.Add) else 0
        makers = {value.maker for value in call.inputs if value is not None and value.maker is not None}
        note = "shares its parameters" if shares is not None and not state.params else None
        after = tuple(sorted(makers))
        self.operations.append(
            Operation(layer, plan.input, plan.output, state, plan.ledger, None, note, branch, shares, after)
        )
        return place

    def _learned(self, call: Call, stored: Initializers) -> tuple[str, ...]:
        """The stored tensors that an operation learns, those of each input in order."""
        key = (call.domain, call.operator)
        norm = call.operator.endswith("Normalization")
        places: Iterable[int] = LEARNED.get(key, range(len(call.inputs)))
        names: dict[str, None] = {}
        for place in places:
            value = call.inputs[place] if place < len(call.inputs) else None
            if value is None or not value.constant or (norm and _written_out(value)):
                continue  # ones and zeros that an exporter has written for a normalization without weights
            for name in value.sources:
                # A kernel that is computed is made of weights, and of axes and shapes, which are integers.
                made = key in LEARNED and (len(value.sources) == 1 or stored.has_fractions(name))
                if made or (key not in LEARNED and stored.may_be_learned(name)):
                    names[name] = None
                    self.elsewhere |= set() if key in LEARNED else {name}
        return tuple(names)

    def _kept(self, call: Call, stored: Initializers | None) -> State:
        """The statistics that an operation is the first to use."""
        buffers, size = 0, 0
        for place in STATISTICS.get((call.domain, call.operator), ()):
            value = call.inputs[place] if place < len(call.inputs) else None
            for name in () if value is None or stored is None else value.sources:
                if stored is not None and name not in self._statistics:
                    self._statistics.add(name)
                    buffers += stored.elements(name)
                    size += stored.nbytes(name)
        return State(buffers=buffers, buffer_bytes=size)

    def _claim(self, names: tuple[str, ...], stored: Initializers | None, place: int) -> tuple[State, int | None]:
        """The parameters that are counted for the first time, and the place of whoever used some of them before."""
        states, shares = [], None
        for name in names:
            first = self._first.setdefault(name, place)
            if first == place and stored is not None:
                states.append(State.stored(stored.elements(name), stored.nbytes(name), stored.dtype(name)))
            elif first != place:
                shares = first
        return total(states), shares

    def bias(self, call: Call, plan: Plan, node: Any, links: Links, stored: Initializers) -> GraphValue | None:
        """Give a constant that is added to each channel or feature to the layer before it; return that layer's output.

        None where it is no bias: another operation stands between, or somebody else takes the layer's output.
        """
        if call.operator != "Add" or call.domain or plan.problem is not None:
            return None
        for one, other in ((0, 1), (1, 0)):
            value, added = call.inputs[one], call.inputs[other]
            if value is None or added is None or value.constant or not added.constant or value.maker is None:
                continue
            layer = self.operations[value.maker].layer
            alone = links.used_once(node.input[one]) and not getattr(layer, "bias", True)
            if alone and added.shape is not None and _is_bias(layer, added.shape):
                self._with_bias(value.maker, added, stored)
                return value
        return None

    def _with_bias(self, place: int, added: GraphValue, stored: Initializers) -> None:
        operation = self.operations[place]
        layer = operation.layer.replace(bias=True)
        state, _ = self._claim(added.sources, stored, place)
        elements = forward.elements(operation.output or ())
        counts = {**dict(operation.ledger.items()), f"{layer.family}bias_adds": elements}
        ledger = Ledger(**counts)
        self.operations[place] = operation.replace(layer=layer, state=total((operation.state, state)), ledger=ledger)

    def fail(self, node: Any, plan: Plan | None, problem: str, shapes: tuple[tuple[int, ...], ...]) -> None:
        """Record that a node does not fit what it gets."""
        path = path_of(node, ()) or node.name or None
        layer = None if plan is None else plan.kind(name=path or node.op_type, path=path, **plan.fields)
        self.failures.append(Failure(len(self.operations), layer, node.op_type, problem, shapes, None, path))

    def _unique(self, label: str) -> str:
        number = self._names[label] = self._names.get(label, 0) + 1
        return label if number == 1 else f"{label}:{number}"


def _written_out(value: GraphValue) -> bool:
    """Whether a constant was written by an exporter: by a node, or under a name of its own and all of one value."""
    if value.written:
        return True
    array = value.array
    unnamed = all(_UNNAMED.match(name) for name in value.sources)
    return unnamed and array is not None and array.size > 0 and bool((array == array.reshape(-1)[0]).all())


def _is_bias(layer: Any, shape: tuple[int, ...]) -> bool:
    """Whether a constant of this shape has an element for each output channel or feature of a layer, along its axis."""
    if isinstance(layer, layers.Conv2d | foreign_convolutions.ConvNd | foreign_convolutions.ConvTransposeNd):
        axes = len(layer.kernel)
        return len(shape) > axes and shape[-1 - axes] == layer.c_out == forward.elements(shape)
    if isinstance(layer, layers.Linear):
        return bool(shape) and shape[-1] == layer.out_features == forward.elements(shape)
    return False
