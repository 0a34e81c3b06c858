"""A space of networks: its axes in the order in which they vary, read from a space file or a mapping.

The last axis varies fastest, so that a point's flat index says all of its values, and the reverse.
"""

from __future__ import annotations

import os
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.costs.training import STATES
from vggcost.errors import VggcostError, in_part, unknown
from vggcost.network import catalogue
from vggcost.network.plan import Configuration, Variant
from vggcost.network.unfold import MOST_HIDDEN, width_factor
from vggcost.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STRUCTURE = ("plan", "in_channels", "batch_norm", "bias", "adaptive_pool", "head", "dtype", "optimizer")
"""The axes of which each combination is walked by itself."""

GRID = ("block_width", "width", "size", "classes", "batch")
"""The axes that a walk takes as arrays."""

BLOCK_WIDTHS = (64, 128, 256, 512, 512)
"""The widths of the paper's five blocks; a further block is as wide as the last."""

MOST_VALUES = 1_000_000
"""How many values one axis may have."""

LARGEST_FILE_BYTES = 10_000_000


class Space(Record):
    """All points: the values of each axis, None for what the configuration itself has.

    plan holds configurations, or where blocks are given one a combination of depths; `block_width` holds a tuple of
    widths for each of its combinations, made when asked for (`block_widths`).
    """

    plans: Plans
    values: Mapping[str, tuple[Any, ...]]
    block_axes: tuple[tuple[int, ...], ...]
    """The widths of each block, where they are given; else ()."""
    convention: str | None
    named: tuple[str, ...]
    """The axes that the file has, in the order of STRUCTURE and GRID."""

    @cached_property
    def structure_shape(self) -> tuple[int, ...]:
        """How many values each axis of STRUCTURE has."""
        return (len(self.plans), *(len(self.values[name]) for name in STRUCTURE[1:]))

    @cached_property
    def grid_shape(self) -> tuple[int, ...]:
        """How many values each axis of GRID has."""
        return (prod(map(len, self.block_axes)), *(len(self.values[name]) for name in GRID[1:]))

    @property
    def structures(self) -> int:
        """How many combinations are walked by themselves."""
        return prod(self.structure_shape)

    @property
    def grid(self) -> int:
        """How many points each structure has."""
        return prod(self.grid_shape)

    @property
    def points(self) -> int:
        """How many networks there are, each at its image, batch and dtype."""
        return self.structures * self.grid

    def structure(self, index: int) -> StructurePoint:
        """Return a structure by its number."""
        places = unravelled(index, self.structure_shape)
        values = {name: self.values[name][place] for name, place in zip(STRUCTURE[1:], places[1:], strict=True)}
        return StructurePoint(self.plans[places[0]], values)

    def block_width(self, index: int) -> tuple[int, ...]:
        """Return a combination of the blocks' widths by its number."""
        places = unravelled(index, tuple(map(len, self.block_axes)))
        return tuple(axis[place] for axis, place in zip(self.block_axes, places, strict=True))

    def identity(self) -> dict[str, Any]:
        """Return all that says which points these are, as plain values."""
        return {
            "plans": self.plans.identity(),
            "axes": {name: list(of) for name, of in self.values.items()},
            "block_widths": [list(axis) for axis in self.block_axes],
            "convention": self.convention,
        }


class StructurePoint(Record):
    """One combination of the axes of STRUCTURE: a configuration, and the values of the others by name."""

    plan: Configuration
    values: Mapping[str, Any]

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        dtype: str = self.values["dtype"]
        return dtype

    def variant(self) -> Variant:
        """Return the plan's variant with this structure's values."""
        names = ("in_channels", "batch_norm", "bias", "adaptive_pool", "head")
        given = {name: self.values[name] for name in names if self.values[name] is not None}
        if "head" in given:
            given["classifier"] = True
        return self.plan.variant.replace(**given)


class Plans:
    """The configurations of a space by number: those that are named, or all depths of blocks."""

    def __init__(self, named: Sequence[tuple[str, Configuration]], depths: tuple[tuple[int, ...], ...] = ()) -> None:
        self._named = tuple(named)
        self.depths = depths
        self._shape = tuple(map(len, depths))

    def __len__(self) -> int:
        return prod(self._shape) if self.depths else len(self._named)

    def __getitem__(self, index: int) -> Configuration:
        if not self.depths:
            return self._named[index][1]
        depths = self.depth(index)
        tokens: list[int | str] = []
        for block, depth in enumerate(depths):
            tokens += [BLOCK_WIDTHS[min(block, len(BLOCK_WIDTHS) - 1)]] * depth
            tokens.append("M")
        name = f"blocks-{'-'.join(map(str, depths))}"
        return Configuration(name, tuple(tokens), "blocks of a space", "a space file")

    def depth(self, index: int) -> tuple[int, ...]:
        """Return how many convolutions stand in each block."""
        places = unravelled(index, self._shape)
        return tuple(axis[place] for axis, place in zip(self.depths, places, strict=True))

    def text(self, index: int) -> str:
        """Return what a command names it by: a configuration's name, a file's path; the name of blocks."""
        return self[index].name if self.depths else self._named[index][0]

    def identity(self) -> Any:
        """Return which these are, as plain values: a network file by what is in it."""
        if self.depths:
            return [list(axis) for axis in self.depths]
        return [[plan.name, repr(plan.features), repr(plan.variant), list(plan.size)] for _, plan in self._named]


