"""A table as a reader asks for it: which columns and rows, in which order, and turned; the same in every format."""

from __future__ import annotations

from vggcost.errors import VggcostError, unknown
from vggcost.report.document import (
    EVERYWHERE,
    FILES,
    FOLDED,
    SCREEN,
    TOTAL,
    Column,
    Grid,
    Listing,
    Shape,
    Text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from vggcost.report.document import Document

    Row = Mapping[str, Any]

WEIGHTS, ALL, BLOCKS = ROWS = ("weights", "all", "blocks")
"""Which rows of a network: layers with parameters, every layer, or a row a block of convolutions."""

ON_PAPER = ("latex", "latex-siunitx", "typst")
"""Formats of a paper, which has room for the layers with weights and a few columns, where nobody asks for more."""

SHARE = "share"
SUMMED = ("count", "bytes", SHARE)
OTHERS = "other layers"
"""The row of what is left out, where it costs something: rows always sum to the total."""


def shaped(document: Document, fmt: str) -> Document:
    """Return a document as its reader, or a paper, wants its table; as it is where it has none to shape.

    Raises:
        VggcostError: an unknown column, or one that cannot be sorted by or shared.
    """
    shape = document.shape or Shape()
    if document.listing is None or (document.shape is None and fmt not in ON_PAPER):
        return document
    listing = document.listing()
    table = _Table(listing, shape)
    if fmt == "json":
        return document.replace(data=_data(document.data, table), shape=None)
    if fmt == "csv":
        return document.replace(record=table.record(document.record), shape=None)
    return document.replace(blocks=_blocks(document, table, fmt), shape=None)


def picked(listing: Listing, names: Sequence[str], shape: Shape) -> tuple[tuple[Column, ...], list[dict[str, Any]]]:
    """Return columns by their names, and the rows without the total.

    Raises:
        VggcostError: there is no such column.
    """
    table = _Table(listing, shape.replace(columns=tuple(names)))
    columns = table.columns(())
    return columns, [row for row in table.rows(None, columns) if not row.get(TOTAL)]


def check(columns: tuple[Column, ...], shape: Shape, *, layers: bool = True) -> None:
    """Refuse a shape that no table of these columns can have, before anything long is done for its rows.

    layers: whether its rows are layers.

    Raises:
        VggcostError: an unknown column, one that cannot be sorted by or shared, or rows of a table that has none.
    """
    table = _Table(Listing(columns, (), (), blocks=() if layers else None), shape)
    table.columns(())
    table.rows(None, ())


def checked_rows(word: str) -> str:
    """Return one of ROWS.

    Raises:
        VggcostError: it is none.
    """
    if word not in ROWS:
        raise unknown("rows", word, ROWS)
    return word


class _Table:
    """A listing and a shape: what the formats ask of the two."""

    def __init__(self, listing: Listing, shape: Shape) -> None:
        if shape.rows is not None and listing.blocks is None:
            raise VggcostError(f"--rows {shape.rows} is for a table of layers, and here a row is none; leave it away")
        self.listing, self.shape = listing, shape
        self.known = {column.key: column for column in listing.columns}
        self.total = next((row for row in listing.rows if row.get(TOTAL)), None)

    def columns(self, usual: Sequence[Column], *, keys: Sequence[str] | None = None) -> tuple[Column, ...]:
        """The columns that are asked for, or those that usually stand there."""
        asked = self.shape.columns or keys
        found = tuple(usual) if asked is None else self._named(asked)
        if self.shape.precision is None:
            return found
        return tuple(column.replace(decimals=self.shape.precision) for column in found)

    def _named(self, keys: Sequence[str]) -> tuple[Column, ...]:
        columns: list[Column] = []
        for key in keys:
            if key == SHARE and SHARE not in self.known:
                if not columns or not columns[-1].adds_up:
                    raise VggcostError(
                        f"the column 'share' stands behind the one that it is a share of, as in params,share;"
                        f" give it such a place, or write {next(self._that_add_up(), 'params')}_share"
                    )
                column = _share_of(columns[-1], "%")
            else:
                column = self.column(key)
            if any(column.key == other.key for other in columns):
                raise VggcostError(f"the column {column.key!r} is asked for twice; give each once")
            columns.append(column)
        return tuple(columns)

    def column(self, key: str) -> Column:
        """The column of a name, a share among them.

        Raises:
            VggcostError: there is none.
        """
        base = self.known.get(key.removesuffix("_share"))
        if key not in self.known and base is not None and base.adds_up:
            return _share_of(base, f"{base.heading} %")
        if key not in self.known:
            names = tuple(name for name in self.known)
            shares = tuple(f"{name}_share" for name in self._that_add_up())
            raise unknown("column", key, (*names, *shares))
        return self.known[key].replace(where=EVERYWHERE, leaves=0)

    def _that_add_up(self) -> Any:
        return (column.key for column in self.listing.columns if column.adds_up)

    def rows(self, which: str | None, columns: Sequence[Column]) -> list[dict[str, Any]]:
        """The rows that are asked for in their order, the total last; None folds them as they are."""
        layers = [dict(row) for row in self.listing.rows if not row.get(TOTAL)]
        if which == BLOCKS:
            layers = self._by_block(layers)
        elif which == WEIGHTS:
            layers = self._with_weights(layers, columns)
        if which is not None:
            for row in layers:
                row[FOLDED] = False
        layers = self._sorted(layers)
        rows = layers if self.total is None else [*layers, dict(self.total)]
        for column in columns:
            if column.kind == SHARE and self.total is not None:
                base = column.key.removesuffix("_share")
                whole = self.total.get(base)
                for row in rows:
                    part = row.get(base)
                    row[column.key] = None if part is None or not whole else (part, whole)
        return rows

    def _by_block(self, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for name, row in zip(self.listing.blocks or (), layers, strict=True):
            groups.setdefault(name, []).append(row)
        return [self._summed(name, "block", inside) for name, inside in groups.items()]

    def _with_weights(self, layers: list[dict[str, Any]], columns: Sequence[Column]) -> list[dict[str, Any]]:
        kept = [row for row in layers if has_weights(row)]
        left = [row for row in layers if not has_weights(row)]
        others = self._summed(OTHERS, None, left)
        bases = {column.key.removesuffix("_share") for column in columns}
        costs = any(others.get(base) for base in bases if base in self.known and self.known[base].adds_up)
        ends = ("shape", "image", "pair")
        others |= {key: None for key, column in self.known.items() if column.kind in ends}
        return [*kept, others] if costs else kept

    def _summed(self, name: str, kind: str | None, rows: Sequence[Row]) -> dict[str, Any]:
        """A row of several: sums, the first's input and the last's output."""
        summed: dict[str, Any] = {column.key: None for column in self.listing.columns}
        for column in self.listing.columns:
            known = [row[column.key] for row in rows if row.get(column.key) is not None]
            if column.adds_up:
                summed[column.key] = sum(known) if known else None
            elif column.kind in ("count", "bytes"):
                summed[column.key] = max(known, default=None)
        ends: dict[str, Any] = {}
        if rows:
            lasts = ("output", "image_output", *(key for key, column in self.known.items() if column.kind == "pair"))
            ends = {"input": rows[0].get("input"), **{key: rows[-1].get(key) for key in lasts}}
        return {**summed, **ends, "name": name, "kind": kind}

    def _sorted(self, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.shape.sort is None:
            return layers
        key, _, direction = self.shape.sort.partition(":")
        if direction not in ("", "asc", "desc"):
            raise VggcostError(f"--sort is {self.shape.sort!r}; give a column, COLUMN:asc or COLUMN:desc")
        column = self.column(key)
        base = key if key in self.known else key.removesuffix("_share")
        known = [row for row in layers if row.get(base) is not None]
        down = direction == "desc" or (not direction and not column.to_the_left)
        known.sort(key=lambda row: _order(row[base]), reverse=down)
        return [*known, *(row for row in layers if row.get(base) is None)]

    def record(self, usual: Grid) -> Grid:
        """The table of the CSV, of exact values."""
        columns = self.columns(usual.columns)
        rows = self.rows(self.shape.rows, columns)
        if not self.shape.transpose:
            return usual.replace(columns=columns, rows=rows)
        cells = [[column.plain(row.get(column.key)) for column in columns] for row in rows]
        return _turned(columns, cells, by_name=True)

    def grid(self, usual: Grid, document: Document, fmt: str) -> Grid:
        """The table that people are shown in a format."""
        paper = fmt in ON_PAPER
        place = SCREEN if fmt == "table" else FILES
        here = [column for column in usual.columns if column.where in (EVERYWHERE, place)]
        which = self.shape.rows or (WEIGHTS if paper and self.listing.blocks is not None else None)
        columns = self.columns(here, keys=self.listing.paper if paper or self.listing.turned else None)
        rows = self.rows(which, columns)
        notes = usual.notes
        if which is not None:
            notes = tuple(note for note in notes if note.where != SCREEN)
            notes += tuple(Text((line,)) for line in self._left_out(which, rows))
        caption, label = self.shape.caption or "", self.shape.label or ""
        if self.shape.columns is not None or self.listing.turned:
            columns = tuple(column.replace(leaves=_leaves(columns, place)) for place, column in enumerate(columns))
        made = usual.replace(columns=columns, rows=rows, narrow=None)
        if self.shape.transpose != self.listing.turned:
            rows = [row for row in rows if fmt != "table" or not row.get(FOLDED)]
            texts = [[column.text(row.get(column.key), document.human) for column in columns] for row in rows]
            too_wide = "With a row a column it does not fit this screen; a file has room for it, and another --format."
            narrow = made.replace(notes=(*notes, Text((too_wide,)))) if self.shape.transpose else made
            made = _turned(columns, texts).replace(title=usual.title, legend=usual.legend, narrow=narrow)
        return made.replace(notes=notes, caption=caption, label=label)

    def _left_out(self, which: str, rows: Sequence[Row]) -> list[str]:
        """Which layers a table of those with weights leaves out."""
        kinds: dict[str, int] = {}
        for row in self.listing.rows:
            if which == WEIGHTS and not row.get(TOTAL) and not has_weights(row):
                kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
        if not kinds:
            return []
        words = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        if any(row["name"] == OTHERS for row in rows):
            return [f"{OTHERS}, those without weights: {words}"]
        return [f"Left out, as they cost nothing here: {words}"]

    def dicts(self, usual: Mapping[str, Any]) -> dict[str, Any]:
        """The rows and their totals under the names of JSON, in place of those that usually stand there."""
        under = self.listing.under
        columns = () if self.shape.columns is None else self.columns(())
        rows = self.rows(self.shape.rows, columns)
        layers = [row for row in rows if not row.get(TOTAL)]
        if self.shape.columns is None:
            keys = tuple(usual[under][0]) if usual[under] else ()
            write = self.listing.json_row or (lambda row: {key: row.get(key) for key in keys})
            return {under: [{key: _listed(value) for key, value in write(row).items()} for row in layers]}
        found: dict[str, Any] = {under: [{column.key: _exact(column, row) for column in columns} for row in layers]}
        if self.total is not None:
            found["totals"] = {column.key: _exact(column, rows[-1]) for column in columns if column.kind in SUMMED}
        return found


def _leaves(columns: Sequence[Column], place: int) -> int:
    """When a column that was asked for leaves a screen that is too narrow: formulas first, then as everywhere."""
    column = columns[place]
    kinds = {"code": 4, "share": 2, "image": 1, "shape": 1}
    first = 3 if column.key == "flops" else kinds.get(column.kind, 0)
    return first * len(columns) + place if place else 0


def has_weights(row: Row) -> bool:
    """Whether a layer has parameters."""
    return bool(row.get("params") or row.get("weight_bytes"))


def block_names(rows: Sequence[Row], *, channels_last: bool = False) -> list[str]:
    """Return the block that each layer stands in: conv1, conv2, ..., classifier.

    A block of convolutions is what has one height and width, with the pool behind it; the classifier begins behind the
    last block's pool, where a linear layer follows and no convolution.
    """
    last_convolution = max((i for i, row in enumerate(rows) if "Conv" in row["kind"]), default=-1)
    names: list[str] = []
    number, size, closed, classifier = 0, None, True, False
    for place, row in enumerate(rows):
        before, after = (_image(row.get(side), channels_last) for side in ("input", "output"))
        pools = "Pool" in row["kind"] and before != after
        if last_convolution < place and ((closed and names) or row["kind"] in ("Flatten", "Linear")):
            classifier = True
        if not classifier and (closed or (after != size and not pools)):
            number += 1
        names.append("classifier" if classifier else f"conv{number}")
        closed, size = pools, after
    return names


def _image(shape: Sequence[int] | None, channels_last: bool) -> tuple[int, ...] | None:
    """What a shape has beside the batch and the channels."""
    if shape is None:
        return None
    return tuple(shape[1:-1] if channels_last else shape[2:])


def _share_of(column: Column, heading: str) -> Column:
    return Column(f"{column.key}_share", heading, SHARE)


def _order(value: Any) -> Any:
    """What a value is sorted by: a shape by its elements."""
    if isinstance(value, tuple | list):
        from math import prod

        return prod(value)
    return value


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _exact(column: Column, row: Row) -> Any:
    """A value for JSON, where shapes are lists."""
    value = row.get(column.key)
    return _listed(value) if column.kind in ("shape", "image", "pair") else column.plain(value)


def _turned(columns: Sequence[Column], cells: Sequence[Sequence[Any]], *, by_name: bool = False) -> Grid:
    """A table with a column for each row, whose cells are given row by row, under the names of its first column.

    by_name: columns and rows have the names of JSON and of the rows as their keys, as a program reads them.
    """
    first = columns[0]
    names: list[str] = []
    for values in cells:
        name = str(values[0])
        names.append(f"{name} ({names.count(name) + 1})" if name in (*names, first.key) else name)
    keys = names if by_name else [f"row {i}" for i in range(len(names))]
    heads = (Column(first.key, first.heading), *(Column(*pair, "number") for pair in zip(keys, names, strict=True)))
    lines = [
        {first.key: column.key if by_name else _full_heading(columns, place)}
        | {key: values[place] for key, values in zip(keys, cells, strict=True)}
        for place, column in enumerate(columns)
        if place
    ]
    return Grid(heads, lines)


def _full_heading(columns: Sequence[Column], place: int) -> str:
    """A column's heading, also where no other stands beside it."""
    heading = columns[place].heading
    return f"{columns[place - 1].heading} {heading}" if heading == "%" else heading


def _data(data: Mapping[str, Any], table: _Table) -> dict[str, Any]:
    """The JSON document with the rows and keys that are asked for."""
    shape = table.shape
    paper = {name: value for name, value in (("caption", shape.caption), ("label", shape.label)) if value is not None}
    return {**data, **table.dicts(data), **paper}


def _blocks(document: Document, table: _Table, fmt: str) -> tuple[Text | Grid, ...]:
    """The blocks with the shaped table; in a paper's float, the sentences above it are notes below it."""
    blocks = document.every_block()
    place, usual = next((i, block) for i, block in enumerate(blocks) if isinstance(block, Grid) and block.shapes)
    made = table.grid(usual, document, fmt)
    before = blocks[:place]
    if fmt in ON_PAPER and (made.caption or made.label):
        made = made.replace(notes=(*(block for block in before if isinstance(block, Text)), *made.notes))
        before = tuple(block for block in before if isinstance(block, Grid))
    return (*before, made, *blocks[place + 1 :])
