"""What a model is called with, whichever framework's it is: shapes in place of tensors, in any nesting."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

from vggcost.errors import VggcostError, WrongKindError, unknown
from vggcost.printable import shown
from vggcost.record import Record
from vggcost.units import COUNT_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Ints = tuple[int, ...]

DTYPES = (
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *("bool", "uint8", "int8", "int16", "int32", "int64"),
)
"""What a tensor may hold, by the names that torch and Keras share."""


class Shaped(Record):
    """A tensor of which only its shape is known, batch first, and its dtype (None: the floats that a model takes).

    batch_added: the batch was put before a shape that was given without it.
    """

    shape: Ints
    dtype: str | None = None
    batch_added: bool = False


class Arguments(Record):
    """The arguments of one forward call, by position and by name.

    A tensor is a `Shaped`, or a real one, of which shape and dtype are looked at; lists, tuples and dictionaries hold
    further ones, and everything else is handed on as it is. or_one: the names may be the keys of one dictionary, where
    the model has no arguments of these names.
    """

    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    or_one: bool = False

    def tensors(self) -> list[Any]:
        """Every tensor, in order: those by position first."""
        return list(_tensors((self.positional, dict(self.named))))

    def shapes(self) -> tuple[Ints, ...]:
        """Their shapes."""
        return tuple(tuple(int(side) for side in each.shape) for each in self.tensors())

    def changed(self, change: Callable[[Any], Any]) -> Arguments:
        """The same with each tensor changed."""
        return Arguments(
            tuple(_changed(each, change) for each in self.positional),
            {name: _changed(each, change) for name, each in self.named.items()},
            self.or_one,
        )


def _tensors(tree: Any) -> Iterator[Any]:
    if hasattr(tree, "shape"):
        yield tree
    elif isinstance(tree, list | tuple):
        for each in tree:
            yield from _tensors(each)
    elif isinstance(tree, Mapping):
        for each in tree.values():
            yield from _tensors(each)


def _changed(tree: Any, change: Callable[[Any], Any]) -> Any:
    if hasattr(tree, "shape"):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: _changed(each, change) for key, each in tree.items()}
    if isinstance(tree, list | tuple):
        return _alike(tree, (_changed(each, change) for each in tree))
    return tree


def _alike(sequence: Any, values: Iterator[Any]) -> Any:
    """A list, a tuple or a named tuple, as another is one."""
    made: Any = getattr(type(sequence), "_make", type(sequence))
    return made(values)


def images(shapes: Sequence[Ints]) -> Arguments:
    """Return the arguments of a model that takes tensors of these shapes, batch first, by position."""
    return Arguments(tuple(Shaped(tuple(shape)) for shape in shapes), {})


def of_values(given: Any) -> Arguments:
    """Return the arguments that a caller of the API means.

    A shape (a sequence of ints, batch first), a tensor or a text such as ``int64[1x20]`` is one argument; a list or
    tuple of these has one each, a dictionary one by each name. Inside an argument, lists and dictionaries stay.
    Arguments stay as they are.

    Raises:
        VggcostError: a shape with a side below 1, a text that is no dtype[shape], or no tensor at all.
    """
    if isinstance(given, Arguments):
        return given
    try:
        return _arguments(given)
    except RecursionError:
        raise VggcostError("input is nested too deeply; give lists and dictionaries of a few levels") from None


def _arguments(given: Any) -> Arguments:
    if isinstance(given, Mapping) and given and all(isinstance(name, str) for name in given):
        arguments = Arguments((), {name: _argument(each) for name, each in given.items()}, or_one=True)
    elif isinstance(given, list | tuple) and given and not _is_shape(given):
        arguments = Arguments(tuple(_argument(each) for each in given), {})
    else:
        arguments = Arguments((_argument(given),), {})
    if not arguments.tensors():
        raise WrongKindError(
            f"input is {shown(given, 80)}; give a shape such as (1, 3, 224, 224), a tensor, a text such as"
            " 'int64[1x20]', or a list or a dictionary of these"
        )
    return arguments


def _is_shape(value: Any) -> bool:
    # numpy's whole numbers are Integral, too; a tensor is none.
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(side, Integral) and not isinstance(side, bool) for side in value)
    )


def _argument(value: Any) -> Any:
    if hasattr(value, "shape"):
        return value
    if _is_shape(value):
        if not all(1 <= side <= COUNT_LIMIT for side in value):
            raise VggcostError(
                f"input has the shape {shown(tuple(value))}; give whole numbers from 1 to 10^18, batch first"
            )
        return Shaped(tuple(int(side) for side in value))
    if isinstance(value, Mapping):
        return {key: _argument(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return _alike(value, (_argument(each) for each in value))
    if isinstance(value, str) and "[" in value:
        dtype, _, sides = value.removesuffix("]").partition("[")
        if value.endswith("]") and all(_is_side(side) for side in sides.split("x") if sides):
            shape = tuple(int(side) for side in sides.split("x")) if sides else ()
            return Shaped(shape, checked_dtype(dtype, f"input {value!r}"))
        raise VggcostError(f"input is {value[:80]!r}; give dtype[shape], batch first, as 'int64[1x20]'")
    return value


def _is_side(text: str) -> bool:
    return text.isdecimal() and len(text) <= 19 and 1 <= int(text) <= COUNT_LIMIT


def checked_dtype(word: str, where: str) -> str:
    """Return a dtype's name.

    Raises:
        VggcostError: it is not known.
    """
    if word in DTYPES:
        return word
    raise unknown("dtype", word, DTYPES, f" ({where})")
