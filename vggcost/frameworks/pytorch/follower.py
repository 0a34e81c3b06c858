"""Follows a torch program's storages while it runs: who wrote each, who keeps it, and what is alive at every moment."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import conv_flop_count, flop_registry

from vggcost.frameworks.pytorch import operators
from vggcost.frameworks.pytorch.autocasting import with_wide_statistics
from vggcost.frameworks.pytorch.followed_calls import FollowedCalls
from vggcost.frameworks.pytorch.tensors import found_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import nn

    from vggcost.frameworks.pytorch.followed_calls import CallRow

    Args = tuple[Any, ...]
    Kwargs = dict[str, Any]

SEEN_SPACES = frozenset(("aten", "prim", "prims"))
"""Operators of torch itself, whose outputs are what they take; in any other space an operator may take more inside."""

FUSED = frozenset(("_native_multi_head_attention", "_transformer_encoder_layer_fwd"))
"""Operators of torch that run many others inside, whose outputs nobody sees."""


class HeldStorage:
    """One storage: its bytes, the row that wrote it last, and how often a backward pass keeps it.

    of_weights: whether it is a gradient of parameters.
    """

    __slots__ = ("bytes", "keepers", "kept", "of_weights", "outside", "writer")

    def __init__(self, size: int, writer: CallRow | None, *, outside: bool = False) -> None:
        self.bytes = size
        self.writer = writer
        self.keepers = 0
        self.kept = False
        self.of_weights = False
        self.outside = outside


class Worst:
    """The moment with the most alive: what runs, and of each storage if a backward pass keeps it and who wrote it."""

    def __init__(self) -> None:
        self.bytes = 0
        self.phase = "forward"
        self.row: CallRow | None = None
        self.alive: tuple[tuple[HeldStorage, bool, CallRow | None], ...] = ()


class Follower(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """Follows the storages that operators make while it is on, and the calls of the program that run them.

    outside: what others hold (weights, buffers); inputs: what the caller gives, which autograd may keep. rows has the
    calls in execution order, worst the moment with the most alive, unseen what may take memory that is not seen.
    """

    supports_higher_order_operators = True

    def __init__(self, model: nn.Module, outside: Iterable[torch.Tensor], inputs: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.rows: list[CallRow] = []
        self.worst = Worst()
        self.unseen: dict[str, None] = {}
        self.users: dict[int, CallRow] = {}
        """The row that used a tensor first, by the tensor's id."""
        self.phase = "forward"
        self.forward_flops = 0
        self.backward_flops = 0
        self.calls = FollowedCalls(self, model)
        self._live_bytes = 0
        self._outside = (*outside, *inputs)  # held, so that no storage of ours gets the address of one of theirs
        self._known: dict[int, HeldStorage] = {}
        self._alive: dict[int, HeldStorage] = {}
        self._watchers: dict[int, Any] = {}
        for place, tensors in enumerate((outside, inputs)):
            for tensor in tensors:
                if _plain(tensor):
                    known = HeldStorage(tensor.untyped_storage().nbytes(), None, outside=True)
                    known.kept = not place  # weights and buffers are never counted among what is kept
                    self._known.setdefault(_address(tensor), known)
        self._kept: list[HeldStorage] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not: the decorator that skips it imports torch._dynamo, two seconds' worth of Python."""
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,  # torch's signature
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        """Run an operator and count what it made."""
        kwargs = kwargs or {}
        row = self.calls.running(func)
        result = func(*args, **kwargs)
        if func is torch.ops.aten.native_batch_norm.default:
            result = with_wide_statistics(args, result)
        self._name(func)
        for tensor in operators.written(func, args, kwargs) if hasattr(func, "_schema") else ():
            self._rewrite(tensor, row)
        for tensor in found_in(result):
            if _plain(tensor):
                self._follow(tensor.untyped_storage(), row)
            else:
                self.unseen[f"a {'nested' if tensor.is_nested else 'sparse'} tensor of {operators.name_of(func)}"] = (
                    None
                )
        self._count(func, args, kwargs, result, row)
        if row is not None:
            self.touch(row)
        if self._live_bytes > self.worst.bytes:
            self._mark(row)
        return result

    def _name(self, func: Any) -> None:
        name = operators.name_of(func)
        space, _, _ = name.rpartition("::")
        if not hasattr(func, "_schema") or (space and space not in SEEN_SPACES) or name in FUSED:
            self.unseen[name] = None

    def _mark(self, row: CallRow | None) -> None:
        worst = self.worst
        worst.bytes, worst.phase, worst.row = self._live_bytes, self.phase, row
        if self.phase == "backward" and self.calls.inside:
            worst.phase = "recompute"
        worst.alive = tuple((each, each.keepers > 0, each.writer) for each in self._alive.values())

    def _follow(self, storage: torch.UntypedStorage, row: CallRow | None) -> None:
        address = storage._cdata  # noqa: SLF001  # a storage without memory has no other address
        if address in self._known:
            return
        stored = self._known[address] = self._alive[address] = HeldStorage(storage.nbytes(), row)
        self.take_up(row)

        def gone(_: Any) -> None:
            self._live_bytes -= stored.bytes
            del self._known[address], self._alive[address], self._watchers[address]

        self._watchers[address] = weakref.ref(storage, gone)
        self._live_bytes += stored.bytes

    def _rewrite(self, tensor: torch.Tensor, row: CallRow | None) -> None:
        """Note who wrote a storage, which may have another size then."""
        stored = self._known.get(_address(tensor)) if _plain(tensor) else None
        if stored is None or row is None:
            return
        self.take_up(row)
        stored.writer = row
        if not stored.outside:
            size = tensor.untyped_storage().nbytes()
            self._live_bytes += size - stored.bytes
            stored.bytes = size

    def _count(self, func: Any, args: Args, kwargs: Kwargs, result: Any, row: CallRow | None) -> None:
        """Add an operator's FLOPs, by torch's own formulas.

        Source: torch.utils.flop_counter, but that the gradient of a grouped convolution's weights is grouped, too.
        """
        packet = getattr(func, "overloadpacket", None)
        rule = flop_registry.get(packet)
        if rule is None:
            return
        if packet is torch.ops.aten.convolution_backward:
            grad, taken, weight = (list(each.shape) for each in args[:3])
            transposed, wanted = args[7], args[-1]
            one = conv_flop_count(taken, weight, grad, transposed=transposed)
            flops = sum(one for each in wanted[:2] if each)
        else:
            flops = rule(*args, **kwargs, out_val=result)
        forward = self.phase == "forward"
        for counter in (self, row) if row is not None else (self,):
            counter.forward_flops += flops if forward else 0
            counter.backward_flops += 0 if forward else flops

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """See what autograd keeps, until the block ends.

        Source: torch.autograd.graph.saved_tensors_hooks.
        """
        with torch.autograd.graph.saved_tensors_hooks(self._pack, _unpack):
            yield

    def _pack(self, tensor: torch.Tensor) -> Any:
        stored = self._known.get(_address(tensor)) if _plain(tensor) else None
        if stored is None:
            return _Kept(tensor, None)
        if not stored.kept and self.phase == "forward":
            stored.kept = True
            self._kept.append(stored)
            if stored.outside:
                stored.writer = self.calls.last  # nobody wrote the input: it stands at the first that keeps it
        return _Kept(tensor, stored)

    def kept(self) -> dict[CallRow | None, int]:
        """What autograd keeps of what each row wrote last [B]."""
        found: dict[CallRow | None, int] = {}
        for stored in self._kept:
            found[stored.writer] = found.get(stored.writer, 0) + stored.bytes
        return found

    def weigh(self, gradient: torch.Tensor) -> None:
        """Note that this is a gradient of parameters: a hook of theirs."""
        stored = self._known.get(_address(gradient)) if _plain(gradient) else None
        if stored is not None:
            stored.of_weights = True

    def take_up(self, row: CallRow | None) -> None:
        """Take a row up: it makes or writes something, or is a layer."""
        if row is not None and not row.listed and self.phase == "forward":
            row.listed = True
            self.rows.append(row)

    def holds_beside(self, gradients: Iterable[torch.Tensor]) -> bool:
        """Whether anything is alive beside these."""
        known = {_address(each) for each in gradients if _plain(each)}
        return any(address not in known for address in self._alive)

    def again(self) -> None:
        """Make ready to follow a second step, in which is what the first has left behind."""
        self.worst = Worst()
        self.rows = []
        self.users = {}
        self.phase = "forward"
        self.forward_flops = self.backward_flops = 0
        for stored in self._kept:
            stored.kept = False
        self._kept = []
        self.calls.again()

    def touch(self, row: CallRow) -> None:
        """Note what is alive while a row runs."""
        row.live_bytes = max(row.live_bytes, self._live_bytes)


class _Kept:
    """A tensor that autograd keeps, for as long as it does."""

    __slots__ = ("stored", "tensor")

    def __init__(self, tensor: torch.Tensor, stored: HeldStorage | None) -> None:
        self.tensor = tensor
        self.stored = stored
        if stored is not None:
            stored.keepers += 1

    def __del__(self) -> None:
        if self.stored is not None:
            self.stored.keepers -= 1


def _unpack(kept: _Kept) -> torch.Tensor:
    return kept.tensor


def _plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor has one storage."""
    return tensor.layout is torch.strided and not tensor.is_nested


def _address(tensor: torch.Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata  # noqa: SLF001  # a storage without memory has no other address
    return address
