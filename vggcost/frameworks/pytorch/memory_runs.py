"""What torch itself holds and multiplies: forward calls and training steps on meta tensors, measured by its own tools.

Nothing is multiplied and no memory is taken: meta tensors have shapes and storages without content. Under autocast they
are fake tensors of a CPU, which have none either.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from vggcost.frameworks.pytorch.autocasting import Casts, autocast, cpu_without_memory
from vggcost.frameworks.pytorch.build import build_module
from vggcost.frameworks.pytorch.checkpointed import checkpointed
from vggcost.frameworks.pytorch.storages import StorageFollower, kept_storages
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from vggcost.costs.training import Training
    from vggcost.frameworks.memory_outcome import Claimed

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "tf32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
"""The dtypes in which torch's modules have weights; the others have no modules."""

_OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
}


class StepSeen(Record):
    """What one training step held [B]; as in the totals of `vggcost.results.memory.MemoryTotals`.

    temporary_bytes: what the optimizer's step made on its way. The parts are those of the worst moment; what autograd
    keeps is None where checkpoints hide it from the hooks, and working has it then.
    """

    gradient_bytes: int
    optimizer_bytes: int
    temporary_bytes: int
    training_peak_bytes: int
    live_gradient_bytes: int
    live_cast_bytes: int
    live_saved_bytes: int | None
    working_bytes: int


class ForwardSeen(Record):
    """What one module and its forward calls held [B]."""

    weight_bytes: int
    buffer_bytes: int
    input_bytes: int
    output_bytes: int
    weight_layer_output_bytes: int
    peak_bytes: int


class Prepared:
    """A module in train mode with its input, the forward call of one pass, and an optimizer, on one device.

    device: that without content, where none is given; a fake one under autocast, see `without_content`. apart: whether
    the optimizer's step runs by itself, for these tensors are none of its kernel, or lie where its own numbers do.
    """

    def __init__(self, claimed: Claimed, device: str | None = None) -> None:
        counted, training = claimed.table, claimed.training
        dtype = DTYPES[claimed.dtype]
        self.device = device = device or ("cpu" if claimed.mixed else "meta")
        self.mixed = claimed.mixed
        own_dtype = None if claimed.mixed else dtype  # torch makes no fake module another's, not even to float32
        self.module = build_module(counted.network, device, own_dtype, in_place=claimed.in_place).train()
        self.image = torch.empty(counted.input, device=device, dtype=dtype)
        self.forward: Callable[[torch.Tensor], Any] = self.module
        self.passes = 1
        self.fused = self.hidden = False
        self.apart = self.mixed is not None
        if training is None:
            return
        self.training = training
        self.fused = training.implementation == "fused" and device == "meta"
        self.apart |= self.fused
        self.hidden = training.checkpoint
        for row in counted.rows:
            if row.name in training.frozen:
                self.module.get_submodule(row.layer.path or "").requires_grad_(requires_grad=False)
        if training.checkpoint:
            self.forward = checkpointed(self.module, counted.network)
        self.passes = training.accumulate
        # Where the kernel refuses the tensors, another one makes the same state.
        self.optimizer = optimizer_of(
            self.trained, training.replace(implementation="foreach") if self.fused else training
        )

    @property
    def trained(self) -> list[nn.Parameter]:
        """The parameters that get gradients."""
        return [each for each in self.module.parameters() if each.requires_grad]

    @property
    def held(self) -> list[torch.Tensor]:
        """Weights, buffers and input."""
        return [*self.module.parameters(), *self.module.buffers(), self.image]

    def state(self) -> list[torch.Tensor]:
        """The optimizer's moments; the number of its steps, a scalar on the host, is none of them."""
        return [
            each
            for state in self.optimizer.state.values()
            for each in state.values()
            if isinstance(each, torch.Tensor) and each.dim()
        ]

    def loss(self, image: torch.Tensor | None = None) -> Any:
        """The sum of what one forward call gives, autocast around both."""
        with autocast(self.mixed):
            return self.forward(self.image if image is None else image).sum()

    def go_back(self, passes: int | None = None) -> None:
        """So many forward calls with their backward passes; all those of one step where no number is given."""
        for _ in range(passes or self.passes):
            self.loss().backward()

    def first_step(self) -> None:
        """One whole step, behind which the optimizer has its state and no parameter a gradient."""
        self.go_back()
        self.optimizer.step()
        self.optimizer.zero_grad()


