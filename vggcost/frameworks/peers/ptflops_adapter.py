"""ptflops with its default backend, the same without functional calls, and its aten backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.frameworks.peers.reading import ToolReading, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import nn

BACKENDS: dict[str, dict[str, Any]] = {
    "ptflops": {"backend": "pytorch"},
    "ptflops-modules": {"backend": "pytorch", "backend_specific_config": {"count_functional": False}},
    "ptflops-aten": {"backend": "aten"},
}
"""What makes each convention."""


def read(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask ptflops for the totals of its backends; per layer it prints rounded text alone.

    Raises:
        RuntimeError: it could not; with the exception that it prints.
    """
    return [_asked(convention, module, arguments) for convention in BACKENDS]


def read_shapes(module: nn.Module, arguments: Sequence[torch.Tensor]) -> list[ToolReading]:
    """Ask the same of a module whose values nobody needs behind the first backend.

    Only that one needs a real forward: on the meta device its patched functions count linear layers twice.
    """
    readings = []
    for convention in BACKENDS:
        readings.append(_asked(convention, module, arguments))
        module, arguments = module.to("meta"), [each.to("meta") for each in arguments]
    return readings


def _asked(convention: str, module: nn.Module, arguments: Sequence[torch.Tensor]) -> ToolReading:
    from contextlib import redirect_stdout
    from io import StringIO

    from ptflops import get_model_complexity_info

    with redirect_stdout(StringIO()) as printed:
        total, _ = get_model_complexity_info(
            module,
            (1,),
            as_strings=False,
            print_per_layer_stat=False,
            # A constructor that returns a tensor, not a dictionary: only then is the batch seen and divided by.
            input_constructor=_constant(module, arguments),
            **BACKENDS[convention],
        )
    if total is None:
        # It prints what it caught in the line behind its own.
        raise RuntimeError(" ".join(printed.getvalue().splitlines()[1:2]) or "it gave no total")
    return ToolReading(convention, whole(total, f"the total of {convention}"))


def _constant(module: nn.Module, arguments: Sequence[torch.Tensor]) -> Callable[[tuple[int, ...]], Any]:
    """What ptflops calls for its input: one tensor, or several by the names that forward has for them."""
    import inspect

    if len(arguments) == 1:
        return lambda _: arguments[0]
    named = dict(zip(inspect.signature(module.forward).parameters, arguments, strict=False))
    return lambda _: named
