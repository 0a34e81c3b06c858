"""What a Keras model's inputs are called, and the given arguments as their shapes, in the graph's own order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vggcost.errors import VggcostError, nearest
from vggcost.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vggcost.frameworks.arguments import Arguments

    Ints = tuple[int, ...]


def own_shapes(model: Any) -> list[tuple[int | None, ...]]:
    """Return the shapes that a model's inputs leave open or fix; none for a model that has no graph yet."""
    return [tuple(tensor.shape) for tensor in _inputs(model)]


def given_shapes(graph: Any, arguments: Arguments, program: str) -> list[Ints]:
    """Return the shape of each of a graph's inputs, in its order, as the arguments give them by place or by name.

    Raises:
        VggcostError: another number of them, or a name that no input has.
    """
    places = _names(graph)
    number = len(_inputs(graph))
    found: list[Any] = list(arguments.positional)
    named = dict(arguments.named)
    if len(found) == 1 and not named:  # one list or dictionary of all inputs, as Keras itself takes them
        if isinstance(found[0], dict):
            found, named = [], dict(found[0])
        elif isinstance(found[0], list | tuple):
            found = list(found[0])
    by_place: dict[int, Any] = dict(enumerate(found))
    for name, value in named.items():
        if name not in places:
            raise VggcostError(f"{program} has no input {name!r}; {nearest(str(name), tuple(places))}")
        by_place[places[name]] = value
    tensors = [by_place[place] for place in sorted(by_place)]
    if sorted(by_place) != list(range(number)) or len(found) + len(named) != number:
        raise VggcostError(
            f"{program} takes {counted(number, 'input')} ({', '.join(dict.fromkeys(places))}) and gets"
            f" {len(found) + len(named)}; give a shape for each, in the model's own layout"
        )
    for value in tensors:
        if not hasattr(value, "shape"):
            raise VggcostError(f"{program} is given {value!r:.60} for an input; give a shape, as 224x224x3")
    return [tuple(int(side) for side in value.shape) for value in tensors]


def symbolic(keras: Any, arguments: Arguments) -> Arguments:
    """Return the arguments with one of Keras's symbols for each tensor."""

    def symbol(each: Any) -> Any:
        shape = tuple(int(side) for side in each.shape)
        dtype = getattr(each, "dtype", None)
        return keras.Input(batch_shape=shape, dtype=None if dtype is None else str(dtype).rpartition(".")[2])

    return arguments.changed(symbol)


def _inputs(model: Any) -> list[Any]:
    try:
        return list(model.inputs or ())
    except (AttributeError, ValueError):
        return []


def _names(graph: Any) -> dict[str, int]:
    """The place of each input by its layer's name, and by its key where the model takes a dictionary."""
    tensors = _inputs(graph)
    places = {str(tensor.name): place for place, tensor in enumerate(tensors)}
    for key, tensor in _keys(getattr(graph, "_inputs_struct", None)):
        place = next((place for place, each in enumerate(tensors) if each is tensor), None)
        if place is not None:
            places[key] = place
    return places


def _keys(struct: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(struct, dict):
        for key, value in struct.items():
            yield str(key), value
            yield from _keys(value)
    elif isinstance(struct, list | tuple):
        for value in struct:
            yield from _keys(value)
