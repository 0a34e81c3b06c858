"""From a TARGET on the command line to an audit: find it, build it, give it an input, read it."""

from __future__ import annotations

import sys

from vggcost.conventions.rows import TEXTBOOK
from vggcost.errors import VggcostError
from vggcost.results.audit import Audit, named, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.conventions.rows import Convention


DEFAULT_SIZE = (224, 224)
"""Height and width of the image where nothing says otherwise [pixels]."""


def audit_target(
    target: str,
    keywords: Mapping[str, Any],
    shapes: Sequence[tuple[int, ...]],
    size: tuple[int, int] | None,
    batch: int,
    like: str | None,
    convention: Convention = TEXTBOOK,
) -> Audit:
    """Return the audit of what TARGET names, called with these keywords.

    shapes are the inputs' without the batch; where there are none the input is an image of this size, with as many
    channels as the model's first convolution takes. This runs the program.

    Raises:
        VggcostError: the target is not there, is no model, or raises before it is one.
    """
    from vggcost.frameworks.target import choose_keras_backend, find, neighbours_importable

    if like is not None:
        named(like)  # refused before anything is run
    choose_keras_backend()
    with neighbours_importable(target):
        value = find(target)
        model, notes, rebuild = _model(value, target, keywords)
        inputs = [(batch, *shape) for shape in shapes] or _images(model, size, batch)
        reading = read(model, inputs, target, rebuild)
    return Audit(reading.replace(notes=(*notes, *reading.notes)), like, convention)


def _model(value: Any, target: str, keywords: Mapping[str, Any]) -> tuple[Any, tuple[str, ...], Any]:
    """The model, notes on how it was built, and a call that builds it again with real weights."""
    from vggcost.frameworks.target import maker, told

    if _is_model(value):
        if keywords:
            raise VggcostError(
                f"{target} is a model already, and --call is given; leave --call away, or name what makes it"
            )
        return value, (), None
    make = maker(value, target, keywords)
    try:
        if _speaks_keras(value):
            from vggcost.frameworks.keras import graph

            model, notes = graph.construct(make)
        elif "torch" in sys.modules:
            from vggcost.frameworks.pytorch import program

            model, notes = program.construct(make)
        else:
            model, notes = make(), ()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the program raises is its own
        raise VggcostError(f"{target} cannot be built: {told(error)}") from None
    if not _is_model(model):
        raise VggcostError(
            f"{target} gives {type(model).__name__}, which is no model; name what makes a torch.nn.Module or a Keras"
            " model"
        )
    return model, notes, make


def _speaks_keras(value: Any) -> bool:
    """Whether a callable builds with Keras, whose torch backend makes real tensors of its own."""
    if "keras" not in sys.modules:
        return False
    if isinstance(value, type) and _is_a(value, "keras", "Layer"):
        return True
    if isinstance(value, type) and _is_a(value, "torch.nn", "Module"):
        return False
    names = vars(sys.modules.get(getattr(value, "__module__", "")) or sys)
    places = (str(getattr(each, "__module__", None) or getattr(each, "__name__", "")) for each in names.values())
    return any(place.partition(".")[0] == "keras" for place in places)


def _is_a(kind: type, module: str, name: str) -> bool:
    base = getattr(sys.modules.get(module), name, None)
    return base is not None and issubclass(kind, base)


def _is_model(value: Any) -> bool:
    return _is_a(type(value), "torch.nn", "Module") or _is_a(type(value), "keras", "Layer")


def _images(model: Any, size: tuple[int, int] | None, batch: int) -> list[tuple[int, ...]]:
    """The shape of an image for a model: its first convolution's channels, or 3; a Keras model knows its own shapes."""
    if _is_a(type(model), "keras", "Layer"):
        from vggcost.frameworks.keras.graph import input_shapes

        return input_shapes(model, size, batch)
    side = size or DEFAULT_SIZE
    for module in model.modules() if hasattr(model, "modules") else ():
        if hasattr(module, "in_channels") and hasattr(module, "kernel_size"):
            return [(batch, int(module.in_channels), *side)]
    return [(batch, 3, *side)]
