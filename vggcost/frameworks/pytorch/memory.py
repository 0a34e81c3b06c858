"""What a torch program holds: one real forward call and one training step, followed storage by storage.

Tensors have no memory (torch's FakeTensorMode) and are on the CPU by name, so that the program takes the path that it
takes there; where it asks for values it runs on real ones.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from vggcost.errors import VggcostError
from vggcost.formulas.memory import tensor_bytes
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.own_lines import told
from vggcost.frameworks.pytorch import call, lazy
from vggcost.frameworks.pytorch.compiled import scripts
from vggcost.frameworks.pytorch.follower import Follower
from vggcost.frameworks.pytorch.program import eager, untouched, unwrapped, with_values
from vggcost.frameworks.pytorch.tensors import summed
from vggcost.frameworks.pytorch.twins import BUFFER, PARAMETER, freeze, twins
from vggcost.frameworks.pytorch.untraced import untraced
from vggcost.programs.followed import Followed, FollowedMoment, FollowedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vggcost.frameworks.arguments import Arguments
    from vggcost.frameworks.pytorch.followed_calls import CallRow
    from vggcost.frameworks.pytorch.twins import Holding
    from vggcost.programs.followed import Asked

FAST = (nn.MultiheadAttention, nn.TransformerEncoderLayer)
FAST_NOTE = (
    "attention is followed operator by operator; without gradients torch may run it as one, and take other memory"
)
"""What torch runs in one operator where nobody watches."""

MAKES_NO_GRADIENT = "gives no output that a gradient could come from"


def follow(
    model: nn.Module, arguments: Arguments, program: str, rebuild: Callable[[], nn.Module] | None, asked: Asked
) -> Followed:
    """Return what one forward call without gradients holds, and one training step; the model is left as it was.

    arguments and rebuild are as in `vggcost.frameworks.pytorch.program.read_module`.

    Raises:
        VggcostError: the program raises, or has nothing to train; a name of asked.frozen names nothing.
    """
    model = unwrapped(model)
    arguments = call.fitted(model, arguments, program)
    model = lazy.ready(model, arguments, program, ours=rebuild is not None)
    dtype = None if asked.dtype is None else getattr(torch, asked.dtype)
    try:
        return _followed(model, arguments, program, asked, dtype, values=False)
    except BaseException as error:  # noqa: BLE001  # whether it is the program's own, or for want of values, values show
        pass_on(error)
        why = told(error)
    valued = with_values(model, rebuild, arguments)
    if valued is None:
        raise VggcostError(f"{program} cannot be followed without values ({why}); give a model with real weights")
    try:
        found = _followed(valued, arguments, program, asked, dtype, values=True)
    except BaseException as error:  # noqa: BLE001  # whatever the program raises is its own
        pass_on(error)
        what = "a training step" if asked.training else "a forward call"
        raise VggcostError(f"{program} raises in {what}: {told(error)}") from None
    return found.replace(notes=("followed on real values, on the CPU: other values may take other paths", *found.notes))


def _followed(
    model: nn.Module,
    arguments: Arguments,
    program: str,
    asked: Asked,
    dtype: torch.dtype | None,
    *,
    values: bool,
) -> Followed:
    with ExitStack() as stack:
        faked = not values and asked.device != "meta"
        fake = FakeTensorMode(allow_non_fake_inputs=True) if faked else nullcontext()
        stack.enter_context(untouched(model, values=values))
        stack.enter_context(eager())
        stack.enter_context(untraced())
        stack.enter_context(_unlogged())
        stack.enter_context(fake)
        held = stack.enter_context(twins(model, dtype, None if values else asked.device))
        gradients = [(tensor, tensor.grad) for _, tensor in held.parameters()]
        stack.callback(_put_back, gradients)  # those that have no twin are the program's own
        run = _Run(model, held, program, asked)
        given = call.valued(model, arguments) if values else arguments.changed(lambda each: _empty(each, asked.device))
        run.given = given.changed(lambda tensor: _cast(tensor, dtype))
        freeze(held, model, asked.frozen)
        return run.settled(run.forward(), run.step() if asked.training else None)


def _put_back(gradients: list[tuple[torch.Tensor, torch.Tensor | None]]) -> None:
    for tensor, gradient in gradients:
        tensor.grad = gradient


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep torch from logging what it raises as well."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _empty(given: Any, device: str) -> torch.Tensor:
    blank = call.blank(given)
    return torch.empty(tuple(blank.shape), dtype=blank.dtype, device=device)


def _cast(tensor: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


class _Run:
    """The forward call and the step of a model whose twins stand in."""

    given: Arguments

    def __init__(self, model: nn.Module, held: Holding, program: str, asked: Asked) -> None:
        self._model = model
        self._held = held
        self._program = program
        self._asked = asked

    def forward(self) -> Follower:
        """One forward call in eval mode, without gradients."""
        self._set_mode(training=False)
        follower = self._follower()
        with torch.no_grad(), follower.calls, follower, self._autocast():
            _run_forward(self._model, self.given)
        return follower

    def step(self) -> Follower:
        """One forward call in train mode, and the backward pass of the sum of what it gives."""
        self._set_mode(training=True)
        learning = [tensor for _, tensor in self._held.parameters() if tensor.requires_grad]
        if not learning:
            raise VggcostError(f"{self._program} has nothing to train; leave --training away")
        before = [torch.zeros_like(tensor) if self._asked.accumulating else None for tensor in learning]
        follower = self._follower([each for each in before if each is not None])
        hooks = [_hooked(tensor, follower) for tensor in learning]
        try:
            self._once(follower, learning, before)
            if follower.holds_beside([tensor.grad for tensor in learning if tensor.grad is not None]):
                follower.again()  # what the program keeps between steps is there in the second and all later ones
                self._once(follower, learning, before)
        finally:
            for hook in hooks:
                hook.remove()
        return follower

    def _once(self, follower: Follower, learning: list[Any], before: list[torch.Tensor | None]) -> None:
        for tensor, gradient in zip(learning, before, strict=True):
            tensor.grad = gradient
        with torch.enable_grad(), follower.calls, follower, follower.keeping():
            loss = self._loss(follower)
            torch.autograd.backward(loss)  # not its method, which is a call that the mode would take for one row

    def _loss(self, follower: Follower) -> torch.Tensor:
        """The sum of all outputs that gradients can come from, which nobody else holds behind this."""
        with self._autocast():
            given = _run_forward(self._model, self.given)
        follower.calls.leave()
        follower.phase = "backward"
        with torch._C.DisableTorchFunction():  # noqa: SLF001  # what is summed up here is no call of the program's
            loss = summed(given)
        if loss is None:
            raise VggcostError(f"{self._program} {MAKES_NO_GRADIENT}; leave --training away")
        return loss

    def _follower(self, gradients: list[torch.Tensor] | None = None) -> Follower:
        outside = [*self._held.tensors(), *(gradients or ())]
        return Follower(self._model, outside, self.given.tensors())

    def _autocast(self) -> Any:
        if self._asked.autocast is None:
            return nullcontext()
        return torch.autocast("cpu", dtype=getattr(torch, self._asked.autocast))

    def _set_mode(self, *, training: bool) -> None:
        self._model.train(training)

    def settled(self, forward: Follower, step: Follower | None) -> Followed:
        """All that was found, as plain numbers."""
        rows = _Rows(forward, step)
        self._place_held(rows, step)
        unseen = dict(forward.unseen)
        unseen.update(step.unseen if step is not None else {})
        for script in scripts(self._model):
            unseen[f"compiled code of {type(script).__name__}"] = None
        first = next((tensor.dtype for _, tensor in self._held.parameters()), torch.float32)
        return Followed(
            rows=tuple(rows.plain()),
            dtype=str(first).removeprefix("torch."),
            input_bytes=sum(_bytes({id(each.untyped_storage()): each for each in self.given.tensors()})),
            forward=_moment(forward, rows),
            step=None if step is None else _moment(step, rows),
            gradients=() if step is None else tuple(self._gradients()),
            without_gradient=sum(
                tensor.numel()
                for _, tensor in self._held.parameters()
                if step is not None and tensor.requires_grad and tensor.grad is None
            ),
            forward_flops=(step or forward).forward_flops,
            backward_flops=0 if step is None else step.backward_flops,
            unseen=tuple(unseen),
            notes=()
            if step is not None or not any(isinstance(each, FAST) for each in self._model.modules())
            else (FAST_NOTE,),
        )

    def _gradients(self) -> Iterator[tuple[str, int]]:
        for _, tensor in self._held.parameters():
            if tensor.grad is not None:
                yield str(tensor.dtype).removeprefix("torch."), tensor_bytes(tensor.numel(), tensor.element_size())

    def _place_held(self, rows: _Rows, step: Follower | None) -> None:
        """Put each parameter and buffer at the row that used it first, or at the first below its module."""
        for name, sort, tensor in self._held.named.values():
            if sort not in (PARAMETER, BUFFER):
                continue
            row = rows.using(tensor, name)
            size = tensor_bytes(tensor.numel(), tensor.element_size())
            if sort == BUFFER:
                row["buffer_bytes"] += size
            else:
                row["weight_bytes"] += size
                row["gradient_bytes"] += size if step is not None and tensor.grad is not None else 0


class _Rows:
    """The rows of the forward call, and those that the step alone has, by names that are unique."""

    def __init__(self, forward: Follower, step: Follower | None) -> None:
        self._followers = [each for each in (forward, step) if each is not None]
        self._named: dict[str, dict[str, Any]] = {}
        self._names: dict[CallRow, str] = {}
        for follower in self._followers:
            seen: dict[str, int] = {}
            for row in follower.rows:
                number = seen[row.label] = seen.get(row.label, 0) + 1
                name = self._names[row] = row.label if number == 1 else f"{row.label}:{number}"
                found = self._named.setdefault(name, _blank(name, row))
                if follower is forward:
                    found["live_bytes"] = row.live_bytes
                if follower is step or step is None:
                    found["forward_flops"] = row.forward_flops
                    found["backward_flops"] = row.backward_flops
        if step is not None:
            for writer, size in step.kept().items():
                self._named[self.name(writer) or next(iter(self._named))]["saved_bytes"] += size

    def name(self, row: CallRow | None) -> str | None:
        """The name of a row; of one that did nothing, that of the last before it."""
        if row is None:
            return None
        return self._names.get(row, row.label)

    def using(self, tensor: torch.Tensor, name: str) -> dict[str, Any]:
        """The row that a tensor stands at."""
        for follower in self._followers:
            row = follower.users.get(id(tensor))
            if row in self._names:
                return self._named[self._names[row]]
        path = name.rpartition(".")[0]
        for row, known in self._names.items():
            if row.path == path or row.path.startswith(f"{path}.") or (path and path.startswith(f"{row.path}.")):
                return self._named[known]
        return self._named.setdefault(path or name, _blank(path or name, None))

    def plain(self) -> Iterator[FollowedRow]:
        """The rows, as plain values."""
        return (FollowedRow(**row) for row in self._named.values())


def _blank(name: str, row: CallRow | None) -> dict[str, Any]:
    numbers = [field for field in FollowedRow._fields if field.endswith(("_bytes", "_flops"))]
    made: dict[str, Any] = dict.fromkeys(numbers, 0)
    made |= {"name": name, "kind": "never used", "source": None, "output": None}
    if row is not None:
        made |= {"kind": row.kind, "source": row.source, "output": row.output, "output_bytes": row.output_bytes}
    return made


def _hooked(tensor: torch.Tensor, follower: Follower) -> Any:
    return tensor.register_hook(follower.weigh)  # type: ignore[no-untyped-call]  # torch has no types there


def _moment(follower: Follower, rows: _Rows) -> FollowedMoment:
    worst = follower.worst
    alive: dict[str, int] = {}
    for stored, _, writer in worst.alive:
        name = rows.name(writer) or "the loss"
        alive[name] = alive.get(name, 0) + stored.bytes
    return FollowedMoment(
        worst.phase,
        rows.name(worst.row),
        sum(each.bytes for each, _, _ in worst.alive if each.of_weights),
        sum(each.bytes for each, kept, _ in worst.alive if kept and not each.of_weights),
        sum(each.bytes for each, kept, _ in worst.alive if not kept and not each.of_weights),
        alive,
    )


def _bytes(tensors: dict[int, torch.Tensor]) -> Iterator[int]:
    return (tensor.untyped_storage().nbytes() for tensor in tensors.values())


def _run_forward(model: nn.Module, arguments: Arguments) -> Any:
    return model(*arguments.positional, **arguments.named)
