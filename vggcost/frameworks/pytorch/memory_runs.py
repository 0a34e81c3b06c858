"""What torch itself holds and multiplies: forward calls and training steps on meta tensors, measured by its own tools.

Nothing is multiplied and no memory is taken: meta tensors have shapes and storages without content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

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
    """A module in train mode with its input, the forward call of one pass, and an optimizer, on one device."""

    def __init__(self, claimed: Claimed, device: str = "meta") -> None:
        counted, training = claimed.table, claimed.training
        dtype = DTYPES[claimed.dtype]
        self.device = device
        self.module = build_module(counted.network, device, dtype, in_place=claimed.in_place).train()
        self.image = torch.empty(counted.input, device=device, dtype=dtype)
        self.forward: Callable[[torch.Tensor], Any] = self.module
        self.passes = 1
        self.fused = self.hidden = False
        if training is None:
            return
        self.training = training
        self.fused = training.implementation == "fused" and device == "meta"
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

    def go_back(self, passes: int | None = None) -> None:
        """So many forward calls with their backward passes; all those of one step where no number is given."""
        for _ in range(passes or self.passes):
            self.forward(self.image).sum().backward()

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


def forward_seen(claimed: Claimed) -> ForwardSeen:
    """Return what the module holds, what its layers yield, and the peak of a forward call without gradients."""
    run = Prepared(claimed)
    run.module.eval()
    outputs = _OutputsOfLayers()
    hook = torch.nn.modules.module.register_module_forward_hook(outputs.yielded)
    try:
        with torch.no_grad(), outputs:
            run.module(run.image)
    finally:
        hook.remove()
    follower = StorageFollower(run.held)
    with torch.no_grad(), follower:
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


def saved_seen(claimed: Claimed) -> int:
    """Return what saved_tensors_hooks packs in one forward call in train mode, each storage once [B]."""
    run = Prepared(claimed)
    outside = [*run.module.parameters(), *run.module.buffers()]
    _, kept = kept_storages(lambda: run.forward(run.image), outside)
    return sum(kept.values())


def left_alive(claimed: Claimed) -> int:
    """Return what is still alive behind a forward call whose result is held by no name but for its graph [B]."""
    run = Prepared(claimed)
    outside = [*run.module.parameters(), *run.module.buffers()]
    follower = StorageFollower(outside)
    with follower:
        # The copy is the forward call's alone, so that it is alive afterwards only where autograd keeps it.
        loss: torch.Tensor = run.forward(run.image.clone()).sum()
        return follower.live_bytes - loss.nbytes


def step_seen(claimed: Claimed) -> StepSeen:
    """Return what a second step holds: state, gradients, temporary tensors, and the worst moment part by part.

    A fused optimizer's own step runs by itself, on fake tensors.
    """
    run = Prepared(claimed)
    run.go_back()
    run.optimizer.step()
    gradients = [each.grad for each in run.trained if each.grad is not None]
    gradient_bytes = _nbytes(gradients)
    if run.fused:
        optimizer_bytes, temporary_bytes = _fused_seen(run.trained, run.training)
    else:
        state = run.state()
        optimizer_bytes = _nbytes(state)
        updating = StorageFollower([*run.held, *gradients, *state], "meta")
        with updating:
            run.optimizer.step()
        temporary_bytes = updating.peak_bytes
    del gradients
    run.optimizer.zero_grad()
    whole, of_weights = _followed_step(run)
    held = _nbytes(run.held) + optimizer_bytes
    if run.fused and gradient_bytes + temporary_bytes > whole.peak_bytes:
        at_peak = held + gradient_bytes + temporary_bytes
        return StepSeen(gradient_bytes, optimizer_bytes, temporary_bytes, at_peak, gradient_bytes, 0, temporary_bytes)
    weights = sum(size for number, size in whole.at_peak.items() if number in of_weights)
    saved = sum(size for number, size in whole.at_peak.items() if number in whole.kept_at_peak - of_weights)
    working = whole.peak_bytes - weights
    return StepSeen(
        gradient_bytes,
        optimizer_bytes,
        temporary_bytes,
        held + whole.peak_bytes,
        weights,
        None if run.hidden else saved,
        working if run.hidden else working - saved,
    )


def _followed_step(run: Prepared) -> tuple[StorageFollower, set[int | None]]:
    """Run a whole step; return what followed it, and the numbers of the storages that are gradients of weights."""
    whole = StorageFollower([*run.held, *run.state()], "meta")
    of_weights: set[int | None] = set()

    def note(gradient: torch.Tensor) -> None:
        of_weights.add(whole.number(gradient))

    hooks: list[Any] = [each.register_hook(note) for each in run.trained]  # type: ignore[no-untyped-call]  # torch's
    with whole:
        for _ in range(run.passes):
            with whole.keeping():
                loss = run.forward(run.image).sum()
            loss.backward()
            of_weights |= {whole.number(each.grad) for each in run.trained if each.grad is not None}
            del loss
        if not run.fused:
            run.optimizer.step()
    for hook in hooks:
        hook.remove()
    return whole, of_weights


def _fused_seen(parameters: Sequence[torch.Tensor], training: Training) -> tuple[int, int]:
    """Return the state of a fused optimizer and what its second step makes on its way [B].

    Fused kernels refuse meta tensors: these are fake ones of a CPU.
    """
    with FakeTensorMode():
        fakes = [torch.nn.Parameter(torch.empty(each.shape, dtype=each.dtype)) for each in parameters]
        for each in fakes:
            each.grad = torch.empty_like(each)
        optimizer = optimizer_of(fakes, training)
        optimizer.step()
        state = [each for found in optimizer.state.values() for each in found.values()]
        tensors = [each for each in state if isinstance(each, torch.Tensor)]
        gradients = [each.grad for each in fakes if each.grad is not None]
        follower = StorageFollower([*fakes, *gradients, *tensors])
        with follower:
            optimizer.step()
        return _nbytes(each for each in tensors if each.dim()), follower.peak_bytes


def flops_seen(claimed: Claimed) -> tuple[int, int, int]:
    """Return what FlopCounterMode counts: of one forward call, of the backward pass behind it, and of a whole step."""
    from torch.utils.flop_counter import FlopCounterMode

    run = Prepared(claimed)
    with FlopCounterMode(display=False) as counter:
        result = run.forward(run.image)
        forward = counter.get_total_flops()
        result.sum().backward()
        one = counter.get_total_flops()
        for _ in range(1, run.passes):
            run.go_back(passes=1)
        run.optimizer.step()
    return forward, one - forward, counter.get_total_flops()


def tracked_seen(claimed: Claimed) -> int:
    """Return the peak of a second step by torch's MemTracker, all of it on the device of the module [B]."""
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
    return int(peaks[torch.device(run.device)]["Total"])
