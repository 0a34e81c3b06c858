"""What an adapter reports: a tool's own numbers for one module and input, under one convention; and asking one."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vggcost.network.plan import Network

NO_MEMORY = "no memory"
"""What is answered in place of readings where a forward does not fit into memory."""


class ToolReading(Record):
    """A tool's total and, where it gives them, its counts by module path; a path that is not there counts 0."""

    convention: str
    total: int
    layers: Mapping[str, int] | None = None


def whole(value: float, what: str) -> int:
    """Return a tool's count as an int.

    Raises:
        ValueError: it is no whole number, or none at all.
    """
    if value is None or int(value) != value:
        raise ValueError(f"{what} is {value!r}, which is no whole number")
    return int(value)


def answer(adapter: str, device: str, network: Network, shape: tuple[int, ...]) -> list[dict[str, Any]] | str:
    """Return the fields of a tool's readings of a network at an input shape, or NO_MEMORY.

    The network is built on the meta device; for another it gets memory that nobody has initialised, so that nothing is
    drawn or stored for the weights. What the tool raises comes through.
    """
    import torch

    from vggcost.frameworks.pytorch.build import build_module

    tool: Any = import_module(adapter)
    try:
        module = build_module(network)
        if device != "meta":
            module = module.to_empty(device=device)
        # Not in inference mode: ptflops' aten backend sees nothing there, and says so with a 0.
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tools and tracers warn of their own age, which touches no count
            readings: list[ToolReading] = tool.read(module, torch.empty(shape, device=device))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate" not in str(error):
            raise
        return NO_MEMORY
    return [
        {
            "convention": reading.convention,
            "total": reading.total,
            "layers": None if reading.layers is None else dict(reading.layers),
        }
        for reading in readings
    ]
