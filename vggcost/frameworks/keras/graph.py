"""Reads a Keras 3 model through its own layer graph, on any backend, channels last or first; nothing is run.

Shapes are kept channels first inside, whatever the model's layout; a reading says which layout it is shown in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward
from vggcost.frameworks.arguments import of_values
from vggcost.frameworks.keras.free import FREE
from vggcost.frameworks.keras.inputs import given_shapes, own_shapes
from vggcost.frameworks.keras.opening import applied, is_made_of_others, model_to_read, opened
from vggcost.frameworks.keras.rules import RULES, Rules
from vggcost.frameworks.keras.variables import Variables, every_part, layer_variables, own_variables
from vggcost.network.foreign_layers import Free, Idle, Uncounted
from vggcost.network.ledger import Ledger
from vggcost.network.plan import DEFAULT_SIZE
from vggcost.programs.reading import Operation, ProgramReading
from vggcost.programs.state import NOTHING, total
from vggcost.units import DTYPE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Ints = tuple[int, ...]
    Shapes = list[Ints]


def input_shapes(model: Any, size: tuple[int, int] | None, batch: int) -> list[Ints]:
    """Return a model's input shapes in its own layout, with what it leaves open filled in; an image if it has none."""
    shapes: list[Ints] = []
    image: tuple[int | None, ...] = (None, None, None, 3) if _channels_last(model) else (None, 3, None, None)
    for own in own_shapes(model) or [image]:
        if len(own) != 4:
            shapes.append((batch, *(side or 1 for side in own[1:])))
            continue
        axes = (1, 2) if _channels_last(model) else (2, 3)
        filled = [batch, *(side or 3 for side in own[1:])]
        for axis, asked, default in zip(axes, size or (None, None), DEFAULT_SIZE, strict=True):
            filled[axis] = asked or own[axis] or default
        shapes.append(tuple(filled))
    return shapes


def construct(make: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """Call what makes a model without giving its weights memory, where the backend can do that; else plainly.

    Returns what it made, and a note where the plain way was needed. What the program raises comes through.
    """
    from importlib import import_module

    keras = import_module("keras")
    if keras.backend.backend() != "torch":
        return make(), (f"built with real weights, for the {keras.backend.backend()} backend has no others",)
    try:
        with keras.device("meta"):
            return make(), ()
    except Exception as error:  # noqa: BLE001  # whatever it is, the plain way shows whether it is the program's own
        why = type(error).__name__
    return make(), (f"built with real weights, because its constructor does not take tensors without memory ({why})",)


def read_model(model: Any, inputs: Any, program: str, *, fresh: bool = False) -> ProgramReading:
    """Return what one call of a Keras model does, in inference.

    inputs, in the model's own layout: see `vggcost.frameworks.arguments.of_values`; only shapes are looked at. fresh:
    the model is nobody's yet, so that it may be built. What has no graph of its own, as a subclass of Model and a layer
    with a call of its own, is called on symbols to get one.

    Raises:
        VggcostError: the model's layers cannot be followed, or it takes another number of inputs.
    """
    arguments = of_values(inputs)
    model, graph, called = model_to_read(model, arguments, program, fresh=fresh)
    last = _channels_last(model)
    own = own_shapes(graph)
    # A graph that was made of these arguments has their order.
    asked = list(arguments.shapes()) if called else given_shapes(graph, arguments, program)
    given = [_turned(shape, mine) for shape, mine in zip(asked, own, strict=True)]
    walk = _Walk(Variables(model), channels_last=last)
    shapes = [walk.inward(shape) for shape in given]
    walk.opened = int(called)
    walk.through(graph, shapes, "")
    operations = (*walk.operations, *walk.idle(model))
    notes = tuple(_statistics_note(model))
    return ProgramReading(
        program,
        "keras",
        tuple(shapes),
        operations,
        tuple(walk.failures),
        notes,
        last,
        _dtype(model),
        stems=frozenset(_own_names(model)),
    )


def _own_names(model: Any) -> Iterator[str]:
    """What parts are called that have no name but their class's, with Keras's running number (keras.src.utils.naming).

    ``conv2d`` for ``conv2d`` and ``conv2d_1``.
    """
    for part in every_part(model):
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(part).__name__)).lower()
        if re.sub(r"_\d+$", "", part.name) == kind:
            yield kind


