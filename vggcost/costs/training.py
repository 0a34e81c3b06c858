"""One training step: the memory at its worst moment, what the optimizer holds, and what forward and backward multiply.

A step is `zero_grad`, one forward call or several, ``m(x).sum().backward()`` behind each, and the optimizer's `step`;
the second and later ones, when the optimizer has its state. Not counted: the libraries' workspaces, the device's
context and the allocator's rounding.
"""

from __future__ import annotations

from vggcost.costs import memory as memory_costs
from vggcost.costs.memory import blocks_of, buffer_bytes
from vggcost.costs.storages import Moment
from vggcost.errors import VggcostError, nearest, unknown
from vggcost.formulas import memory
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from vggcost.costs.liveness import Lifetimes
    from vggcost.costs.table import Table
    from vggcost.network.layer import Layer, Size

STATES = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""The optimizers, and how many tensors as large as the parameters each keeps between steps (torch.optim)."""

INTEGERS = ("int8",)
"""What cannot be trained in."""

LOW_PRECISIONS = ("bfloat16", "float16")
"""The dtypes of torch.autocast, and of weights that have a float32 copy."""

IMPLEMENTATIONS = ("foreach", "for-loop", "fused")
"""How torch.optim updates: all parameters in one call each operation, one behind the other, or in one kernel."""


class Training(Record):
    """How a step is done.

    accumulate: how many forward and backward passes a step has, whose gradients are added up. frozen: the names of the
    layers whose parameters get no gradient. checkpoint: whether each stage of convolutions with its pool runs a second
    time in the backward pass in place of keeping what that needs (torch.utils.checkpoint, use_reentrant=False).
    master_weights: whether weights and gradients of a low precision have a float32 copy of the weights beside them, and
    the optimizer's state in float32, updated by a fused kernel (Micikevicius et al. 2018; 16 bytes a parameter with
    adam).
    images: how many an epoch has, None where nobody says; epochs: how many there are.
    """

    optimizer: str = "sgd"
    implementation: str = "foreach"
    accumulate: int = 1
    frozen: frozenset[str] = frozenset()
    checkpoint: bool = False
    master_weights: bool = False
    images: int | None = None
    epochs: int = 1

    def trains(self, layer: Layer) -> bool:
        """Whether a layer's parameters get gradients."""
        return layer.learns and layer.name not in self.frozen


def checked(
    counted: Table,
    optimizer: str,
    implementation: str | None,
    accumulate: int,
    frozen: Sequence[str],
    *,
    checkpoint: bool,
    master_weights: bool = False,
) -> Training:
    """Return how a step is done; frozen names layers that get no gradients, or children of the module.

    implementation is one of `IMPLEMENTATIONS`, and the first where None.

    Raises:
        VggcostError: an unknown optimizer or implementation, or one beside master_weights; a name of no layer that
            learns; nothing is left to train.
    """
    if master_weights and implementation is not None:
        raise VggcostError(
            "--optimizer-implementation is of torch.optim, which has no optimizer with --master-weights; leave one away"
        )
    implementation = "fused" if master_weights else implementation or IMPLEMENTATIONS[0]
    check_words(optimizer, implementation)
    frozen_names = frozen_layers(counted, frozen)
    return Training(optimizer, implementation, accumulate, frozen_names, checkpoint, master_weights)


def check_words(optimizer: str, implementation: str) -> None:
    """Refuse an optimizer, or a way of its, that is not known.

    Raises:
        VggcostError: one is not.
    """
    for what, word, known in (("optimizer", optimizer, STATES), ("implementation", implementation, IMPLEMENTATIONS)):
        if word not in known:
            raise unknown(what, word, tuple(known))


def with_run(training: Training | None, images: int | None, epochs: int | None) -> Training | None:
    """Return how a step is done with how many images an epoch has and how many epochs there are, 1 where only these.

    Raises:
        VggcostError: images without a training step, or epochs without images.
    """
    for option, value in (("--images", images), ("--epochs", epochs)):
        if training is None and value is not None:
            raise VggcostError(f"{option} is given without --training; add --training, or leave it away")
    if images is None and epochs is not None:
        raise VggcostError(
            f"--epochs {epochs} is given without --images; add --images 1281167 for ImageNet's, or leave it away"
        )
    return training.replace(images=images, epochs=epochs or 1) if training is not None else None


