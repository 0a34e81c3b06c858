"""What an adapter reports: a tool's own numbers for one module and input, under one convention; and asking one."""

from __future__ import annotations

import inspect
import warnings
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from vggcost.errors import VggcostError
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from torch import nn

    from vggcost.frameworks.target import Given
    from vggcost.network.catalogue import Network

    Subject: TypeAlias = "tuple[Network, tuple[int, ...]] | Program"
    """What a tool is asked of: a network at an input shape, or a program."""

NO_MEMORY = "no memory"
"""What is answered in place of readings where a forward does not fit into memory."""


class Program(Record):
    """A program as a person names it, and what it is given; each tool's process makes it anew."""

    target: str
    given: Given


class ToolReading(Record):
    """A tool's total and, where it gives them, its counts by module path; a path that is not there counts 0.

    total is None where the tool itself says that it has none. Where it is asked for a figure, whose name then stands in
    the convention's place, printed is its text, and total None where the text is all it hands out.
    """

    convention: str
    total: int | None
    layers: Mapping[str, int] | None = None
    printed: str | None = None


def whole(value: float, what: str) -> int:
    """Return a tool's count as an int.

    Raises:
        ValueError: it is no whole number, or none at all.
    """
    if value is None or int(value) != value:
        raise ValueError(f"{what} is {value!r}, which is no whole number")
    return int(value)


def answer(adapter: str, device: str, subject: Subject) -> list[dict[str, Any]] | str:
    """Return the fields of a tool's readings of a network at an input shape, or of a program; or NO_MEMORY.

    A network is built on the meta device; for another it gets memory that nobody has initialised, so that nothing is
    drawn or stored for the weights. A program is made as its author wrote it, with weights, and run on the CPU. What
    the tool raises comes through.
    """
    import torch

    tool: Any = import_module(adapter)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tools and tracers warn of their own age, which touches no count
            readings: list[ToolReading]
            if isinstance(subject, Program):
                readings = _of_program(tool, subject)
            else:
                module, arguments = _weightless(device, *subject)
                # Not in inference mode: ptflops' aten backend sees nothing there, and says so with a 0.
                with torch.no_grad():
                    readings = getattr(tool, "read_shapes", tool.read)(module, arguments)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate" not in str(error):
            raise
        return NO_MEMORY
    return [
        {
            "convention": reading.convention,
            "total": reading.total,
            "layers": None if reading.layers is None else dict(reading.layers),
            "printed": reading.printed,
        }
        for reading in readings
    ]


def _of_program(tool: Any, program: Program) -> list[ToolReading]:
    """What a tool reads of a program; what it raises is its own, and no refusal of the program."""
    import torch

    crash: Exception | None = None
    readings: list[ToolReading] = []
    with live_program(program) as (module, arguments), torch.no_grad():
        try:
            readings = tool.read(module, arguments)
        except Exception as error:  # noqa: BLE001  # raised behind the program's guard, which would put it into its words
            crash = error
    if crash is not None:
        raise crash
    return readings


def _weightless(device: str, network: Network, shape: tuple[int, ...]) -> tuple[nn.Module, list[torch.Tensor]]:
    import torch

    from vggcost.frameworks.pytorch.build import build_module

    module = build_module(network)
    if device != "meta":
        module = module.to_empty(device=device)
    return module, [torch.empty(shape, device=device)]


@contextmanager
def live_program(program: Program) -> Iterator[tuple[nn.Module, list[torch.Tensor]]]:
    """Make a program's module with its weights, in eval mode, and the tensors of its forward call in their order.

    Raises:
        VggcostError: it is no torch.nn.Module, or takes something else than tensors by position.
    """
    import torch

    from vggcost.frameworks.door import live_target
    from vggcost.frameworks.pytorch import call

    with live_target(program.target, program.given) as (model, given):
        if not isinstance(model, torch.nn.Module) or type(model).__module__.partition(".")[0] == "keras":
            raise VggcostError(f"{program.target} is {type(model).__name__}; other counters take a torch.nn.Module")
        arguments = call.valued(model, call.fitted(model, given, program.target))
        bound = inspect.signature(model.forward).bind(*arguments.positional, **arguments.named)
        if bound.kwargs or not all(isinstance(each, torch.Tensor) for each in bound.args):
            raise VggcostError(
                f"{program.target} takes more than tensors by position, which other counters do not give"
            )
        yield model.eval(), list(bound.args)