def _statistics_note(model: Any) -> Iterator[str]:
    """Why Keras's own number of parameters is larger, where it is."""
    variables = Variables(model)
    kept = total(variables.state(weight) for weight in model.weights)
    if kept.buffers:
        yield (
            f"Keras's count_params() is {kept.params + kept.buffers:,}: {kept.buffers:,} of these are statistics, as"
            " running means and variances, which are no parameters"
        )


def _turned(shape: Ints, own: Sequence[int | None]) -> Ints:
    """A shape in the model's layout: 3x224x224 for a channels-last model is taken for what it means."""
    if len(shape) == len(own) == 4 and own[3] == shape[1] != shape[3]:
        return (shape[0], shape[2], shape[3], shape[1])
    return shape


def _channels_last(model: Any) -> bool:
    for layer in _every_layer(model):
        if hasattr(layer, "data_format"):
            return bool(layer.data_format == "channels_last")
    return True


def _every_layer(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        if hasattr(layer, "layers"):
            yield from _every_layer(layer)
        else:
            yield layer


def _dtype(model: Any) -> str:
    found = next((str(weight.dtype) for weight in model.weights), "float32")
    return found if found in DTYPE_BYTES else "float32"


class _Walk(Rules):
    """One pass over a graph: shapes go in, operations come out."""

    def through(self, graph: Any, shapes: Shapes, prefix: str) -> Shapes:
        """Walk a graph from these input shapes to its output shapes."""
        known: dict[int, Ints] = {id(tensor): shape for tensor, shape in zip(graph.inputs, shapes, strict=True)}
        born: dict[int, int] = {id(tensor): len(self.operations) for tensor in graph.inputs}
        depths = graph._nodes_by_depth  # noqa: SLF001  # Keras has no public way to a graph's nodes
        for depth in sorted(depths, reverse=True):
            for node in depths[depth]:
                births = [born[id(tensor)] for tensor in node.input_tensors]
                self.branch = len(self.operations) - min(births) if births else 0
                self.after = tuple(sorted({birth - 1 for birth in births if birth}))
                self.prefix = prefix
                self.called_with = _variables_in(node)
                outputs = self._visit(node, known, prefix)
                for tensor, shape in zip(node.output_tensors, outputs, strict=True):
                    known[id(tensor)] = shape
                    born[id(tensor)] = len(self.operations)
        return [known[id(tensor)] for tensor in graph.outputs]

    def _visit(self, node: Any, known: dict[int, Ints], prefix: str) -> Shapes:
        layer = node.operation
        # An input node has no inputs: what comes in stands at its output already.
        shapes = [known[id(tensor)] for tensor in node.input_tensors or node.output_tensors]
        inner = getattr(layer, "_functional", None) or layer
        if hasattr(inner, "_nodes_by_depth"):
            return self.through(inner, shapes, f"{prefix}{layer.name}.")
        if _known_class(layer) == "TimeDistributed":
            done = self._time_distributed(layer, shapes[0])
            if done is not None:
                return [done]
        rule = RULES.get(_known_class(layer))
        if rule is not None:
            answer = getattr(self, rule)(layer, self._operands(node, known) or shapes)
            answers = answer if isinstance(answer, list) else [answer] * len(node.output_tensors)
            # A cell that is given states of no symbol has states all the same.
            return [*answers, *(self.inward(tuple(each.shape)) for each in node.output_tensors[len(answers) :])]
        if _known_class(layer) not in FREE and is_made_of_others(layer):
            graph = opened(layer, node.arguments, node.input_tensors, [self.outward(shape) for shape in shapes])
            if graph is not None:
                return self._through_opened(layer, graph, shapes, prefix)
        outputs = self._asked(node, known, shapes[0][0])
        name = type(layer).__name__
        kind = Free if _known_class(layer) in FREE else Uncounted
        self.emit(layer, kind("", None, name), shapes[0], outputs[0])
        return outputs

    def _time_distributed(self, layer: Any, shape: Ints) -> Ints | None:
        """A layer at every step of (batch, steps, ...): once, over a batch that has every step of every sequence.

        None where it does not take a step.
        """
        batch, steps, *rest = (*self.outward(shape), 1)[: max(2, len(shape))]
        folded = (forward.elements((batch, steps)), *rest)
        graph = applied(layer.layer, folded)
        if graph is None:
            return None
        (output,) = self.through(graph, [self.inward(folded)], f"{self.prefix}{layer.name}.")
        return self.inward((batch, steps, *self.outward(output)[1:]))

    def _through_opened(self, layer: Any, graph: Any, shapes: Shapes, prefix: str) -> Shapes:
        """Walk what a layer with a call of its own calls; what it keeps itself and hands to none stands at the last."""
        before = len(self.operations)
        self.opened += 1
        outputs = self.through(graph, shapes, f"{prefix}{layer.name}.")
        self.opened -= 1
        left = self._fresh(own_variables(layer))
        if left != NOTHING and len(self.operations) > before:
            learns = [place for place in range(before, len(self.operations)) if self.operations[place].params]
            place = learns[-1] if learns else len(self.operations) - 1
            made = self.operations[place]
            self.operations[place] = made.replace(state=total((made.state, left)))
        return outputs

    def _asked(self, node: Any, known: dict[int, Ints], batch: int) -> Shapes:
        """What a layer without a rule says itself of its outputs' shapes."""
        from importlib import import_module

        keras = import_module("keras")
        given = {
            id(tensor): keras.KerasTensor(self.outward(known[id(tensor)]), tensor.dtype)
            for tensor in node.input_tensors
        }
        try:
            args, kwargs = node.arguments.fill_in(given)
            specs = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
        except Exception:  # noqa: BLE001  # a layer may refuse in any way; the graph has shapes from when it was built
            specs = node.output_tensors
        return [
            self.inward(tuple(side or (1 if place else batch) for place, side in enumerate(spec.shape)))
            for spec in specs
        ]

    def _operands(self, node: Any, known: dict[int, Ints]) -> Shapes:
        """The shapes of all that an operation is called with, weights and constants included; none of a layer's."""
        if hasattr(node.operation, "variables"):
            return []
        given = [each for each in _arguments(node) if isinstance(getattr(each, "shape", None), tuple | list)]
        return [known.get(id(each)) or self.inward(tuple(int(side) for side in each.shape)) for each in given]

    def idle(self, model: Any) -> list[Operation]:
        """Layers whose weights the graph does not reach."""
        left = []
        for layer in (*_every_layer(model), model):
            state = self._fresh(layer_variables(layer))
            if state != NOTHING:
                # What learns nothing is no part of what the network is.
                kind = Idle if state.params else Free
                made = kind(layer.name, layer.name, type(layer).__name__)
                left.append(Operation(made, None, None, state, Ledger(), None, "never used"))
        return left


def _arguments(node: Any) -> list[Any]:
    """What a node's operation is called with, in order, out of lists and dictionaries."""
    from importlib import import_module

    flat: list[Any] = import_module("keras").tree.flatten((node.arguments.args, node.arguments.kwargs))
    return flat


def _variables_in(node: Any) -> list[Any]:
    """The variables that a node's operation is called with, which are no weights of a layer."""
    from importlib import import_module

    variable = import_module("keras").Variable
    return [each for each in _arguments(node) if isinstance(each, variable)]


def _known_class(layer: Any) -> str:
    """The name of Keras's own class that a layer is, or only configures; a `call` of its own makes it unknown."""
    for base in type(layer).__mro__:
        if base.__module__.partition(".")[0] == "keras" or "call" in vars(base):
            return base.__name__ if base.__module__.partition(".")[0] == "keras" else ""
    return ""
