"""Reads a Keras 3 model through its own layer graph, on any backend, channels last or first; nothing is run.

Shapes are kept channels first inside, whatever the model's layout; a reading says which layout it is shown in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost import layers, read_layers
from vggcost.errors import VggcostError
from vggcost.ledger import Ledger
from vggcost.read_layers import Free, product
from vggcost.reading import Failure, Operation, Reading
from vggcost.units import DTYPE_BYTES, shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Ints = tuple[int, ...]
    Shapes = list[Ints]

DEFAULT_SIZE = 224
"""Height and width where neither the model nor anyone else says any [pixels]."""


def input_shapes(model: Any, size: tuple[int, int] | None, batch: int) -> list[Ints]:
    """Return a model's input shapes in its own layout, with what it leaves open filled in.

    Raises:
        VggcostError: the model has no shapes of its own, for it is not built.
    """
    shapes = []
    for own in _own_shapes(model):
        if len(own) != 4:
            shapes.append((batch, *(side or 1 for side in own[1:])))
            continue
        image = (1, 2) if _channels_last(model) else (2, 3)
        filled = [batch, *(side or 3 for side in own[1:])]
        for axis, asked in zip(image, size or (None, None), strict=True):
            filled[axis] = asked or own[axis] or DEFAULT_SIZE
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


def read_model(model: Any, inputs: Sequence[Any], program: str) -> Reading:
    """Return what one call of a Keras model does, in inference.

    inputs are shapes, batch first, in the model's own layout, or tensors, of which only the shape is looked at.

    Raises:
        VggcostError: the model has no layer graph, or takes another number of inputs.
    """
    graph = _graph(model, program)
    last = _channels_last(model)
    given = [tuple(int(side) for side in getattr(each, "shape", each)) for each in inputs]
    own = _own_shapes(graph)
    if len(given) != len(own):
        raise VggcostError(
            f"{program} takes {len(own)} inputs and gets {len(given)}; give a shape for each, in the model's own layout"
        )
    given = [_turned(shape, mine) for shape, mine in zip(given, own, strict=True)]
    walk = _Walk(last)
    shapes = [walk.inward(shape) for shape in given]
    walk.through(graph, shapes, "")
    operations = (*walk.operations, *walk.idle(model))
    statistics = (
        f"Keras also counts {walk.statistics:,} running means and variances of batch normalization, which are no"
        " parameters"
    )
    notes = (statistics,) if walk.statistics else ()
    return Reading(program, "keras", tuple(shapes), operations, tuple(walk.failures), notes, last, _dtype(model))


def _turned(shape: Ints, own: Sequence[int | None]) -> Ints:
    """A shape in the model's layout: 3x224x224 for a channels-last model is taken for what it means."""
    if len(shape) == len(own) == 4 and own[3] == shape[1] != shape[3]:
        return (shape[0], shape[2], shape[3], shape[1])
    return shape


def _own_shapes(model: Any) -> list[tuple[int | None, ...]]:
    try:
        tensors = model.inputs
    except (AttributeError, ValueError):
        tensors = None
    if not tensors:
        raise VggcostError(
            f"the Keras model {getattr(model, 'name', model)!r} has no layer graph: it is a subclass of Model or not"
            " built yet; give a functional or Sequential model that starts with an Input"
        )
    return [tuple(tensor.shape) for tensor in tensors]


def _graph(model: Any, program: str) -> Any:
    """The functional model behind a model.

    Raises:
        VggcostError: there is none.
    """
    graph = getattr(model, "_functional", None) or model  # a Sequential keeps its graph there
    _own_shapes(graph)
    if not hasattr(graph, "_nodes_by_depth"):
        raise VggcostError(f"{program} is a Keras layer without a graph; give a functional or Sequential model")
    return graph


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


