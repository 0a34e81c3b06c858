"""What one call of a torch program will do to shapes, and what rules share to say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.network.ledger import Ledger
from vggcost.record import Record
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from vggcost.network.layer import Layer

    Shape = tuple[int, ...]
    Pair = tuple[int, int]
    Rule = Callable[..., "Plan"]


class Plan(Record):
    """What one call will do: the layer (by its class and fields), shapes and ledger; and what does not fit.

    problem: None, or what the operation takes and gets; output is then where the shapes go on all the same.
    shapes: those that do not fit each other.
    """

    kind: type[Layer]
    fields: dict[str, Any]
    input: Shape
    output: Shape
    ledger: Ledger
    problem: str | None = None
    shapes: tuple[Shape, ...] = ()


def windowed(
    kind: type[Layer],
    fields: dict[str, Any],
    shape: Shape,
    image: Shape,
    problem: str | None,
    others: tuple[Shape, ...] = (),
) -> Plan:
    """Plan a layer whose window slides over an image; shape is the input as the program has it."""
    output, ledger = kind(name="", path=None, **fields).apply(image)
    if problem is None and min(output[2:]) < 1:
        problem = (
            f"has a window of {shape_text(fields['kernel'])} that does not fit its input of {shape_text(image[2:])}"
        )
    if problem is not None:
        output = (*output[:2], max(1, output[2]), max(1, output[3]))
    return Plan(kind, fields, shape, output if len(shape) == 4 else output[1:], ledger, problem, (shape, *others))


def pooled(kind: type[Layer], fields: dict[str, Any], shape: Shape) -> Plan:
    """Plan a pool over an input of this shape."""
    image = image_of(shape)
    if image is None:
        return Plan(kind, fields, shape, shape, Ledger(), no_image(shape), (shape,))
    return windowed(kind, fields, shape, image, None)


def same_shape(kind: type[Layer], tensor: torch.Tensor, fields: dict[str, Any] | None = None) -> Plan:
    """Plan a layer that keeps the shape."""
    shape = shape_of(tensor)
    _, ledger = kind(name="", path=None, **(fields or {})).apply(batched(shape))
    return Plan(kind, fields or {}, shape, shape, ledger)


def is_tensor(value: Any) -> bool:
    """Whether a value of the program is a tensor."""
    return hasattr(value, "is_meta")


def shape_of(value: Any) -> Shape:
    """The shape of a tensor; that of a scalar for anything else."""
    return tuple(map(int, value.shape)) if is_tensor(value) else ()


def no_image(shape: Shape) -> str:
    """The problem of a layer that takes feature maps and gets something else."""
    return f"takes feature maps (N x C x H x W) and gets {shape_text(shape)}"


def image_of(shape: Shape) -> Shape | None:
    """The shape with its batch, which torch lets a single image leave away; None where it is no image."""
    if len(shape) == 4:
        return shape
    return (1, *shape) if len(shape) == 3 else None


def batched(shape: Shape) -> Shape:
    """The shape with a batch of one before it where it has features alone, or nothing."""
    return shape if len(shape) > 1 else (1, *(shape or (1,)))


def pair(value: Any) -> Pair:
    """Height and width of what torch takes as one number or as two."""
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)
