"""The record of what a torch program does: its operations in execution order, and those that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vggcost.frameworks.pytorch.names import spoken
from vggcost.frameworks.pytorch.places import Places
from vggcost.network import blocks, foreign_layers
from vggcost.network.ledger import Ledger
from vggcost.programs.reading import Failure, Operation

if TYPE_CHECKING:
    import torch
    from torch import nn

    from vggcost.frameworks.pytorch.plans import Plan
    from vggcost.frameworks.pytorch.tensors import Tensors


class Recording:
    """The operations and failures of one forward call, each with its place and the parameters that it uses."""

    def __init__(self, model: nn.Module | None, tensors: Tensors) -> None:
        self.operations: list[Operation] = []
        self.failures: list[Failure] = []
        self._tensors = tensors
        self._places = Places(model)
        self._names: dict[str, int] = {}

    def source(self) -> str | None:
        """The program's own line that is being run."""
        return self._places.here()[0]

    def add(self, name: str, plan: Plan, tensors: list[torch.Tensor]) -> None:
        """Record one operation; tensors are those that it takes, whose parameters it uses."""
        source, module, path = self._places.here()
        place = len(self.operations)
        params, shares = self._tensors.claim(tensors, place)
        owner = path if module is not None and type(module).__module__.startswith("torch.") else None
        bare = name.strip("_")
        label = self._unique(owner or (f"{path}.{bare}" if path else bare))
        layer = plan.kind(name=label, path=path or None, **plan.fields)
        note = "shares its parameters" if shares is not None and not params else None
        branch = self._tensors.branch(tensors, place) if plan.kind is blocks.Add else 0
        after = self._tensors.makers(tensors) if tensors else None
        self.operations.append(
            Operation(layer, plan.input, plan.output, params, plan.ledger, source, note, branch, shares, after)
        )

    def fail(self, name: str, plan: Plan | None, problem: str, shapes: tuple[tuple[int, ...], ...]) -> None:
        """Record that an operation does not fit what reaches it."""
        source, _, path = self._places.here()
        layer = None if plan is None else plan.kind(name=path or name.strip("_"), path=path or None, **plan.fields)
        self.failures.append(Failure(len(self.operations), layer, spoken(name), problem, shapes, source, path or None))

    def unused(self, model: nn.Module) -> list[Operation]:
        """The model's parts whose parameters no operation used, each with what it owns."""
        idle = []
        for path, module in model.named_modules():
            named = dict(module.named_parameters(recurse=False))
            left = {name: parameter for name, parameter in named.items() if self._tensors.first_use(parameter)}
            parts = [(f"{path}.{name}" if path else name, "Parameter", (one,)) for name, one in left.items()]
            if left and len(left) == len(named) and type(module).__module__.startswith("torch."):
                parts = [(path, type(module).__name__, tuple(left.values()))]
            for place, kind, parameters in parts:
                size = sum(parameter.numel() for parameter in parameters)
                layer = foreign_layers.Idle(self._unique(place or kind), place or None, kind)
                idle.append(Operation(layer, None, None, size, Ledger(), None, "never used"))
        return idle

    def _unique(self, label: str) -> str:
        number = self._names[label] = self._names.get(label, 0) + 1
        return label if number == 1 else f"{label}:{number}"
