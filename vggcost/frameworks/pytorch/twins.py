"""Stands tensors without memory, or others of the same values, in for all that a model holds, and puts them back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vggcost.errors import VggcostError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PARAMETER, BUFFER, CONSTANT = "parameter", "buffer", "constant"
"""What a tensor is that a model holds."""


class Holding:
    """The tensors that a model holds while its twins stand in: each once, with its first name and what it is."""

    def __init__(self, dtype: torch.dtype | None, device: str | None) -> None:
        self.named: dict[int, tuple[str, str, torch.Tensor]] = {}
        self._dtype = dtype
        self._device = device
        self._made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._undo: list[tuple[Any, str, Any]] = []

    def parameters(self) -> list[tuple[str, torch.Tensor]]:
        """The parameters, in the model's order."""
        return [(name, tensor) for name, sort, tensor in self.named.values() if sort == PARAMETER]

    def tensors(self) -> list[torch.Tensor]:
        """All of them."""
        return [tensor for _, _, tensor in self.named.values()]

    def stand_in(self, model: nn.Module) -> None:
        """Put twins in the place of all of a model's tensors."""
        for path, module in _modules(model):
            if isinstance(module, torch.jit.ScriptModule):  # its tensors lie in C++, where no twin can stand in
                self._name(path, PARAMETER, module.named_parameters(recurse=False))
                self._name(path, BUFFER, module.named_buffers(recurse=False))
                continue
            for slot, sort in ((module._parameters, PARAMETER), (module._buffers, BUFFER)):  # noqa: SLF001  # torch has no public name
                self._change(slot)
                self._name(path, sort, slot.items())
            self._change(module.__dict__, but=("_parameters", "_buffers", "_modules"))
        for _, tensor in self._made.values():
            sort = PARAMETER if isinstance(tensor, nn.Parameter) else CONSTANT
            self.named.setdefault(id(tensor), ("", sort, tensor))

    def put_back(self) -> None:
        """Put everything back as it was."""
        for slot, name, value in reversed(self._undo):
            slot[name] = value

    def _change(self, slot: Any, but: Sequence[str] = ()) -> None:
        for name, value in list(slot.items()):
            changed = value if name in but else _changed(value, self._twin)
            if changed is not value:
                slot[name] = changed
                self._undo.append((slot, name, value))

    def _name(self, path: str, sort: str, pairs: Iterable[tuple[str, torch.Tensor | None]]) -> None:
        for name, tensor in pairs:
            if tensor is not None:
                self.named.setdefault(id(tensor), (f"{path}.{name}" if path else name, sort, tensor))

    def _twin(self, tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in self._made:  # the tensor is held, so that no other gets its id
            self._made[id(tensor)] = tensor, _twin(tensor, self._dtype, self._device)
        return self._made[id(tensor)][1]


@contextmanager
def twins(model: nn.Module, dtype: torch.dtype | None, device: str | None) -> Iterator[Holding]:
    """Let a model hold twins of its tensors until the block ends.

    dtype: what floating ones are turned into. device: where they are empty; None gives them their values: a parameter's
    twin has its memory then, and what is no parameter is copied, for a forward call may write it.
    """
    held = Holding(dtype, device)
    try:
        held.stand_in(model)
        yield held
    finally:
        held.put_back()


def _modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """A model's modules, and those that it holds in plain lists and dictionaries, each once with its first path."""
    seen: set[int] = set()
    waiting = list(model.named_modules())
    while waiting:
        path, module = waiting.pop(0)
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield path, module
        for value in module.__dict__.values():
            if isinstance(value, list | tuple | dict):
                inside = value.values() if isinstance(value, dict) else value
                waiting += [(path, each) for each in inside if isinstance(each, nn.Module) and id(each) not in seen]


def _changed(value: Any, twin: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A value with its tensors changed; itself where there are none."""
    if isinstance(value, torch.Tensor):
        return twin(value)
    if type(value) in (list, tuple):
        inside = [_changed(each, twin) for each in value]
        return value if all(a is b for a, b in zip(inside, value, strict=True)) else type(value)(inside)
    if type(value) is dict:
        after = {key: _changed(each, twin) for key, each in value.items()}
        return value if all(after[key] is value[key] for key in after) else after
    return value


def _twin(tensor: torch.Tensor, dtype: torch.dtype | None, device: str | None) -> torch.Tensor:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested:
        return tensor
    into = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
    if device is not None:
        made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=into, device=device)
    elif isinstance(tensor, nn.Parameter):
        made = tensor.detach().to(into)
    else:
        made = tensor.detach().to(into, copy=True)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made.requires_grad_(tensor.requires_grad and made.is_floating_point())


def freeze(held: Holding, model: nn.Module, names: Sequence[str]) -> None:
    """Take the gradients of these parameters away: each name is a parameter's, or the path of a module.

    Raises:
        VggcostError: one names no parameter.
    """
    named = held.parameters()
    for wanted in names:
        found = [tensor for name, tensor in named if name == wanted or name.startswith(f"{wanted}.")]
        if not found:
            paths = [
                path for path, module in model.named_modules() if path and next(module.parameters(), None) is not None
            ]
            words = nearest(wanted, (*paths, *(name for name, _ in named if name)))
            raise VggcostError(
                f"--freeze {wanted!r} is no parameter and no module with any; {words}", nearest=words.names
            )
        for tensor in found:
            tensor.requires_grad_(False)