def unravelled(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the places on each axis of a flat index; the last axis varies fastest.

    >>> unravelled(7, (2, 2, 3))
    (1, 0, 1)
    """
    places = []
    for length in reversed(shape):
        index, place = divmod(index, length)
        places.append(place)
    return tuple(reversed(places))


def read(space: str | os.PathLike[str] | Mapping[str, Any]) -> Space:
    """Return the space that a file or a mapping describes.

    Raises:
        VggcostError: the file cannot be read, is not TOML, or does not follow the types of `space_schema`; an axis is
            empty, endless or has a value twice; a configuration, dtype or optimizer that is not known.
    """
    if isinstance(space, str | os.PathLike):
        where = os.fsdecode(space)
        return _from_document(file_document(where), where, os.path.dirname(where))
    if not hasattr(space, "keys"):
        raise VggcostError("the space is neither a file nor a mapping; give SPACE.toml, or {'axes': {...}}")
    return _from_document(_listed(space), "the space", "")


def of_document(document: dict[str, Any], path: str) -> Space:
    """Return the space of a document that `file_document` has read from a file, whose networks stand beside it.

    Raises:
        VggcostError: as `read` does.
    """
    return _from_document(document, path, os.path.dirname(path))


def file_document(path: str) -> dict[str, Any]:
    """Return what a space file has, unchecked.

    Raises:
        VggcostError: it cannot be read, or is not TOML.
    """
    import tomllib

    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "that is no file name"
        raise VggcostError(f"cannot read the space file {in_part(path)!r}: {why}", file=path) from None
    if len(data) > LARGEST_FILE_BYTES:
        raise VggcostError(f"{path} has more than {LARGEST_FILE_BYTES:,} bytes; a space file has some hundred")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise VggcostError(f"{path}: not UTF-8 text; a space file is TOML") from None
    except tomllib.TOMLDecodeError as error:
        raise VggcostError(f"{path}: {error}; a space file is TOML") from None
    except (RecursionError, ValueError):
        raise VggcostError(f"{path}: it is nested too deeply or has a number of too many digits") from None


def _listed(value: Any) -> Any:
    """A mapping as a TOML file would have it: lists for tuples and arrays."""
    if hasattr(value, "keys"):
        return {str(key): _listed(each) for key, each in dict(value).items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [_listed(each) for each in value]
    return os.fsdecode(value) if isinstance(value, os.PathLike) else value


def _from_document(document: dict[str, Any], where: str, folder: str) -> Space:
    from vggcost.schema import complaint, first_fault
    from vggcost.sweep.space_schema import SpaceFile

    fault = first_fault(document, SpaceFile)
    if fault:
        raise VggcostError(f"{where}: {complaint(fault)}")
    reader = _Reader(where, folder)
    axes = document.get("axes", {})
    blocks = document.get("blocks")
    if blocks is not None and "config" in axes:
        raise VggcostError(f"{where}: axes.config and blocks are both given; give one of them")
    readers = reader.readers()
    values = {
        name: reader.values(axes[name], f"axes.{name}", read) if name in axes else usual
        for name, (read, usual) in readers.items()
    }
    configs = values.pop("config")
    block_axes: tuple[tuple[int, ...], ...] = ()
    depths: tuple[tuple[int, ...], ...] = ()
    if blocks is not None:
        depths = reader.of_blocks(blocks["depth"], "blocks.depth")
        if "width" in blocks:
            block_axes = reader.of_blocks(blocks["width"], "blocks.width")
            if len(block_axes) != len(depths):
                raise VggcostError(
                    f"{where}: blocks.width has {units.counted(len(block_axes), 'block')} and blocks.depth"
                    f" {len(depths)}; give as many"
                )
    plans = Plans(() if depths else [reader.plan(text) for text in configs], depths)
    order = ("config", *STRUCTURE[1:], *GRID[1:])
    named = [name for name in order if name in axes]
    if depths:
        named = ["depth", *(("block_width",) if block_axes else ()), *named]
    return Space(plans, values, block_axes, document.get("convention"), tuple(named))


class _Reader:
    """Reads the axes of one document; its refusals say where."""

    def __init__(self, where: str, folder: str) -> None:
        self._where = where
        self._folder = folder

    def readers(self) -> dict[str, tuple[Callable[[Any, str], Any], tuple[Any, ...]]]:
        """Return what reads a value of each axis, and the values of one that is not given."""
        own = (None,)
        return {
            "config": (lambda value, _: value, ("D",)),
            "in_channels": (self._count, own),
            "batch_norm": (lambda value, _: value, own),
            "bias": (lambda value, _: value, own),
            "adaptive_pool": (lambda value, _: value, own),
            "head": (self._head, own),
            "dtype": (lambda value, place: self._word("dtype", value, tuple(units.DTYPE_BYTES), place), ("float32",)),
            "optimizer": (lambda value, place: self._word("optimizer", value, tuple(STATES), place), ("sgd",)),
            "width": (self._width, own),
            "size": (self._size, own),
            "classes": (self._count, own),
            "batch": (self._count, (1,)),
        }

    def values(self, given: Any, place: str, read: Callable[[Any, str], Any]) -> tuple[Any, ...]:
        """Return the values of an axis.

        Raises:
            VggcostError: there are none, too many, or one twice; one cannot be read.
        """
        if isinstance(given, dict):
            listed = self._range(given, place)
        elif isinstance(given, list):
            listed = given
        else:
            listed = [given]
        if not listed:
            raise VggcostError(f"{self._where}: {place} is empty; give at least one value")
        if len(listed) > MOST_VALUES:
            raise VggcostError(f"{self._where}: {place} has {len(listed):,} values; give at most {MOST_VALUES:,}")
        found = tuple(read(value, place) for value in listed)
        seen = set()
        for value, written in zip(found, listed, strict=True):
            key = (type(value) is bool, value)
            if key in seen:
                raise VggcostError(f"{self._where}: {place} has {written!r} twice; give each value once")
            seen.add(key)
        return found

    def of_blocks(self, given: list[Any], place: str) -> tuple[tuple[int, ...], ...]:
        """Return the counts of each block."""
        return tuple(self.values(each, f"{place}[{number}]", self._count) for number, each in enumerate(given))

    def plan(self, text: str) -> tuple[str, Configuration]:
        """Return what a command calls a configuration, and the configuration."""
        path = text
        if text.lower().endswith(catalogue.NETWORK_FILE_ENDING):
            path = os.path.join(self._folder, text)  # beside the space file, as in every file that names others
        try:
            return path, catalogue.named(path)
        except VggcostError as error:
            raise VggcostError(f"{self._where}: axes.config: {error}", nearest=error.nearest) from None

    def _range(self, given: Mapping[str, Any], place: str) -> list[Any]:
        if "powers_of" in given:
            if "step" in given:
                raise VggcostError(f"{self._where}: {place} has step and powers_of; give one of them")
            return list(self._powers(given))
        missing = next((name for name in ("from", "step") if name not in given), None)
        if missing:
            raise VggcostError(f"{self._where}: {place} has no {missing!r}; give {{ from = 32, to = 512, step = 32 }}")
        first, last, step = (Fraction(str(given[name])) for name in ("from", "to", "step"))
        if first > last:
            raise VggcostError(f"{self._where}: {place} goes from {given['from']} to {given['to']}, which is below it")
        number = (last - first) // step + 1
        if number > MOST_VALUES:
            raise VggcostError(
                f"{self._where}: {place} has {number:,} values by its step {given['step']}; give a larger step, for at"
                f" most {MOST_VALUES:,}"
            )
        steps = (first + each * step for each in range(int(number)))
        return [int(each) if each.denominator == 1 else float(each) for each in steps]

    def _powers(self, given: Mapping[str, Any]) -> Iterator[int]:
        power = 1
        while power <= given["to"]:
            if power >= given.get("from", 1):
                yield power
            power *= given["powers_of"]

    def _count(self, value: Any, place: str) -> int:
        if not isinstance(value, int):
            raise VggcostError(f"{self._where}: {place} has {value}; give whole numbers")
        return value

    def _width(self, value: Any, place: str) -> float:
        try:
            return width_factor(value)
        except VggcostError as error:
            raise VggcostError(f"{self._where}: {place}: {error}") from None

    def _size(self, value: Any, place: str) -> tuple[int, int]:
        if isinstance(value, list):
            return value[0], value[1]
        side = self._count(value, place)
        return side, side

    def _head(self, value: Any, place: str) -> tuple[int, ...]:
        if isinstance(value, list):
            widths = tuple(value)
        elif value.strip().lower() == "none":
            widths = ()
        else:
            parts = [part.strip() for part in value.split(",")]
            if not all(part.isascii() and part.isdecimal() and 0 < len(part) < 20 for part in parts):
                raise VggcostError(f'{self._where}: {place} has {value!r}; give "none", "512" or "4096,4096"')
            widths = tuple(map(int, parts))
        if len(widths) > MOST_HIDDEN or not all(0 < width <= units.COUNT_LIMIT for width in widths):
            most = f"give at most {MOST_HIDDEN} widths from 1 to 10^18"
            raise VggcostError(f"{self._where}: {place} has {value!r}; {most}")
        return widths

    def _word(self, what: str, value: str, known: tuple[str, ...], place: str) -> str:
        if value not in known:
            found = unknown(what, value, known)
            raise VggcostError(f"{self._where}: {place}: {found}", nearest=found.nearest)
        return value
