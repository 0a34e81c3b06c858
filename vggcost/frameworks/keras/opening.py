"""Opens what has a `call` of its own: the layers and operations that it calls, as a graph, by calling it on symbols.

A model that somebody has keeps its weights and its own graph: the calls made here are taken out of it again. One that
is not built yet is not built here: its like is, from its configuration.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.frameworks.arguments import Arguments
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.keras.inputs import own_shapes, symbolic
from vggcost.frameworks.keras.variables import every_part
from vggcost.frameworks.own_lines import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Ints = tuple[int, ...]


def model_to_read(model: Any, arguments: Arguments, program: str, *, fresh: bool) -> tuple[Any, Any, bool]:
    """Return a model that is built, its graph, and whether the graph was made of these arguments and has their order.

    fresh: the model is nobody's yet, so it may be built. Otherwise it stays as it is.

    Raises:
        VggcostError: its layers cannot be followed, or it is not built and cannot be made again.
    """
    keras = import_module("keras")
    if own_shapes(model) and not has_own_call(model):
        return model, getattr(model, "_functional", None) or model, False  # a Sequential keeps its graph there
    if not fresh and not all(part.built for part in every_part(model)):
        model, fresh = _like(model, program), True
    try:
        with _scope(keras, fresh):
            if isinstance(model, keras.Sequential) and not has_own_call(model):
                model.build(arguments.shapes()[0])
                return model, model._functional, True  # noqa: SLF001  # where it keeps its graph
            symbols = symbolic(keras, as_called(model, arguments))
            if not model.built:
                model(*symbols.positional, **symbols.named)
            return model, _graph(keras, model, symbols.tensors(), symbols.positional, symbols.named), True
    except BaseException as error:  # noqa: BLE001  # whatever the program raises is its own
        pass_on(error)
        raise VggcostError(f"{program} is a Keras model whose layers cannot be followed: {told(error)}") from None


def as_called(model: Any, arguments: Arguments) -> Arguments:
    """Return the arguments as a model's call takes them: several may be one list or one dictionary."""
    ways = [arguments]
    if arguments.named and not arguments.positional:
        ways.append(Arguments((dict(arguments.named),), {}))
    if len(arguments.positional) > 1:
        ways.append(Arguments((list(arguments.positional),), arguments.named))
    signature = inspect.signature(model.call)
    for way in ways:
        try:
            signature.bind(*way.positional, **way.named)
        except TypeError:
            continue
        return way
    return arguments  # the call itself says what it misses


def opened(layer: Any, arguments: Any, tensors: Sequence[Any], shapes: Sequence[Ints]) -> Any:
    """Return the graph of one call of a layer inside a model, None where it has none.

    arguments are those of its node, tensors its symbolic inputs among them, shapes theirs, batch first, in the model's
    own layout. The graph's inputs have the order of the tensors.
    """
    if not all(part.built for part in every_part(layer)):
        return None
    keras = import_module("keras")
    inputs = [keras.Input(batch_shape=shape, dtype=tensor.dtype) for tensor, shape in zip(tensors, shapes, strict=True)]
    try:
        args, kwargs = arguments.fill_in({id(tensor): each for tensor, each in zip(tensors, inputs, strict=True)})
        with _scope(keras, any(getattr(each.value, "is_meta", False) for each in layer.variables)):
            return _graph(keras, layer, inputs, args, kwargs)
    except Exception:  # noqa: BLE001  # whatever it raises, it does not go on symbols, and is listed as it stands
        return None


def applied(layer: Any, shape: Ints) -> Any:
    """Return the graph of one call of a layer on an input of this shape, batch first, in the model's own layout.

    None where the layer does not take it.
    """
    keras = import_module("keras")
    weightless = any(getattr(each.value, "is_meta", False) for each in layer.variables)
    try:
        symbol = keras.Input(batch_shape=shape)
        with _scope(keras, weightless), _nodes_kept(layer):
            return keras.Function([symbol], layer(symbol))
    except Exception:  # noqa: BLE001  # whatever it raises, it does not go on symbols, and is listed as it stands
        return None


def has_own_call(layer: Any) -> bool:
    """Whether the program says itself what the layer does when it is called."""
    for base in type(layer).__mro__:
        if base.__module__.partition(".")[0] == "keras":
            return False
        if "call" in vars(base):
            return True
    return False


def is_made_of_others(layer: Any) -> bool:
    """Whether a layer may be opened: it is a program's own, of an application's, or does what others do."""
    if not hasattr(layer, "call") or not hasattr(layer, "variables"):
        return False
    own = has_own_call(layer) or ".applications." in type(layer).__module__
    return own or bool(getattr(layer, "_layers", ())) or type(layer).__name__ == "Lambda"


def _graph(keras: Any, layer: Any, inputs: Sequence[Any], args: Any, kwargs: Any) -> Any:
    with _nodes_kept(layer), _variables_take_symbols(keras):
        return keras.Function(list(inputs), layer.call(*args, **kwargs))


OPERATORS = {
    "__add__": "add",
    "__sub__": "subtract",
    "__mul__": "multiply",
    "__truediv__": "divide",
    "__floordiv__": "floor_divide",
    "__mod__": "mod",
    "__pow__": "power",
    "__matmul__": "matmul",
}
"""Python's operators, each with the operation of Keras that it is."""


@contextmanager
def _variables_take_symbols(keras: Any) -> Iterator[None]:
    """Let `weight * x` be an operation on a symbol, as `x * weight` is: Keras would compute it, and has no value."""
    variable = keras.Variable
    own = {name: vars(variable)[name] for name in OPERATORS if name in vars(variable)}
    for name, operation in OPERATORS.items():
        setattr(variable, name, _symbolic(keras, getattr(variable, name), getattr(keras.ops, operation)))
    try:
        yield
    finally:
        for name in OPERATORS:
            if name in own:
                setattr(variable, name, own[name])
            else:
                delattr(variable, name)


def _symbolic(keras: Any, plain: Any, operation: Any) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return operation(self, other) if isinstance(other, keras.KerasTensor) else plain(self, other)

    return operator


def _scope(keras: Any, weightless: bool) -> Any:
    """Where a model's own arithmetic on its weights is done: without memory, where they have none."""
    return keras.device("meta") if weightless and keras.backend.backend() == "torch" else nullcontext()


@contextmanager
def _nodes_kept(layer: Any) -> Iterator[None]:
    """Take the nodes that calls leave at the layers inside out of them again."""
    lists = [
        nodes
        for part in every_part(layer)
        for nodes in (getattr(part, "_inbound_nodes", None), getattr(part, "_outbound_nodes", None))
        if nodes is not None
    ]
    lengths = [len(nodes) for nodes in lists]
    try:
        yield
    finally:
        for nodes, length in zip(lists, lengths, strict=True):
            del nodes[length:]


def _like(model: Any, program: str) -> Any:
    """A model of the same configuration, which is nobody's.

    Raises:
        VggcostError: it cannot be made.
    """
    try:
        return type(model).from_config(model.get_config())
    except BaseException as error:  # noqa: BLE001  # whatever its constructor raises
        pass_on(error)
        raise VggcostError(
            f"{program}, the Keras model {model.name!r}, is not built yet, and its like cannot be made of its"
            f" configuration ({told(error)}); call it once on an input, then audit it"
        ) from None
