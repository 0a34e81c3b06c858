"""Follows every storage that torch makes: what is alive after each operator, on any device, meta among them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class StorageFollower(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types there
    """Bytes of the storages that operators made while it was on and that are alive; outside are others' storages.

    live_bytes is their sum at this moment, peak_bytes the largest there was behind any operator, peak_operator which.
    What lies outside (weights, buffers, the input) is never counted.
    """

    def __init__(self, outside: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self.live_bytes = 0
        self.peak_bytes = 0
        self.peak_operator: str | None = None
        self._outside = tuple(outside)  # held, so that no storage of ours gets the address of one of theirs
        self._known: dict[int, weakref.ref[Any] | None] = {_address(tensor): None for tensor in self._outside}

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
            if isinstance(leaf, torch.Tensor):
                self._follow(leaf.untyped_storage())
        if self.live_bytes > self.peak_bytes:
            self.peak_bytes, self.peak_operator = self.live_bytes, str(func)
        return result

    def _follow(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()  # noqa: SLF001  # a meta storage has no other address
        if address in self._known:
            return

        def gone(_: Any) -> None:
            self.live_bytes -= size
            del self._known[address]

        self._known[address] = weakref.ref(storage, gone)
        self.live_bytes += size


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
