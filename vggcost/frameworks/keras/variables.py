"""What a Keras model keeps, variable by variable: learned, frozen, or a statistic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from vggcost.formulas import forward, memory
from vggcost.programs.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

QUANTIZED_WEIGHTS = ("_kernel", "kernel", "_embeddings", "embeddings")
"""Where Keras's quantized layers keep what they multiply with, which Keras then calls no longer trainable."""


class Variables:
    """Which of a model's variables are learned, and which of these training would change now.

    Keras tells them apart where they are made: what `add_weight` makes with `trainable=False` (running means,
    Normalization's mean, variance and count, seed generators' states) is kept apart from what `layer.trainable`
    switches off and on.
    """

    def __init__(self, model: Any) -> None:
        self._learned: set[int] = set()
        for layer in every_part(model):
            self._learned.update(map(id, getattr(layer, "_trainable_variables", ())))
            if getattr(layer, "quantization_mode", None) is not None:
                own = vars(layer)
                self._learned.update(id(own[name]) for name in QUANTIZED_WEIGHTS if own.get(name) is not None)
        self._trainable = set(map(id, model.trainable_variables))

    def state(self, variable: Any) -> State:
        """The state of one variable."""
        elements = forward.elements(map(int, variable.shape))
        dtype = str(variable.dtype)
        size = memory.tensor_bytes(elements, itemsize(dtype))
        if id(variable) not in self._learned:
            return State(buffers=elements, buffer_bytes=size)
        return State.stored(elements, size, dtype, frozen=id(variable) not in self._trainable)


def every_part(model: Any) -> Iterator[Any]:
    """A model or layer and all layers inside it, at any depth, each once."""
    seen: set[int] = set()
    stack = [model]
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        stack += reversed(getattr(part, "_layers", ()) or ())


def layer_variables(layer: Any) -> list[Any]:
    """All variables of a layer and of the layers inside it, the states of its random generators among them."""
    return list(getattr(layer, "variables", ()))


def own_variables(layer: Any) -> list[Any]:
    """The variables that a layer holds itself, and not the layers inside it."""
    inside = {id(each) for part in getattr(layer, "_layers", ()) for each in part.variables}
    return [each for each in layer_variables(layer) if id(each) not in inside]


def itemsize(dtype: str) -> int:
    """Return the bytes of one element of a dtype by its name [B]; values of less than a byte stand in one.

    >>> itemsize("float32"), itemsize("bfloat16"), itemsize("float8_e4m3fn"), itemsize("bool")
    (4, 2, 1, 1)
    """
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits.group()) // 8) if bits else 1
