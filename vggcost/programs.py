"""From a TARGET on the command line to an audit: find it, build it, give it an input, read it."""

from __future__ import annotations

import sys

from vggcost.audited import Audit, read
from vggcost.errors import MissingExtraError, VggcostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def audit_target(
    target: str,
    keywords: Mapping[str, Any],
    shapes: Sequence[tuple[int, ...]],
    size: tuple[int, int],
    batch: int,
    like: str | None,
) -> Audit:
    """Return the audit of what TARGET names, called with these keywords.

    shapes are the inputs' without the batch; where there are none the input is an image of this size, with as many
    channels as the model's first convolution takes. This runs the program.

    Raises:
        VggcostError: the target is not there, is no model, or raises before it is one.
    """
    from vggcost import configs
    from vggcost.frameworks.target import find

    if like is not None and not like.endswith(".toml"):
        configs.resolve(like)  # before anything is run
    value = find(target)
    model, notes, rebuild = _model(value, target, keywords)
    inputs = [(batch, *shape) for shape in shapes] or [_image(model, size, batch)]
    reading = read(model, inputs, target, rebuild)
    return Audit(reading.replace(notes=(*notes, *reading.notes)), like)


def _model(value: Any, target: str, keywords: Mapping[str, Any]) -> tuple[Any, tuple[str, ...], Any]:
    """The model, notes on how it was built, and a call that builds it again with real weights."""
    from vggcost.frameworks.target import maker, told

    if _is_model(value):
        if keywords:
            raise VggcostError(f"{target} is a model already, and --call is given; leave --call away, or name what makes it")
        return value, (), None
    make = maker(value, target, keywords)
    try:
        if _has("torch", value):
            from vggcost.frameworks.torch_program import construct

            model, notes = construct(make)
        else:
            model, notes = make(), ()
    except (Exception, SystemExit) as error:
        raise VggcostError(f"{target} cannot be built: {told(error)}") from None
    if not _is_model(model):
        if "torch" not in sys.modules and "keras" not in sys.modules:
            _complain_of_missing(target)
        raise VggcostError(
            f"{target} gives {type(model).__name__}, which is no model; name what makes a torch.nn.Module or a Keras model"
        )
    return model, notes, make


def _has(package: str, value: Any) -> bool:
    """Whether a program of this framework is being built; Keras on torch makes real tensors of its own."""
    if package not in sys.modules:
        return False
    keras = sys.modules.get("keras")
    if keras is None:
        return True
    module = sys.modules.get(getattr(value, "__module__", ""), None)
    return isinstance(value, type) and issubclass(value, sys.modules["torch"].nn.Module) and not issubclass(
        value, keras.Layer
    ) or (not isinstance(value, type) and "keras" not in vars(module or sys))


def _is_model(value: Any) -> bool:
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    found = torch is not None and isinstance(value, torch.nn.Module)
    return found or (keras is not None and hasattr(keras, "Layer") and isinstance(value, keras.Layer))


def _complain_of_missing(target: str) -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None and find_spec("keras") is None:
        raise MissingExtraError(f"auditing {target}", "torch", "torch")


def _image(model: Any, size: tuple[int, int], batch: int) -> tuple[int, ...]:
    """The shape of an image for a model: its first convolution's channels, or 3; a Keras model knows its own shape."""
    own = getattr(model, "input_shape", None)
    if isinstance(own, tuple) and own and all(side is None or isinstance(side, int) for side in own):
        return _keras_image(own, size, batch)
    for module in model.modules() if hasattr(model, "modules") else ():
        if hasattr(module, "in_channels") and hasattr(module, "kernel_size"):
            return (batch, int(module.in_channels), *size)
    return (batch, 3, *size)
