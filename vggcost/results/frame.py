"""Rows as a pandas DataFrame of plain columns, which polars and pyarrow take as they are."""

from __future__ import annotations

from vggcost.costs.arguments import words
from vggcost.errors import Needs, VggcostError
from vggcost.report.document import Shape
from vggcost.report.shaping import picked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from vggcost.report.document import Document

DECIMALS_OF_SHARES = 6


def to_frame(document: Document, columns: Sequence[str] | None, usual: Sequence[str]) -> pd.DataFrame:
    """Return a row a layer and no row of totals; columns are those of ``--columns``, None: the usual ones.

    Numbers are int64 (Int64 where one is missing) and float64, all else is text: shapes as ``1x64x224x224``.

    Raises:
        MissingExtraError: pandas is not installed.
        VggcostError: there is no such column.
    """
    with Needs("a frame", "pandas", "frame"):
        import pandas as pd

    if isinstance(columns, str):
        raise VggcostError(f"columns is the text {columns!r}; give a list of names")
    if document.listing is None:
        raise VggcostError("there are no rows here")
    names = tuple(usual) if columns is None else words(columns, "columns")
    found, rows = picked(document.listing(), names, Shape(precision=DECIMALS_OF_SHARES))
    series = {column.key: _series([column.plain(row.get(column.key)) for row in rows], column.kind) for column in found}
    return pd.DataFrame(series)


def _series(values: list[Any], kind: str) -> pd.Series[Any]:
    import pandas as pd

    if kind == "share":
        return pd.Series(values, dtype="float64")
    if kind not in ("count", "bytes"):
        return pd.Series(values, dtype="string")
    try:
        return pd.Series(values, dtype="Int64" if None in values else "int64")
    except OverflowError:  # counts that int64 does not hold stay exact
        return pd.Series(values, dtype="object")
