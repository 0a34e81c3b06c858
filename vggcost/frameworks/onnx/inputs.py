"""What an ONNX graph takes: the sizes that it fixes, and those that it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError
from vggcost.frameworks.arguments import DTYPES
from vggcost.network.plan import DEFAULT_SIZE
from vggcost.units import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vggcost.frameworks.arguments import Arguments

    Ints = tuple[int, ...]
    Open = tuple[int | str, ...]
    """The sizes of an input, a word (which may be empty) for each that is left open."""

CHANNELS = (1, 3, 4)
"""Grey, red, green and blue, and these with opacity: what an image's last axis has where its channels are last."""


def inputs_of(model: Any) -> list[Any]:
    """The graph's inputs. Before IR version 4 its initializers stand among them."""
    initialized = {tensor.name for tensor in model.graph.initializer}
    return [given for given in model.graph.input if given.name not in initialized]


def own_sizes(given: Any) -> Open | None:
    """The sizes of an input, None where it is no tensor or does not even say how many there are."""
    if not given.type.HasField("tensor_type") or not given.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        int(side.dim_value) if side.HasField("dim_value") and side.dim_value > 0 else str(side.dim_param)
        for side in given.type.tensor_type.shape.dim
    )


def opened(model: Any, size: tuple[int, int] | None, batch: int) -> list[Ints]:
    """Return the shapes of a model's inputs where no others are given.

    What an input fixes stays. Of what it leaves open the first axis is the batch, an image's height and width are size,
    or 224, its channels those of the first kernel, and any other axis is 1; axes of one name are one size.

    Raises:
        VggcostError: an input fixes a batch or an image of another size than is asked for, or is no tensor.
    """
    named: dict[str, int] = {}
    shapes = []
    for given in inputs_of(model):
        own = own_sizes(given)
        if own is None:
            raise VggcostError(f"the input {given.name!r} says no shape; give it as --input '{given.name}=CxHxW'")
        shapes.append(_filled(given.name, own, size, batch, named))
    return shapes


def _filled(name: str, own: Open, size: tuple[int, int] | None, batch: int, named: dict[str, int]) -> Ints:
    wanted: dict[int, int] = {0: batch}
    if len(own) == 4:
        first = 1 if channels_last(own) else 2
        height, width = size or DEFAULT_SIZE
        wanted |= {first: height, first + 1: width, 3 if first == 1 else 1: 3}
        asked = {**({first: height, first + 1: width} if size else {}), **({0: batch} if batch != 1 else {})}
    else:
        asked = {0: batch} if batch != 1 and own else {}
    for axis, wish in asked.items():
        if isinstance(own[axis], int) and own[axis] != wish:
            option = "--batch" if axis == 0 else "--size"
            raise VggcostError(
                f"the input {name!r} is {shape_text(tuple(map(_word, own)))}, which the file fixes, and {option} asks"
                f" for {wish} in place of {own[axis]}; leave it away, or export with that axis dynamic",
                takes=own[axis],
                gets=wish,
            )
    shape: list[int] = []
    for axis, side in enumerate(own):
        if isinstance(side, int):
            shape.append(side)
        else:
            value = named.get(side, wanted.get(axis, 1)) if side else wanted.get(axis, 1)
            named.setdefault(side, value)
            shape.append(value)
    return tuple(shape)


def channels_last(own: Sequence[int | str]) -> bool:
    """Whether an image's channels are its last axis."""
    return len(own) == 4 and own[3] in CHANNELS and own[1] not in CHANNELS


def given_shapes(model: Any, arguments: Arguments, program: str) -> list[tuple[Ints, str | None]]:
    """Return the shape and the dtype (None: the graph's own) of each of a graph's inputs, in its order.

    Raises:
        VggcostError: another number of inputs, an unknown name, or a shape that an input does not take.
    """
    inputs = inputs_of(model)
    names = [given.name for given in inputs]
    found = dict(zip(names, arguments.positional, strict=False)) | dict(arguments.named)
    strangers = [name for name in arguments.named if name not in names]
    if strangers or len(arguments.positional) > len(names) or set(names) - set(found):
        takes = ", ".join(f"{given.name}={_text(own_sizes(given))}" for given in inputs) or "nothing"
        got = len(arguments.positional) + len(arguments.named)
        raise VggcostError(f"{program} takes {len(names)} inputs ({takes}) and gets {got}; give a shape for each")
    shapes = []
    for given in inputs:
        value = found[given.name]
        if not hasattr(value, "shape"):
            raise VggcostError(f"{program} takes a tensor for {given.name!r} and gets {value!r:.40}; give a shape")
        shape = tuple(int(side) for side in value.shape)
        own = own_sizes(given)
        if own is not None and not _fits(own, shape):
            raise VggcostError(
                f"{program} takes {_text(own)} for {given.name!r} and gets {shape_text(shape)}; what the file fixes"
                " cannot be another",
                takes=own,
                gets=shape,
            )
        dtype = str(getattr(value, "dtype", None)).rpartition(".")[2]
        shapes.append((shape, dtype if dtype in DTYPES else None))
    return shapes


def _fits(own: Open, shape: Ints) -> bool:
    return len(own) == len(shape) and all(
        mine == its or isinstance(mine, str) for mine, its in zip(own, shape, strict=True)
    )


def _text(own: Open | None) -> str:
    return "any shape" if own is None else shape_text(tuple(map(_word, own))) or "a scalar"


def _word(side: int | str) -> Any:
    return side or "any"