def optimizer_of(parameters: list[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    """Return torch's own optimizer for this way of a step."""
    kind, options = _OPTIMIZERS[training.optimizer]
    how: dict[str, dict[str, Any]] = {
        "foreach": {"foreach": True},
        "for-loop": {"foreach": False},
        "fused": {"fused": True},
    }
    return kind(parameters, lr=1e-6, **options, **how[training.implementation])  # type: ignore[call-arg]  # each has them


def _nbytes(tensors: Any) -> int:
    return sum(each.nbytes for each in tensors)


Result = TypeVar("Result")


def without_content(measure: Callable[[Claimed], Result]) -> Callable[[Claimed], Result]:
    """Measure under autocast on fake tensors of a CPU."""

    @wraps(measure)
    def measured(claimed: Claimed) -> Result:
        if claimed.mixed is None:
            return measure(claimed)
        with cpu_without_memory():
            return measure(claimed)

    return measured


@without_content
def forward_seen(claimed: Claimed) -> ForwardSeen:
    """Return what the module holds, what its layers yield, and the peak of a forward call without gradients."""
    run = Prepared(claimed)
    run.module.eval()
    outputs = _OutputsOfLayers()
    hook = torch.nn.modules.module.register_module_forward_hook(outputs.yielded)
    try:
        with torch.no_grad(), outputs, autocast(run.mixed):
            run.module(run.image)
    finally:
        hook.remove()
    follower = StorageFollower(run.held)
    with torch.no_grad(), follower, autocast(run.mixed):
        run.module(run.image)
    return ForwardSeen(
        weight_bytes=_nbytes(run.module.parameters()),
        buffer_bytes=_nbytes(run.module.buffers()),
        input_bytes=run.image.nbytes,
        output_bytes=outputs.bytes,
        weight_layer_output_bytes=outputs.of_weight_layers,
        peak_bytes=follower.peak_bytes,
    )


class _OutputsOfLayers(torch.overrides.TorchFunctionMode):
    """Adds up the bytes that each layer yields: of modules without children, of additions, and of torch.flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.of_weight_layers = 0

    def yielded(self, module: nn.Module, _: Any, output: torch.Tensor) -> None:
        """Note what a module yields; a global forward hook, since a layer need not be registered as a child."""
        children = {name for name, _ in module.named_children()}
        if children == {"body", "shortcut"} or not (children or isinstance(module, torch.nn.Sequential)):
            self.bytes += output.nbytes
            self.of_weight_layers += output.nbytes if isinstance(module, torch.nn.Conv2d | torch.nn.Linear) else 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See torch.flatten, which is no module."""
        result = func(*args, **(kwargs or {}))
        self.bytes += result.nbytes if func is torch.flatten else 0
        return result


@without_content
def saved_seen(claimed: Claimed) -> int:
    """Return what saved_tensors_hooks packs in one forward call in train mode, each storage once [B]."""
    run = Prepared(claimed)
    outside = [*run.module.parameters(), *run.module.buffers()]
    with autocast(run.mixed):
        _, kept = kept_storages(lambda: run.forward(run.image), outside)
    return sum(kept.values())


@without_content
def left_alive(claimed: Claimed) -> int:
    """Return what is still alive behind a forward call whose result is held by no name but for its graph [B]."""
    run = Prepared(claimed)
    outside = [*run.module.parameters(), *run.module.buffers()]
    follower = StorageFollower(outside)
    with follower:
        # The copy is the forward call's alone, so that it is alive afterwards only where autograd keeps it.
        loss: torch.Tensor = run.loss(run.image.clone())
        return follower.live_bytes - loss.nbytes


@without_content
def step_seen(claimed: Claimed) -> StepSeen:
    """Return what a second step holds: state, gradients, temporary tensors, and the worst moment part by part.

    The step of an optimizer apart, see `Prepared`, is followed by itself.
    """
    run = Prepared(claimed)
    run.go_back()
    gradients = [each.grad for each in run.trained if each.grad is not None]
    gradient_bytes = _nbytes(gradients)
    if run.apart:
        optimizer_bytes, temporary_bytes = update_seen(run.trained, run.training)
    else:
        run.optimizer.step()
        state = run.state()
        optimizer_bytes = _nbytes(state)
        updating = StorageFollower([*run.held, *gradients, *state], run.device)
        with updating:
            run.optimizer.step()
        temporary_bytes = updating.peak_bytes
    del gradients
    run.optimizer.zero_grad()
    whole, of_weights, casts = _followed_step(run)
    held = _nbytes(run.held) + optimizer_bytes
    if run.apart and gradient_bytes + temporary_bytes > whole.peak_bytes:
        at_peak = held + gradient_bytes + temporary_bytes
        return StepSeen(
            gradient_bytes, optimizer_bytes, temporary_bytes, at_peak, gradient_bytes, 0, 0, temporary_bytes
        )
    alive = whole.at_peak
    weights = sum(size for number, size in alive.items() if number in of_weights)
    cast = sum(size for number, size in alive.items() if number in casts)
    saved = sum(size for number, size in alive.items() if number in whole.kept_at_peak - of_weights - casts)
    working = whole.peak_bytes - weights - cast
    return StepSeen(
        gradient_bytes,
        optimizer_bytes,
        temporary_bytes,
        held + whole.peak_bytes,
        weights,
        cast,
        None if run.hidden else saved,
        working if run.hidden else working - saved,
    )


def _followed_step(run: Prepared) -> tuple[StorageFollower, set[int | None], set[int | None]]:
    """Run a whole step, but for an optimizer's that is apart.

    Returns what followed it, and the numbers of the storages that are gradients of weights, and casts of weights.
    """
    whole = StorageFollower([*run.held, *run.state()], run.device)
    of_weights: set[int | None] = set()

    def note(gradient: torch.Tensor) -> None:
        of_weights.add(whole.number(gradient))

    hooks: list[Any] = [each.register_hook(note) for each in run.trained]  # type: ignore[no-untyped-call]  # torch's
    casts = Casts(whole, run.module.parameters())
    with whole, casts:
        for _ in range(run.passes):
            with whole.keeping():
                loss = run.loss()
            loss.backward()
            of_weights |= {whole.number(each.grad) for each in run.trained if each.grad is not None}
            del loss
        if not run.apart:
            run.optimizer.step()
    for hook in hooks:
        hook.remove()
    low = {casts.sources.get(number) for number in of_weights}  # a gradient comes in the low precision and is cast
    return whole, of_weights | low - {None}, casts.of_weights


def update_seen(parameters: Sequence[torch.Tensor], training: Training) -> tuple[int, int]:
    """Return the state of an optimizer and what its second step makes on its way [B].

    On meta tensors; fused kernels refuse those, and are followed on fake ones of a CPU.
    """
    fused = training.implementation == "fused"
    device = "cpu" if fused else "meta"
    with FakeTensorMode() if fused else nullcontext():
        blank = [torch.nn.Parameter(torch.empty(each.shape, dtype=each.dtype, device=device)) for each in parameters]
        for each in blank:
            each.grad = torch.empty_like(each)
        optimizer = optimizer_of(blank, training)
        optimizer.step()
        state = [each for found in optimizer.state.values() for each in found.values()]
        tensors = [each for each in state if isinstance(each, torch.Tensor)]
        gradients = [each.grad for each in blank if each.grad is not None]
        follower = StorageFollower([*blank, *gradients, *tensors], device)
        with follower:
            optimizer.step()
        return _nbytes(each for each in tensors if each.dim()), follower.peak_bytes


@without_content
def flops_seen(claimed: Claimed) -> tuple[int, int, int]:
    """Return what FlopCounterMode counts: of one forward call, of the backward pass behind it, and of a whole step."""
    from torch.utils.flop_counter import FlopCounterMode

    run = Prepared(claimed)
    with FlopCounterMode(display=False) as counter:
        loss = run.loss()
        forward = counter.get_total_flops()
        loss.backward()
        one = counter.get_total_flops()
        for _ in range(1, run.passes):
            run.go_back(passes=1)
        run.optimizer.step()
    return forward, one - forward, counter.get_total_flops()


@without_content
def tracked_seen(claimed: Claimed) -> int:
    """Return the peak of a second step by torch's MemTracker, all of it on the device of the module [B].

    Each parameter's number of steps, a scalar that lies on a CPU whatever the device, is none of it.
    """
    from torch.distributed._tools.mem_tracker import MemTracker

    run = Prepared(claimed)
    run.first_step()
    tracker = MemTracker()
    tracker.track_external(run.module, run.optimizer, run.image)
    with tracker:
        for _ in range(run.passes):
            tracker.reset_mod_stats()  # it refuses a second forward call without
            run.go_back(passes=1)
        run.optimizer.step()
    peaks = tracker.get_tracker_snapshot("peak")
    scalars = [each for state in run.optimizer.state.values() for each in state.values() if not each.dim()]
    return int(peaks[torch.device(run.device)]["Total"]) - _nbytes(
        each for each in scalars if each.device.type == run.device
    )
