"""What a torch model keeps, tensor by tensor: how many elements, in how many bytes, and for which module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vggcost.formulas import memory
from vggcost.programs.state import State, total
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMETRIZATIONS = "parametrizations"
"""Where torch.nn.utils.parametrize puts what a module's own tensors are made of."""


class Owner(Record):
    """One parameter, buffer, or object of packed weights.

    paths: those of the modules that it serves, which are several where it is tied. sort: `parameter`, `packed`,
    `buffer`, or `constant` for what compiled code has its weights in.
    """

    name: str
    paths: tuple[str, ...]
    state: State
    sort: str = "parameter"


def owners_of(model: nn.Module) -> Iterator[tuple[Any, Owner]]:
    """Each tensor and each packed object that a model's modules hold, once, with what it is."""
    found: dict[int, tuple[Any, Owner]] = {}
    for path, module in model.named_modules():
        place = served(path)
        for name, value, owner in _held(module, path):
            first = found.get(id(value))
            if first is None:
                found[id(value)] = value, owner.replace(name=f"{path}.{name}" if path else name, paths=(place,))
            elif place not in first[1].paths:
                found[id(value)] = value, first[1].replace(paths=(*first[1].paths, place))
    yield from found.values()


def held_by(module: nn.Module, path: str) -> Iterator[tuple[Any, Owner]]:
    """Each tensor and packed object that a module itself holds; the module stands at this path, or is used there."""
    for _, value, owner in _held(module, path):
        yield value, owner


def served(path: str) -> str:
    """Return the path of the module that what stands at a path serves: for a parametrization, the layer that has it.

    >>> served("features.0.parametrizations.weight.0"), served("features.0")
    ('features.0', 'features.0')
    """
    words = path.split(".")
    return ".".join(words[: words.index(PARAMETRIZATIONS)]) if PARAMETRIZATIONS in words else path


def _held(module: nn.Module, path: str) -> Iterator[tuple[str, Any, Owner]]:
    for name, parameter in module.named_parameters(recurse=False):
        yield name, parameter, Owner(name, (path,), parameter_state(parameter))
    for name, buffer in module.named_buffers(recurse=False):
        kept = State(buffers=elements(buffer), buffer_bytes=stored_bytes(buffer))
        yield name, buffer, Owner(name, (path,), kept, "buffer")
    for name, value in vars(module).items():
        if isinstance(value, torch.ScriptObject) and name != "_c":  # which is a scripted module itself
            packed = total(_packed(value, half=getattr(module, "dtype", None) is torch.float16))
            if packed.params:
                yield name, value, Owner(name, (path,), packed, "packed")


def parameter_state(parameter: torch.Tensor) -> State:
    """The state of one parameter; frozen is what training leaves as it is."""
    return State.stored(
        elements(parameter), stored_bytes(parameter), _dtype(parameter), frozen=not parameter.requires_grad
    )


def constant_state(value: Any) -> State:
    """The state of what compiled code has its weights in: a constant, or an object of packed weights."""
    if not isinstance(value, torch.Tensor):
        return total(_packed(value, half=False))
    return State.stored(elements(value), stored_bytes(value), _dtype(value), frozen=True)


def elements(tensor: torch.Tensor) -> int:
    """How many elements a tensor has; none of one whose shape is not known before a first call."""
    return 0 if nn.parameter.is_lazy(tensor) else int(tensor.numel())


def stored_bytes(tensor: torch.Tensor) -> int:
    """The memory of a tensor [B]: numel x itemsize; of one that others stand behind, theirs.

    Those are quantized and distributed classes with a `__tensor_flatten__`, and sparse layouts. Four-bit values share
    their bytes.
    """
    if nn.parameter.is_lazy(tensor):
        return 0
    parts = _parts(tensor)
    if parts:
        return sum(map(stored_bytes, parts))
    if tensor.dtype in (torch.quint4x2, torch.quint2x4):
        return int(tensor.untyped_storage().nbytes())
    return memory.tensor_bytes(int(tensor.numel()), int(tensor.element_size()))


def _parts(tensor: Any) -> tuple[torch.Tensor, ...]:
    """The tensors that stand behind one; none behind a plain one."""
    if hasattr(tensor, "__tensor_flatten__"):
        return tuple(getattr(tensor, name) for name in tensor.__tensor_flatten__()[0])
    if tensor.layout is torch.sparse_coo:
        return tensor._indices(), tensor._values()  # noqa: SLF001  # the public ones refuse what is not coalesced
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices(), tensor.values()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()
    return ()


def _packed(value: Any, *, half: bool) -> Iterator[State]:
    """The parameters inside an object of packed weights: its own, or those of the objects inside it.

    half: its weights are stored in float16, although it hands them out in float32.
    """
    if hasattr(value, "unpack"):
        tensors, objects = parts_of(value.unpack())
    elif hasattr(value, "__getstate__"):
        tensors, objects = parts_of(value.__getstate__())
        if objects:  # a recurrent cell, which keeps its biases a second time beside them
            tensors = []
    else:
        return
    for tensor in tensors:
        halved = half and tensor.dtype is torch.float32 and tensor.dim() > 1
        size = memory.tensor_bytes(elements(tensor), torch.float16.itemsize) if halved else stored_bytes(tensor)
        yield State.stored(elements(tensor), size, "float16" if halved else _dtype(tensor), frozen=True)
    for each in objects:
        yield from _packed(each, half=half)


def parts_of(tree: Any) -> tuple[list[torch.Tensor], list[Any]]:
    """Return the tensors and the packed objects in nested tuples, lists and dictionaries, in order.

    Each of these is looked into once: one may hold itself.
    """
    tensors: list[torch.Tensor] = []
    objects: list[Any] = []
    stack = [tree]
    opened: set[int] = set()
    while stack:
        value = stack.pop()
        if isinstance(value, tuple | list | dict):
            if id(value) in opened:
                continue
            opened.add(id(value))
        if isinstance(value, torch.Tensor):
            tensors.append(value)
        elif isinstance(value, torch.ScriptObject):
            objects.append(value)
        elif isinstance(value, tuple | list):
            stack += reversed(value)
        elif isinstance(value, dict):
            stack += reversed(list(value.values()))
    return tensors, objects


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
