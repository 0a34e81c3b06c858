"""Which operation each parameter and buffer of a torch program is shown at.

An operation that takes an activation is the network's, and its parameters are counted there. One that takes nothing
but parameters, buffers and constants makes a weight of them (a parametrization, a pruning mask, a mask turned into a
table): what it makes is still made of them, and they are counted where it goes, as far as that is in the module that
holds them. So the norm that weight normalization takes has no parameters, the convolution behind it has; and a table
of positions is counted at its embedding, not at the sum with the image. What is used outside its module alone is
counted where it meets the activation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vggcost.frameworks.pytorch.stored import Owner, constant_state, held_by, owners_of, parameter_state, served
from vggcost.programs.state import State, total

if TYPE_CHECKING:
    from collections.abc import Sequence

Owners = tuple[int, ...]


class Ownership:
    """What the tensors of one forward call are made of, and where each owner is counted.

    Owners are numbered in the order in which they were met. Without a model there are none. prepares: the places of
    operations that make a weight of a layer for another operation of that layer.
    """

    def __init__(self, model: nn.Module | None) -> None:
        self.owners: list[Owner] = []
        self._made_of: dict[int, tuple[Owners, bool]] = {}  # by id: whose, and whether an operation lies between
        self._kept: list[Any] = []  # an id means its tensor only while that lives
        self._parameters: set[int] = set()
        self._claimed: dict[int, int] = {}
        self._pending: dict[int, int] = {}
        self._abroad: set[int] = set()  # pending or claimed at a place outside their modules
        self._uses: dict[int, list[int]] = {}
        self._last: dict[int, int] = {}
        self._seen: set[int] = set()
        self._strangers: set[int] = set()
        for value, owner in owners_of(model) if model is not None else ():
            self._add(value, owner)
        self.listed = len(self.owners)
        self.prepares: set[int] = set()

    def _add(self, value: Any, owner: Owner) -> None:
        self._made_of[id(value)] = ((len(self.owners),), False)
        self.owners.append(owner)
        self._kept.append(value)
        if owner.sort == "parameter":
            self._parameters.add(id(value))

    # What a tensor is made of

    def is_parameter(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a parameter that is known."""
        return id(tensor) in self._parameters

    def owns(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is made of parameters and buffers alone."""
        return id(tensor) in self._made_of

    def holder_of(self, tensors: Sequence[torch.Tensor]) -> str | None:
        """The path of the module that holds the first parameter that these are made of, None where there is none."""
        owners = (owner for tensor in tensors for owner in self._made_of.get(id(tensor), ((), False))[0])
        return next((self.owners[owner].paths[0] for owner in owners if self.owners[owner].paths[0]), None)

    def stands_for(self, tensor: torch.Tensor, stand_in: torch.Tensor) -> None:
        """Let a stand-in be made of what its tensor is made of."""
        if id(tensor) in self._made_of:
            self._made_of[id(stand_in)] = self._made_of[id(tensor)]

    def pass_on(self, sources: Sequence[torch.Tensor], results: Sequence[torch.Tensor], *, derived: bool) -> None:
        """Let results be made of what their sources are; derived: by an operation, and not as a view or a copy."""
        known = [self._made_of[id(tensor)] for tensor in sources if id(tensor) in self._made_of]
        if not known or not results:
            return  # asking for a shape or a device uses nothing
        owners = tuple(dict.fromkeys(owner for each, _ in known for owner in each))
        self._seen.update(owners)
        for tensor in results:
            if id(tensor) not in self._made_of:
                self._made_of[id(tensor)] = owners, derived or any(between for _, between in known)
                self._kept.append(tensor)

    def let_go(self, tensor: torch.Tensor) -> None:
        """Let a tensor that an activation was written into be an activation."""
        self._made_of.pop(id(tensor), None)

    def adopt_constants(self, holders: Sequence[Any], path: str) -> None:
        """Take up what compiled code has its weights in: constants and packed weights, which nobody trains."""
        for holder in holders:
            if id(holder) not in self._made_of:
                self._add(holder, Owner("", (path,), constant_state(holder), "constant"))

    # Where an owner is counted

    def adopt(self, module: nn.Module, path: str) -> None:
        """Take up what a module holds that the model does not list: it sits in a plain list or is made in forward."""
        if id(module) in self._strangers:
            return
        self._strangers.add(id(module))
        self._kept.append(module)
        for value, owner in held_by(module, path):
            if id(value) not in self._made_of:
                self._add(value, owner)

    def use(
        self, holders: Sequence[Any], place: int, path: str, *, active: bool, inputs: frozenset[int] = frozenset()
    ) -> None:
        """Let the operation of this place and module use these; active: with an activation among them.

        inputs: the ids of those that the network works on: no weights, although gradients may be asked of them.
        """
        for holder in holders:
            known = id(holder) in self._made_of or id(holder) in inputs
            if not known and _is_loose(holder) and not self._shares_memory(holder):
                self._add(holder, Owner("", (path,), parameter_state(holder)))
            owners, derived = self._made_of.get(id(holder), ((), False))
            for owner in owners:
                paths = self.owners[owner].paths
                inside = any(below(path, own) for own in paths)
                if inside and derived and owner in self._last:
                    self.prepares.add(self._last[owner])
                if not active and served(path) in paths:
                    self._last[owner] = place
                if self.owners[owner].sort != "buffer" and (inside or not derived):
                    self._uses.setdefault(place, []).append(owner)
                self._claim(owner, place, active=active, inside=inside, derived=derived)

    def _claim(self, owner: int, place: int, *, active: bool, inside: bool, derived: bool) -> None:
        """Count an owner at this place, unless another has it: a use inside its module goes before one outside."""
        abroad = owner in self._abroad
        home = abroad and inside and not derived
        if owner in self._claimed and not home:
            return
        if home or owner not in self._pending or ((inside or abroad) and (derived or active)):
            self._pending[owner] = place
            if inside:
                self._abroad.discard(owner)
            else:
                self._abroad.add(owner)
        if active:
            self._claimed[owner] = self._pending[owner]

    def shares(self, place: int) -> int | None:
        """The place where a parameter that this one uses is counted; None where it is here."""
        elsewhere = [self._claimed[owner] for owner in self._uses.get(place, ()) if self._claimed[owner] != place]
        return elsewhere[-1] if elsewhere else None

    def _shares_memory(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is what a gradient's computation has kept of one that is known: another object for it."""
        place = tensor.data_ptr()
        return place != 0 and any(isinstance(each, torch.Tensor) and each.data_ptr() == place for each in self._kept)

    def settled(self) -> dict[int, State]:
        """The state of every place that has one, behind the last operation."""
        self._claimed = {**self._pending, **self._claimed}
        places: dict[int, list[State]] = {}
        for owner, place in self._claimed.items():
            places.setdefault(place, []).append(self.owners[owner].state)
        return {place: total(states) for place, states in places.items()}

    def left(self) -> list[tuple[Owner, bool]]:
        """The owners that no operation used, and whether a view of each was made."""
        return [
            (owner, number in self._seen)
            for number, owner in enumerate(self.owners)
            if number not in self._claimed and (number < self.listed or owner.sort == "buffer")
        ]

    def unlisted(self) -> int:
        """Parameters in use that the model does not list, constants apart [elements]."""
        return sum(owner.state.params for number, owner in enumerate(self.owners) if self._is_unlisted(number))

    def _is_unlisted(self, number: int) -> bool:
        return number >= self.listed and number in self._claimed and self.owners[number].sort != "constant"

    def kept_as(self, sort: str) -> State:
        """The parameters that are not tensors of a module: `packed` in objects, or `constant` in compiled code."""
        return total(owner.state for owner in self.owners if owner.sort == sort)


def below(path: str, above: str) -> bool:
    """Whether a module is another, or inside it; the model's own path is empty."""
    return not above or path == above or path.startswith(f"{above}.")


def _is_loose(holder: Any) -> bool:
    """Whether it is a weight that no module lists: a parameter in a plain list, a plain tensor that learns."""
    if not isinstance(holder, torch.Tensor):
        return False
    return isinstance(holder, nn.Parameter) or (holder.requires_grad and holder.is_leaf)
