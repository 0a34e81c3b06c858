"""torch's row of `vggcost.frameworks.door`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from vggcost.network.plan import DEFAULT_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vggcost.frameworks.arguments import Arguments
    from vggcost.programs.followed import Asked, Followed
    from vggcost.programs.reading import ProgramReading

PACKAGE = EXTRA = "torch"
MODEL = "a torch.nn.Module"
BASE: tuple[str, str] | None = ("torch.nn.modules.module", "Module")


def parts(model: Any) -> Iterator[tuple[str, Any]]:
    """Every module, by its path."""
    modules: Iterator[tuple[str, Any]] = model.named_modules()
    return modules


def prepare() -> None:
    """Do nothing: torch may be imported as it is."""


def owns(model: Any) -> bool:
    """Whether this is a module of torch, which is loaded then."""
    return isinstance(model, getattr(sys.modules.get("torch.nn"), "Module", ()))


def is_class(value: Any) -> bool:
    """Whether this is a class of torch's modules."""
    return isinstance(value, type) and issubclass(value, getattr(sys.modules.get("torch.nn"), "Module", ()))


def makes(value: Any) -> bool:  # noqa: ARG001  # any callable may, for a program need not name torch to use it
    """Whether the program has loaded torch."""
    return PACKAGE in sys.modules


def construct(make: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """See `vggcost.frameworks.pytorch.program.construct`."""
    from vggcost.frameworks.pytorch import program

    return program.construct(make)


def image_shapes(model: Any, size: tuple[int, int] | None, batch: int) -> list[tuple[int, ...]]:
    """The shape of an image for a model: its first convolution's channels, or 3."""
    convolutions = (
        module for module in model.modules() if hasattr(module, "in_channels") and hasattr(module, "kernel_size")
    )
    first = next(convolutions, None)
    return [(batch, 3 if first is None else int(first.in_channels) or 3, *(size or DEFAULT_SIZE))]


def read(model: Any, arguments: Arguments, program: str, rebuild: Callable[[], Any] | None) -> ProgramReading:
    """See `vggcost.frameworks.pytorch.program.read_module`."""
    from vggcost.frameworks.pytorch.program import read_module

    return read_module(model, arguments, program, rebuild)


def follow(
    model: Any, arguments: Arguments, program: str, rebuild: Callable[[], Any] | None, asked: Asked
) -> Followed | None:
    """See `vggcost.frameworks.pytorch.memory.follow`."""
    from vggcost.frameworks.pytorch import memory

    return memory.follow(model, arguments, program, rebuild, asked)
