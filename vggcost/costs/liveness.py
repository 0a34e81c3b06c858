"""When each tensor of a forward call and of a training step lives, as torch runs them: what is alive at every moment.

The walk is generic over the kind of number: sizes may be ints, int64 arrays or symbols. Which tensors there are, and in
which order they come and go, depends on the layers alone, so every moment's bytes are one sum of products; only the
maximum over the moments is taken outside.
"""

from __future__ import annotations

from vggcost.costs.storages import Alive, Storage
from vggcost.formulas import forward, memory
from vggcost.network.blocks import Residual
from vggcost.network.layer import writes_in_place
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vggcost.costs.storages import Widths
    from vggcost.network.layer import Layer, Shape, Size
    from vggcost.network.work import Operator


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


class Again(Record):
    """A block that keeps its input alone and runs a second time in the backward pass, which fills its nodes."""

    layers: tuple[Layer, ...]
    input: Value
    output: Value
    nodes: tuple[Node, ...]
    keeps: int
    """How many tensors its nodes keep."""


class _EnoughError(Exception):
    """All that a block's nodes keep is there: torch runs it no further."""


class Lifetimes:
    """One forward call, and with `backward` one training step's backward pass, moment by moment.

    A stage is a list of blocks, a block a list of layers. training: in train mode and with gradients; trains says of a
    layer whether its parameters get gradients. in_place: whether activations write over their inputs, as in
    torchvision's VGGs. accumulating: whether every parameter has a gradient from before. checkpoint: whether blocks
    run a second time in the backward pass in place of keeping what they need, where a stage has several
    (torch.utils.checkpoint with use_reentrant=False). watched: see `Alive`.
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
        checkpoint: Callable[[Sequence[Layer]], Sequence[Sequence[Layer]]] = lambda _: (),
        watched: int | None = None,
    ) -> None:
        self.alive = Alive(widths, watched)
        self.gradients: dict[str, tuple[bool, bool]] = {}
        """For each layer that gradients pass: whether one of its input is made, and of its parameters."""
        self._training = training
        self._trains = trains
        self._in_place = in_place
        self._accumulating = accumulating
        self._nodes: list[Node | Again] = []
        self._packs = True
        self._refilled: Iterator[Node] | None = None
        self._missing = 0
        image = Storage(memory.tensor_bytes(forward.elements(shape), widths.element), None)
        # The caller holds the image, so it never goes, and is none of what the forward made.
        self.image = Value(image, shape)
        self.alive.hold(image)
        self.output = self.image
        for stage in stages:
            blocks = checkpoint(stage) if training else ()
            after = self._blocks(blocks, self.output) if blocks else self._sequence(stage, self.output)
            self.alive.drop(self.output.storage)
            self.output = after

    def kept(self) -> Iterator[Storage]:
        """Yield every storage that autograd keeps, once."""
        seen: set[int] = set()
        for node in self._nodes:
            for storage in (node.input.storage,) if isinstance(node, Again) else node.kept.values():
                if id(storage) not in seen:
                    seen.add(id(storage))
                    yield storage

    @property
    def saved_bytes(self) -> Size:
        """All that autograd keeps [B]."""
        return sum(storage.bytes for storage in self.kept())

    def _blocks(self, blocks: Iterable[Sequence[Layer]], value: Value) -> Value:
        """Run blocks one behind the other, each of which keeps its input alone."""
        alive = self.alive
        alive.hold(value.storage)
        for block in blocks:
            outer, self._nodes, self._packs, self._missing = self._nodes, [], False, 0
            after = self._sequence(block, value)
            nodes = tuple(node for node in self._nodes if isinstance(node, Node))
            self._nodes, self._packs = outer, True
            if after.needs_grad:
                alive.keep(alive.hold(value.storage))
                self._nodes.append(Again(tuple(block), value, after, nodes, -self._missing))
            alive.drop(value.storage)
            value = after
        return value

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
            self._remember(block, (body, shortcut), output, self._kept_before())
        self.alive.drop(body.storage)
        self.alive.drop(shortcut.storage)
        return output

    def _layer(self, layer: Layer, value: Value, before: Layer | None) -> Value:
        alive = self.alive
        alive.layer = layer.name
        shape, _ = layer.apply(value.shape)
        needs_grad = self._training and (value.needs_grad or self._learns(layer))
        names = self._kept_of(layer, shape) if needs_grad else ()
        kept = self._kept_before() if needs_grad else {}
        made = {"input": value.storage}
        over = self._in_place and writes_in_place(layer, before)
        if layer.view or over or not (layer.computes or self._training):
            made["output"] = alive.hold(value.storage)
            alive.mark()
            if over:
                value.storage.writer = layer.name
        else:
            self._work(layer.forward_work(value.shape, shape), names, made, kept)
        self._pack(names, made, kept)
        for name, storage in made.items():
            if name not in ENDS:
                alive.drop(storage)
        output = Value(made["output"], shape, needs_grad=needs_grad)
        if needs_grad:
            self._remember(layer, (value,), output, kept)
            self.gradients[layer.name] = (value.needs_grad, self._learns(layer))
        return output

    def _kept_before(self) -> dict[str, Storage]:
        """What a node keeps: nothing yet; where a block runs again, what its first run let go of is put in anew."""
        if self._refilled is None:
            return {}
        kept = next(self._refilled).kept
        kept.clear()
        return kept

    def _remember(self, layer: Layer, inputs: tuple[Value, ...], output: Value, kept: dict[str, Storage]) -> None:
        if self._refilled is None:
            self._nodes.append(Node(layer, inputs, output, kept))

    def _kept_of(self, layer: Layer, output: Shape) -> tuple[str, ...]:
        if layer.view:
            return ()
        names = layer.kept(output)
        if layer.input_for_weights_alone and not self._learns(layer):
            return tuple(name for name in names if name != "input")
        return names

    def _work(
        self, operators: Iterable[Operator], names: Sequence[str], made: dict[str, Storage], kept: dict[str, Storage]
    ) -> None:
        """Run a layer's operators; what the next one reads is kept when that begins."""
        for operator in operators:
            self._pack(names, made, kept)
            made |= {name: self.alive.take(elements, width) for name, elements, width in operator.takes}
            self.alive.mark()
            for name in operator.drops:
                self.alive.drop(made.pop(name))

    def _pack(self, names: Sequence[str], made: dict[str, Storage], kept: dict[str, Storage]) -> None:
        """Keep what is there of these for the backward pass; a block's first run only counts.

        Raises:
            _EnoughError: a block runs again, and this was the last that it keeps.
        """
        for name in names:
            if name not in made or name in kept:
                continue
            kept[name] = made[name]
            if self._packs:
                self.alive.keep(self.alive.hold(made[name]))
            self._missing -= 1
            if self._refilled is not None and not self._missing:
                raise _EnoughError

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
        self._back_through(self._nodes)
        alive.drop(root)
        alive.drop(loss)

    def _back_through(self, nodes: Sequence[Node | Again]) -> None:
        for node in reversed(nodes):
            if node.output.grad is not None:
                if isinstance(node, Again):
                    self._again(node)
                else:
                    self.alive.layer = node.layer.name
                    self._backward_of(node, node.output.grad)

    def _again(self, block: Again) -> None:
        """Run a block a second time until its nodes have what they keep, and go back through it."""
        alive = self.alive
        alive.phase, holders, there = "recompute", block.input.storage.holders, len(alive)
        self._refilled, self._missing = iter(block.nodes), block.keeps
        try:
            if block.keeps:
                self._sequence(block.layers, block.input)
        except _EnoughError:
            pass
        self._refilled = None
        alive.forget(there)
        block.input.storage.holders = holders + block.input.storage.keepers - 1
        alive.phase = "backward"
        self._back_through(block.nodes)
        alive.drop(block.input.storage)

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
        if weights is not None:
            weights.of_weights = True
        if value.needs_grad or layer.always_backward:
            for operator in layer.backward_work(value.shape, node.output.shape):
                self._step_back(node, operator, made)
        else:
            alive.mark()
            for each in made.values():
                alive.drop(each)
        if weights is not None and self._accumulating:
            alive.drop(weights)

    def _step_back(self, node: Node, operator: Operator, made: dict[str, Storage]) -> None:
        alive = self.alive
        made |= {name: alive.take(elements, width) for name, elements, width in operator.takes}
        alive.mark()
        for name in operator.drops:
            if name in made:
                alive.drop(made.pop(name))
        for name in operator.gives:
            self._deliver(node.inputs[0], alive.hold(made[name]))
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
