"""A built network's forward as a flat row of operations, one a row of its table, in execution order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.pytorch.build import require_torch
from vggcost.frameworks.pytorch.kinds import module_of
from vggcost.network.blocks import Residual
from vggcost.network.layers import Flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from vggcost.network.catalogue import Network
    from vggcost.network.layer import Layer

    Operation = Callable[[Any], Any]


def flat_operations(module: nn.Module, network: Network) -> tuple[Operation, ...]:
    """Return the module's own layers as one operation a row of the network's table.

    Running them one behind the other is the module's forward: the same submodules in the same order. A residual block
    becomes its body, its shortcut and its addition; between them the block's input waits in a closure, as it waits in
    the block's own forward.
    """
    children = {id(layer): child for layer, child in _children(module, network)}
    operations: list[Operation] = []
    for layer in network.layers:
        operations += _flat(layer, children.get(id(layer)))
    return tuple(operations)


def _children(module: nn.Module, network: Network) -> Iterator[tuple[Layer, nn.Module]]:
    for layer in network.layers:
        if layer.path is not None:
            yield layer, module.get_submodule(layer.path)


def _flat(layer: Layer, module: nn.Module | None) -> list[Operation]:
    torch = require_torch("bench")
    if isinstance(layer, Residual):
        return _residual(layer, module)
    if module is not None:
        return [module]
    if isinstance(layer, Flatten):
        return [lambda x: torch.flatten(x, 1)]
    return [module_of(layer)]


def _residual(block: Residual, module: Any) -> list[Operation]:
    """Body, shortcut, addition: what waits for its turn lies in `waiting`."""
    waiting: list[Any] = []
    body = [step for layer, child in zip(block.body, module.body, strict=True) for step in _flat(layer, child)]
    shortcut = [
        step for layer, child in zip(block.shortcut, module.shortcut, strict=True) for step in _flat(layer, child)
    ]

    def enter(x: Any) -> Any:
        waiting.append(x)
        return x

    def swap(x: Any) -> Any:
        beginning = waiting.pop()
        waiting.append(x)
        return beginning

    def add(x: Any) -> Any:
        return waiting.pop() + x

    operations = [*body, *shortcut, add]
    operations[0] = _after(enter, operations[0])
    if shortcut:
        first = len(body)
        operations[first] = _after(swap, operations[first])
    return operations


def _after(before: Operation, operation: Operation) -> Operation:
    return lambda x: operation(before(x))
