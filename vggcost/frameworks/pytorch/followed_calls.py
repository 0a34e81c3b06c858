"""The calls of torch's functions by a program that is followed, each a row; in a backward pass, whose node runs."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from vggcost.formulas.memory import tensor_bytes
from vggcost.frameworks.pytorch import operators
from vggcost.frameworks.pytorch.beneath import FLATTENING
from vggcost.frameworks.pytorch.names import PASSIVE
from vggcost.frameworks.pytorch.places import Places
from vggcost.frameworks.pytorch.tensors import found_in

if TYPE_CHECKING:
    from typing import Protocol

    from torch import nn

    Args = tuple[Any, ...]
    Kwargs = dict[str, Any]

    class Following(Protocol):
        """What takes the rows up; `vggcost.frameworks.pytorch.follower.Follower` is one."""

        phase: str
        rows: list[CallRow]
        users: dict[int, CallRow]
        unseen: dict[str, None]

        def take_up(self, row: CallRow | None) -> None:
            """Take a row up."""

        def touch(self, row: CallRow) -> None:
            """Note what is alive while a row runs."""


LEAVING = frozenset(("numpy", "__array__"))
"""How tensors leave torch, and what is done with them is not seen."""


class CallRow:
    """One call of the program: what it is, and what is found of it.

    path is that of the module around it, layer whether that is one of torch's own.
    """

    def __init__(self, label: str, kind: str, path: str, source: str | None, *, layer: bool) -> None:
        self.label = label
        self.kind = kind
        self.path = path
        self.source = source
        self.layer = layer
        self.listed = False
        self.output: tuple[int, ...] | None = None
        self.output_bytes = 0
        self.live_bytes = 0
        self.forward_flops = 0
        self.backward_flops = 0


class FollowedCalls(TorchFunctionMode):
    """Sees the program's calls of torch's functions; in a backward pass, whose node runs."""

    def __init__(self, follower: Following, model: nn.Module) -> None:
        super().__init__()
        self.inside = False
        self._follower = follower
        self._places = Places(model, generated=False)
        self._kinds = {path: type(module).__name__ for path, module in model.named_modules()}
        self._row: CallRow | None = None
        self._starts: list[int] = []
        self._starters: list[CallRow | None] = []
        self._again: dict[str, CallRow] = {}

    @property
    def last(self) -> CallRow | None:
        """The row of the last call."""
        return self._row

    def running(self, func: Any) -> CallRow | None:
        """The row that an operator belongs to: the call that runs it, or the one whose gradient is computed.

        An operator that compiled code runs is a call of its own.
        """
        if self.inside:
            return self._row
        if self._follower.phase == "forward":
            self._row = self._opened(operators.name_of(func))
            self._begin(self._row)
            return self._row
        node = torch._C._current_autograd_node()  # noqa: SLF001  # torch has no public name for it
        if node is not None and self._starts:
            number = node._sequence_nr()  # noqa: SLF001  # the same
            if number <= self._starts[-1] + _MANY_NODES:  # a parameter's own node has the largest number there is
                place = bisect_right(self._starts, number) - 1
                self._row = self._starters[place] if place >= 0 else None
        return self._row

    def again(self) -> None:
        """Forget the calls of a first step."""
        self._row, self._starts, self._starters, self._again = None, [], [], {}

    def leave(self) -> None:
        """Note that the program is done: what runs now is no row's."""
        self._row = None
        self._begin(None)

    def _begin(self, row: CallRow | None) -> None:
        self._starts.append(_sequence_number())
        self._starters.append(row)

    def __torch_function__(
        self,
        func: Any,
        types: Any,  # torch's signature
        args: Args = (),
        kwargs: Kwargs | None = None,
    ) -> Any:
        """Run one call of the program as a row."""
        kwargs = kwargs or {}
        name = operators.name_of(func)
        if name in ("__get__", "backward") or name in PASSIVE:
            return func(*args, **kwargs)
        if name in LEAVING:
            self._follower.unseen[f"{name.strip('_')} (what is done outside torch)"] = None
        row = self._opened(name)
        outer, self._row = (self.inside, self._row), row
        self.inside = True
        self._begin(row)
        self._used((args, kwargs), row)
        try:
            result = func(*args, **kwargs)
        finally:
            self.inside, _ = outer
        self._close(row, name, args, result)
        return result

    def _opened(self, name: str) -> CallRow:
        """The row of a call: that of the call before, where one of torch's own modules makes both."""
        spot = self._places.here()
        word = name.strip("_")
        label = spot.path if spot.layer and spot.path else f"{spot.path}.{word}" if spot.path else word
        rows = self._follower.rows
        if self._follower.phase != "forward":
            return self._again.get(label) or CallRow(label, word, spot.path, spot.source, layer=False)
        if spot.layer and rows and rows[-1].layer and rows[-1].path == spot.path:
            return rows[-1]
        kind = self._kinds.get(spot.path, word) if spot.layer else word
        row = CallRow(label, kind, spot.path, spot.source, layer=spot.layer)
        self._again.setdefault(label, row)
        return row

    def _used(self, given: Any, row: CallRow) -> None:
        users = self._follower.users
        for tensor in found_in(given):
            users.setdefault(id(tensor), row)

    def _close(self, row: CallRow, name: str, args: Args, result: Any) -> None:
        """Take a row up where it did something, and what it gives."""
        outputs = found_in(result)
        if self._follower.phase != "forward" or not outputs:
            return
        flat = name in FLATTENING and outputs[0].dim() == 2 and found_in(args[:1]) and args[0].dim() > 2
        if row.layer or flat:
            self._follower.take_up(row)
        if row.listed:
            self._follower.touch(row)
            row.output = tuple(outputs[0].shape)
            row.output_bytes = sum(tensor_bytes(each.numel(), each.element_size()) for each in outputs)


def _sequence_number() -> int:
    """The number that the next node of autograd's graph gets."""
    number: int = torch._C._autograd._get_sequence_nr()  # noqa: SLF001  # torch has no public name for it
    return number


_MANY_NODES = 1 << 40
"""No forward call makes so many nodes behind its last function."""
