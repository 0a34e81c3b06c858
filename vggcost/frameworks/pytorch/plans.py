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


MAPS = {1: "N x C x L", 2: "N x C x H x W", 3: "N x C x D x H x W"}
"""How feature maps are written, by how many axes one has."""


class Plan(Record):
    """What one call will do: the layer (by its class and fields), shapes and ledger; and what does not fit.

    problem: None, or what the operation takes and gets; output is then where the shapes go on all the same.
    shapes: those that do not fit each other. beside: the shapes of what it hands out behind its output, places those
    of int64 tensors of indices behind these.
    """

    kind: type[Layer]
    fields: dict[str, Any]
    input: Shape
    output: Shape
    ledger: Ledger
    problem: str | None = None
    shapes: tuple[Shape, ...] = ()
    beside: tuple[Shape, ...] = ()
    places: tuple[Shape, ...] = ()


def windowed(
    kind: type[Layer],
    fields: dict[str, Any],
    shape: Shape,
    maps: Shape,
    problem: str | None,
    others: tuple[Shape, ...] = (),
    least: int = 1,
) -> Plan:
    """Plan a layer whose window slides over feature maps; shape is the input as the program has it.

    least is the smallest output that torch takes along an axis.
    """
    output, ledger = kind(name="", path=None, **fields).apply(maps)
    if problem is None and min(output[2:]) < least:
        problem = (
            f"has a window of {shape_text(fields['kernel'])} that does not fit its input of {shape_text(maps[2:])}"
        )
    if problem is not None:
        output = (*output[:2], *(max(least, side) for side in output[2:]))
    output = output if len(shape) == len(maps) else output[1:]
    return Plan(kind, fields, shape, output, ledger, problem, (shape, *others))


def pooled(kind: type[Layer], fields: dict[str, Any], shape: Shape) -> Plan:
    """Plan a pool over an input of this shape."""
    axes = len(fields["kernel"])
    maps = maps_of(shape, axes)
    if maps is None:
        return Plan(kind, fields, shape, shape, Ledger(), no_maps(shape, axes), (shape,))
    return windowed(kind, fields, shape, maps, None)


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


def no_maps(shape: Shape, axes: int = 2) -> str:
    """The problem of a layer that takes feature maps of this many axes and gets something else."""
    return f"takes feature maps ({MAPS[axes]}) and gets {shape_text(shape)}"


def maps_of(shape: Shape, axes: int = 2) -> Shape | None:
    """The shape with its batch, which torch lets one left away; None where it is none of feature maps of these axes."""
    if len(shape) == axes + 2:
        return shape
    return (1, *shape) if len(shape) == axes + 1 else None


def batched(shape: Shape) -> Shape:
    """The shape with a batch of one before it where it has features alone, or nothing."""
    return shape if len(shape) > 1 else (1, *(shape or (1,)))


def pair(value: Any) -> Pair:
    """Height and width of what torch takes as one number or as two."""
    if isinstance(value, list | tuple):
        return int(value[0]), int(value[-1])
    return int(value), int(value)


def sides(value: Any, axes: int) -> tuple[int, ...]:
    """A number an axis of what torch takes as one number or as one an axis."""
    if isinstance(value, list | tuple):
        return tuple(map(int, value)) if len(value) > 1 else sides(value[0], axes)
    return tuple(int(value) for _ in range(axes))
