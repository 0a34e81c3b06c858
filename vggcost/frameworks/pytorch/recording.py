"""The record of what a torch program does: its operations in execution order, and those that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

from vggcost.frameworks.guard import OwnSignal
from vggcost.frameworks.pytorch.names import spoken
from vggcost.frameworks.pytorch.places import Places
from vggcost.network import blocks, foreign_layers
from vggcost.network.ledger import Ledger
from vggcost.programs.reading import Failure, Operation
from vggcost.programs.state import NOTHING, State, total
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from vggcost.frameworks.pytorch.plans import Plan
    from vggcost.frameworks.pytorch.stored import Owner
    from vggcost.frameworks.pytorch.tensors import Tensors


class NeedsValuesError(OwnSignal):
    """The program asks a tensor for its values, and there are none. No program's `except Exception` catches it."""

    def __init__(self, operation: str, source: str | None) -> None:
        super().__init__(operation)
        self.operation = operation
        self.source = source


class StoppedError(Exception):
    """The program cannot go on; the failure is recorded."""


class Recording:
    """The operations and failures of one forward call, each with its place.

    What an operation is called and what it holds is known behind the last one (`settled`). doubtful says that a failure
    is what torch or the program says of tensors without values, and not what a rule says.
    """

    def __init__(self, model: nn.Module | None, tensors: Tensors) -> None:
        self.operations: list[Operation] = []
        self.failures: list[Failure] = []
        self.needs_values: NeedsValuesError | None = None
        self.doubtful = False
        self._tensors = tensors
        self._places = Places(model)
        self._names: dict[str, int] = {}
        self._words: list[tuple[str, str]] = []  # of each operation: the module whose name it has, and its own
        self._weighted: list[bool] = []

    def source(self) -> str | None:
        """The program's own line that is being run."""
        return self._places.here().source

    def asked(self, operation: str) -> NeedsValuesError:
        """Return what to raise where an operation asks for values; it is kept, for C++ may turn it into another."""
        self.needs_values = NeedsValuesError(operation, self.source())
        return self.needs_values

    def add(
        self,
        name: str,
        plan: Plan,
        tensors: list[torch.Tensor],
        packed: Sequence[Any] = (),
        note: str | None = None,
    ) -> None:
        """Record one operation; tensors and packed weights are those that it takes, whose parameters it uses.

        Of compiled code, packed has its constants, too.
        """
        where = self._places.here()
        place = len(self.operations)
        for stranger in self._places.strangers:
            self._tensors.ownership.adopt(stranger, where.path)
        part = self._tensors.ownership.holder_of(tensors) if where.compiled else None
        path = where.path if part is None else part
        layer = plan.kind(name="", path=path or None, **plan.fields)
        if where.compiled:
            self._adopt_constants(layer.params(), packed, path)
        activations = [tensor for tensor in tensors if self._tensors.is_activation(tensor)]
        inputs = frozenset(id(each) for each in activations if not isinstance(each, nn.Parameter))
        self._weighted.append(bool(packed) or any(map(self._tensors.ownership.owns, tensors)))
        holders = (*tensors, *packed)
        self._tensors.ownership.use(holders, place, path, active=bool(activations), inputs=inputs)
        self._words.append((path if where.layer or part else "", name.strip("_")))
        branch = self._tensors.branch(tensors, place) if plan.kind is blocks.Add else 0
        after = self._tensors.makers(activations or tensors) if tensors else None
        self.operations.append(
            Operation(
                layer, plan.input, plan.output, NOTHING, plan.ledger, where.source, note, branch=branch, after=after
            )
        )

    def _adopt_constants(self, weights: int, holders: Sequence[Any], path: str) -> None:
        """Take up the weights of a layer of compiled code that are constants there, or packed."""
        held = sum(each.numel() for each in holders if hasattr(each, "numel"))
        if weights and (held == weights or not all(hasattr(each, "numel") for each in holders)):
            self._tensors.ownership.adopt_constants(holders, path)

    def fail(self, name: str, plan: Plan | None, problem: str, shapes: tuple[tuple[int, ...], ...]) -> None:
        """Record that an operation does not fit what reaches it."""
        where = self._places.here()
        path = where.path or None
        layer = None if plan is None else plan.kind(name=path or name.strip("_"), path=path, **plan.fields)
        self.failures.append(Failure(len(self.operations), layer, spoken(name), problem, shapes, where.source, path))

    def refused(self, name: str, tensors: list[torch.Tensor], error: Exception, *, values: bool) -> Exception:
        """Record that torch refuses an operation, and return what ends the program.

        Raises:
            NeedsValuesError: it may be for want of values alone.
        """
        if self.needs_values is not None:
            raise self.needs_values from error
        if not values and (isinstance(error, NotImplementedError) or "meta" in str(error).lower()):
            raise self.asked(name) from error
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        self.fail(name, None, f"gets {' and '.join(map(shape_text, shapes))}: {first_line(error)}", shapes)
        self.doubtful = True
        return StoppedError()

    def fold(self, place: int) -> bool:
        """Take back what was recorded from a place on if none of it is work or uses parameters; whether it was."""
        worked = any(self._weighted[place:]) or any(
            not isinstance(operation.layer, foreign_layers.Free) for operation in self.operations[place:]
        )
        if not worked:
            del self.operations[place:], self._words[place:], self._weighted[place:]
        return not worked

    def settled(self, model: nn.Module) -> tuple[Operation, ...]:
        """The operations with what each holds, and the parts of the model that no operation used.

        A buffer that nothing used stands at the first operation of its module.
        """
        states = self._tensors.ownership.settled()
        first = self._first_places()
        idle: dict[tuple[str, bool], list[Owner]] = {}
        for owner, viewed in self._tensors.ownership.left():
            place = _first_below(first, owner.paths[0], climbs=viewed)
            if place is not None and (viewed or owner.sort == "buffer"):
                states[place] = total((states.get(place, NOTHING), owner.state))
            else:
                idle.setdefault((owner.paths[0], owner.sort == "buffer"), []).append(owner)
        modules = dict(model.named_modules())
        held = [self._holding(place, states.get(place, NOTHING)) for place in range(len(self.operations))]
        return *held, *(row for key, owners in idle.items() for row in self._idle(modules[key[0]], *key, owners))

    def _holding(self, place: int, state: State) -> Operation:
        """An operation with its name, what it holds, and a note where its weights are not its own parameters.

        A module of torch's own gives its name to what it does, and not to what makes its weight.
        """
        operation = self.operations[place]
        owner, word = self._words[place]
        prepares = place in self._tensors.ownership.prepares
        shares = None if prepares else self._tensors.ownership.shares(place)
        path = operation.layer.path
        label = owner if owner and not prepares else f"{path}.{word}" if path else word
        weights = operation.layer.params()
        note = operation.note
        if note is None and shares is not None and not state.params:
            note = "shares its parameters"
        elif note is None and weights > state.params and state.buffers:
            note = "its weights are buffers"
        layer = operation.layer.replace(name=self._unique(label))
        first = shares if shares is not None and shares < place else None
        return operation.replace(layer=layer, state=state, note=note, shares=first, makes_weight=prepares)

    def _first_places(self) -> dict[str, int]:
        """The place of the first operation inside each module that has one, by the module's path."""
        found: dict[str, int] = {}
        for place, operation in enumerate(self.operations):
            path = operation.layer.path or ""
            while path not in found:  # what is around a module that has one has that one, or an earlier one
                found[path] = place
                path = path.rpartition(".")[0]
        return found

    def _idle(self, module: nn.Module, path: str, buffers: bool, owners: list[Owner]) -> Iterator[Operation]:
        """Rows of what no operation used of a module: one row, where that is all of a module of torch's own."""
        kind = nn.utils.parametrize.type_before_parametrizations(module).__name__
        own = {name for name, _ in module.named_parameters(recurse=False)}
        whole = type(module).__module__.startswith("torch.") and own <= {each.name.split(".")[-1] for each in owners}
        parts = [(path, kind, owners)] if whole or buffers else [(each.name, "Parameter", [each]) for each in owners]
        for place, word, held in parts:
            # Buffers alone are no part of what the network is: nothing of it can be learned, and nothing runs it.
            made = foreign_layers.Free if buffers else foreign_layers.Idle
            layer = made(self._unique(place or word), place or None, word)
            yield Operation(layer, None, None, total(each.state for each in held), Ledger(), None, "never used")

    def _unique(self, label: str) -> str:
        number = self._names[label] = self._names.get(label, 0) + 1
        return label if number == 1 else f"{label}:{number}"


def _first_below(first: dict[str, int], path: str, *, climbs: bool) -> int | None:
    """The place of the first operation inside a module, or, where that may be, inside one around it."""
    while path not in first and climbs and path:
        path = path.rpartition(".")[0]
    return first.get(path)


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, or its class where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
