"""Nodes that hold graphs: one of two, or one many times. What cannot be decided before the graph runs is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vggcost.frameworks.onnx.call import Call
from vggcost.frameworks.onnx.elementwise import uncounted
from vggcost.frameworks.onnx.values import GraphValue, tensor_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.onnx.recording import GraphRecording

    Scope = dict[str, GraphValue | None]


class Walks(Protocol):
    """What goes through a graph in a scope, records its operations, and returns what comes out."""

    recording: GraphRecording

    def through(self, graph: Any, scope: Scope) -> list[GraphValue | None]:
        """Walk a graph."""


def of_graphs(walk: Walks, node: Any, inputs: list[GraphValue | None], scope: Scope) -> Sequence[GraphValue | None]:
    """Return what an If, a Loop or a Scan makes, with the operations of its graphs recorded where that is decided."""
    graphs = {attribute.name: attribute.g for attribute in node.attribute}
    if node.op_type == "If":
        return _one_of_two(walk, node, inputs, scope, graphs)
    return _many_times(walk, node, inputs, scope, graphs["body"])


def _one_of_two(
    walk: Walks, node: Any, inputs: list[GraphValue | None], scope: Scope, graphs: dict[str, Any]
) -> Sequence[GraphValue | None]:
    """The branch that a constant chooses; either, where both cost and make the same."""
    condition = inputs[0].array if inputs[0] is not None else None
    if condition is not None:
        return walk.through(graphs["then_branch" if bool(condition.all()) else "else_branch"], scope)
    recording = walk.recording
    start = len(recording.operations)
    first = walk.through(graphs["then_branch"], scope)
    operations = recording.operations[start:]
    del recording.operations[start:]
    second = walk.through(graphs["else_branch"], scope)
    others = recording.operations[start:]
    alike = [(each.layer.kind, each.ledger) for each in operations] == [
        (each.layer.kind, each.ledger) for each in others
    ]
    if alike and [_shape(each) for each in first] == [_shape(each) for each in second]:
        return second
    del recording.operations[start:]
    return _named(walk, node, inputs, first if [*map(_shape, first)] == [*map(_shape, second)] else None)


def _many_times(
    walk: Walks, node: Any, inputs: list[GraphValue | None], scope: Scope, body: Any
) -> Sequence[GraphValue | None]:
    """A body's operations, each as often as it runs, where that is a constant and no shape changes on the way."""
    call = Call(node, inputs, [None for _ in node.output])
    times, states, given = _rounds(call, inputs)
    recording = walk.recording
    start = len(recording.operations)
    if times is None:
        return _named(walk, node, inputs, None)
    inner: Scope = {name.name: value for name, value in zip(body.input, given, strict=True)}
    outputs = walk.through(body, {**scope, **inner})
    made = outputs[1:] if node.op_type == "Loop" else outputs
    goes_on = node.op_type == "Scan" or outputs[0] is None or _is_true(outputs[0])
    kept = [_shape(each) for each in made[: len(states)]] == [_shape(each) for each in states]
    if not goes_on or not kept:
        del recording.operations[start:]
        return _named(walk, node, inputs, None)
    for place in range(start, len(recording.operations)):
        operation = recording.operations[place]
        recording.operations[place] = operation.replace(ledger=times * operation.ledger, note=f"{times} times")
    rows = [_stacked(value, times) for value in made[len(states) :]]
    born = len(recording.operations)
    return [_fresh(value, born) for value in (*made[: len(states)], *rows)]


def _rounds(
    call: Call, inputs: list[GraphValue | None]
) -> tuple[int | None, list[GraphValue | None], list[GraphValue | None]]:
    """How often a body runs (None: nobody knows), what it hands on from round to round, and what its graph is given."""
    if call.operator == "Loop":
        states = inputs[2:]
        count, condition = call.array(0), call.array(1)
        endless = call.given(1) and (condition is None or not condition.all())
        times = None if count is None or endless else int(count.reshape(-1)[0])
        iteration, going = GraphValue(tensor_type(7, ())), _constant_like(inputs[1])
        return times, states, [iteration, going, *map(_variable, states)]
    scanned = int(call.attribute("num_scan_inputs"))
    states = inputs[: len(inputs) - scanned]
    axes = call.attribute("scan_input_axes") or [0 for _ in range(scanned)]
    slices: list[GraphValue | None] = []
    times = None
    for value, asked in zip(inputs[len(inputs) - scanned :], axes, strict=True):
        shape = _shape(value)
        if value is None or shape is None:
            return None, states, []
        axis = asked % len(shape)
        times = shape[axis]
        slices.append(GraphValue(tensor_type(value.dtype, (*shape[:axis], *shape[axis + 1 :]))))
    return times, states, [*map(_variable, states), *slices]


def _constant_like(value: GraphValue | None) -> GraphValue:
    """A condition that holds, which Loop's body may hand on."""
    import numpy as np

    from vggcost.frameworks.onnx.values import constant

    return constant(np.asarray(True)) if value is None or value.array is not None else GraphValue(value.type)


def _variable(value: GraphValue | None) -> GraphValue | None:
    """What is handed on from round to round: its type holds in each, its value in the first alone."""
    return None if value is None else GraphValue(value.type, maker=value.maker, born=value.born)


def _is_true(value: GraphValue) -> bool:
    return value.array is not None and bool(value.array.all())


def _stacked(value: GraphValue | None, times: int) -> GraphValue | None:
    """A row of what each round makes, along the first axis."""
    shape = _shape(value)
    if value is None or shape is None:
        return value
    return GraphValue(tensor_type(value.dtype, (times, *shape)), maker=value.maker)


def _fresh(value: GraphValue | None, born: int) -> GraphValue | None:
    return None if value is None else GraphValue(value.type, maker=value.maker, born=born)


def _shape(value: GraphValue | None) -> tuple[int, ...] | None:
    return None if value is None else value.shape


def _named(
    walk: Walks, node: Any, inputs: list[GraphValue | None], outputs: Sequence[GraphValue | None] | None
) -> Sequence[GraphValue | None]:
    """Record a node that cannot be decided as one without formula."""
    types = [
        None if outputs is None or value is None else value.type for value in (outputs or [None for _ in node.output])
    ]
    call = Call(node, inputs, [GraphValue(type_).shape for type_ in types])
    place = walk.recording.add(node, call, uncounted(call, "whose course hangs on values"), None)
    return [GraphValue(type_, maker=place, born=place + 1) for type_ in types]
