"""A module of the user's own as a row of operations in execution order, through torch.fx."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward, memory
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.own_lines import told
from vggcost.frameworks.pytorch.build import require_torch
from vggcost.frameworks.pytorch.device_work import device_work
from vggcost.frameworks.pytorch.rules import rule_of
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn
    from torch.fx import Node

    from vggcost.network.layer import Layer


class NotTraceableError(Exception):
    """The module's forward cannot be written as a row of operations: it branches on values, or takes more inputs."""


class TracedStep(Record):
    """One operation: its name, torch's name of its kind, where it stands in the module, and what runs it.

    `row` has what a run of it showed, in the keys of a layer of a bench result; all but min_bytes' element size.
    """

    call: Callable[[Any], Any]
    row: dict[str, Any]


def traced_steps(module: nn.Module, x: Any) -> list[TracedStep]:
    """Return the module's operations; running them one behind the other on x is its forward.

    A leaf module of torch.nn is one operation, a call in a forward of the user's own is one. What yields no tensor (a
    size, an index) is done together with the operation behind it. MACs are those of torch's FlopCounterMode, halved.

    Raises:
        NotTraceableError: torch.fx cannot follow the forward.
    """
    torch = require_torch("bench")
    nodes, values = _nodes(module)
    last_use = {used: node for node in nodes for used in node.all_input_nodes}
    steps: list[TracedStep] = []
    names: dict[str, int] = {}
    waiting: list[Node] = []
    first, *calls = nodes
    with torch.inference_mode(mode=False), torch.no_grad():
        values[first] = x
        for node in calls:
            seen = _Run(module, node, values)
            waiting.append(node)
            if seen.yields_tensor:
                begins = None if steps else first
                operation = _operation(module, tuple(waiting), values, _freed(waiting, last_use, first), begins)
                steps.append(TracedStep(operation, seen.row(_name(node, names))))
                for used in _freed(waiting, last_use, first):
                    values.pop(used, None)
                waiting = []
    for node in nodes:
        values.pop(node, None)
    if not steps:
        raise NotTraceableError("no operation on a tensor was found")
    return steps


def _nodes(module: nn.Module) -> tuple[list[Node], dict[Node, Any]]:
    """The input and the operations, in execution order, and the values of what is constant."""
    import torch
    from torch import fx

    tracer = fx.Tracer()
    try:
        graph = tracer.trace(module)
    except BaseException as error:  # the user's forward runs here, and may raise anything
        pass_on(error)
        reason = told(error)[:160]
        raise NotTraceableError(reason) from error
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    extra = [str(node.target) for node in inputs[1:] if not node.args]
    if not inputs or extra:
        raise NotTraceableError(f"it takes {len(inputs)} inputs ({', '.join(extra) or 'none'} without a default)")
    values: dict[Node, Any] = {node: node.args[0] for node in inputs[1:]}
    for node in graph.nodes:
        if node.op == "get_attr":
            value: Any = module
            for piece in str(node.target).split("."):
                value = getattr(value, piece)
            values[node] = value.detach() if isinstance(value, torch.Tensor) else value
    calls = [node for node in graph.nodes if node.op.startswith("call_")]
    return [inputs[0], *calls], values


def _evaluate(module: nn.Module, node: Node, values: dict[Node, Any]) -> Any:
    from torch import fx

    args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda used: values[used])
    if node.op == "call_module":
        return module.get_submodule(str(node.target))(*args, **kwargs)
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **kwargs)
    target: Any = node.target
    return target(*args, **kwargs)


def _operation(
    module: nn.Module,
    nodes: tuple[Node, ...],
    values: dict[Node, Any],
    freed: tuple[Node, ...],
    begins: Node | None,
) -> Callable[[Any], Any]:
    """Run some nodes on the values that wait for them, and let go of what nobody needs any more.

    begins is the input's node for the operation that starts the row; the others find their values waiting.
    """

    def operation(x: Any) -> Any:
        if begins is not None:
            values[begins] = x
        for node in nodes:
            values[node] = _evaluate(module, node, values)
        result = values[nodes[-1]]
        for used in freed:
            values.pop(used, None)
        return result

    return operation


def _freed(nodes: list[Node], last_use: dict[Node, Node], first: Node) -> tuple[Node, ...]:
    """The values that these nodes are the last to use; constants stay."""
    used_up = (used for used, user in last_use.items() if user in nodes)
    return tuple(used for used in used_up if used is first or used.op.startswith("call_"))


def _name(node: Node, names: dict[str, int]) -> str:
    """The module's path or the function's name; a number behind it where it is called again."""
    name = str(node.target) if node.op == "call_module" else node.name
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}#{names[name]}"


@contextmanager
def _layers_heard() -> Iterator[list[Layer]]:
    """Collect the layers, as the rules know them, that torch's functions do meanwhile."""
    from torch.overrides import TorchFunctionMode

    heard: list[Layer] = []

    class Listen(TorchFunctionMode):
        """Asks the rule of each function; the call goes on as it is."""

        def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
            rule = rule_of(getattr(func, "__name__", ""))
            try:
                plan = rule(*args, **(kwargs or {})) if rule else None
            except TypeError:
                plan = None  # a form of the call that the rule does not have
            if plan is not None and plan.problem is None:
                heard.append(plan.kind(name="", path=None, **plan.fields))
            return func(*args, **(kwargs or {}))

    with Listen():
        yield heard


class _Run:
    """One node run once under torch's flop counter, with its result put among the values."""

    def __init__(self, module: nn.Module, node: Node, values: dict[Node, Any]) -> None:
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        with counter, device_work() as worked, _layers_heard() as heard:
            self._result = values[node] = _evaluate(module, node, values)
        self._layers = heard
        self._node = node
        self._child = module.get_submodule(str(node.target)) if node.op == "call_module" else None
        self._inputs = [values[used] for used in node.all_input_nodes if isinstance(values.get(used), torch.Tensor)]
        self._flops = int(counter.get_total_flops())
        self._worked = bool(worked)
        self.yields_tensor = isinstance(self._result, torch.Tensor)

    def row(self, name: str) -> dict[str, Any]:
        """What the run showed."""
        params = sum(parameter.numel() for parameter in self._child.parameters()) if self._child else 0
        inputs = sum(tensor.numel() for tensor in self._inputs)
        buffers = sum(layer.buffers() for layer in self._layers)
        moved = memory.least_traffic(inputs, params, buffers, self._result.numel())
        kind = type(self._child).__name__ if self._child else getattr(self._node.target, "__name__", self._node.target)
        return {
            "name": name,
            "kind": str(kind),
            "path": str(self._node.target) if self._child else None,
            "input": list(self._inputs[0].shape) if self._inputs else [],
            "output": list(self._result.shape),
            "params": params,
            "macs": forward.macs_of_flops(self._flops),
            "flops": self._flops,
            "min_bytes": memory.tensor_bytes(moved, self._result.element_size()) if self._worked else 0,
            "winograd": any(layer.winograd for layer in self._layers),
            "runs": self._worked,
        }
