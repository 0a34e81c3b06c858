"""Rows as files: Parquet and CSV, written piece by piece beside their place and then moved there."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from vggcost.errors import Needs, VggcostError, in_part
from vggcost.sweep.places import NOTHING
from vggcost.sweep.rows import AxisColumn, axes_of, axis_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vggcost.sweep.space import Space
    from vggcost.sweep.task import TaskResult

ENDINGS = (".parquet", ".csv")

SCHEMA = "vggcost.sweep/1"
"""Of a manifest."""


def columns_of(space: Space, found: TaskResult) -> dict[str, Any]:
    """Return the columns of rows: the flat index, the axes, the numbers."""
    return {"index": found.index, **axis_columns(space, found.index), **found.columns}


class Writer:
    """A file of rows that is not there until it is closed.

    Raises:
        MissingExtraError: pyarrow is not installed.
        VggcostError: the name has another ending.
    """

    def __init__(self, place: str, space: Space) -> None:
        if not place.lower().endswith(ENDINGS):
            raise VggcostError(f"--output is {in_part(place)!r}; give a name that ends in .parquet or .csv")
        self._place = os.path.realpath(place)
        self._beside = f"{self._place}.{os.getpid()}.part"
        self._space = space
        self.rows = 0
        self._file: Any = None
        self._is_csv = place.lower().endswith(".csv")
        if not self._is_csv:
            with Needs("a Parquet file", "pyarrow", "sweep"):
                import pyarrow.parquet  # noqa: F401

    def add(self, found: TaskResult) -> None:
        """Write some rows behind those before.

        Raises:
            VggcostError: they cannot be written.
        """
        try:
            if self._is_csv:
                self._csv(columns_of(self._space, found))
            else:
                self._parquet(found)
        except OSError as error:
            raise self._refused(error) from None
        self.rows += len(found.index)

    def close(self) -> None:
        """Move the file to its place.

        Raises:
            VggcostError: it cannot be.
        """
        try:
            self._file.close()
            os.replace(self._beside, self._place)
        except OSError as error:
            raise self._refused(error) from None

    def leave(self) -> None:
        """Leave nothing behind."""
        with suppress(Exception):
            self._file.close()
        with suppress(OSError):
            os.unlink(self._beside)

    def _refused(self, error: OSError) -> VggcostError:
        why = error.strerror or str(error)
        return VggcostError(f"cannot write {in_part(self._place)!r}: {why}; nothing was changed there")

    def _csv(self, columns: dict[str, Any]) -> None:
        if self._file is None:
            self._file = open(self._beside, "w", encoding="utf-8", newline="")  # noqa: SIM115
            self._file.write(",".join(columns) + "\n")
        texts = [_texts(values) for values in columns.values()]
        self._file.writelines(",".join(row) + "\n" for row in zip(*texts, strict=True))

    def _parquet(self, found: TaskResult) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        axes = axes_of(self._space, found.index)
        numbers = {"index": found.index, **found.columns}
        table = pa.table(
            {
                "index": _numbers(found.index),
                **{name: _axis(column, len(found.index)) for name, column in axes.items()},
                **{name: _numbers(values) for name, values in found.columns.items()},
            }
        )
        if self._file is None:
            # Neighbours differ by little, so that their differences are short; an axis has few values. Readers see
            # plain columns: how they lie in memory here is nothing for them.
            self._file = parquet.ParquetWriter(
                self._beside,
                table.schema,
                compression="snappy",
                use_dictionary=list(axes),
                column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
                write_statistics=["index"],
                store_schema=False,
            )
        self._file.write_table(table)


def _texts(values: Any) -> list[str]:
    if values.dtype == np.bool_:
        return ["true" if each else "false" for each in values.tolist()]
    if values.dtype == object:
        return [f'"{each}"' if "," in each else each for each in values.tolist()]
    return ["" if each == NOTHING else str(each) for each in values.tolist()]


def _axis(column: AxisColumn, points: int) -> Any:
    """An axis as Arrow has it: words are written once, and beside them which of them a point has."""
    import pyarrow as pa

    if column.values.dtype != object:
        return _numbers(column.whole(points))
    places = np.zeros(points, np.int32) if column.places is None else column.places.astype(np.int32)
    texts = [text.encode() for text in column.values]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    words = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))
    return pa.DictionaryArray.from_arrays(_numbers(places), words)


def _numbers(values: NDArray[Any]) -> Any:
    """An array of numbers as Arrow has it, without a copy; what is `NOTHING` is missing.

    pyarrow's own way from numpy would load pandas.
    """
    import pyarrow as pa

    if values.dtype == np.bool_:
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])
    missing = values == NOTHING if values.dtype == np.int64 else None
    there = None if missing is None or not missing.any() else _bits(~missing)
    kind = {"int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64()}[values.dtype.name]
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(np.ascontiguousarray(values))])


def _bits(flags: NDArray[np.bool_]) -> Any:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def write_manifest(place: str, content: dict[str, Any]) -> None:
    """Write what a file of rows is, beside it.

    Raises:
        VggcostError: it cannot be written.
    """
    from vggcost.results import whole_file

    whole_file.write(f"{place}.manifest.json", json.dumps(content, indent=2) + "\n")
