"""When each tensor of a forward call and of a training step lives, as torch runs them: what is alive at every moment.

The walk is generic over the kind of number: sizes may be ints, int64 arrays or symbols. Which tensors there are, and in
which order they come and go, depends on the layers alone, so every moment's bytes are one sum of products; only the
maximum over the moments is taken outside.
"""

from __future__ import annotations

from vggcost.formulas import forward, memory
from vggcost.network.blocks import Residual
from vggcost.network.layer import writes_in_place
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vggcost.network.layer import Layer, Shape, Size
    from vggcost.network.work import Operator


class Widths(Record):
    """Bytes of one element, by what it is.

    element: activations, weights and gradients; place: torch's int64 place of a largest value; statistic: a batch's
    mean and deviation, which torch keeps in float32 where the elements are narrower.
    """

    element: int
    statistic: int
    place: int = 8


class Moment(Record):
    """The bytes alive beside weights, buffers, input and optimizer state when one operator has its outputs.

    phase is "forward" or "backward"; layer the name of the layer that runs, None for the loss.
    """

    phase: str
    layer: str | None
    bytes: Size


class Storage:
    """A storage: its bytes, how many hold it, and the layer that wrote it last."""

    __slots__ = ("bytes", "holders", "writer")

    def __init__(self, size: Size, writer: str | None) -> None:
        self.bytes = size
        self.holders = 1
        self.writer = writer


class Alive:
    """The storages alive, as a running sum, and a moment for each operator that made some."""

    def __init__(self, widths: Widths) -> None:
        self.bytes: Size = 0
        self.moments: list[Moment] = []
        self.phase = "forward"
        self.layer: str | None = None
        self._widths = widths

    def take(self, elements: Size, width: str = "element") -> Storage:
        """Make a storage; the caller holds it."""
        made = Storage(memory.tensor_bytes(elements, getattr(self._widths, width)), self.layer)
        self.bytes = self.bytes + made.bytes
        return made

    def mark(self) -> None:
        """Note what is alive: an operator has its outputs, and everything that it took is still there."""
        self.moments.append(Moment(self.phase, self.layer, self.bytes))

    def hold(self, storage: Storage) -> Storage:
        """Hold it once more."""
        storage.holders += 1
        return storage

    def drop(self, storage: Storage) -> None:
        """Hold it once less; the last one frees it."""
        storage.holders -= 1
        if storage.holders == 0:
            self.bytes = self.bytes - storage.bytes


class Value:
    """What a variable of the program holds: a storage in a shape, and the gradient that waits for it."""

    __slots__ = ("grad", "needs_grad", "shape", "storage")

    def __init__(self, storage: Storage, shape: Shape, *, needs_grad: bool = False) -> None:
        self.storage = storage
        self.shape = shape
        self.needs_grad = needs_grad
        self.grad: Storage | None = None


class Node(Record):
    """What autograd remembers of one layer: its two ends, and what it keeps, by name."""

    layer: Layer
    inputs: tuple[Value, ...]
    output: Value
    kept: dict[str, Storage]


