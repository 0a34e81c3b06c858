"""One pass over an ONNX graph: types go in, operations come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx.shape_inference import InferenceError

from vggcost.formulas import forward
from vggcost.frameworks.onnx.branches import of_graphs
from vggcost.frameworks.onnx.call import Call, UnknownShapeError
from vggcost.frameworks.onnx.elementwise import free, uncounted
from vggcost.frameworks.onnx.operators import FREE, FREE_OF_MICROSOFT, MICROSOFT
from vggcost.frameworks.onnx.patterns import Links, joined
from vggcost.frameworks.onnx.recording import GraphRecording
from vggcost.frameworks.onnx.rules import RULES
from vggcost.frameworks.onnx.values import SMALL, GraphValue, constant, tensor_type
from vggcost.frameworks.pytorch.plans import Plan
from vggcost.network import foreign_layers, layers
from vggcost.network.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.onnx.values import Inference, Initializers

    Ints = tuple[int, ...]
    Scope = dict[str, GraphValue | None]

SILENT = frozenset(("Identity", "Constant"))
"""Operators that hand a tensor on, or have it."""


class GraphStoppedError(Exception):
    """Nothing is known of what comes behind a node that does not fit what it gets."""


class Walk:
    """The record of a walk over a graph and the graphs inside of it."""

    def __init__(self, inference: Inference, stored: Initializers, program: str, known: dict[str, Any]) -> None:
        self.recording = GraphRecording()
        self._inference = inference
        self._stored = stored
        self._program = program
        self._known = known

    def through(self, graph: Any, scope: Scope) -> list[GraphValue | None]:
        """Walk a graph in a scope that has its inputs, and those of the graphs around it; return its outputs.

        Raises:
            GraphStoppedError: a node does not fit what it gets.
            VggcostError: values are needed that are in a file that is missing.
        """
        scope = dict(scope)
        for tensor in graph.initializer:
            scope[tensor.name] = self._stored.value(tensor)
        for sparse in graph.sparse_initializer:
            shape = tuple(int(side) for side in sparse.dims)
            name = sparse.values.name
            scope[name] = GraphValue(tensor_type(sparse.values.data_type, shape), constant=True, sources=(name,))
        links = Links(graph)
        for node in joined(graph):
            inputs = [scope.get(name) if name else None for name in node.input]
            outputs = self._outputs(node, inputs, scope, links)
            for name, value in zip(node.output, outputs, strict=False):
                if name:
                    scope[name] = value
        return [scope.get(given.name) for given in graph.output]

    def _outputs(
        self, node: Any, inputs: list[GraphValue | None], scope: Scope, links: Links
    ) -> Sequence[GraphValue | None]:
        """What one node makes."""
        if node.op_type in ("If", "Loop", "Scan") and not node.domain:
            return of_graphs(self, node, inputs, scope)
        if node.op_type == "Identity":
            return inputs
        types = self._types(node, inputs)
        folded = self._folded(node, inputs, types)
        if folded is not None:
            return folded
        return self._done(node, inputs, types, links)

    def _types(self, node: Any, inputs: Sequence[GraphValue | None]) -> list[Any]:
        """The types of a node's outputs, None for one that is not known."""
        try:
            found = self._inference.types(node, inputs)
        except InferenceError as error:
            self._stored.check(inputs, node.op_type)
            found = {}
            if (node.domain, node.op_type) not in RULES or not all(_shaped(value) for value in inputs):
                self._stop(node, inputs, _said(error))
        types = [found.get(name) or self._known.get(name) for name in node.output]
        if types and GraphValue(types[0]).shape is None:
            self._stored.check(inputs, node.op_type)
        return types

    def _stop(self, node: Any, inputs: Sequence[GraphValue | None], problem: str) -> None:
        shapes = tuple(value.shape for value in inputs if value is not None and value.shape is not None)
        self.recording.fail(node, None, f"does not fit what it gets: {problem}", shapes)
        raise GraphStoppedError

    def _folded(
        self, node: Any, inputs: Sequence[GraphValue | None], types: Sequence[Any]
    ) -> Sequence[GraphValue | None] | None:
        """The outputs of a node that makes constants out of constants, or of a shape; None of any other."""
        if node.op_type in ("Shape", "Size") and not node.domain and _shaped(inputs[0]):
            shapes = self._inference.run(node, [_stand_in(inputs[0])])
            return None if shapes is None else [constant(np.asarray(each)) for each in shapes]
        counts = (node.domain, node.op_type) in RULES and node.op_type in MULTIPLYING
        if counts or not all(value is None or value.constant for value in inputs):
            return None
        if not node.input and node.op_type not in ("Constant", "ConstantOfShape"):
            return None  # a random tensor is another one each time
        values = self._inference.run(node, inputs) if all(_small(value) for value in inputs) else None
        # A scale and a zero point are no weights: only what they are applied to was learned.
        parents = inputs[:1] if node.op_type in ("DequantizeLinear", "QuantizeLinear") else inputs
        sources = tuple(dict.fromkeys(name for value in parents if value is not None for name in value.sources))
        made_here = node.op_type == "Constant"
        if made_here and values is not None and values[0].size > 1:
            sources = (self._stored.made(node.output[0], values[0]),)
        written = made_here or (bool(parents) and all(value is None or value.written for value in parents))
        if values is not None:
            made = [constant(each, sources) for each in values]
        else:
            made = [GraphValue(type_, constant=True, sources=sources) for type_ in types]
        for value in made:
            value.written = written
        return made

    def _done(
        self, node: Any, inputs: list[GraphValue | None], types: Sequence[Any], links: Links
    ) -> Sequence[GraphValue | None]:
        """Record the operation that a node is, and return what it makes."""
        shapes = [GraphValue(type_).shape for type_ in types]
        call = Call(node, inputs, shapes, ends_features=bool(node.output) and links.flattens(node.output[0]))
        plan = self._plan(call)
        fused = self.recording.bias(call, plan, node, links, self._stored)
        if fused is not None:
            return [fused]
        if plan.problem is not None:
            self.recording.fail(node, plan, plan.problem, plan.shapes)
        place = self.recording.add(node, call, plan, self._stored)
        outputs = [GraphValue(type_, maker=place, born=place + 1) for type_ in types]
        if outputs and outputs[0].shape is None and not isinstance(plan.kind, foreign_layers.Uncounted):
            first = next((value for value in inputs if value is not None), None)
            dtype = first.dtype if first is not None else 1
            outputs[0].type = tensor_type(dtype, plan.output) if plan.kind is not foreign_layers.Uncounted else None
        self._activation(call, node, outputs)
        return outputs

    def _plan(self, call: Call) -> Plan:
        """What a call does, by its rule; without one, that nobody knows."""
        rule = RULES.get((call.domain, call.operator))
        if rule is None:
            known = FREE if not call.domain else FREE_OF_MICROSOFT if call.domain == MICROSOFT else frozenset()
            rule = free if call.operator in known else None
        try:
            plan = uncounted(call) if rule is None else rule(call)
        except UnknownShapeError:
            return uncounted(call, "of a shape that hangs on values")
        expected = call.outputs[0] if call.outputs else None
        if plan.problem is not None or expected in (None, plan.output):
            return plan
        if plan.ledger.macs:
            return uncounted(call, "of a form that has no formula")
        return plan.replace(output=expected)

    def _activation(self, call: Call, node: Any, outputs: list[GraphValue]) -> None:
        """Record the activation that one of ONNX Runtime's fused operators has in it."""
        name = call.attribute("activation")
        shape = outputs[0].shape if outputs else None
        if call.domain != MICROSOFT or not isinstance(name, str) or not name or shape is None:
            return
        kind: Any = layers.ReLU if name == "Relu" else foreign_layers.Free
        fields = {} if name == "Relu" else {"operation": name}
        ledger = Ledger(relu_elements=forward.elements(shape)) if name == "Relu" else Ledger()
        place = self.recording.add(node, call, Plan(kind, fields, shape, shape, ledger), None, ending=f".{name}")
        outputs[0].maker, outputs[0].born = place, place + 1


MULTIPLYING = frozenset(
    (
        *("Conv", "ConvInteger", "ConvTranspose", "QLinearConv", "Gemm", "MatMul", "MatMulInteger", "QLinearMatMul"),
        *("FusedConv", "FusedGemm", "FusedMatMul", "QGemm", "Einsum", "DeformConv"),
        *("LSTM", "GRU", "RNN", "Attention"),
    )
)
"""Operators that count even where they work on constants."""


def _shaped(value: GraphValue | None) -> bool:
    return value is None or value.shape is not None


def _small(value: GraphValue | None) -> bool:
    return value is None or (value.array is not None and value.elements <= SMALL)


def _stand_in(value: GraphValue | None) -> GraphValue:
    """A tensor of a shape that takes no memory, which is all that Shape and Size look at."""
    shape = () if value is None or value.shape is None else value.shape
    return constant(np.broadcast_to(np.zeros((), dtype=np.int8), shape))


def _said(error: Exception) -> str:
    return str(error).partition("]")[2].strip().splitlines()[0] if "]" in str(error) else str(error)
