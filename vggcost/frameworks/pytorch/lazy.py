"""Lazy layers (LazyConv2d, LazyLinear, LazyBatchNorm2d) take the sizes that a call of known shapes gives."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from vggcost.errors import VggcostError
from vggcost.frameworks.guard import pass_on
from vggcost.frameworks.own_lines import told
from vggcost.frameworks.pytorch import call
from vggcost.frameworks.pytorch.recording import NeedsValuesError
from vggcost.frameworks.pytorch.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.frameworks.arguments import Arguments


def unready(model: nn.Module) -> list[str]:
    """Return the paths of the layers whose sizes are not known yet."""
    return [path for path, module in model.named_modules() if any(map(is_lazy, _own_tensors(module)))]


def ready(model: nn.Module, arguments: Arguments, program: str, *, ours: bool) -> nn.Module:
    """Return the model, or a weightless copy where it is not ours, with the sizes that these arguments give its layers.

    Raises:
        VggcostError: the forward call stops before it reaches each lazy layer.
    """
    if not unready(model):
        return model
    if not ours:
        model = _weightless_copy(model, program)
    for module in model.modules():
        module.__dict__["training"] = False
        if isinstance(module, LazyModuleMixin) and any(map(is_lazy, _own_tensors(module))):
            _prepare(module)
    why = ""
    try:
        blank = arguments.changed(call.blank)
        with torch.no_grad(), Trace():
            model(*blank.positional, **blank.named)
    except NeedsValuesError as error:
        why = f" (it asks for values: {error.operation} at {error.source or 'an unknown line'})"
    except BaseException as error:  # noqa: BLE001  # the program's own; which layers it kept from being ready is said below
        pass_on(error)
        why = f" ({told(error)})"
    left = unready(model)
    if left:
        raise VggcostError(
            f"{program} has lazy layers that this forward call does not reach: {', '.join(left)}{why}; give the input"
            " that it takes, or layers with their sizes"
        )
    return model


def run_once(model: nn.Module, arguments: Arguments) -> nn.Module:
    """Return a model with real weights after the forward call that makes its lazy layers ready, if it has any."""
    if unready(model):
        valued = call.valued(model, arguments)
        with torch.no_grad():
            model.eval()(*valued.positional, **valued.named)
    return model


def _own_tensors(module: nn.Module) -> Iterator[Any]:
    yield from (each for each in module._parameters.values() if each is not None)  # noqa: SLF001  # its own, not its parts'
    yield from (each for each in module._buffers.values() if each is not None)  # noqa: SLF001  # the same


def _weightless_copy(model: nn.Module, program: str) -> nn.Module:
    """The same structure with every parameter on the meta device."""
    memo: dict[int, Any] = {
        id(each): nn.Parameter(torch.empty_like(each, device="meta"), requires_grad=each.requires_grad)
        for each in model.parameters()
        if not is_lazy(each)
    }
    memo.update({id(each): _unsized(each) for each in (*model.parameters(), *model.buffers()) if is_lazy(each)})
    try:
        return copy.deepcopy(model, memo)
    except BaseException as error:
        pass_on(error)
        raise VggcostError(
            f"{program} has lazy layers and cannot be copied ({told(error)}); run it once on a real input"
        ) from error


def _unsized(tensor: Any) -> Any:
    """A parameter or buffer of no size yet, like another, which will need no memory."""
    kind: Any = type(tensor)
    return kind(requires_grad=tensor.requires_grad, device="meta", dtype=tensor.dtype)


def _prepare(module: Any) -> None:
    """Let a lazy layer take its sizes without memory, and out of sight of the trace."""
    for tensors in (module._parameters, module._buffers):  # noqa: SLF001  # what it has, whatever its class calls it
        tensors.update({name: _unsized(each) for name, each in tensors.items() if is_lazy(each)})

    def infer(layer: Any, args: Any, kwargs: Any) -> None:
        with torch._C.DisableTorchFunction():  # noqa: SLF001  # torch has no public name for it
            layer._infer_parameters(layer, args, kwargs)  # noqa: SLF001  # what the hook in its place does

    module._initialize_hook.remove()  # noqa: SLF001  # the lazy layer's own
    module._initialize_hook = module.register_forward_pre_hook(infer, with_kwargs=True)  # noqa: SLF001  # the same