class Lifetimes:
    """One forward call, and with `backward` one training step's backward pass, moment by moment.

    training: in train mode and with gradients; trains says of a layer whether its parameters get gradients. in_place:
    whether activations write over their inputs, as in torchvision's VGGs. accumulating: whether every parameter has a
    gradient from before.
    """

    def __init__(
        self,
        stages: Iterable[Sequence[Layer]],
        shape: Shape,
        widths: Widths,
        *,
        training: bool = False,
        trains: Callable[[Layer], bool] = lambda _: True,
        in_place: bool = True,
        accumulating: bool = False,
    ) -> None:
        self.alive = Alive(widths)
        self._training = training
        self._trains = trains
        self._in_place = in_place
        self._accumulating = accumulating
        self._nodes: list[Node] = []
        image = Storage(memory.tensor_bytes(forward.elements(shape), widths.element), None)
        # The caller holds the image, so it never goes, and is none of what the forward made.
        self.image = Value(image, shape)
        self.alive.hold(image)
        self.output = self.image
        for stage in stages:
            after = self._sequence(stage, self.output)
            self.alive.drop(self.output.storage)
            self.output = after

    def kept(self) -> Iterator[Storage]:
        """Yield every storage that autograd keeps, once."""
        seen: set[int] = set()
        for node in self._nodes:
            for storage in node.kept.values():
                if id(storage) not in seen:
                    seen.add(id(storage))
                    yield storage

    def _sequence(self, layers: Sequence[Layer], value: Value) -> Value:
        """Run layers one behind the other; each lets go of its input once it has its output."""
        self.alive.hold(value.storage)
        before: Layer | None = None
        for layer in layers:
            after = self._residual(layer, value) if isinstance(layer, Residual) else self._layer(layer, value, before)
            self.alive.drop(value.storage)
            value, before = after, layer
        return value

    def _residual(self, block: Residual, value: Value) -> Value:
        body = self._sequence(block.body, value)
        shortcut = self._sequence(block.shortcut, value)
        self.alive.layer = block.name
        storage = self.alive.take(forward.elements(body.shape))
        self.alive.mark()
        output = Value(storage, body.shape, needs_grad=body.needs_grad or shortcut.needs_grad)
        if output.needs_grad:
            self._nodes.append(Node(block, (body, shortcut), output, {}))
        self.alive.drop(body.storage)
        self.alive.drop(shortcut.storage)
        return output

    def _layer(self, layer: Layer, value: Value, before: Layer | None) -> Value:
        alive = self.alive
        alive.layer = layer.name
        shape, _ = layer.apply(value.shape)
        needs_grad = self._training and (value.needs_grad or self._learns(layer))
        kept = layer.kept(shape) if needs_grad and not layer.view else ()
        over = self._in_place and writes_in_place(layer, before)
        if layer.view or over or not (layer.computes or self._training):
            made = {"output": alive.hold(value.storage)}
            alive.mark()
            if over:
                value.storage.writer = layer.name
        else:
            made = self._worked(layer.forward_work(value.shape, shape), kept)
        output = Value(made["output"], shape, needs_grad=needs_grad)
        if needs_grad:
            made["input"] = value.storage
            held = {name: alive.hold(made[name]) if name in ENDS else made[name] for name in kept}
            self._nodes.append(Node(layer, (value,), output, held))
        return output

    def _worked(self, operators: Iterable[Operator], kept: Sequence[str]) -> dict[str, Storage]:
        """Run a layer's operators; what they made and nobody keeps is gone, but for the output."""
        made: dict[str, Storage] = {}
        for operator in operators:
            made |= {name: self.alive.take(elements, width) for name, elements, width in operator.takes}
            self.alive.mark()
            for name in operator.drops:
                if name not in kept:
                    self.alive.drop(made.pop(name))
        for name in [name for name in made if name not in kept and name != "output"]:
            self.alive.drop(made.pop(name))
        return made

    def _learns(self, layer: Layer) -> bool:
        return layer.learns and self._trains(layer)

    def backward(self) -> None:
        """Sum the output and go back: ``m(x).sum().backward()``, the output held by no name.

        A node's gradients come in one operator each or together; what it took and kept goes when it is done.
        """
        alive = self.alive
        alive.phase, alive.layer = "backward", None
        loss = alive.take(1)
        alive.mark()
        alive.drop(self.output.storage)
        root = alive.take(1)
        alive.mark()
        self.output.grad = alive.hold(root)
        for node in reversed(self._nodes):
            if node.output.grad is not None:
                alive.layer = node.layer.name
                self._backward_of(node, node.output.grad)
        alive.drop(root)
        alive.drop(loss)

    def _backward_of(self, node: Node, grad: Storage) -> None:
        layer, alive = node.layer, self.alive
        if layer.view or isinstance(layer, Residual):
            for value in node.inputs:
                self._deliver(value, alive.hold(grad))
            alive.drop(grad)
            return
        (value,) = node.inputs
        made = {**node.kept, "grad_output": grad}
        weights = alive.take(layer.params()) if self._learns(layer) else None
        if value.needs_grad or layer.always_backward:
            for operator in layer.backward_work(value.shape, node.output.shape):
                self._step_back(operator, made, value)
        else:
            alive.mark()
            for each in made.values():
                alive.drop(each)
        if weights is not None and self._accumulating:
            alive.drop(weights)

    def _step_back(self, operator: Operator, made: dict[str, Storage], value: Value) -> None:
        alive = self.alive
        made |= {name: alive.take(elements, width) for name, elements, width in operator.takes}
        alive.mark()
        for name in operator.drops:
            alive.drop(made.pop(name))
        for name in operator.gives:
            self._deliver(value, alive.hold(made[name]))
        for name in operator.gives:
            alive.drop(made.pop(name))

    def _deliver(self, value: Value, grad: Storage) -> None:
        """Hand a gradient to the layer that made a value; two meet in a third."""
        if not value.needs_grad:
            self.alive.drop(grad)
        elif value.grad is None:
            value.grad = grad
        else:
            both = self.alive.take(forward.elements(value.shape))
            self.alive.mark()
            self.alive.drop(value.grad)
            self.alive.drop(grad)
            value.grad = both


ENDS = ("input", "output")
"""The kept tensors that a layer shares with its neighbours."""
