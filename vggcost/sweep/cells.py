"""The cells of a bench over a space: one network in one variant at one size, batch, dtype and layout on one device."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from vggcost import units
from vggcost.errors import VggcostError, unknown
from vggcost.network import catalogue
from vggcost.network.network_file import toml_text
from vggcost.record import Record
from vggcost.sweep.space import GRID, file_document, of_document, unravelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vggcost.sweep.space import Space, StructurePoint

LAYOUTS = ("contiguous", "channels_last")
"""What the axis `layout` may have: torch's memory formats of weights and input."""

MOST_CELLS = 10_000
"""A cell is measured for seconds; more of them are a mistake."""

HERE = "here"
"""The tag of cells where the workers have none."""

OPTIONS = ("width", "batch_norm", "bias", "adaptive_pool", "head", "in_channels", "classes", "size", "batch", "dtype")
"""The options of `vggcost bench` that are axes of a space."""


class Cell(Record):
    """One measurement: the network's name, its file's text where it has one, options by name, layout and device's tag.

    settings are further words of `vggcost bench`, and version is vggcost's: a measurement under others is another.
    repeat numbers the repeats of the reference cell, 0 for a measurement of its own.
    """

    network: str
    network_file: str | None
    options: Mapping[str, Any]
    layout: str
    tag: str
    settings: tuple[str, ...]
    version: str
    repeat: int = 0

    @property
    def identity(self) -> dict[str, Any]:
        """All that makes it this cell, as plain values."""
        return {
            "network": self.network,
            "network_file": self.network_file,
            **{name: _plain(value) for name, value in self.options.items()},
            "layout": self.layout,
            "tag": self.tag,
            "settings": list(self.settings),
            "version": self.version,
            "repeat": self.repeat,
        }

    @property
    def digest(self) -> str:
        """A hash of its identity."""
        return sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()

    @property
    def file(self) -> str:
        """The name of its result."""
        start = "reference" if self.repeat else "cell"
        return f"{start}-{_in_a_name(self.tag)}-{_in_a_name(self.network)}-{self.digest[:16]}.json"

    @property
    def title(self) -> str:
        """What people call it."""
        words = [self.network, *self.words(None)[1:], f"on {self.tag}"]
        return " ".join(words) + (f" (reference, repeat {self.repeat})" if self.repeat else "")

    def words(self, file: str | None) -> list[str]:
        """The words behind `vggcost bench`; file is where the network's file was written."""
        found = ["--file", file] if file is not None else [self.network]
        for name, value in self.options.items():
            option = name.replace("_", "-")
            if isinstance(value, bool):
                found.append(f"--{option}" if value else f"--no-{option}")
            elif value is not None:
                found += [f"--{option}", _word(name, value)]
        if self.layout == "channels_last":
            found.append("--channels-last")
        return [*found, *self.settings]


def _word(name: str, value: Any) -> str:
    if name == "size":
        return units.pair_text(value)
    if name == "head":
        return ",".join(map(str, value)) or "none"
    return str(value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _in_a_name(text: str) -> str:
    """A text as a part of a file's name, on every system."""
    stem = os.path.basename(text)
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "-" for sign in stem)[:40]


def read_cells(path: str, tags: Sequence[str], settings: Sequence[str], version: str) -> list[Cell]:
    """Return every cell of a space file on each device, in an order in which no axis rises with time.

    A space file of a bench has one axis beside those of a sweep: layout.

    Raises:
        VggcostError: the space cannot be read, has an axis that no bench has, or too many cells.
    """
    document = file_document(path)
    axes = document.get("axes")
    layouts: tuple[str, ...] = LAYOUTS[:1]
    if isinstance(axes, dict):
        layouts = _layouts(axes.pop("layout", LAYOUTS[0]), path)
        if "optimizer" in axes:
            raise VggcostError(f"{path}: axes.optimizer is none of a bench, which times one pass; leave it away")
    if document.pop("convention", None) is not None:
        raise VggcostError(f"{path}: convention is none of a bench, which counts nothing; leave it away")
    space = of_document(document, path)
    number = space.points * len(layouts) * len(tags)
    if number > MOST_CELLS:
        raise VggcostError(f"{path} has {number:,} cells, each measured for seconds; give at most {MOST_CELLS:,}")
    made = [
        Cell(*network, options, layout, tag, tuple(settings), version)
        for network, options in _networks(space)
        for layout in layouts
        for tag in tags
    ]
    return sorted(made, key=lambda cell: cell.digest)


def _layouts(given: Any, path: str) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    for word in listed:
        if word not in LAYOUTS:
            found = unknown("layout", word, LAYOUTS)
            raise VggcostError(f"{path}: axes.layout: {found}", nearest=found.nearest)
    if not listed or len(set(listed)) < len(listed):
        raise VggcostError(f"{path}: axes.layout is {listed!r}; give each layout once, of {', '.join(LAYOUTS)}")
    return tuple(listed)


def _networks(space: Space) -> Iterator[tuple[tuple[str, str | None], dict[str, Any]]]:
    """Each network's name and file, with its options."""
    for index in range(space.structures):
        point = space.structure(index)
        for place in range(space.grid):
            places = unravelled(place, space.grid_shape)
            if space.block_axes:
                raise VggcostError("blocks.width is none of a bench; give networks of your own as files in axes.config")
            grid = {name: space.values[name][at] for name, at in zip(GRID[1:], places[1:], strict=True)}
            values = {**point.values, **grid}
            yield _network(point), {name: values[name] for name in OPTIONS if values[name] is not None}


def _network(point: StructurePoint) -> tuple[str, str | None]:
    """A name that every machine knows, or a file's text, which is sent along."""
    name = point.plan.name
    known = catalogue.is_name(name) and catalogue.find(name) == point.plan
    return (name, None) if known else (name, toml_text(point.plan))


def with_references(cells: Iterable[Cell], every: int) -> list[Cell]:
    """Return the cells of each device, and after so many of them the device's first cell once more."""
    by_tag: dict[str, list[Cell]] = {}
    for cell in cells:
        by_tag.setdefault(cell.tag, []).append(cell)
    found = []
    for own in by_tag.values():
        for number, cell in enumerate(own, 1):
            found.append(cell)
            if number % every == 0 or number == len(own):
                found.append(own[0].replace(repeat=-(-number // every)))
    return found