class _Walk:
    """One pass over a graph: shapes go in, operations come out."""

    def __init__(self, channels_last: bool) -> None:
        self.operations: list[Operation] = []
        self.failures: list[Failure] = []
        self.statistics = 0
        self._last = channels_last
        self._seen: set[int] = set()
        self._names: dict[str, int] = {}
        self._branch = 0
        self._rules: dict[str, Callable[[Any, Shapes], Ints]] = {
            "InputLayer": self._input,
            "Conv2D": self._conv,
            "DepthwiseConv2D": self._depthwise,
            "SeparableConv2D": self._separable,
            "Dense": self._dense,
            "MaxPooling2D": self._pool,
            "AveragePooling2D": self._pool,
            "GlobalAveragePooling2D": self._global_pool,
            "GlobalMaxPooling2D": self._global_pool,
            "BatchNormalization": self._batch_norm,
            "ZeroPadding2D": self._zero_pad,
            "Flatten": self._flatten,
            "Reshape": self._reshape,
            "Dropout": self._dropout,
            "SpatialDropout2D": self._dropout,
            "Activation": self._activation_layer,
            "ReLU": self._relu,
            "Softmax": self._softmax,
            "Add": self._add,
            "Concatenate": self._concatenate,
        }

    def inward(self, shape: Ints) -> Ints:
        """A shape of the model's layout with its channels first."""
        return (shape[0], shape[3], shape[1], shape[2]) if self._last and len(shape) == 4 else shape

    def _outward(self, shape: Ints) -> Ints:
        return (shape[0], shape[2], shape[3], shape[1]) if self._last and len(shape) == 4 else shape

    def through(self, graph: Any, shapes: Shapes, prefix: str) -> Shapes:
        """Walk a graph from these input shapes to its output shapes."""
        known: dict[int, Ints] = {id(tensor): shape for tensor, shape in zip(graph.inputs, shapes, strict=True)}
        born: dict[int, int] = {id(tensor): len(self.operations) for tensor in graph.inputs}
        depths = graph._nodes_by_depth  # noqa: SLF001  # Keras has no public way to a graph's nodes
        for depth in sorted(depths, reverse=True):
            for node in depths[depth]:
                inputs = [known[id(tensor)] for tensor in node.input_tensors]
                births = [born[id(tensor)] for tensor in node.input_tensors]
                self._branch = len(self.operations) - min(births) if births else 0
                outputs = self._visit(node, inputs or [known[id(tensor)] for tensor in node.output_tensors], prefix)
                for tensor, shape in zip(node.output_tensors, outputs, strict=True):
                    known[id(tensor)] = shape
                    born[id(tensor)] = len(self.operations)
        return [known[id(tensor)] for tensor in graph.outputs]

    def _visit(self, node: Any, shapes: Shapes, prefix: str) -> Shapes:
        layer = node.operation
        inner = getattr(layer, "_functional", None) or layer
        self._prefix = prefix
        if hasattr(inner, "_nodes_by_depth"):
            return self.through(inner, shapes, f"{prefix}{layer.name}.")
        name = type(layer).__name__
        rule = self._rules.get(name)
        if rule is not None:
            return [rule(layer, shapes)] * len(node.output_tensors)
        return self._other(layer, name, node, shapes)

    # The record

    def _emit(
        self,
        layer: Any,
        made: layers.Layer,
        shape: Ints,
        output: Ints,
        ledger: Ledger,
        *,
        params: int,
        ending: str = "",
    ) -> None:
        path = f"{self._prefix}{layer.name}"
        label = path + ending
        number = self._names[label] = self._names.get(label, 0) + 1
        named = made.replace(name=label if number == 1 else f"{label}:{number}", path=path)
        branch = self._branch if isinstance(made, layers.Add) else 0
        note = "shares its parameters" if number > 1 and not params and made.params() else None
        self.operations.append(Operation(named, shape, output, params, ledger, None, note, branch))

    def _fail(self, layer: Any, made: layers.Layer | None, problem: str, shapes: tuple[Ints, ...]) -> None:
        path = f"{self._prefix}{layer.name}"
        self.failures.append(Failure(len(self.operations), made, type(layer).__name__, problem, shapes, None, path))

    def _claim(self, layer: Any, *names: str) -> int:
        """The elements of a layer's weights that are counted for the first time; all of them where none is named."""
        weights = [getattr(layer, name, None) for name in names] if names else list(getattr(layer, "weights", ()))
        return self._claimed(weights)

    def _claimed(self, weights: Sequence[Any]) -> int:
        total = 0
        for weight in weights:
            if weight is not None and id(weight) not in self._seen:
                self._seen.add(id(weight))
                total += product(tuple(weight.shape))
        return total

    def idle(self, model: Any) -> list[Operation]:
        """Layers whose weights the graph does not reach."""
        left = []
        for layer in _every_layer(model):
            size = self._claim(layer)
            if size:
                made = read_layers.Idle(layer.name, layer.name, type(layer).__name__)
                left.append(Operation(made, None, None, size, Ledger(), None, "never used"))
        return left

    def _activated(self, layer: Any, shape: Ints) -> Ints:
        """Emit the activation that a layer has in it."""
        name = getattr(getattr(layer, "activation", None), "__name__", "linear")
        if name != "linear":
            self._activation(layer, name, shape, f".{name}")
        return shape

    def _activation(self, layer: Any, name: str, shape: Ints, ending: str = "") -> Ints:
        made: layers.Layer = Free("", None, name)
        ledger = Ledger()
        if name in ("relu", "softmax"):
            made = layers.ReLU("", None) if name == "relu" else layers.Softmax("", None)
            ledger = made.apply(shape if len(shape) > 1 else (1, *shape))[1]
        self._emit(layer, made, shape, shape, ledger, params=0, ending=ending)
        return shape

    # One rule a layer class

    def _input(self, layer: Any, shapes: Shapes) -> Ints:
        own = tuple(layer.batch_shape)
        shape = self._outward(shapes[0])
        fits = len(own) == len(shape) and all(mine in (None, its) for mine, its in zip(own, shape, strict=True))
        if not fits:
            takes = "x".join("any" if side is None else str(side) for side in own[1:])
            self._fail(layer, None, f"takes {takes} and gets {shape_text(shape[1:])}", (shape,))
            self._free(layer, shapes[0], shapes[0])
        return shapes[0]

    def _conv(self, layer: Any, shapes: Shapes) -> Ints:
        c_in = int(layer.kernel.shape[2]) * layer.groups
        made = layers.Conv2d(
            "",
            None,
            c_in,
            layer.filters,
            _pair(layer.kernel_size),
            _pair(layer.strides),
            (0, 0),
            layer.use_bias,
            layer.groups,
            _pair(layer.dilation_rate),
        )
        return self._activated(layer, self._slide(layer, made, shapes[0], ("_kernel", "kernel", "bias")))

    def _depthwise(self, layer: Any, shapes: Shapes) -> Ints:
        c_in = int(layer.kernel.shape[2])
        made = layers.Conv2d(
            "",
            None,
            c_in,
            c_in * layer.depth_multiplier,
            _pair(layer.kernel_size),
            _pair(layer.strides),
            (0, 0),
            layer.use_bias,
            c_in,
            _pair(layer.dilation_rate),
        )
        return self._activated(layer, self._slide(layer, made, shapes[0], ("kernel", "bias")))

    def _separable(self, layer: Any, shapes: Shapes) -> Ints:
        c_in = int(layer.depthwise_kernel.shape[2])
        middle = c_in * layer.depth_multiplier
        depthwise = layers.Conv2d(
            "",
            None,
            c_in,
            middle,
            _pair(layer.kernel_size),
            _pair(layer.strides),
            (0, 0),
            False,
            c_in,
            _pair(layer.dilation_rate),
        )
        shape = self._slide(layer, depthwise, shapes[0], ("depthwise_kernel",), ".depthwise")
        pointwise = layers.Conv2d("", None, middle, layer.filters, (1, 1), (1, 1), (0, 0), layer.use_bias)
        return self._activated(
            layer, self._slide(layer, pointwise, shape, ("pointwise_kernel", "bias"), ".pointwise", padding="valid")
        )

    def _slide(
        self, layer: Any, made: Any, shape: Ints, weights: tuple[str, ...], ending: str = "", padding: str | None = None
    ) -> Ints:
        """Emit a layer whose window slides over an image, padded as Keras pads."""
        if len(shape) != 4:
            self._fail(layer, made, f"takes feature maps and gets {shape_text(shape)}", (shape,))
            return shape
        total = _padding(padding or layer.padding, made, shape)
        room = (shape[0], shape[1], shape[2] + total[0], shape[3] + total[1])
        output, ledger = made.apply(room)
        problem = None
        takes = getattr(made, "c_in", shape[1])
        if takes != shape[1]:
            problem = f"takes {takes:,} channels and gets {shape[1]:,}"
        elif min(output[2:]) < 1:
            problem = (
                f"has a window of {shape_text(made.kernel)} that does not fit its input of {shape_text(shape[2:])}"
            )
        if problem:
            self._fail(layer, made, problem, (self._outward(shape),))
            output = (*output[:2], max(1, output[2]), max(1, output[3]))
        params = self._claim(layer, *weights) if weights else 0
        self._emit(
            layer,
            made.replace(padding=(total[0] // 2, total[1] // 2)),
            shape,
            output,
            ledger,
            params=params,
            ending=ending,
        )
        return tuple(output)

    def _pool(self, layer: Any, shapes: Shapes) -> Ints:
        kernel, stride = _pair(layer.pool_size), _pair(layer.strides)
        largest = type(layer).__name__ == "MaxPooling2D"
        made = (
            layers.MaxPool2d("", None, kernel, stride) if largest else read_layers.AvgPool2d("", None, kernel, stride)
        )
        return self._slide(layer, made, shapes[0], ())

    def _global_pool(self, layer: Any, shapes: Shapes) -> Ints:
        shape = shapes[0]
        if type(layer).__name__ == "GlobalMaxPooling2D":
            return self._free(layer, shape, shape[:2] if not layer.keepdims else (*shape[:2], 1, 1))
        made = layers.AdaptiveAvgPool2d("", None, (1, 1))
        output, ledger = made.apply(shape)
        output = tuple(output) if layer.keepdims else tuple(output[:2])
        self._emit(layer, made, shape, output, ledger, params=0)
        return output

    def _dense(self, layer: Any, shapes: Shapes) -> Ints:
        shape = shapes[0]
        takes = int(layer.kernel.shape[0])
        made = layers.Linear("", None, takes, layer.units, layer.use_bias)
        inner = self._outward(shape)  # a Dense works on the last axis of the model's own layout
        _, ledger = made.apply(inner)
        output = self.inward((*inner[:-1], layer.units))
        if inner[-1] != takes:
            self._fail(layer, made, f"takes {takes:,} features and gets {inner[-1]:,}", (inner,))
        self._emit(layer, made, shape, output, ledger, params=self._claim(layer))
        return self._activated(layer, output)

    def _batch_norm(self, layer: Any, shapes: Shapes) -> Ints:
        shape = shapes[0]
        affine = bool(layer.center and layer.scale)
        channels = int(layer.moving_mean.shape[0])
        kind = layers.BatchNorm2d if len(shape) == 4 else read_layers.BatchNorm1d
        made = kind("", None, channels, affine)
        _, ledger = made.apply(shape)
        params = self._claim(layer, "gamma", "beta")
        self.statistics += self._claim(layer)
        if channels != shape[1]:
            self._fail(layer, made, f"takes {channels:,} channels and gets {shape[1]:,}", (self._outward(shape),))
        self._emit(layer, made, shape, shape, ledger, params=params)
        return shape

    def _zero_pad(self, layer: Any, shapes: Shapes) -> Ints:
        (top, bottom), (left, right) = layer.padding
        made = read_layers.ZeroPad2d("", None, (left, right, top, bottom))
        output, ledger = made.apply(shapes[0])
        self._emit(layer, made, shapes[0], tuple(output), ledger, params=0)
        return tuple(output)

    def _flatten(self, layer: Any, shapes: Shapes) -> Ints:
        made = layers.Flatten("", None)
        output, ledger = made.apply(shapes[0]) if len(shapes[0]) > 1 else ((*shapes[0], 1), Ledger())
        self._emit(layer, made, shapes[0], tuple(output), ledger, params=0)
        return tuple(output)

    def _reshape(self, layer: Any, shapes: Shapes) -> Ints:
        wanted = tuple(layer.target_shape)
        elements = product(shapes[0][1:])
        known = product(tuple(side for side in wanted if side != -1))
        target = tuple(elements // known if side == -1 else side for side in wanted)
        if product(target) != elements:
            problem = f"cannot turn {shape_text(self._outward(shapes[0])[1:])} into {shape_text(wanted)}"
            self._fail(layer, None, problem, (self._outward(shapes[0]),))
        return self._free(layer, shapes[0], self.inward((shapes[0][0], *target)))

    def _dropout(self, layer: Any, shapes: Shapes) -> Ints:
        made = layers.Dropout("", None, float(layer.rate))
        self._emit(layer, made, shapes[0], shapes[0], made.apply(shapes[0])[1], params=0)
        return shapes[0]

    def _activation_layer(self, layer: Any, shapes: Shapes) -> Ints:
        return self._activation(layer, layer.activation.__name__, shapes[0])

    def _relu(self, layer: Any, shapes: Shapes) -> Ints:
        return self._activation(layer, "relu", shapes[0])

    def _softmax(self, layer: Any, shapes: Shapes) -> Ints:
        return self._activation(layer, "softmax", shapes[0])

    def _add(self, layer: Any, shapes: Shapes) -> Ints:
        if len(shapes) == 1:
            return self._free(layer, shapes[0], shapes[0])
        first = shapes[0]
        made = layers.Add("", None, shapes[-1])
        different = [shape for shape in shapes if shape != first]
        if different:
            texts = " and ".join(shape_text(self._outward(shape)) for shape in (first, different[0]))
            self._fail(layer, made, f"gets {texts}, which do not go together", (first, different[0]))
        self._emit(layer, made, first, first, made.apply(first)[1] * (len(shapes) - 1), params=0)
        return first

    def _concatenate(self, layer: Any, shapes: Shapes) -> Ints:
        outer = [self._outward(shape) for shape in shapes]
        axis = layer.axis % len(outer[0])
        output = (*outer[0][:axis], sum(shape[axis] for shape in outer), *outer[0][axis + 1 :])
        if len({(*shape[:axis], *shape[axis + 1 :]) for shape in outer}) > 1:
            texts = " and ".join(map(shape_text, outer))
            self._fail(layer, None, f"gets {texts}, which differ in more than axis {axis}", tuple(outer))
        return self._free(layer, shapes[0], self.inward(output))

    def _free(self, layer: Any, shape: Ints, output: Ints) -> Ints:
        self._emit(layer, Free("", None, type(layer).__name__), shape, output, Ledger(), params=self._claim(layer))
        return output

    def _other(self, layer: Any, name: str, node: Any, shapes: Shapes) -> Shapes:
        """A layer without a rule: its own word for its output's shape, its weights, and no count."""
        outputs = []
        for tensor in node.output_tensors:
            shape = tuple(tensor.shape)
            batch = shapes[0][0] if shapes else 1
            outputs.append(self.inward((batch, *(side or 1 for side in shape[1:]))))
        kind = Free if name in FREE else read_layers.Uncounted
        shape = shapes[0] if shapes else outputs[0]
        self._emit(layer, kind("", None, name), shape, outputs[0], Ledger(), params=self._claim(layer))
        return outputs


FREE = frozenset(
    (
        *(
            "LeakyReLU",
            "PReLU",
            "ELU",
            "Relu",
            "Relu6",
            "Sigmoid",
            "Tanh",
            "Silu",
            "Gelu",
            "Multiply",
            "Subtract",
            "Maximum",
        ),
        *("Average", "Rescaling", "Normalization", "Permute", "Identity", "LayerNormalization", "UnitNormalization"),
        *("GaussianNoise", "GaussianDropout", "Cropping2D", "Transpose", "GetItem", "Divide", "Mean", "Max"),
    )
)
"""Layers and operations that keep to element-wise work, means and copies: no multiply-accumulates."""


def _padding(padding: str, made: Any, shape: Ints) -> tuple[int, int]:
    """Rows and columns of zeros that Keras adds in all: for ``same``, so that the output has ceil(input / stride)."""
    if padding != "same":
        return 0, 0
    window = made.window(shape)
    total = []
    for axis in (0, 1):
        size, stride = shape[2 + axis], window.stride[axis]
        reach = (-(-size // stride) - 1) * stride + window.dilation[axis] * (window.kernel[axis] - 1) + 1
        total.append(max(0, reach - size))
    return total[0], total[1]


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)