def check_dtype(dtype: str, *, mixed: str | None = None, master_weights: bool = False) -> None:
    """Refuse a dtype without gradients, and one that is no low precision under float32 copies of the weights.

    Raises:
        VggcostError: it is one.
    """
    if dtype in INTEGERS:
        raise VggcostError(f"--dtype {dtype} has no gradients, and --training is given; give float32 or bfloat16")
    if not master_weights:
        return
    if mixed is not None:
        raise VggcostError("--mixed has its weights in float32, and needs no copy of --master-weights; leave one away")
    if dtype not in LOW_PRECISIONS:
        raise VggcostError(
            f"--master-weights are float32 copies of weights in a low precision, and --dtype is {dtype}; give"
            f" --dtype {' or '.join(LOW_PRECISIONS)}"
        )


def check_mixed(mixed: str | None, dtype: str) -> None:
    """Refuse what is no low precision of torch.autocast, and one beside weights that are not in float32.

    Raises:
        VggcostError: it is so.
    """
    if mixed is None:
        return
    if mixed not in LOW_PRECISIONS:
        raise unknown("mixed", mixed, LOW_PRECISIONS)
    if dtype != "float32":
        raise VggcostError(
            f"--mixed {mixed} casts from weights in float32, and --dtype is {dtype}; leave one of them away"
        )


def frozen_layers(counted: Table, names: Sequence[str]) -> frozenset[str]:
    """Return the layers that learn and that these name: a layer's name, or a child of the module such as ``features``.

    Raises:
        VggcostError: one names nothing that learns; or nothing that learns is left.
    """
    learning = [row.layer for row in counted.rows if row.layer.learns]
    found: set[str] = set()
    for name in names:
        own = {layer.name for layer in learning if name == layer.name or _stands_in(layer, name)}
        if not own:
            tops = dict.fromkeys(layer.path.partition(".")[0] for layer in learning if layer.path)
            words = nearest(name, (*tops, *(layer.name for layer in learning)))
            raise VggcostError(f"--freeze {name!r} is no layer that learns; {words}", nearest=words.names)
        found |= own
    if learning and len(found) == len(learning):
        raise VggcostError("--freeze leaves nothing to train; leave one layer unfrozen, or --training away")
    return frozenset(found)


def _stands_in(layer: Layer, child: str) -> bool:
    return layer.path is not None and (layer.path == child or layer.path.startswith(f"{child}."))


def lived(
    counted: Table,
    element_bytes: int,
    training: Training,
    *,
    in_place: bool,
    watched: Container[int] = (),
    low_bytes: int = 0,
) -> Lifetimes:
    """Return one forward call and its backward pass; with accumulation the last, which finds gradients."""
    return memory_costs.lived(
        counted,
        element_bytes,
        training=True,
        in_place=in_place,
        trains=training.trains,
        accumulating=training.accumulate > 1,
        checkpoint=blocks_of if training.checkpoint else lambda _: (),
        watched=watched,
        low_bytes=low_bytes,
    )


def saved_by_layer(lives: Lifetimes) -> dict[str, int]:
    """Return what autograd keeps of what each layer wrote last [B]; the network's input stands at the first layer."""
    saved: dict[str, int] = {}
    first = next(iter(lives.gradients))  # nobody wrote the input: it stands at the first that keeps it
    for storage in lives.kept():
        writer = storage.writer or first
        saved[writer] = saved.get(writer, 0) + storage.bytes
    return saved


def trainable_bytes(counted: Table, element_bytes: int, training: Training) -> int:
    """Return the bytes of the parameters that get gradients, which are those of the gradients [B]."""
    elements: int = sum(row.params for row in counted.rows if training.trains(row.layer))
    return memory.tensor_bytes(elements, element_bytes)


