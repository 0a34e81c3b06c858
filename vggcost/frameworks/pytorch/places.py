"""Where in a program a call stands: the program's own line, and the module of the model that makes it."""

from __future__ import annotations

import linecache
import os
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from vggcost.record import Record

if TYPE_CHECKING:
    from types import FrameType

    from torch import nn

RUNNER = "_run_forward"
"""The function behind whose frame the program is no longer the audited one."""


class Spot(Record):
    """Where a call stands.

    source is the program's own line, None where there is none; path is that of the innermost of the model's modules,
    layer whether that is one of torch's own. compiled: it is a module whose parts are not seen, because its code runs
    in C++ or was generated; the parameters that are used say best which of its parts this is.
    """

    source: str | None
    path: str
    layer: bool
    compiled: bool = False


class Places:
    """Finds the place of the call that is being answered, in the frames above it.

    strangers: modules that the call last looked at runs in, and that the model does not list, innermost first.
    generated: whether generated code is looked into; Python keeps its variables alive where somebody looks at them.
    """

    def __init__(self, model: nn.Module | None, *, generated: bool = True) -> None:
        self._generated = generated
        self._modules = {id(module): path for path, module in model.named_modules()} if model is not None else {}
        self.strangers: list[nn.Module] = []
        self._nodes: dict[int, dict[str, Any]] = {}

    def here(self) -> Spot:
        """Return the place of the call that is being answered."""
        source: str | None = None
        node: Any = None
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the interpreter's own name for it
        call = torch.nn.Module._call_impl.__code__  # noqa: SLF001  # where a module's forward is called
        module: nn.Module | None = None
        self.strangers = []
        while frame is not None and (source is None or module is None):
            code = frame.f_code
            if code.co_name == RUNNER:
                break
            if source is None and not _is_machinery(code.co_filename):
                source = f"{_short(code.co_filename)}:{frame.f_lineno}"
            if self._generated and module is None and node is None and code.co_filename.startswith("<eval_with_key>"):
                node = self._node(frame)
                source = source or _source_of(node)
            if module is None and code is call:
                inner = frame.f_locals["self"]
                if id(inner) in self._modules:
                    module = inner
                else:
                    self.strangers.append(inner)
            frame = frame.f_back
        if module is None:
            return Spot(source, "", layer=False)
        return self._place(source, module, node)

    def _place(self, source: str | None, module: nn.Module, node: Any) -> Spot:
        path = self._modules[id(module)]
        origin = _origin_of(node)
        if origin is not None:
            inner, kind = origin
            return Spot(source, f"{path}.{inner}" if path and inner else path or inner, kind.startswith("torch."))
        layer = type(module).__module__.startswith("torch.")
        compiled = layer and isinstance(module, torch.jit.ScriptModule | torch.fx.GraphModule)
        return Spot(source, path, layer and not compiled, compiled)

    def _node(self, frame: FrameType) -> Any:
        """The node of torch.fx's graph that a line of generated code is, which begins with the node's name."""
        module = frame.f_locals.get("self")
        graph = getattr(module, "graph", None)
        if graph is None:
            return None
        if id(module) not in self._nodes:
            self._nodes[id(module)] = {node.name: node for node in graph.nodes}
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)
        return self._nodes[id(module)].get(line.partition("=")[0].strip())


def _origin_of(node: Any) -> tuple[str, str] | None:
    """The path and the class of the module that a node of an exported program came from, where it says so."""
    stack = node.meta.get("nn_module_stack") if node is not None else None
    if not stack:
        return None
    path, kind = list(stack.values())[-1][:2]
    text = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
    return str(path).removeprefix("L['self']").removeprefix("."), text


def _source_of(node: Any) -> str | None:
    """The program's own line that a node of an exported program came from: the innermost that is not torch's."""
    trace = node.meta.get("stack_trace") if node is not None else None
    lines = re.findall(r'File "([^"]+)", line (\d+)', trace or "")
    return next((f"{_short(name)}:{number}" for name, number in reversed(lines) if not _is_machinery(name)), None)


_TORCH = os.path.dirname(torch.__file__) + os.sep
_VGGCOST = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CONTEXTLIB = os.path.join(os.path.dirname(os.__file__), "contextlib")


@cache
def _is_machinery(filename: str) -> bool:
    return filename.startswith((_TORCH, _VGGCOST, _CONTEXTLIB, "<"))


@cache
def _short(filename: str) -> str:
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative
