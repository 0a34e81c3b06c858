"""How a program is written: the calls of its modules and functions, which are all that other counters see of it."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Ints = tuple[int, ...]


class ModuleCall(Record):
    """One call of a module of the model, as a hook on the module sees it.

    kind is the module's class: its name where it is one of torch.nn (``Conv2d``), otherwise ``package.module.Class``;
    bases are the names of those of torch.nn that it is an instance of. path is where the module stands first, ways how
    many ways lead to it from the root, which is more than 1 where several modules hold it; number is which of its calls
    this is, from 0. leaf: it holds no other module. parameters are its own, by name [elements]; facts are its
    attributes that counters ask for. inputs are the shapes of the tensors that are given by position, output that of
    the first that comes out, None where none does or the call does not end. first and last are how many operations of
    the program come before it and how many have come when it ends, inside is the place of the call that it is made in.
    """

    kind: str
    bases: tuple[str, ...]
    path: str
    ways: int
    number: int
    leaf: bool
    parameters: Mapping[str, int]
    facts: Mapping[str, Any]
    inputs: tuple[Ints, ...]
    output: Ints | None
    first: int
    last: int
    inside: int | None

    @property
    def name(self) -> str:
        """Its class, which is what is called."""
        return self.kind


class FunctionCall(Record):
    """One call of a torch function that computes on tensors.

    function is what is called: ``torch.nn.functional.relu``, ``torch.relu``, ``torch.Tensor.relu`` or
    ``torch.ops.aten.relu``. An operator calls the method of its name: ``x + y`` is ``torch.Tensor.add``. through are
    the names that a counter may put a function of its own in the place of, and that the program looked up to make this
    call: none for ``x + y``, and none for a function that the program had imported by itself. facts are those arguments
    that counters ask for, a tensor being True. inputs are the shapes of the tensors that it takes, in their order.
    first and last are as in ModuleCall, inside is the place of the innermost module call that it is made in.
    """

    function: str
    through: tuple[str, ...]
    inputs: tuple[Ints, ...]
    output: Ints | None
    facts: Mapping[str, Any]
    first: int
    last: int
    inside: int | None

    @property
    def name(self) -> str:
        """What it is called whichever way it is reached: ``relu``."""
        return self.function.rpartition(".")[2]
