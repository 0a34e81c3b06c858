"""The record of one pass over a Keras graph: operations with shapes, weights counted once, what does not fit.

Shapes are kept channels first inside, whatever the model's layout.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.frameworks.keras.variables import Variables, layer_variables
from vggcost.network import foreign_layers
from vggcost.network.blocks import Add
from vggcost.network.ledger import Ledger
from vggcost.programs.reading import Failure, Operation
from vggcost.programs.state import State, total

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vggcost.network.layer import Layer

    Ints = tuple[int, ...]


class Recorder:
    """Operations and failures in execution order, with what each keeps.

    prefix, branch, after and called_with are set by whoever walks the graph: the path of the model that a layer stands
    in, how many operations an addition joins with what went past them, the places of the operations whose outputs it
    takes, and the variables that it is called with. opened: how many layers around it have a call of their own.
    """

    def __init__(self, variables: Variables, *, channels_last: bool) -> None:
        self.operations: list[Operation] = []
        self.failures: list[Failure] = []
        self.variables = variables
        self.called_with: list[Any] = []
        self.opened = 0
        self.prefix = ""
        self.branch = 0
        self.after: Ints | None = None
        self._last = channels_last
        self._seen: set[int] = set()
        self._names: dict[str, int] = {}
        self._first: dict[str, int] = {}

    def inward(self, shape: Ints) -> Ints:
        """A shape of the model's layout with its channels first."""
        return (shape[0], shape[3], shape[1], shape[2]) if self._last and len(shape) == 4 else shape

    def outward(self, shape: Ints) -> Ints:
        """A shape in the model's own layout."""
        return (shape[0], shape[2], shape[3], shape[1]) if self._last and len(shape) == 4 else shape

    def emit(
        self,
        layer: Any,
        made: Layer,
        shape: Ints,
        output: Ints,
        ledger: Ledger | None = None,
        *,
        only: tuple[str, ...] = (),
        ending: str = "",
    ) -> Ints:
        """Record an operation of a layer, with all that the layer keeps, or only the weights of these names.

        What was counted at an operation before is not counted again. Returns the output's shape.
        """
        path = self._path(layer)
        label = path + ending
        number = self._names[label] = self._names.get(label, 0) + 1
        named = made.replace(name=label if number == 1 else f"{label}:{number}", path=path)
        branch = self.branch if isinstance(made, Add) else 0
        kept = [getattr(layer, each) for each in only] if only else [*layer_variables(layer), *self.called_with]
        state = self._fresh(kept)
        note = "shares its parameters" if number > 1 and not state.params and made.params() else None
        first = self._first.setdefault(label, len(self.operations))
        shares = first if note else None
        self.operations.append(
            Operation(named, shape, output, state, ledger or Ledger(), None, note, branch, shares, self.after)
        )
        self.after = None  # a layer's activation takes what the layer gives
        return output

    def free(self, layer: Any, shape: Ints, output: Ints) -> Ints:
        """Record an operation that is known to do no multiply-accumulate."""
        return self.emit(layer, foreign_layers.Free("", None, type(layer).__name__), shape, output)

    def fail(self, layer: Any, made: Layer | None, problem: str, shapes: tuple[Ints, ...]) -> None:
        """Record that a layer does not fit what reaches it; shapes are in the model's own layout."""
        path = self._path(layer)
        shapes = tuple(self.inward(shape) for shape in shapes)
        self.failures.append(Failure(len(self.operations), made, type(layer).__name__, problem, shapes, None, path))

    def _path(self, layer: Any) -> str:
        """The path of a layer; an operation of a call that was opened has its own word, not Keras's running number."""
        named = not self.opened or hasattr(layer, "variables")
        return f"{self.prefix}{layer.name if named else re.sub('_[0-9]+$', '', layer.name)}"

    def _fresh(self, variables: Iterable[Any]) -> State:
        """What is in variables that no operation has yet; this one has it now."""
        fresh = {id(each): each for each in variables if each is not None and id(each) not in self._seen}
        self._seen.update(fresh)
        return total(self.variables.state(each) for each in fresh.values())