def moments(counted: Table, element_bytes: int, training: Training, lives: Lifetimes) -> Iterator[Moment]:
    """Yield every moment of a step with all that is held in it; the last ones are those of the optimizer's step.

    lives is what `lived` gave for the same table.

    Raises:
        VggcostError: nothing learns.
    """
    if not any(training.trains(row.layer) for row in counted.rows):
        raise VggcostError(f"{counted.network.title} has nothing to train; leave --training away")
    gradients = trainable_bytes(counted, element_bytes, training)
    held = memory.in_use(
        memory.tensor_bytes(counted.params, element_bytes),
        buffer_bytes(counted, element_bytes),
        lives.image.storage.bytes,
        sum((state_bytes(gradients, training), master_weight_bytes(gradients, training))),
    )
    before = gradients_before(gradients, training)
    for moment in lives.alive.moments:
        yield Moment(moment.phase, moment.layer, memory.at_moment(held, before, moment.bytes))
    for updating in updates(counted, element_bytes, training):
        yield Moment("step", None, memory.at_moment(held, gradients, updating))


def gradients_before(gradients: Size, training: Training) -> Size:
    """Return what is there of the weights' gradients before a pass [B]: all of them where several passes add up."""
    return gradients if training.accumulate > 1 else 0


def state_bytes(gradients: int, training: Training) -> int:
    """Return what the optimizer keeps between steps for parameters whose gradients have so many bytes [B]."""
    own = memory.float32_copy(gradients) if training.master_weights else gradients
    return memory.optimizer_state(own, STATES[training.optimizer])


def master_weight_bytes(gradients: int, training: Training) -> int:
    """Return the float32 copies of the parameters whose gradients have so many bytes [B], where there are any."""
    return memory.float32_copy(gradients) if training.master_weights else 0


def temporary_bytes(counted: Table, element_bytes: int, training: Training) -> int:
    """Return what an optimizer's step makes on its way and lets go of [B], at its worst moment; see `updates_of`."""
    return max(updates(counted, element_bytes, training), default=0)


def updates(counted: Table, element_bytes: int, training: Training) -> Iterator[Size]:
    """Yield what the step of a network's optimizer makes on its way, moment by moment [B]; see `updates_of`."""
    tensors = (
        ("", memory.tensor_bytes(elements, element_bytes))
        for row in counted.rows
        if training.trains(row.layer)
        for elements in row.layer.tensors()
    )
    yield from updates_of(tensors, training)


def updates_of(tensors: Iterable[tuple[str, Size]], training: Training) -> Iterator[Size]:
    """Yield what an optimizer's step makes on its way and lets go of, moment by moment [B].

    tensors: the dtype and the bytes of each parameter that is trained. adam and adamw need the root of their second
    moment: foreach of all parameters of a dtype at once, while that of the dtype before is still there; for-loop of one
    at a time, and its quotient beside it, while that of the parameter before is still there. sgd and momentum write in
    place, and so does a fused kernel.
    Source: torch.optim.adam (_multi_tensor_adam, _single_tensor_adam), torch.optim.sgd.
    """
    before: Size = 0
    if STATES[training.optimizer] < 2 or training.implementation == "fused":
        yield 0
    elif training.implementation == "foreach":
        of_dtype: dict[str, Size] = {}
        for dtype, size in tensors:
            of_dtype[dtype] = of_dtype.get(dtype, 0) + size
        for size in of_dtype.values():
            yield before + size
            before = size
    else:
        for _, size in tensors:
            yield memory.one_at_a_time(before, size)
            before = size


class StepMacs(Record):
    """What one layer multiplies in a step [MAC]: forward, for its input's gradient, its weights', and a second time."""

    forward: int
    input_gradient: int
    weight_gradient: int
    recomputed: int

    @property
    def backward(self) -> int:
        """All of the backward pass [MAC]; docs/memory.md derives why each gradient takes as many as the forward."""
        return self.input_gradient + self.weight_gradient + self.recomputed


def step_macs(counted: Table, lives: Lifetimes) -> Iterator[StepMacs]:
    """Yield each row's multiply-accumulates of one forward and backward pass.

    The first layer that learns has no gradient of its input; a frozen one none of its weights; what lies before the
    first that learns none at all.
    """
    for row in counted.rows:
        of_input, of_weights = lives.gradients.get(row.name, (False, False))
        yield StepMacs(
            row.macs,
            row.macs if of_input else 0,
            row.macs if of_weights else 0,
            row.macs if row.name in lives.run_again else 0,
        )
