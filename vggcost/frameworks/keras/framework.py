"""Keras's row of `vggcost.frameworks.door`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vggcost.frameworks.arguments import Arguments
    from vggcost.programs.followed import Asked, Followed
    from vggcost.programs.reading import ProgramReading

PACKAGE = EXTRA = "keras"
MODEL = "a Keras model"
BASE: tuple[str, str] | None = ("keras.src.layers.layer", "Layer")


def parts(model: Any) -> Iterator[tuple[str, Any]]:
    """Every layer, by its own name and those of the models that it stands in."""
    for layer in getattr(model, "layers", ()):
        yield layer.name, layer
        for path, part in parts(layer):
            yield f"{layer.name}.{path}", part


BACKENDS = ("torch", "jax", "tensorflow")
"""What Keras can compute with, in the order in which one is chosen where its own choice is not installed."""


def prepare() -> None:
    """Where Keras would load a backend that is not installed, name one that is; Keras reads it when it is imported."""
    import json
    from importlib.util import find_spec

    chosen = os.environ.get("KERAS_BACKEND")
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    if not chosen:
        try:
            with open(os.path.join(home, "keras.json"), encoding="utf-8") as settings:
                chosen = str(json.load(settings)["backend"])
        except (OSError, ValueError, KeyError, TypeError):
            chosen = "tensorflow"
        if find_spec(chosen) is None:
            os.environ["KERAS_BACKEND"] = next((name for name in BACKENDS if find_spec(name) is not None), chosen)


def owns(model: Any) -> bool:
    """Whether this is a layer or a model of Keras, which is loaded then."""
    return isinstance(model, _class_of("keras", "Layer"))


def is_class(value: Any) -> bool:
    """Whether this is a class of Keras's layers or models."""
    return isinstance(value, type) and issubclass(value, _class_of("keras", "Layer"))


def makes(value: Any) -> bool:
    """Whether a callable builds with Keras, whose torch backend makes real tensors of its own."""
    if PACKAGE not in sys.modules:
        return False
    if is_class(value):
        return True
    if isinstance(value, type) and issubclass(value, _class_of("torch.nn", "Module")):
        return False
    names = vars(sys.modules.get(getattr(value, "__module__", "")) or sys)
    places = (str(getattr(each, "__module__", None) or getattr(each, "__name__", "")) for each in names.values())
    return any(place.partition(".")[0] == PACKAGE for place in places)


def _class_of(module: str, name: str) -> Any:
    """A class of a module that is loaded; where it is not, no class at all."""
    return getattr(sys.modules.get(module), name, ())


def construct(make: Callable[[], Any]) -> tuple[Any, tuple[str, ...]]:
    """See `vggcost.frameworks.keras.graph.construct`."""
    from vggcost.frameworks.keras import graph

    return graph.construct(make)


def image_shapes(model: Any, size: tuple[int, int] | None, batch: int) -> list[tuple[int, ...]]:
    """See `vggcost.frameworks.keras.graph.input_shapes`."""
    from vggcost.frameworks.keras.graph import input_shapes

    return input_shapes(model, size, batch)


def read(model: Any, arguments: Arguments, program: str, rebuild: Callable[[], Any] | None) -> ProgramReading:
    """See `vggcost.frameworks.keras.graph.read_model`; a model that can be made again is nobody's yet."""
    from vggcost.frameworks.keras.graph import read_model

    return read_model(model, arguments, program, fresh=rebuild is not None)


def follow(
    model: Any,  # noqa: ARG001  # what every framework is asked with
    arguments: Arguments,  # noqa: ARG001  # the same
    program: str,  # noqa: ARG001  # the same
    rebuild: Callable[[], Any] | None,  # noqa: ARG001  # the same
    asked: Asked,  # noqa: ARG001  # the same
) -> Followed | None:
    """Nothing: on two of three backends no storage can be seen."""
    return None
