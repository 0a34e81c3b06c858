"""What torch itself holds and multiplies when it runs a program: each quantity by a tool of torch's, or by storages.

None of it knows whose call made a storage: that is the follower's, which is held against these.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves

from vggcost.frameworks.pytorch import call, lazy
from vggcost.frameworks.pytorch.autocasting import StatisticsAsKernelsKeepThem, autocast
from vggcost.frameworks.pytorch.memory_runs import update_seen
from vggcost.frameworks.pytorch.program import eager, untouched, unwrapped
from vggcost.frameworks.pytorch.storages import StorageFollower, kept_storages
from vggcost.frameworks.pytorch.tensors import summed
from vggcost.frameworks.pytorch.twins import freeze, twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from vggcost.costs.training import Training
    from vggcost.frameworks.arguments import Arguments
    from vggcost.programs.followed import Asked


@contextmanager
def program_run(model: nn.Module, arguments: Arguments, program: str, asked: Asked) -> Iterator[ProgramRun]:
    """Let a model run on tensors without memory until the block ends; asked says how, as where it is followed.

    Raises:
        VggcostError: it does not take these arguments, or a name of asked.frozen names nothing.
    """
    model = unwrapped(model)
    arguments = call.fitted(model, arguments, program)
    model = lazy.ready(model, arguments, program, ours=True)
    dtype = None if asked.dtype is None else getattr(torch, asked.dtype)
    faked = asked.device != "meta"
    with ExitStack() as stack:
        stack.enter_context(untouched(model, values=False))
        stack.enter_context(eager())
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True) if faked else nullcontext())
        stack.enter_context(StatisticsAsKernelsKeepThem())  # type: ignore[no-untyped-call]  # torch has no types there
        held = stack.enter_context(twins(model, dtype, asked.device))

        def empty(given: Any) -> torch.Tensor:
            blank = call.blank(given)
            into = dtype if dtype is not None and blank.is_floating_point() else blank.dtype
            return torch.empty(tuple(blank.shape), dtype=into, device=asked.device)

        given = arguments.changed(empty)
        freeze(held, model, asked.frozen)
        yield ProgramRun(model, given, asked)


class ProgramRun:
    """A model whose tensors have no memory, with what its forward call gets."""

    def __init__(self, model: nn.Module, given: Arguments, asked: Asked) -> None:
        self._model = model
        self._given = given
        self._asked = asked
        self._inputs = given.tensors()

    def held(self) -> dict[str, int]:
        """What is there before a forward call: parameters, buffers and input [B]."""
        return {
            "weight_bytes": _nbytes(self._model.parameters()),
            "buffer_bytes": _nbytes(self._model.buffers()),
            "input_bytes": _nbytes(self._inputs),
        }

    def forward_peak(self) -> int:
        """The most alive in a forward call in eval mode, without gradients [B]."""
        self._model.eval()
        with torch.no_grad(), StorageFollower(self._outside()) as follower:
            self._call()
        most: int = follower.peak_bytes
        return most

    def saved(self) -> int:
        """What saved_tensors_hooks packs in a forward call in train mode [B]."""
        self._model.train()
        outside = [*self._model.parameters(), *self._model.buffers()]
        _, kept = kept_storages(self._call, outside)
        return sum(kept.values())

    def flops(self) -> tuple[int, int]:
        """What FlopCounterMode counts of a forward call, and of the backward pass behind it."""
        from torch.utils.flop_counter import FlopCounterMode

        self._model.train()
        with FlopCounterMode(display=False) as counter:
            loss = self._loss()
            forward = counter.get_total_flops()
            torch.autograd.backward(loss)
        self._let_go()
        return forward, counter.get_total_flops() - forward

    def step(self, training: Training) -> tuple[int, int, int, int]:
        """Gradients, the optimizer's state, what its step makes, and the most alive in a whole step [B]."""
        self._model.train()
        learning = [each for each in self._model.parameters() if each.requires_grad]
        before: list[torch.Tensor] = []
        if training.accumulate > 1:
            for each in learning:
                each.grad = torch.zeros_like(each)
                before.append(each.grad)
        with StorageFollower([*self._outside(), *before]) as follower:
            torch.autograd.backward(self._loss())
        trained = [each for each in learning if each.grad is not None]
        gradients, peak = _nbytes(trained), follower.peak_bytes + _nbytes(before)
        self._let_go()
        state, updating = update_seen(trained, training)
        held = sum(self.held().values()) + state
        return gradients, state, updating, held + max(peak, gradients + updating)

    def tracked(self, *, training: bool) -> int:
        """The peak of MemTracker over a forward call, in training with the backward pass behind it [B]."""
        from torch.distributed._tools.mem_tracker import MemTracker

        self._model.train(training)
        tracker = MemTracker()
        tracker.track_external(self._model, *self._inputs)
        with tracker, torch.set_grad_enabled(training):
            given = self._loss() if training else self._call()
            if training:
                torch.autograd.backward(given)
        self._let_go()
        return sum(int(peak["Total"]) for peak in tracker.get_tracker_snapshot("peak").values())

    def modules_of_several_inputs(self) -> list[str]:
        """The classes of modules that get several tensors."""
        found: dict[str, None] = {}

        def look(module: nn.Module, given: Any) -> None:
            if sum(isinstance(each, torch.Tensor) for each in tree_leaves(given)) > 1:
                found[type(module).__name__] = None

        hooks = [each.register_forward_pre_hook(look) for each in self._model.modules()]
        with torch.no_grad():
            self._call()
        for hook in hooks:
            hook.remove()
        return list(found)

    def has_groups(self) -> bool:
        """Whether there are grouped convolutions."""
        return any(getattr(each, "groups", 1) > 1 for each in self._model.modules())

    def _outside(self) -> list[torch.Tensor]:
        return [*self._model.parameters(), *self._model.buffers(), *self._inputs]

    def _call(self) -> Any:
        with autocast(self._asked.autocast):
            return self._model(*self._given.positional, **self._given.named)

    def _loss(self) -> Any:
        """The sum of all outputs that gradients can come from, which nobody else holds behind this."""
        return summed(self._call())

    def _let_go(self) -> None:
        for each in self._model.parameters():
            each.grad = None


def _nbytes(tensors: Any) -> int:
    sizes: dict[int, int] = {id(each): each.nbytes for each in tensors}
    return sum(sizes.values())
