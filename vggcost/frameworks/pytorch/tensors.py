"""What the trace knows of a program's tensors: which stand for others, who owns them, and when they were made."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._pytree import tree_leaves

from vggcost.errors import VggcostError
from vggcost.frameworks.pytorch.ownership import Ownership
from vggcost.frameworks.pytorch.stored import parts_of
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import nn


class Tensors:
    """The tensors of one construction (model is None) or one forward call.

    Without values, every tensor that the network works on has a stand-in on the meta device: its parameters from the
    start, others when they meet one. A tensor of the model that the program writes to has a stand-in that is written to
    in its place, with or without values: the model's own stay as they are.
    """

    def __init__(self, model: nn.Module | None, *, values: bool) -> None:
        self.ownership = Ownership(model)
        self._values = values
        self._running = model is not None
        self._own: set[int] = set()
        self._stand_ins: dict[int, torch.Tensor] = {}
        self._followed: dict[int, weakref.ref[torch.Tensor]] = {}
        self._born: dict[int, tuple[int, weakref.ref[torch.Tensor]]] = {}
        self._kept: list[torch.Tensor] = []  # an id means its tensor only while that lives
        if model is not None:
            self._own = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}

    # What a tensor stands for

    def follow(self, tensor: torch.Tensor) -> None:
        """Take a tensor with values for one that the network works on: an input, or what was made of one."""
        self._followed[id(tensor)] = weakref.ref(tensor)

    def is_live(self, tensor: torch.Tensor) -> bool:
        """Whether the network works on a tensor; what is computed of others (sizes, tables) is none of its cost."""
        if self.ownership.is_parameter(tensor) or (self._running and type(tensor) is torch.nn.Parameter):
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
        if self.ownership.is_parameter(tensor) and not self._values:
            return self.stand_in(tensor)
        return self._stand_ins.get(id(tensor), tensor)

    def _keep(self, tensor: torch.Tensor, stand_in: torch.Tensor) -> None:
        self._stand_ins[id(tensor)] = stand_in
        self._kept += (tensor, stand_in)
        self.ownership.stands_for(tensor, stand_in)

    # What a tensor is made of

    def is_activation(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is what the network makes of its input, and not of its weights alone."""
        return not self.ownership.owns(tensor) and self.is_live(tensor)

    def is_weight(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor of compiled code is a weight: made of what the model holds, or a constant of the code."""
        return self.ownership.owns(tensor) or self.is_constant(tensor)

    def is_constant(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is neither made of what the model holds nor one that the network works on."""
        return not self.ownership.owns(tensor) and not self.is_live(tensor)

    def show(self, source: Sequence[torch.Tensor], result: Any) -> None:
        """Let a view or a copy be made of what its source is."""
        self.ownership.pass_on(source, found_in(result), derived=False)

    def hand_on(self, sources: Sequence[torch.Tensor], result: Any, *, written: bool) -> None:
        """Let what was made of parameters and buffers alone be made of them; written: it is the first of them."""
        if not any(map(self.ownership.owns, sources)):
            return
        if not any(map(self.is_activation, sources)):
            self.ownership.pass_on(sources, found_in(result), derived=True)
        elif written:
            self.ownership.let_go(sources[0])

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
    return parts_of(tree)[0]


def summed(output: Any) -> torch.Tensor | None:
    """Return the sum of all outputs that gradients can come from; None where there are none.

    Outputs are tensors in tuples, lists, dictionaries and what dataclasses hold.
    """
    ends = [each for each in _put_out(output) if each.requires_grad and each.is_floating_point()]
    if not ends:
        return None
    loss = ends[0].sum()
    for each in ends[1:]:
        loss = loss + each.sum()
    return loss


def _put_out(given: Any) -> Iterator[torch.Tensor]:
    for leaf in tree_leaves(given):
        if isinstance(leaf, torch.Tensor):
            yield leaf
        elif hasattr(leaf, "__dataclass_fields__"):
            yield from _put_out(vars(leaf))


def mapped(tree: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return nested tuples, lists and dictionaries with every tensor changed."""
    if isinstance(tree, torch.Tensor):
        return change(tree)
    if type(tree) in (tuple, list):
        return type(tree)(mapped(value, change) for value in tree)
    if type(tree) is dict:
        return {key: mapped(value, change) for key, value in tree.items()}
    return tree
