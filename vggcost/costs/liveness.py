"""When each tensor of a forward call and of a training step lives, as torch runs them: what is alive at every moment.

The walk is generic over the kind of number: sizes may be ints, int64 arrays or symbols. Which tensors there are, and in
which order they come and go, depends on the layers alone, so every moment's bytes are one sum of products; only the
maximum over the moments is taken outside.
"""

from __future__ import annotations

from contextlib import suppress

from vggcost.costs.graph import Again, Node, Value
from vggcost.costs.storages import Alive, Storage
from vggcost.formulas import forward, memory
from vggcost.network.blocks import Residual
from vggcost.network.layer import writes_in_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from vggcost.costs.storages import Widths
    from vggcost.network.layer import Layer, Shape, Size
    from vggcost.network.work import Operator


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
        watched: Container[int] = (),
    ) -> None:
        self.alive = Alive(widths, watched)
        self.gradients: dict[str, tuple[bool, bool]] = {}
        """For each layer that gradients pass: whether one of its input is made, and of its parameters."""
        self.output_bytes: dict[str, Size] = {}
        """Each layer's output, views and those written in place too [B]."""
        self.run_again: set[str] = set()
        """The layers that run a second time; the last ones of a block do not, where nothing of theirs is kept."""
        self._training = training
        self._trains = trains
        self._in_place = in_place
        self._accumulating = accumulating
        self._nodes: list[Node | Again] = []
        self._packs = True
        self._refilled: Iterator[Node] | None = None
        self._missing = 0
        self._widths = widths
        self._cached: list[Storage] = []
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
        same = body.storage.width == shortcut.storage.width
        storage = self.alive.take(forward.elements(body.shape), body.storage.width if same else "element")
        self.alive.mark()
        output = Value(storage, body.shape, needs_grad=body.needs_grad or shortcut.needs_grad)
        if output.needs_grad:
            self._remember(block, (body, shortcut), output, self._kept_before())
        self._note(block, output)
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
            if self._widths.low and layer.lowers:
                made |= self._casts(layer, value)
                names += ("weights",) if needs_grad and (value.needs_grad or not layer.input_for_weights_alone) else ()
            self._work(layer.forward_work(value.shape, shape), names, made, kept)
        if self._refilled is not None:
            self.run_again.add(layer.name)
        self._pack(names, made, kept)
        for name, storage in made.items():
            if name not in ENDS or storage not in (value.storage, made["output"]):
                alive.drop(storage)
        output = Value(made["output"], shape, needs_grad=needs_grad)
        if needs_grad:
            self._remember(layer, (value,), output, kept)
            self.gradients[layer.name] = (value.needs_grad, self._learns(layer))
        self._note(layer, output)
        return output

    def _note(self, layer: Layer, output: Value) -> None:
        width = getattr(self._widths, output.storage.width)
        self.output_bytes[layer.name] = memory.tensor_bytes(forward.elements(output.shape), width)

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
            self._run(operator, made, made["input"].width)

    def _run(self, operator: Operator, made: dict[str, Storage], arriving: str) -> None:
        """Make what an operator makes and let go of what it drops; a cast to the width that is there makes nothing."""
        widths = {"element": arriving, "full": "element"}
        source = made.get(operator.casts)
        for name, elements, width in operator.takes:
            if width == "statistic" and self._widths.low and not self._training:
                continue  # batch norm on a CPU, whose list autocast follows here, makes none in eval mode
            made[name] = (
                made.pop(operator.casts)
                if source is not None and source.width == widths.get(width, width)
                else self.alive.take(elements, widths.get(width, width))
            )
        if source is None or operator.casts in made:
            self.alive.mark()
        for name in operator.drops:
            if name in made:
                self.alive.drop(made.pop(name))

    def _casts(self, layer: Layer, value: Value) -> dict[str, Storage]:
        """Cast a layer's parameters and input to the low precision, in torch's order: biases, weights, input.

        What learns is cast once in a region of autocast, which holds it (torch's autocast cache); an input that is in
        the low precision stays itself.
        """
        made: dict[str, Storage] = {}
        tensors = dict(zip(("weights", "biases"), layer.tensors(), strict=False))
        for name in reversed(tensors):
            made[name] = self.alive.take(tensors[name], "low")
            made[name].cast = True
            self.alive.mark()
            if self._learns(layer):
                self._cached.append(self.alive.hold(made[name]))
        if value.storage.width != "low":
            made["input"] = self.alive.take(forward.elements(value.shape), "low")
            self.alive.mark()
        return made

    def _leave_autocast(self) -> None:
        """Let go of the casts that a region of autocast holds."""
        for storage in self._cached:
            self.alive.drop(storage)
        self._cached = []

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
        loss = alive.take(1, self.output.storage.width)
        alive.mark()
        alive.drop(self.output.storage)
        self._leave_autocast()
        root = alive.take(1, loss.width)
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
        """Go back through a block, which runs a second time when the first node asks for what it kept.

        What is left of the block holds its input until the last node that kept anything is done.
        """
        keeping = [place for place, node in enumerate(block.nodes) if node.kept]
        if not keeping:
            self._back_through(block.nodes)
            self.alive.drop(block.input.storage)
            return
        self._back_through(block.nodes[keeping[-1] + 1 :])
        self._refill(block)
        block.nodes[keeping[0]].kept["input of the block"] = block.input.storage
        self._back_through(block.nodes[: keeping[-1] + 1])

    def _refill(self, block: Again) -> None:
        """Run a block a second time until its nodes have what they keep."""
        alive = self.alive
        alive.phase, holders, there = "recompute", block.input.storage.holders, len(alive)
        self._refilled, self._missing = iter(block.nodes), block.keeps
        with suppress(_EnoughError):
            self._sequence(block.layers, block.input)
        self._refilled, self._cached = None, []
        alive.forget(there)
        block.input.storage.holders = holders + block.input.storage.keepers - 1
        alive.phase = "backward"

    def _backward_of(self, node: Node, grad: Storage) -> None:
        layer, alive = node.layer, self.alive
        if layer.view or isinstance(layer, Residual):
            for value, given in [(value, self._in_width_of(value, grad)) for value in node.inputs]:
                self._deliver(value, given)
            alive.drop(grad)
            return
        if self._widths.low and layer.lowers:
            self._backward_of_low(node, grad)
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

    def _backward_of_low(self, node: Node, grad: Storage) -> None:
        """Go back through a layer in the low precision: all its gradients at once, and their casts one by one."""
        layer, alive, (value,) = node.layer, self.alive, node.inputs
        low = alive.take(forward.elements(value.shape), "low") if value.needs_grad else None
        weights = [(elements, alive.take(elements, "low")) for elements in layer.tensors() if self._learns(layer)]
        for _, storage in weights:
            storage.of_weights = True
        alive.mark()
        for storage in (grad, *node.kept.values()):
            alive.drop(storage)
        if low is not None:
            given = self._in_width_of(value, low)
            alive.drop(low)
            self._deliver(value, given)
        for elements, storage in weights:
            full = alive.take(elements)
            full.of_weights = True
            alive.mark()
            alive.drop(storage)
            if self._accumulating:
                alive.drop(full)

    def _in_width_of(self, value: Value, grad: Storage) -> Storage:
        """Hold a gradient once more for a value, as a cast where their widths differ."""
        if grad.width == value.storage.width or not value.needs_grad:
            return self.alive.hold(grad)
        cast = self.alive.take(forward.elements(value.shape), value.storage.width)
        self.alive.mark()
        return cast

    def _step_back(self, node: Node, operator: Operator, made: dict[str, Storage]) -> None:
        alive = self.alive
        self._run(operator, made, node.inputs[0].storage.width)
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
            both = self.alive.take(forward.elements(value.shape), grad.width)
            self.alive.mark()
            self.alive.drop(value.grad)
            self.alive.drop(grad)
            value.grad = both


ENDS = ("input", "output")
"""The kept tensors that a layer shares with its neighbours."""
