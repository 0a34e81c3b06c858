"""ONNX's row of `vggcost.frameworks.door`: a model that a program has loaded or made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vggcost.frameworks.arguments import Arguments
    from vggcost.programs.followed import Asked, Followed
    from vggcost.programs.reading import ProgramReading

PACKAGE = EXTRA = "onnx"
MODEL = "an ONNX ModelProto"
BASE: tuple[str, str] | None = None


def parts(model: Any) -> Iterator[tuple[str, Any]]:  # noqa: ARG001  # a graph's nodes are made by no constructor
    """None."""
    return iter(())


def prepare() -> None:
    """Do nothing: onnx may be imported as it is."""


def owns(model: Any) -> bool:
    """Whether this is a model of ONNX, which is loaded then."""
    return isinstance(model, getattr(sys.modules.get("onnx"), "ModelProto", ()))


def is_class(value: Any) -> bool:
    """Whether this is the class of such models, of which the program's own are made by reading or by a helper."""
    return value is getattr(sys.modules.get("onnx"), "ModelProto", None)


def makes(value: Any) -> bool:  # noqa: ARG001  # what a callable makes is known when it is made
    """No: a callable that makes one needs no preparation."""
    return False


def construct(make: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """Call what makes a model."""
    return make(), ()


def image_shapes(model: Any, size: tuple[int, int] | None, batch: int) -> list[tuple[int, ...]]:
    """The shapes of a model's inputs: those that it fixes, and what is asked for in place of what it leaves open."""
    from vggcost.frameworks.onnx.inputs import opened

    return opened(model, size, batch)


def read(model: Any, arguments: Arguments, program: str, rebuild: Callable[[], Any] | None) -> ProgramReading:  # noqa: ARG001  # a graph has all that there is
    """See `vggcost.frameworks.onnx.reader.read_model`."""
    from vggcost.frameworks.onnx.reader import read_model

    return read_model(model, arguments, program, "")


def follow(
    model: Any,  # noqa: ARG001  # what every framework is asked with
    arguments: Arguments,  # noqa: ARG001  # the same
    program: str,  # noqa: ARG001  # the same
    rebuild: Callable[[], Any] | None,  # noqa: ARG001  # the same
    asked: Asked,  # noqa: ARG001  # the same
) -> Followed | None:
    """Nothing: a graph is read and not run."""
    return None
