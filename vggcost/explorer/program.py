"""Structures as a program: functions of JavaScript, each of them once, and tables of who calls which with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from vggcost.explorer.printer import data, javascript
from vggcost.explorer.terms import terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from vggcost.explorer.structures import LayerForms, MomentForms, StructureForms

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class PageProgram:
    """What the page computes with: functions, rows and structures, gathered one structure after another.

    A call is the place of a function and the names of the sizes that it is given. Equal ones are one.
    """

    def __init__(self) -> None:
        self._functions: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._tables: dict[str, dict[str, int]] = {"counted": {}, "layers": {}, "moments": {}}
        self._structures: dict[str, Any] = {}
        self._channels: dict[str, Any] = {}
        self._calls: dict[Any, list[Any]] = {}

    def add_channels(self, key: str, channels: Mapping[Any, Any]) -> None:
        """Add what a configuration's widths become, by the symbol of each."""
        self._channels[key] = [[str(name), *self._call([size])] for name, size in channels.items()]

    def add(self, key: str, structure: StructureForms) -> None:
        """Add a structure under a key."""
        held = list(structure.held.values())
        updates = [value for pair in structure.updates.values() for value in pair]
        self._structures[key] = [
            [[str(name), *self._call([size])] for name, size in structure.sizes.items()],
            [self._once("layers", self._layer(layer)) for layer in structure.layers],
            [[fits.layer, fits.what, *self._call([fits.takes, fits.gets])] for fits in structure.fits],
            self._call([*held, *updates]),
            list(self._moments(structure.forward)),
            list(self._moments(structure.step)),
        ]

    def _layer(self, layer: LayerForms) -> list[Any]:
        ledger = [name for name in layer.expressions if name.startswith("ledger_")]
        counted = self._once("counted", [self._counts.setdefault(each, len(self._counts)) for each in layer.counts])
        return [
            layer.name,
            layer.kind,
            [name.removeprefix("ledger_") for name in ledger],
            counted,
            len(layer.input),
            *self._call([*layer.input, *layer.output, *layer.expressions.values()]),
        ]

    def _moments(self, moments: Iterable[MomentForms]) -> Iterable[int]:
        """Each moment by what it has more than the one before, in each part; what is negative there is gone."""
        before: dict[str, Any] = {}
        for moment in moments:
            now = {name: terms(part) for name, part in moment.parts.items()}
            more = [part - before.get(name, 0) for name, part in now.items()]
            before = now
            yield self._once("moments", [moment.phase, moment.layer, *self._call(more)])

    def _call(self, expressions: Sequence[Any]) -> list[Any]:
        """A function that yields these values as an array, and the names of its arguments."""
        texts = tuple(sympy.sympify(each) for each in expressions)
        if texts not in self._calls:
            self._calls[texts] = self._call_of(texts)
        return self._calls[texts]

    def _call_of(self, texts: Sequence[Any]) -> list[Any]:
        symbols: dict[Any, Any] = {}
        for each in texts:
            for symbol in sorted(each.free_symbols, key=str):
                symbols.setdefault(symbol, sympy.Symbol(_letter(len(symbols)), integer=True, positive=True))
        inside = ",".join(javascript(each.xreplace(symbols)) for each in texts)
        text = f"({','.join(map(str, symbols.values()))})=>[{inside}]"
        return [self._functions.setdefault(text, len(self._functions)), *map(str, symbols)]

    def _once(self, table: str, row: list[Any]) -> int:
        rows = self._tables[table]
        return rows.setdefault(data(row), len(rows))

    def source(self) -> str:
        """The program's source: FUNCTIONS, COUNTS, COUNTED, LAYERS, MOMENTS, CHANNELS and STRUCTURES."""
        counts = [f"(N,L,B,I,O,name)=>{text}" for text in self._counts]
        lines = [
            f"const FUNCTIONS=[\n{_lines(self._functions)}];",
            f"const COUNTS=[\n{_lines(counts)}];",
            *(f"const {name.upper()}=[\n{_lines(rows)}];" for name, rows in self._tables.items()),
            f"const CHANNELS={data(self._channels)};",
            f"const STRUCTURES={data(self._structures)};",
        ]
        return "\n".join(lines)


def _lines(texts: Iterable[str]) -> str:
    return ",\n".join(texts)


def _letter(place: int) -> str:
    return LETTERS[place] if place < len(LETTERS) else f"{LETTERS[place % len(LETTERS)]}{place // len(LETTERS)}"
