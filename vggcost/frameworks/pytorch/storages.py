"""Follows every storage that torch makes: what is alive after each operator, on any device, meta among them."""

from __future__ import annotations

import weakref
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager


class StorageFollower(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """Bytes of the storages that operators made while it was on and that are alive; outside are others' storages.

    live_bytes is their sum at this moment, peak_bytes the largest there was behind any operator, peak_operator which.
    What lies outside (weights, buffers, the input) is never counted, nor what lies on another device than device,
    where one is given: an optimizer adds a number on the host to each step's.
    """

    def __init__(self, outside: Iterable[torch.Tensor], device: str | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.live_bytes = 0
        self.peak_bytes = 0
        self.peak_operator: str | None = None
        self.at_peak: dict[int, int] = {}
        """The bytes of each storage alive at the peak, by its number."""
        self.kept_at_peak: frozenset[int] = frozenset()
        """The numbers of those that autograd kept then, as far as `keeping` was on in the forward call."""
        self._outside = tuple(outside)  # held, so that no storage of ours gets the address of one of theirs
        self._known: dict[int, weakref.ref[Any] | None] = {_address(tensor): None for tensor in self._outside}
        self._device = device
        self._numbers = count()
        self._alive: dict[int, tuple[int, int]] = {}
        self._kept: Counter[int] = Counter()
        self._held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,  # torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operator and count what it made."""
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and self._device in (None, leaf.device.type):
                self._follow(leaf.untyped_storage())
        if self.live_bytes > self.peak_bytes:
            self.peak_bytes, self.peak_operator = self.live_bytes, str(func)
            self.at_peak = dict(self._alive.values())
            self.kept_at_peak = frozenset(self._kept)
        return result

    def number(self, tensor: torch.Tensor) -> int | None:
        """Return the number of a tensor's storage, which no other gets; None where it is not followed."""
        return self._alive.get(_address(tensor), (None, 0))[0]

    def keeping(self) -> AbstractContextManager[Any]:
        """Follow also what autograd keeps, where this is on around a forward call.

        Source: torch.autograd.graph.saved_tensors_hooks; what is packed there goes when its node is done.
        """
        return torch.autograd.graph.saved_tensors_hooks(self._pack, lambda held: held.tensor)

    def _pack(self, tensor: torch.Tensor) -> _Held:
        held, number = _Held(tensor), self.number(tensor)
        if number is not None:

            def gone(_: Any) -> None:
                del self._held[place]
                self._kept[number] -= 1
                if not self._kept[number]:
                    del self._kept[number]

            place = id(held)
            self._held[place] = weakref.ref(held, gone)
            self._kept[number] += 1
        return held

    def _follow(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()  # noqa: SLF001  # a meta storage has no other address
        if address in self._known:
            return

        def gone(_: Any) -> None:
            self.live_bytes -= size
            del self._known[address]
            del self._alive[address]

        self._known[address] = weakref.ref(storage, gone)
        self._alive[address] = next(self._numbers), size
        self.live_bytes += size


class _Held:
    """What autograd keeps of one tensor."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def _address(tensor: torch.Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata  # noqa: SLF001  # the same
    return address


def kept_storages(forward: Callable[[], Any], outside: Iterable[torch.Tensor]) -> tuple[Any, dict[int, int]]:
    """Run a forward call; return its result and the bytes of each storage that autograd keeps, less those outside.

    Source: torch.autograd.graph.saved_tensors_hooks.
    """
    addresses = {_address(tensor) for tensor in outside}
    kept: dict[int, int] = {}
    held = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        address = _address(tensor)
        if address not in addresses:
            kept[address] = tensor.untyped_storage().nbytes()
            held.append(tensor.untyped_storage())  # so that its address stays its own
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        return forward(), kept
