"""What a torch model's forward call gets: the given arguments fitted to its signature, with or without memory."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from vggcost.errors import VggcostError
from vggcost.frameworks.arguments import Arguments
from vggcost.frameworks.pytorch.tensors import weightless
from vggcost.units import counted, shape_text

if TYPE_CHECKING:
    from torch import nn

SEED = 0
"""The seed of the random images of a program that needs values."""


def fitted(model: nn.Module, arguments: Arguments, program: str) -> Arguments:
    """Return the arguments as the model's forward takes them.

    A dictionary of the API is one argument where forward has none of its names.

    Raises:
        VggcostError: forward takes others; or none of them is a tensor.
    """
    if not arguments.tensors():
        raise VggcostError(f"{program} is given no tensor; give a shape, as --input 3x224x224")
    try:
        signature = inspect.signature(model.forward)
    except (ValueError, TypeError):
        return arguments  # nothing says what it takes; the call itself will
    one = [Arguments((dict(arguments.named),), {})] if arguments.or_one else []
    for way in (arguments, *one):
        try:
            signature.bind(*way.positional, **way.named)
        except TypeError:
            continue
        return way
    raise VggcostError(f"{program} {_unfit(signature, arguments)}")


def _unfit(signature: inspect.Signature, arguments: Arguments) -> str:
    """Why arguments do not fit a signature, and how to give those that do."""
    parameters = signature.parameters.values()
    named = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    unknown = [name for name in arguments.named if name not in named]
    if unknown and not any(each.kind is each.VAR_KEYWORD for each in parameters):
        return f"has no input {unknown[0]!r}; its inputs are {', '.join(named) or 'none'}"
    required = [
        each
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    words = ", ".join(f"{each.name} by name" if each.kind is each.KEYWORD_ONLY else each.name for each in required)
    example = " ".join(
        f"--input {f'{each.name}=' if each.kind is each.KEYWORD_ONLY else ''}{'10' if place else '3x224x224'}"
        for place, each in enumerate(required[:2])
    )
    gets = len(arguments.positional) + len(arguments.named)
    return f"takes {counted(len(required), 'input')} ({words}) and gets {gets}; give a shape for each, as {example}"


def blank(given: Any) -> torch.Tensor:
    """Return a tensor without memory for a given one, or for a shape.

    Raises:
        VggcostError: it is larger than torch can address.
    """
    if isinstance(given, torch.Tensor):
        return torch.empty(tuple(given.shape), dtype=given.dtype, device="meta")
    return weightless(tuple(int(side) for side in given.shape), _dtype(given) or torch.get_default_dtype())


def valued(model: nn.Module, arguments: Arguments) -> Arguments:
    """Return the arguments with values: those of given tensors, random floats, zeros for all that is no float.

    Raises:
        VggcostError: they do not fit into memory.
    """
    generator = torch.Generator().manual_seed(SEED)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))

    def filled(given: Any) -> torch.Tensor:
        if isinstance(given, torch.Tensor) and not given.is_meta:
            return given.detach()
        shape = tuple(int(side) for side in given.shape)
        dtype = _dtype(given)
        try:
            if dtype is not None and not dtype.is_floating_point:
                return torch.zeros(shape, dtype=dtype, device=device)
            return torch.rand(shape, generator=generator).to(device, dtype)
        except RuntimeError:
            raise VggcostError(
                f"the program needs real values, and an input of {shape_text(shape)} does not fit this machine's"
                " memory; give a smaller --size or --batch"
            ) from None

    return arguments.changed(filled)


def _dtype(given: Any) -> torch.dtype | None:
    """The dtype of a given tensor of torch or of somebody else; None where nothing says it."""
    dtype = given.dtype
    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    found = getattr(torch, str(dtype), None)
    return found if isinstance(found, torch.dtype) else None
