"""What the trace knows of a program's tensors: which stand for others, who owns them, and when they were made."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from vggcost.errors import VggcostError
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn


class Tensors:
    """The tensors of one construction (model is None) or one forward call.

    Without values, every tensor that the network works on has a stand-in on the meta device: its parameters from the
    start, others when they meet one. A tensor of the model that the program writes to has a stand-in that is written to
    in its place, with or without values: the model's own stay as they are.
    """

    def __init__(self, model: nn.Module | None, *, values: bool) -> None:
        self.loose_params = 0
        self._values = values
        self._sizes: dict[int, int] = {}
        self._owned: dict[int, tuple[int, ...]] = {}
        self._own: set[int] = set()
        self._seen: dict[int, int | None] = {}
        self._stand_ins: dict[int, torch.Tensor] = {}
        self._followed: dict[int, weakref.ref[torch.Tensor]] = {}
        self._born: dict[int, tuple[int, weakref.ref[torch.Tensor]]] = {}
        self._kept: list[torch.Tensor] = []  # an id means its tensor only while that lives
        if model is not None:
            for parameter in model.parameters():
                self._owned[id(parameter)] = (id(parameter),)
                self._sizes[id(parameter)] = parameter.numel()
            self._own = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}

    # What a tensor stands for

    def follow(self, tensor: torch.Tensor) -> None:
        """Take a tensor with values for one that the network works on: an input, or what was made of one."""
        self._followed[id(tensor)] = weakref.ref(tensor)

    def is_live(self, tensor: torch.Tensor) -> bool:
        """Whether the network works on a tensor; what is computed of others (sizes, tables) is none of its cost."""
        if id(tensor) in self._sizes:
            return True
        if self._values:
            followed = self._followed.get(id(tensor))
            return followed is not None and followed() is tensor
        known = self._stand_ins.get(id(tensor))
        return tensor.is_meta or (known is not None and known.is_meta)

    def weightless(self, tree: Any) -> Any:
        """The same arguments without memory: every tensor by its stand-in, one made now where there is none."""
        return mapped(tree, self.stand_in)

    def looked_up(self, tree: Any) -> Any:
        """The same arguments, with values where there are some."""
        return mapped(tree, self._looked_up)

    def stand_in(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the tensor that the trace uses in a tensor's place."""
        known = self._stand_ins.get(id(tensor))
        if known is not None:
            return known
        if self._values or tensor.is_meta or tensor.dim() == 0:
            return tensor
        twin = torch.empty_like(tensor, device="meta")
        self._keep(tensor, twin)
        return twin

    def protect(self, tensor: torch.Tensor) -> None:
        """Let what the program writes to one of the model's own tensors go to a copy."""
        if id(tensor) in self._own and id(tensor) not in self._stand_ins and not tensor.is_meta:
            self._keep(tensor, tensor.clone())

    def _looked_up(self, tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) in self._sizes and not self._values:
            return self.stand_in(tensor)
        return self._stand_ins.get(id(tensor), tensor)

    def _keep(self, tensor: torch.Tensor, stand_in: torch.Tensor) -> None:
        self._stand_ins[id(tensor)] = stand_in
        self._kept += (tensor, stand_in)
        if id(tensor) in self._owned:
            self._owned[id(stand_in)] = self._owned[id(tensor)]

    # Whose parameters a tensor is made of

    def pass_ownership(self, sources: Sequence[torch.Tensor], result: Any) -> None:
        """Let views and copies of parameters count as these parameters."""
        owners = tuple(dict.fromkeys(owner for tensor in sources for owner in self._owned.get(id(tensor), ())))
        if owners:
            for tensor in found_in(result):
                self._owned[id(tensor)] = owners
                self._kept.append(tensor)

    def is_owned(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a parameter, or a view of one."""
        return id(tensor) in self._owned

    def claim(self, tensors: Sequence[torch.Tensor], place: int) -> tuple[int, int | None]:
        """The elements of the parameters that are first used at this place, and where one used again was first."""
        params = 0
        shared: int | None = None
        for tensor in tensors:
            if id(tensor) not in self._owned and isinstance(tensor, torch.nn.Parameter):
                # A weight that the model does not list: its module sits in a plain list or was made in forward.
                self._owned[id(tensor)], self._sizes[id(tensor)] = (id(tensor),), tensor.numel()
                self._kept.append(tensor)
                self.loose_params += tensor.numel()
            for owner in self._owned.get(id(tensor), ()):
                if owner not in self._seen:
                    self._seen[owner] = place
                    params += self._sizes[owner]
                elif self._seen[owner] != place:
                    shared = self._seen[owner]
        return params, shared

    def first_use(self, parameter: torch.Tensor) -> bool:
        """Whether a parameter has not been used yet; from now on it has."""
        fresh = id(parameter) not in self._seen
        self._seen.setdefault(id(parameter))
        return fresh

    # When a tensor was made

    def born(self, result: Any, place: int) -> Any:
        """Remember after how many operations a tensor was made; return it."""
        for tensor in found_in(result):
            self._born[id(tensor)] = (place, weakref.ref(tensor))
        return result

    def as_old_as(self, source: torch.Tensor, result: torch.Tensor) -> None:
        """Let a view be as old as what it shows."""
        self.born(result, self._age(source))

    def branch(self, tensors: Sequence[torch.Tensor], place: int) -> int:
        """How many operations lie between the place where the ways to these tensors parted and this place."""
        ages = [self._age(tensor) for tensor in tensors]
        return place - min(ages) if len(ages) > 1 else 0

    def makers(self, tensors: Sequence[torch.Tensor]) -> tuple[int, ...]:
        """The places of the operations that made these tensors; inputs and parameters were made by none."""
        return tuple(sorted({age - 1 for tensor in tensors if (age := self._age(tensor))}))

    def _age(self, tensor: torch.Tensor) -> int:
        birth = self._born.get(id(tensor))
        return birth[0] if birth is not None and birth[1]() is tensor else 0


def weightless(shape: tuple[int, ...], dtype: torch.dtype | None) -> torch.Tensor:
    """Return a tensor without memory.

    Raises:
        VggcostError: torch counts bytes in 64 bits, and this one has more.
    """
    try:
        return torch.empty(shape, dtype=dtype, device="meta")
    except (RuntimeError, OverflowError, TypeError):
        raise VggcostError(
            f"a tensor of {shape_text(shape)} is larger than torch can address; give a smaller --size or --batch"
        ) from None


def found_in(tree: Any) -> list[torch.Tensor]:
    """Return the tensors in nested tuples, lists and dictionaries, in order."""
    found: list[torch.Tensor] = []
    stack = [tree]
    while stack:
        value = stack.pop()
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, tuple | list):
            stack += reversed(value)
        elif isinstance(value, dict):
            stack += reversed(list(value.values()))
    return found


def mapped(tree: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return nested tuples, lists and dictionaries with every tensor changed."""
    if isinstance(tree, torch.Tensor):
        return change(tree)
    if type(tree) in (tuple, list):
        return type(tree)(mapped(value, change) for value in tree)
    if type(tree) is dict:
        return {key: mapped(value, change) for key, value in tree.items()}
    return tree
